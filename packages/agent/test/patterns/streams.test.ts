import { toHex, utf8Text } from '@ixj/trust'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { makeBundle, partOf } from '../../../../test/world/made-bundle.ts'
import { seededRandom } from '../../../../test/world/random.ts'
import { memoryStore } from '../../src/host/store.ts'
import { GAP_WAIT_MS } from '../../src/limits.ts'
import { annsBundle, carry, CREW, grantOn, NODE, openScene, type Scene } from '../scene.ts'
import { bodies, outcomeOf, toInbox, Town } from '../town.ts'

/** Ann's next bundles of one stream that began after the crew was joined here. */
async function annsStream(scene: Scene) {
  await scene.world.pass(10)
  const epoch = scene.world.clock.now()
  return (first: number) =>
    annsBundle(scene, CREW, { epoch, first, parts: [partOf(scene.world, `${first}`)] })
}

describe('a stream of events', () => {
  it('is delivered in its order, however the network shuffles it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 2 ** 30 }), async (seed) => {
        await using scene = await openScene()
        const stream = await annsStream(scene)
        const random = seededRandom(seed)
        const made = await Promise.all(Array.from({ length: 12 }, (_, index) => stream(index + 1)))
        const shuffled = made
          .map((bundle) => ({ bundle, key: random() }))
          .toSorted((left, right) => left.key - right.key)
        for (const { bundle } of shuffled) await carry(scene, bundle, { waitMs: 50 })
        const got = scene.crewInbox.drain()
        expect(got.map(({ body }) => Number(body))).toEqual(made.map((_, index) => index + 1))
        expect(got.every(({ gap, late }) => gap === 0 && !late)).toBe(true)
      }),
      { seed: 0x1235, numRuns: 10 },
    )
  })

  it('waits 2 s for a gap, tells it, goes on, and marks what comes later', async () => {
    await using scene = await openScene()
    const stream = await annsStream(scene)
    const [one, two, three, four] = await Promise.all([1, 2, 3, 4].map(stream))
    await carry(scene, one!)
    await carry(scene, four!)
    expect(bodies(scene.crewInbox)).toEqual(['1'])
    await scene.world.pass(GAP_WAIT_MS - 25)
    expect(bodies(scene.crewInbox)).toEqual([])
    await scene.world.pass(10)
    expect(scene.crewInbox.drain()).toMatchObject([{ body: '4', gap: 2, late: false }])
    await carry(scene, two!)
    await carry(scene, three!)
    expect(scene.crewInbox.drain()).toMatchObject([
      { body: '2', gap: 0, late: true },
      { body: '3', gap: 0, late: true },
    ])
  })

  it('owes its first places to those who were there when it began, and to nobody else', async () => {
    await using scene = await openScene()
    const old = await annsBundle(scene, CREW, {
      epoch: scene.world.clock.now() - 10_000,
      first: 7,
    })
    await carry(scene, old)
    expect(scene.crewInbox.drain()).toMatchObject([{ gap: 0 }])
    const stream = await annsStream(scene)
    await carry(scene, await stream(3))
    await scene.world.pass(GAP_WAIT_MS)
    expect(scene.crewInbox.drain()).toMatchObject([{ gap: 2 }])
  })

  it('does not wait for places of bundles that were refused here', async () => {
    await using scene = await openScene()
    const stream = await annsStream(scene)
    const one = await stream(1)
    const epoch = one.bundle.header.epoch
    // Without a grant: signed by ann, and refused.
    const refused = await makeBundle(scene.world, scene.ann, CREW, { epoch, first: 2 })
    await carry(scene, one)
    expect((await carry(scene, refused)).code).toBe('not-granted')
    await carry(scene, await stream(3))
    expect(scene.crewInbox.drain()).toMatchObject([{ body: '1' }, { body: '3', gap: 0 }])
  })

  it('tells of a gap before a bundle that was refused with the next one', async () => {
    await using scene = await openScene()
    const stream = await annsStream(scene)
    const one = await stream(1)
    const { epoch } = one.bundle.header
    const refused = await makeBundle(scene.world, scene.ann, CREW, { epoch, first: 3 })
    await carry(scene, one)
    expect((await carry(scene, refused)).code).toBe('not-granted')
    await scene.world.pass(GAP_WAIT_MS)
    await carry(scene, await stream(4))
    expect(scene.crewInbox.drain()).toMatchObject([{ body: '1' }, { body: '4', gap: 1 }])
  })

  it('tells of a gap whoever the next bundle was not for, with the first that is', async () => {
    await using scene = await openScene()
    const stream = await annsStream(scene)
    const one = await stream(1)
    const { epoch } = one.bundle.header
    await carry(scene, one)
    await carry(scene, await annsBundle(scene, CREW, { epoch, first: 3, to: ['cat.acme.example'] }))
    await scene.world.pass(GAP_WAIT_MS)
    await carry(scene, await stream(4))
    await carry(scene, await stream(5))
    expect(scene.crewInbox.drain()).toMatchObject([
      { body: '1', gap: 0 },
      { body: '4', gap: 1 },
      { body: '5', gap: 0 },
    ])
  })

  it('tells of a gap once, with the first of the messages behind it', async () => {
    await using scene = await openScene()
    const stream = await annsStream(scene)
    const one = await stream(1)
    const { epoch } = one.bundle.header
    await carry(scene, one)
    const parts = ['3', '4'].map((body) => partOf(scene.world, body))
    await carry(scene, await annsBundle(scene, CREW, { epoch, first: 3, parts }))
    await scene.world.pass(GAP_WAIT_MS)
    expect(scene.crewInbox.drain()).toMatchObject([
      { body: '1', gap: 0 },
      { body: '3', gap: 1 },
      { body: '4', gap: 0 },
    ])
  })

  it('holds back 256 bundles behind a gap, and then goes on without waiting', async () => {
    await using scene = await openScene()
    const stream = await annsStream(scene)
    const made = await Promise.all(Array.from({ length: 257 }, (_, index) => stream(index + 2)))
    await scene.raw.prove(NODE, made[0]!.proof)
    for (const { bytes } of made.slice(0, 256)) await scene.raw.transport.publish(CREW, bytes)
    await scene.world.pass(20)
    expect(scene.crewInbox.size).toBe(0)
    await scene.raw.transport.publish(CREW, made[256]!.bytes)
    await scene.world.pass(20)
    expect(scene.crewInbox.size + scene.crewInbox.lost).toBe(257)
  })
})

