import { explanationOf } from '../../src/explanation-of.ts'
import {
  issueRevocation,
  memoryStore,
  type Agent,
  type AuditLog,
  type HistoryRows,
  type Store,
  type Task,
} from '@ixj/agent'
import { describe, expect, it } from 'vitest'
import { LogBench } from '../../../../test/world/log-bench.ts'
import { nodeSha256 } from '../../../../test/world/native-keys.ts'
import { name } from '../../../../test/world/world.ts'
import { LOG_RETRY_MS } from '../../../node/src/audit/limits.ts'
import { memoryHistory } from '../../src/history/memory-rows.ts'
import { bodies, outcomeOf, toInbox, Town } from '../town.ts'
import { taskQueue } from './task-queue.ts'

const A = name('a.acme.example')
const B = name('b.acme.example')
const N2 = name('n2.acme.example')

/** Two nodes, an agent on the first that may write to the one on the second. */
async function openPair(options: { readonly store?: Store; readonly audit?: AuditLog } = {}) {
  // Five ms a hop, so that a test can say what has arrived.
  const town = await Town.open(1, { latencyMs: [5, 5] })
  const { world, acme } = town
  const store = options.store ?? memoryStore()
  const identity = await world.bind(acme, B)
  const nodeIdentity = await world.bind(acme, N2)
  const a = await town.agent('a', 1, { grants: [toInbox(B)] })
  /** Opens the second node, over what its store remembers. */
  const open = async () => {
    const audit = options.audit === undefined ? {} : { audit: options.audit }
    const node = await world.node(acme, N2, { store, identity: nodeIdentity, ...audit })
    await world.connect('n1.acme.example', N2)
    const b = await node.host.openAgent(identity)
    await world.pass(500)
    return { node, b }
  }
  return { town, world, store, a, open, ...(await open()) }
}

/** Sends a task that arrives, and whose acknowledgement does not. */
async function sendCutOff(world: Town['world'], a: Agent) {
  await world.until(a.send(B, 'the way is known'))
  await world.pass(100)
  const sent = outcomeOf(a.send(B, 'x', { class: 'task' }))
  await world.pass(7)
  world.network.disconnect('n1.acme.example', N2)
  return sent
}

/** The next task, when time has passed. */
async function nextTask(world: Town['world'], agent: Agent): Promise<Task> {
  const reading = agent.tasks()[Symbol.asyncIterator]()
  const { value } = (await world.until(reading.next())) as { readonly value: Task }
  return value
}

describe('a task that was received', () => {
  it('is handed out again when its handler failed, and not when it is done', async () => {
    const { town, world, a, b } = await openPair()
    await using _ = town
    const tasks = taskQueue(b)
    await world.until(a.send(B, 'x', { class: 'task' }))
    await world.pass(100)
    const [first] = tasks.drain()
    first!.fail()
    await world.pass(990)
    expect(tasks.size).toBe(0)
    await world.pass(20)
    const [second] = tasks.drain()
    expect(second).toMatchObject({ body: 'x', attempt: 2 })
    // What an earlier attempt says does not count any more.
    first!.fail()
    await world.until(second!.done())
    second!.fail()
    await world.pass(120_000)
    expect(tasks.size).toBe(0)
  })

  it('is given up when five handlers have failed, and counted', async () => {
    const { town, world, a, b, node } = await openPair()
    await using _ = town
    await world.until(a.send(B, 'x', { class: 'task' }))
    const attempts: number[] = []
    void (async () => {
      for await (const task of b.tasks()) {
        attempts.push(task.attempt)
        task.fail()
      }
    })()
    await world.pass(120_000)
    expect(attempts).toEqual([1, 2, 3, 4, 5])
    expect(node.host.load.tasks).toEqual({ open: 0, lost: 1, unacknowledged: 0 })
  })

  it('is handed out again with attempt 2 after its process died before it was done', async () => {
    const { town, world, a, b, node, open } = await openPair()
    await using _ = town
    const receipt = await world.until(a.send(B, 'x', { class: 'task' }))
    await world.until(receipt.acknowledged.all())
    expect(await nextTask(world, b)).toMatchObject({ body: 'x', attempt: 1 })
    await world.until(node.host[Symbol.asyncDispose]())
    const again = await open()
    const task = await nextTask(world, again.b)
    expect(task).toMatchObject({ body: 'x', attempt: 2, sender: A, onBehalfOf: 'acme.example' })
    expect(explanationOf(task).authority.state).toBe('yes')
    await world.until(task.done())
    await world.until(again.node.host[Symbol.asyncDispose]())
    const third = await open()
    const tasks = taskQueue(third.b)
    await world.pass(120_000)
    expect(tasks.size).toBe(0)
  })

  it('is not handed out after a restart when its sender was revoked meanwhile', async () => {
    const { town, world, a, b, node, open } = await openPair()
    await using _ = town
    await world.until(a.send(B, 'x', { class: 'task' }))
    await nextTask(world, b)
    await world.until(node.host[Symbol.asyncDispose]())
    await revoke(town, a)
    const again = await open()
    const tasks = taskQueue(again.b)
    await world.pass(30_000)
    expect(tasks.size).toBe(0)
    expect(again.node.host.counts.get('revoked')).toBeGreaterThan(0)
  })

  it('is not handed out past its lifespan', async () => {
    const { town, world, a, b, node, open } = await openPair()
    await using _ = town
    await world.until(a.send(B, 'x', { class: 'task', lifespanMs: 5_000 }))
    await nextTask(world, b)
    await world.until(node.host[Symbol.asyncDispose]())
    await world.pass(5_000)
    const tasks = taskQueue((await open()).b)
    await world.pass(1_000)
    expect(tasks.size).toBe(0)
  })

  it('is acknowledged again when a copy comes, and handed out once', async () => {
    const { town, world, a, b, node } = await openPair()
    await using _ = town
    const tasks = taskQueue(b)
    const receipt = await sendCutOff(world, a)
    await world.pass(30_000)
    expect(tasks.drain()).toMatchObject([{ body: 'x' }])
    expect(receipt.value?.acknowledged.missing).toEqual([B])
    await world.connect('n1.acme.example', N2)
    await world.pass(40_000)
    expect(receipt.value?.acknowledged.missing).toEqual([])
    expect(tasks.size).toBe(0)
    expect(node.host.counts.get('duplicate')).toBeGreaterThan(0)
  })

  it('is a duplicate after a restart too, where the replay table has forgotten it', async () => {
    const { town, world, a, b, node, open } = await openPair()
    await using _ = town
    const receipt = await sendCutOff(world, a)
    await (await nextTask(world, b)).done()
    await world.until(node.host[Symbol.asyncDispose]())
    const again = await open()
    const tasks = taskQueue(again.b)
    await world.pass(60_000)
    expect(receipt.value?.acknowledged.missing).toEqual([])
    expect(tasks.size).toBe(0)
    expect(again.node.host.counts.get('duplicate')).toBeGreaterThan(0)
  })
})

