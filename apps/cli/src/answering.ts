import { type Agent, AgentError, type Body, type IncomingRequest, type Task } from '@ixj/agent'
import { toHex } from '@ixj/trust'
import { type CommandResult, runCommand } from './answering-command.ts'
import { bodyRecord, bodyText, type Output, printable } from './output.ts'

/** How requests and tasks are handled. */
export interface Answering {
  /** A command for /bin/sh; without one the body itself is the answer. */
  readonly exec?: string
  /** How many are handled in all; default: no end. */
  readonly count?: number
  readonly output: Output
  readonly stopped: AbortSignal
}

/**
 * Has agents answer what they are asked and do their tasks, and tells of each. Of each kind an agent
 * handles one after the other: a command need not expect to run beside itself for one name.
 */
export async function answerAll(agents: readonly Agent[], answering: Answering): Promise<void> {
  const enough = new AbortController()
  const signal = AbortSignal.any([answering.stopped, enough.signal])
  let left = answering.count ?? Infinity
  const one = () => {
    left -= 1
    if (left === 0) enough.abort()
  }
  const requests = async (agent: Agent) => {
    for await (const request of agent.requests({ signal })) {
      await answerRequest(request, answering)
      one()
    }
  }
  const tasks = async (agent: Agent) => {
    for await (const task of agent.tasks({ signal })) {
      await doTask(task, answering)
      one()
    }
  }
  await Promise.all(agents.flatMap((agent) => [requests(agent), tasks(agent)]))
}

async function answerRequest(request: IncomingRequest, answering: Answering): Promise<void> {
  const result = await resultOf(request, answering)
  try {
    if (result.done) await request.reply(result.body)
    else await request.fail(result.reason)
  } catch (cause) {
    // The one who asked has gone; the next one has not.
    if (!(cause instanceof AgentError)) throw cause
    return tell('unreachable', request, { done: false, reason: cause.message }, answering.output)
  }
  tell(result.done ? 'answered' : 'failed', request, result, answering.output)
}

async function doTask(task: Task, answering: Answering): Promise<void> {
  const result = await resultOf(task, answering)
  if (result.done) await task.done()
  else task.fail()
  tell(result.done ? 'done' : 'failed', task, result, answering.output)
}

async function resultOf(
  message: IncomingRequest | Task,
  { exec, stopped }: Answering,
): Promise<CommandResult> {
  if (exec === undefined) return { done: true, body: message.body }
  // Nobody waits for it afterwards.
  const over = AbortSignal.timeout(Math.max(1, message.expiresAt - Date.now()))
  return await runCommand(exec, message, AbortSignal.any([over, stopped]))
}

function tell(
  event: 'answered' | 'done' | 'failed' | 'unreachable',
  message: IncomingRequest | Task,
  result: CommandResult,
  output: Output,
): void {
  const { id, topic, sender, onBehalfOf, body, attempt } = message
  const answer: Body = result.done ? result.body : result.reason
  const record = {
    event,
    id: toHex(id),
    topic,
    sender,
    onBehalfOf,
    attempt,
    body: bodyRecord(body),
    answer: bodyRecord(answer),
  }
  const { green, red, bold } = output.paint
  const word = result.done ? green(event.padEnd(9)) : red(event.padEnd(9))
  const said = result.done ? bodyText(answer) : printable(result.reason)
  output.print(record, `${word}  ${bold(sender)}  ${bodyText(body)} → ${said}`)
}
