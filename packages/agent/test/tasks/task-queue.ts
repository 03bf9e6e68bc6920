import { Queue, type Agent, type Task } from '@ixj/agent'

/** Tasks as an agent is handed them. */
export function taskQueue(agent: Agent): Queue<Task> {
  const queue = new Queue<Task>(10_000)
  void (async () => {
    for await (const task of agent.tasks()) queue.push(task)
  })()
  return queue
}