describe('a task that cannot be stored', () => {
  it('is not acknowledged, and taken when the store is well again', async () => {
    const inner = memoryStore()
    const disk = { fails: false }
    const store: Store = {
      get: (key) => inner.get(key),
      set: async (key, value) => {
        if (disk.fails && key.startsWith('tasks/')) throw new Error('no space left')
        await inner.set(key, value)
      },
    }
    const { town, world, a, b, node } = await openPair({ store })
    await using _ = town
    const tasks = taskQueue(b)
    disk.fails = true
    const receipt = await world.until(a.send(B, 'x', { class: 'task' }))
    await world.pass(10_000)
    expect(receipt.acknowledged.missing).toEqual([B])
    expect(tasks.size).toBe(0)
    expect(node.host.counts.get('own-fault')).toBeGreaterThan(0)
    disk.fails = false
    await world.pass(60_000)
    expect(receipt.acknowledged.missing).toEqual([])
    expect(tasks.drain()).toMatchObject([{ body: 'x', attempt: 1 }])
  })
})

describe('a task whose record is not safe', () => {
  it('is neither acknowledged nor handed out before the disk has it, and both when it is well', async () => {
    const bench = new LogBench()
    await using log = await bench.open()
    const { town, world, a, b, node } = await openPair({ audit: log })
    await using _ = town
    const tasks = taskQueue(b)
    bench.disk.trouble = (operation) => (operation === 'sync' ? 'io-error' : undefined)
    const receipt = await world.until(a.send(B, 'x', { class: 'task' }))
    await world.pass(10_000)
    expect([tasks.size, receipt.acknowledged.missing]).toEqual([0, [B]])
    expect(node.host.counts.get('log-unwritable')).toBeGreaterThan(0)
    bench.disk.trouble = () => undefined
    await bench.clock.advance(LOG_RETRY_MS)
    await world.pass(60_000)
    expect(receipt.acknowledged.missing).toEqual([])
    expect(tasks.drain()).toMatchObject([{ body: 'x', attempt: 1 }])
    await bench.settle()
    const records = bench.records().filter(({ kind }) => kind === 'bundle')
    expect(records).toMatchObject([{ code: null, class: 'task' }])
  })
})

