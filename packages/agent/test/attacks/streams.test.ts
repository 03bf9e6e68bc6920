import type { Transport } from '@ixj/agent'
import { describe, expect, it } from 'vitest'
import { makeBundle } from '../../../../test/world/made-bundle.ts'
import { RawNode } from '../../../../test/world/raw-node.ts'
import { World } from '../../../../test/world/world.ts'
import { GAP_WAIT_MS, REPLAY_EPOCHS_MAX, REPLAY_LANES_MAX } from '../../src/limits.ts'
import { ManualClock } from '../../src/manual-clock.ts'
import { Order } from '../../src/pipeline/order.ts'
import { ReplayTable } from '../../src/pipeline/replay.ts'
import { isAnnouncement } from '../../src/presence/announcement.ts'
import { ACCEPTED, annsBundle, carry, CREW, DESK, openScene, refusedAs } from '../scene.ts'
import { bodies, CREW_GRANT, outcomeOf } from '../town.ts'

describe('epochs without end', () => {
  it('of one sender leave room for every other in the replay table', () => {
    const ended: string[] = []
    const table = new ReplayTable((stream) => ended.push(stream))
    const placeOf = (lane: string, epoch: number) => ({
      lane,
      epoch,
      stream: `${lane}|${epoch}`,
      key: lane,
      first: 1,
      count: 1,
      id: `${lane} ${epoch}`,
      forgetAt: 1_000_000,
    })
    const take = (lane: string, epoch: number) => {
      table.checkEarly(placeOf(lane, epoch))
      table.write(placeOf(lane, epoch))
    }
    const epochs = REPLAY_LANES_MAX + 10
    for (let epoch = 1; epoch <= epochs; epoch++) take('loud', epoch)
    take('quiet', 1)
    expect(table.size).toBe(REPLAY_EPOCHS_MAX + 1)
    expect(ended).toHaveLength(epochs - REPLAY_EPOCHS_MAX)
    // What was given up is refused, and not taken a second time.
    expect(() => take('loud', 1)).toThrow('newer are open')
    expect(() => take('loud', epochs)).toThrow('twice')
  })

  it('of one sender are not followed by the order of delivery', async () => {
    await using scene = await openScene()
    const now = scene.world.clock.now()
    // Each leaves a gap that is waited for, until a newer epoch ends its stream.
    for (let epoch = now; epoch <= now + REPLAY_EPOCHS_MAX; epoch++) {
      const made = await annsBundle(scene, DESK, { epoch, first: 2 })
      expect(await carry(scene, made, { waitMs: 5 })).toEqual(ACCEPTED)
    }
    expect(scene.deskInbox.drain()).toMatchObject([{ gap: 1 }])
    await scene.world.pass(2_000)
    const gaps = Array.from({ length: REPLAY_EPOCHS_MAX }, () => ({ gap: 1 }))
    expect(scene.deskInbox.drain()).toMatchObject(gaps)
  })
})

describe('a refused sender', () => {
  it('leaves no stream behind: what it is refused for says nothing of what comes', async () => {
    await using scene = await openScene()
    const epoch = scene.world.clock.now()
    // Without its grant, it holds in all but authority.
    const refused = await makeBundle(scene.world, scene.ann, DESK, { epoch, first: 5 })
    expect(await carry(scene, refused)).toEqual(refusedAs('policy'))
    await scene.world.pass(2_100)
    const genuine = await annsBundle(scene, DESK, { epoch, first: 1 })
    expect(await carry(scene, genuine)).toEqual(ACCEPTED)
    expect(scene.deskInbox.drain()).toMatchObject([{ gap: 0, late: false }])
  })

  it('fills its places where its stream is followed, and only there', () => {
    const order = new Order(new World(1).clock)
    const options = { whole: false, until: 1_000_000, bytes: 100 }
    const turns: unknown[] = []
    const push = (stream: string, first: number) =>
      order.push(stream, { first, count: 1 }, options, (turn) => turns.push({ first, ...turn }))
    order.fill('a', { first: 7, count: 1 })
    push('a', 5)
    expect(turns).toEqual([{ first: 5, gap: 0, late: false }])
    order.fill('a', { first: 6, count: 1 })
    push('a', 7)
    expect(turns.slice(1)).toEqual([{ first: 7, gap: 0, late: false }])
  })
})

