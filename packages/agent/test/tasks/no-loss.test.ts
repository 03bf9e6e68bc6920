import { memoryStore, type Agent, type Identity } from '@ixj/agent'
import { toHex } from '@ixj/trust'
import { expect, it } from 'vitest'
import { LogBench } from '../../../../test/world/log-bench.ts'
import { name, World } from '../../../../test/world/world.ts'
import { toInbox } from '../town.ts'

const A = name('a.acme.example')
const B = name('b.acme.example')
const NODES = ['n1.acme.example', 'n2.acme.example'] as const
const TASKS = 100

/** One side of the test, which ends and begins again over what its store remembers. */
interface Side {
  agent: Agent
  restart(): Promise<void>
}

/** Does its tasks, one failing now and then; what was done, how often, and in which attempt. */
function workOn(agent: Agent, done: Map<number, number[]>): void {
  void (async () => {
    for await (const task of agent.tasks()) {
      const number = task.body as number
      if (number % 10 === 0 && task.attempt === 1) task.fail()
      else {
        done.set(number, [...(done.get(number) ?? []), task.attempt])
        await task.done()
      }
    }
  })()
}

it('no task is lost, and none done twice, over 5 % of loss and restarts of both sides', async () => {
  const seed = 11
  const world = new World(seed, { loss: 0.05 })
  await using _ = { [Symbol.asyncDispose]: () => world.close() }
  const acme = world.organisation('acme.example')
  const bench = new LogBench()
  await using log = await bench.open()
  const identities = [
    await world.bind(acme, A, { grants: [toInbox(B)] }),
    await world.bind(acme, B),
  ] as const
  const open = async (index: 0 | 1): Promise<Side> => {
    const store = memoryStore()
    const node: Identity = await world.bind(acme, NODES[index])
    const begin = async () => {
      const audit = index === 1 ? { audit: log } : {}
      const { host } = await world.node(acme, NODES[index], { store, identity: node, ...audit })
      return { host, agent: await host.openAgent(identities[index]) }
    }
    let { host, agent } = await begin()
    const side: Side = {
      agent,
      restart: async () => {
        await world.until(host[Symbol.asyncDispose]())
        ;({ host, agent } = await begin())
        side.agent = agent
        world.network.connect(...NODES)
        await world.pass(500)
      },
    }
    return side
  }
  const [sender, receiver] = [await open(0), await open(1)]
  await world.connect(...NODES)
  const done = new Map<number, number[]>()
  workOn(receiver.agent, done)
  for (let number = 0; number < TASKS; number++) {
    const sent = sender.agent.send(B, number, { class: 'task', lifespanMs: 1_800_000 })
    sent.catch(() => 'its agent is closed; what is stored is sent on')
    await world.pass(100)
    if (number === 40) await receiver.restart().then(() => workOn(receiver.agent, done))
    if (number === 70) await sender.restart()
  }
  await world.pass(300_000)
  const expected = Array.from({ length: TASKS }, (_each, number) => [
    number,
    [number % 10 === 0 ? 2 : 1],
  ])
  expect(
    [...done].toSorted(([one], [other]) => one - other),
    `seed ${seed}`,
  ).toEqual(expected)
  expect(world.hosts.at(-1)!.load.tasks.unacknowledged).toBe(0)
  await bench.settle()
  const accepted = bench
    .records()
    .flatMap((record) =>
      record.kind === 'bundle' && record.class === 'task' && record.code === null ? [record] : [],
    )
  // One record for each decision: each task was accepted once, and each tenth judged once more.
  expect(accepted).toHaveLength(TASKS + TASKS / 10)
  expect(new Set(accepted.map(({ id }) => toHex(id!))).size).toBe(TASKS)
})
