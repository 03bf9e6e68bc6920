import { memoryStore } from '@ixj/agent'
import { describe, expect, it } from 'vitest'
import { name } from '../../../../test/world/world.ts'
import { outcomeOf, toInbox, Town } from '../town.ts'
import { taskQueue } from './task-queue.ts'

const A = name('a.acme.example')
const B = name('b.acme.example')

describe('send() of class task', () => {
  it('is handed to the handler with its attempt, and acknowledged', async () => {
    await using town = await Town.open(2)
    const a = await town.agent('a', 1, { grants: [toInbox(B)] })
    const b = await town.agent('b', 2)
    const tasks = taskQueue(b)
    const receipt = await town.world.until(a.send(B, 'mend it', { class: 'task' }))
    expect(receipt.peers).toBe(1)
    await town.world.until(receipt.acknowledged.all())
    expect(tasks.drain()).toMatchObject([
      { body: 'mend it', class: 'task', sender: A, attempt: 1, onBehalfOf: 'acme.example' },
    ])
    expect(receipt.acknowledged).toMatchObject({ expected: [B], missing: [], ended: true })
  })

  it('tells the acknowledgements as they come, and then ends', async () => {
    await using town = await Town.open(2)
    const a = await town.agent('a', 1, { grants: [toInbox(B)] })
    await town.agent('b', 2)
    const { acknowledged } = await town.world.until(a.send(B, 'x', { class: 'task' }))
    const names: string[] = []
    const reading = (async () => {
      for await (const from of acknowledged) names.push(from)
    })()
    await town.world.until(reading)
    expect(names).toEqual([B])
  })

  it('waits for a host, and is unreachable when none comes within its lifespan', async () => {
    await using town = await Town.open(2)
    const a = await town.agent('a', 1, { grants: [toInbox(B)] })
    const lost = outcomeOf(a.send(B, 'lost', { class: 'task', lifespanMs: 3_000 }))
    const kept = outcomeOf(a.send(B, 'kept', { class: 'task', lifespanMs: 60_000 }))
    await town.world.pass(2_990)
    expect(lost).toEqual({})
    await town.world.pass(20)
    expect(lost.code).toBe('unreachable')
    const tasks = taskQueue(await town.agent('b', 2))
    await town.world.pass(500)
    expect(kept.value?.acknowledged.missing).toEqual([])
    expect(tasks.drain()).toMatchObject([{ body: 'kept' }])
  })

  it('is sent again until it is acknowledged, and handed out once', async () => {
    // Three of ten messages are lost at each hop, acknowledgements among them.
    await using town = await Town.open(2, { loss: 0.3, seed: 7 })
    const a = await town.agent('a', 1, { grants: [toInbox(B)] })
    const tasks = taskQueue(await town.agent('b', 2))
    await town.world.pass(3_000)
    const sent = Array.from({ length: 20 }, (_, index) => index)
    const receipts = await town.world.until(
      Promise.all(sent.map((body) => a.send(B, body, { class: 'task', lifespanMs: 600_000 }))),
    )
    await town.world.pass(300_000)
    expect(receipts.map(({ acknowledged }) => acknowledged.missing)).toEqual(sent.map(() => []))
    const handed = tasks.drain().map(({ body }) => body as number)
    expect(handed.toSorted((left, right) => left - right)).toEqual(sent)
  })

  it('rejects with the names that never acknowledged it', async () => {
    await using town = await Town.open(2)
    const a = await town.agent('a', 1, { grants: [toInbox(B)] })
    await town.agent('b', 2)
    await town.world.until(a.send(B, 'the way is known'))
    const sent = a.send(B, 'x', { class: 'task', lifespanMs: 5_000 })
    const all = outcomeOf(sent.then(({ acknowledged }) => acknowledged.all()))
    await town.world.pass(1)
    town.world.network.disconnect('n1.acme.example', 'n2.acme.example')
    await town.world.pass(6_000)
    expect(all.code).toBe('unacknowledged')
    expect(all.cause).toMatchObject({ missing: [B] })
  })

  it('is withdrawn when its signal is aborted before anybody was handed it', async () => {
    await using town = await Town.open(2)
    const a = await town.agent('a', 1, { grants: [toInbox(B)] })
    const stop = new AbortController()
    const sent = outcomeOf(a.send(B, 'x', { class: 'task', signal: stop.signal }))
    await town.world.pass(100)
    stop.abort(new Error('enough'))
    await town.world.pass(1)
    expect(sent.cause).toMatchObject({ message: 'enough' })
    const tasks = taskQueue(await town.agent('b', 2))
    await town.world.pass(60_000)
    expect(tasks.drain()).toEqual([])
  })

  it('is not sent by the next run when it was withdrawn', async () => {
    const store = memoryStore()
    await using town = await Town.open(1)
    const { world, acme } = town
    const identity = await world.bind(acme, A, { grants: [toInbox(B)] })
    const nodeIdentity = await world.bind(acme, 'n2.acme.example')
    const open = async () => {
      const node = await world.node(acme, 'n2.acme.example', { store, identity: nodeIdentity })
      return { node, a: await node.host.openAgent(identity) }
    }
    const first = await open()
    const stop = new AbortController()
    const withdrawn = outcomeOf(first.a.send(B, 'no', { class: 'task', signal: stop.signal }))
    const kept = outcomeOf(first.a.send(B, 'yes', { class: 'task' }))
    await world.pass(100)
    stop.abort(new Error('enough'))
    await world.until(first.node.host[Symbol.asyncDispose]())
    expect([withdrawn.cause, kept.code]).toMatchObject([{ message: 'enough' }, 'closed'])
    await open()
    await world.connect('n1.acme.example', 'n2.acme.example')
    const tasks = taskQueue(await town.agent('b', 1))
    await world.pass(60_000)
    expect(tasks.drain().map(({ body }) => body)).toEqual(['yes'])
  })

  it('reaches an agent of the same node', async () => {
    await using town = await Town.open(1)
    const a = await town.agent('a', 1, { grants: [toInbox(B)] })
    const tasks = taskQueue(await town.agent('b', 1))
    const receipt = await town.world.until(a.send(B, 'x', { class: 'task' }))
    await town.world.until(receipt.acknowledged.all())
    expect(tasks.drain()).toMatchObject([{ body: 'x', attempt: 1 }])
  })

  it('is refused by a policy as any message, and never acknowledged', async () => {
    await using town = await Town.open(2)
    const a = await town.agent('a', 1)
    const tasks = taskQueue(await town.agent('b', 2))
    const receipt = await town.world.until(a.send(B, 'x', { class: 'task', lifespanMs: 20_000 }))
    await town.world.pass(21_000)
    expect(receipt.acknowledged.missing).toEqual([B])
    expect(tasks.drain()).toEqual([])
  })
})

describe('publish() of class task', () => {
  it('reaches whoever was away within moments of his return, however long that was', async () => {
    await using town = await Town.open(3, { line: true })
    const { world } = town
    const a = await town.member('a', 1)
    const c = await town.member('c', 3)
    // On the node between them, over which the crew travels.
    await town.member('b', 2)
    const tasks = taskQueue(c.agent)
    await world.pass(8_000)
    world.network.disconnect('n1.acme.example', 'n2.acme.example')
    await world.pass(14_000)
    // Nodes further off are missed after a while alone.
    const sent = outcomeOf(a.crew.publish('mend it', { class: 'task', to: [c.agent.name] }))
    await world.pass(60_000)
    expect(sent.value).toMatchObject({ peers: 0, acknowledged: { expected: [c.agent.name] } })
    world.network.connect('n1.acme.example', 'n2.acme.example')
    await world.pass(3_000)
    expect(tasks.drain()).toMatchObject([{ body: 'mend it', attempt: 1 }])
  })
})