/** Runs over a transport that once keeps a bundle for later and reaches nobody, as gossip may. */
function keepingOnce(real: Transport) {
  const state = { armed: false, kept: undefined as Uint8Array | undefined }
  const transport: Transport = {
    peer: real.peer,
    attach: (receiver) => real.attach(receiver),
    openChannel: (...args) => real.openChannel(...args),
    admit: (peer) => real.admit(peer),
    disconnect: (peer) => real.disconnect(peer),
    subscribe: (topic) => real.subscribe(topic),
    unsubscribe: (topic) => real.unsubscribe(topic),
    allow: (...args) => real.allow(...args),
    announce: (...args) => real.announce(...args),
    disallow: (...args) => real.disallow(...args),
    subscribers: (topic) => real.subscribers(topic),
    publish: async (topic, bytes) => {
      if (!state.armed || isAnnouncement(bytes)) return await real.publish(topic, bytes)
      state.armed = false
      state.kept = bytes.slice()
      for (const peer of real.subscribers(topic)) await real.disconnect(peer)
      return 0
    },
    [Symbol.asyncDispose]: () => real[Symbol.asyncDispose](),
  }
  return { state, transport }
}

/** Ann on a node with such a transport, and bob on another; both are in the crew. */
async function openPair() {
  const world = new World(1, { latencyMs: [1, 1] })
  const acme = world.organisation('acme.example')
  const [n1, n2] = ['n1.acme.example', 'n2.acme.example']
  const { state, transport } = keepingOnce(world.network.open(n1))
  const one = await world.host(acme, await world.bind(acme, n1), transport)
  const other = await world.node(acme, n2)
  const grants = [CREW_GRANT]
  const ann = await one.openAgent(await world.bind(acme, 'ann.acme.example', { grants }))
  const bob = await other.host.openAgent(await world.bind(acme, 'bob.acme.example', { grants }))
  const [anns, bobs] = [await ann.join(CREW), await bob.join(CREW)]
  return { world, acme, state, n1, n2, other, anns, inbox: bobs.messages() }
}

describe('the places of a bundle', () => {
  it('are not used again once the transport was given it, whoever took it', async () => {
    const { world, acme, state, n1, n2, other, anns, inbox } = await openPair()
    const spy = new RawNode(
      world,
      acme,
      await world.bind(acme, 'spy.acme.example', { grants: [CREW_GRANT] }),
    )
    await spy.meet(n1)
    await spy.join(n1, CREW)
    await world.connect(n1, n2)
    await world.until(anns.publish('one'))
    state.armed = true
    const lost = outcomeOf(anns.publish('two'))
    await world.pass(1_500)
    expect(lost.code).toBe('not-handed-over')
    await world.connect(n1, n2)
    await spy.meet(n2)
    spy.transport.allow(n2, n2)
    await spy.join(n2, CREW)
    // The spy had it from the transport's own store, and brings it before the next one comes.
    await spy.transport.publish(CREW, state.kept!)
    await world.pass(50)
    for (const body of ['three', 'four']) await world.until(anns.publish(body))
    await world.pass(50)
    expect(bodies(inbox)).toEqual(['one', 'two', 'three', 'four'])
    expect(other.host.evidence).toEqual([])
    await world.close()
  })

  it('are kept where nobody was there: who comes later is repaired', async () => {
    const { world, n1, n2, anns, inbox } = await openPair()
    expect((await world.until(anns.publish('to nobody'))).peers).toBe(0)
    await world.connect(n1, n2)
    await world.until(anns.publish('one'))
    await world.pass(50)
    const both = [{ body: 'to nobody' }, { body: 'one' }]
    expect(inbox.drain()).toMatchObject(both.map((each) => ({ ...each, gap: 0, late: false })))
    await world.close()
  })
})

describe('gaps without end', () => {
  /** A stream of which every second place never comes, each bundle of 100 bytes. */
  function openGaps(heldMax?: number) {
    const clock = new ManualClock()
    const order = new Order(clock, heldMax)
    const delivered: { readonly stream: string; readonly at: number }[] = []
    const push = (stream: string, first: number) => {
      const options = { whole: true, until: 1_000_000, bytes: 100 }
      order.push(stream, { first, count: 1 }, options, () =>
        delivered.push({ stream, at: clock.now() }),
      )
    }
    return { clock, push, delivered }
  }

  it('make no bundle of a stream wait longer than its own two seconds', async () => {
    const { clock, push, delivered } = openGaps()
    const began = clock.now()
    for (let index = 1; index <= 100; index++) push('gappy', 2 * index)
    await clock.advance(500)
    push('gappy', 202)
    await clock.advance(GAP_WAIT_MS - 500)
    expect(delivered.map(({ at }) => at - began)).toEqual(
      Array.from({ length: 100 }, () => GAP_WAIT_MS),
    )
    await clock.advance(499)
    expect(delivered).toHaveLength(100)
    await clock.advance(1)
    expect(delivered).toHaveLength(101)
  })

  it('hold no more than so many bytes over all streams; the one that holds most goes on', () => {
    const { push, delivered } = openGaps(1_000)
    push('quiet', 2)
    for (let index = 1; index <= 20; index++) push('gappy', 2 * index)
    expect(delivered.map(({ stream }) => stream)).toEqual(Array.from({ length: 11 }, () => 'gappy'))
  })
})