describe('tasks in groups and inboxes of many', () => {
  it('publish() of class task is acknowledged by each member of the frozen roster', async () => {
    await using town = await Town.open(3)
    const { world } = town
    const a = await town.member('a', 1)
    const members = [
      await town.member('b', 2),
      await town.member('c', 3),
      await town.member('d', 3),
    ]
    await world.pass(6_000)
    const queues = members.map(({ agent }) => taskQueue(agent))
    const messages = members.map(({ crew }) => crew.messages())
    const { acknowledged } = await world.until(a.crew.publish('x', { class: 'task' }))
    await world.until(acknowledged.all())
    expect(acknowledged.expected.toSorted()).toEqual([
      'b.acme.example',
      'c.acme.example',
      'd.acme.example',
    ])
    expect(queues.map((queue) => queue.drain().map(({ body }) => body))).toEqual([
      ['x'],
      ['x'],
      ['x'],
    ])
    expect(messages.map((queue) => bodies(queue))).toEqual([[], [], []])
  })

  it('publish() resolves where every member is of the same node', async () => {
    // The disk takes longer than those on the same node to acknowledge it.
    const rows = memoryHistory()
    const clock = { sleep: (): Promise<void> => Promise.resolve() }
    const put: HistoryRows['put'] = async (...kept) => {
      await clock.sleep()
      await rows.put(...kept)
    }
    await using town = await Town.open(1, { history: { ...rows, put } })
    const { world } = town
    clock.sleep = () =>
      new Promise((resolve) => world.clock.at(world.clock.now() + 50, () => resolve()))
    const a = await town.member('a', 1)
    const b = await town.member('b', 1)
    const tasks = taskQueue(b.agent)
    const { acknowledged } = await world.until(a.crew.publish('x', { class: 'task' }))
    await world.until(acknowledged.all())
    expect(tasks.drain()).toMatchObject([{ body: 'x', attempt: 1 }])
  })

  it('publish() to some is acknowledged by those alone', async () => {
    await using town = await Town.open(2)
    const { world } = town
    const a = await town.member('a', 1)
    const b = await town.member('b', 2)
    const c = await town.member('c', 2)
    await world.pass(6_000)
    const queues = [taskQueue(b.agent), taskQueue(c.agent)]
    const sent = a.crew.publish('x', { class: 'task', to: ['b.acme.example'] })
    const { acknowledged } = await world.until(sent)
    await world.until(acknowledged.all())
    expect(acknowledged.expected).toEqual([B])
    await world.pass(1_000)
    expect(queues.map((queue) => queue.size)).toEqual([1, 0])
  })

  it('a request of class task is answered, and its answer acknowledged', async () => {
    await using town = await Town.open(2, { loss: 0.3, seed: 3 })
    const { world } = town
    const a = await town.agent('a', 1, { grants: [toInbox(B)] })
    const b = await town.agent('b', 2)
    await world.pass(3_000)
    const attempts: number[] = []
    void (async () => {
      for await (const request of b.requests()) {
        attempts.push(request.attempt)
        await request.reply(['done', request.body])
      }
    })()
    const asked = [1, 2, 3, 4, 5].map((body) => outcomeOf(a.request(B, body, { class: 'task' })))
    await world.pass(300_000)
    expect(asked.map(({ value }) => value?.body)).toEqual([1, 2, 3, 4, 5].map((n) => ['done', n]))
    expect(attempts).toEqual([1, 1, 1, 1, 1])
  })

  it('a request of class task that nobody answered is asked again after a restart', async () => {
    const { town, world, a, b, node, open } = await openPair()
    await using _ = town
    const asked = outcomeOf(a.request(B, 'x', { class: 'task' }))
    const first = b.requests()[Symbol.asyncIterator]()
    expect((await world.until(first.next())).value).toMatchObject({ attempt: 1 })
    await world.until(node.host[Symbol.asyncDispose]())
    const again = await open()
    const { value } = await world.until(again.b.requests()[Symbol.asyncIterator]().next())
    expect(value).toMatchObject({ body: 'x', attempt: 2 })
    await world.until(value.reply('at last'))
    await world.pass(1_000)
    expect(asked.value?.body).toBe('at last')
  })

  it('fanOut() of class task tells who has received it, and collects the answers', async () => {
    await using town = await Town.open(2)
    const { world } = town
    const a = await town.member('a', 1)
    const b = await town.member('b', 2)
    await world.pass(6_000)
    void (async () => {
      for await (const request of b.agent.requests()) await request.reply('yes')
    })()
    const run = a.crew.fanOut('x', { class: 'task' })
    await world.pass(2_000)
    expect(run.status.get(B)).toBe('replied')
    expect(run.acknowledged?.missing).toEqual([])
  })

  it('a gathered topic acknowledges by whoever gathers it, and is done with its batch', async () => {
    const results = name('results.acme.example')
    await using town = await Town.open(2)
    const { world } = town
    const a = await town.agent('a', 1, { grants: [toInbox(results)] })
    const host = { actions: ['host'], topics: [results], mayDelegate: ['*.acme.example'] } as const
    const b = await town.agent('b', 2, { uses: 'both', grants: [host] })
    const gather = await b.gather(results, { windowMs: 100 })
    const receipt = await world.until(a.send(results, 1, { class: 'task' }))
    await world.until(receipt.acknowledged.all())
    const { value } = await world.until(gather[Symbol.asyncIterator]().next())
    expect(value).toMatchObject({ senders: 1, messages: [{ body: 1, class: 'task' }] })
  })
})

/** The organisation takes an agent's key back, and all nodes hear of it. */
async function revoke(town: Town, agent: Agent): Promise<void> {
  const { world, acme, nodes } = town
  const target = { kind: 'key', name: agent.name, key: agent.identity.signer.publicKey } as const
  const context = { clock: world.clock, random: world.bytes, hash: nodeSha256 }
  const notice = await issueRevocation(acme, target, context)
  await nodes[0]!.host.takeNotice(notice.bytes)
  await town.world.pass(500)
}