describe('states', () => {
  it('skip the line, and an older one never follows a newer', async () => {
    await using scene = await openScene()
    const epoch = scene.world.clock.now()
    const state = (first: number) =>
      makeBundle(scene.world, scene.ann, CREW, {
        under: grantOn(scene.ann, CREW),
        class: 'state',
        lifespanMs: 2_000,
        epoch,
        first,
        parts: [partOf(scene.world, `${first}`)],
      })
    for (const first of [1, 5, 3]) await carry(scene, await state(first))
    expect(bodies(scene.crewInbox)).toEqual(['1', '5'])
  })
})

describe('an epoch', () => {
  it('grows across restarts with one store, though the clock went back', async () => {
    await using town = await Town.open(2)
    const store = memoryStore()
    const identity = await town.world.bind(town.acme, 'a.acme.example', {
      grants: [toInbox('b.acme.example')],
    })
    const b = await town.agent('b', 2)
    const inbox = b.messages()
    const node = await town.world.bind(town.acme, 'n9.acme.example')
    const key = `epoch/${identity.name}/${toHex(identity.signer.publicKey)}`
    const epochs: number[] = []
    for (const clockAheadMs of [0, -30_000, -20_000]) {
      const { host } = await town.world.node(town.acme, 'n9.acme.example', {
        identity: node,
        store,
        clockAheadMs,
      })
      town.world.network.connect('n9.acme.example', 'n2.acme.example')
      await town.world.pass(500)
      const a = await host.openAgent(identity)
      await town.world.until(a.send(b.name, clockAheadMs))
      await town.world.pass(50)
      const stored = await store.get(key)
      epochs.push(Number(utf8Text(stored!)))
      await town.world.until(host[Symbol.asyncDispose]())
    }
    expect(bodies(inbox)).toEqual([0, -30_000, -20_000])
    expect(epochs[1]).toBe(epochs[0]! + 1)
    expect(epochs[2]).toBe(epochs[1]! + 1)
  })

  it('of a restart without a store makes no equivocation while the clock goes forward', async () => {
    await using town = await Town.open(2)
    const identity = await town.world.bind(town.acme, 'a.acme.example', {
      grants: [toInbox('b.acme.example')],
    })
    const b = await town.agent('b', 2)
    const inbox = b.messages()
    for (const body of [1, 2]) {
      const a = await town.nodes[0]!.host.openAgent(identity)
      const sent = outcomeOf(a.send(b.name, body))
      await town.world.pass(200)
      expect(sent.value?.peers).toBe(1)
      await town.world.until(a[Symbol.asyncDispose]())
    }
    expect(bodies(inbox)).toEqual([1, 2])
    expect(town.nodes[1]!.host.evidence).toEqual([])
  })
})
