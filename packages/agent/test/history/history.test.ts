import { parseName } from '@ixj/names'
import { compareBytes, concatBytes, toHex } from '@ixj/trust'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { annsBundle, CREW, DESK, openScene, type Scene } from '../scene.ts'
import { nodeSha256 } from '../../../../test/world/native-keys.ts'
import { fairShare } from '../../src/history/fair-share.ts'
import { History, type HistoryLimits } from '../../src/history/history.ts'
import { HISTORY_ENTRY_BYTES } from '../../src/history/limits.ts'
import { memoryHistory } from '../../src/history/memory-rows.ts'
import { bucketOf } from '../../src/history/topic-index.ts'

const ACME = parseName('acme.example')

async function openHistory(scene: Scene, limits?: Partial<HistoryLimits>) {
  const now = scene.world.clock.now()
  const full = { topicBytesMax: 2 ** 30, bytesMax: 2 ** 30, ...limits }
  return await History.open(memoryHistory(), { hash: nodeSha256, now, limits: full })
}

/** Adds a bundle of ann's, or of another key, to a history; its id. */
async function add(
  scene: Scene,
  history: History,
  changes: Parameters<typeof annsBundle>[2] = {},
  topic: string = CREW,
): Promise<string> {
  const { bundle } = await annsBundle(scene, topic, changes)
  const verifiedAt = scene.world.clock.now()
  await history.add(bundle, { verifiedAt, onBehalfOf: ACME, origin: 'live' })
  return bundle.idText
}

function keeps(history: History, idText: string): boolean {
  const rows = history.topics().flatMap((topic) => history.rows(topic))
  return rows.some(({ id }) => toHex(id) === idText)
}

describe('a fair share', () => {
  it('leaves to each what is less than it, and lets all together have no more than fits', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 1_000 }), { maxLength: 20 })
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 5_000 }), (each, max) => {
        const share = fairShare(each, max)
        const total = each.reduce((sum, size) => sum + Math.min(size, share), 0)
        const all = each.reduce((sum, size) => sum + size, 0)
        expect(total).toBeLessThanOrEqual(Math.max(max, 0) + 1e-6)
        // Nobody goes short while there is room.
        expect(total).toBeGreaterThanOrEqual(Math.min(all, max) - 1e-6)
      }),
      { seed: 0x1235 },
    )
  })
})

describe('a history', () => {
  it('keeps a copy once, and no state', async () => {
    await using scene = await openScene()
    const history = await openHistory(scene)
    const { bundle } = await annsBundle(scene, CREW)
    const how = { verifiedAt: 1, onBehalfOf: ACME, origin: 'live' } as const
    await history.add(bundle, how)
    const { bytes } = history
    await history.add(bundle, how)
    await add(scene, history, { class: 'state', lifespanMs: 1_000 })
    expect([history.bytes, history.rows(CREW).length]).toEqual([bytes, 1])
    expect(bytes).toBe(bundle.bytes.length + HISTORY_ENTRY_BYTES)
  })

  it('costs the loudest sender its oldest when a topic is full, and nobody else any', async () => {
    await using scene = await openScene()
    const history = await openHistory(scene, { topicBytesMax: 40_000 })
    const quiet: string[] = []
    const loud: string[] = []
    const signer = scene.world.key()
    for (let first = 1; first <= 200; first++) {
      if (first % 20 === 0) quiet.push(await add(scene, history, { first, signer }))
      loud.push(await add(scene, history, { first }))
    }
    expect(quiet.every((id) => keeps(history, id))).toBe(true)
    expect([keeps(history, loud[0]!), keeps(history, loud.at(-1)!)]).toEqual([false, true])
    expect(history.bytes).toBeLessThanOrEqual(40_000)
  })

  it('knows what had to make room, which is not missed, but not what was carried for others', async () => {
    await using scene = await openScene()
    const history = await openHistory(scene, { topicBytesMax: 40_000 })
    const { bundle: carried } = await annsBundle(scene, CREW, { first: 1 })
    await history.add(carried, { verifiedAt: 1, onBehalfOf: ACME, origin: 'carried' })
    const ids: string[] = []
    for (let first = 2; first <= 100; first++) ids.push(await add(scene, history, { first }))
    const [oldest] = ids
    expect([keeps(history, oldest!), keeps(history, carried.idText)]).toEqual([false, false])
    expect([history.knows(oldest!), history.knows(carried.idText)]).toEqual([true, false])
    expect(ids.every((id) => history.knows(id))).toBe(true)
    const { bundle: other } = await annsBundle(scene, CREW, { first: 101 })
    expect(history.knows(other.idText)).toBe(false)
  })

  it('gives a pool one share, whatever number of names its node makes', async () => {
    await using scene = await openScene()
    const history = await openHistory(scene, { topicBytesMax: 40_000 })
    const quiet: string[] = []
    const signer = scene.world.key()
    for (let first = 1; first <= 200; first++) {
      if (first <= 12) quiet.push(await add(scene, history, { first }))
      const sender = parseName(`a${first}.pool.n9.acme.example`)
      await add(scene, history, { sender, signer })
    }
    expect(quiet.every((id) => keeps(history, id))).toBe(true)
    expect(history.bytes).toBeLessThanOrEqual(40_000)
  })

  it('costs the largest topic when all is full, however many topics there are', async () => {
    await using scene = await openScene()
    const history = await openHistory(scene, { bytesMax: 40_000 })
    const quiet: string[] = []
    for (let first = 1; first <= 200; first++) {
      if (first % 20 === 0) quiet.push(await add(scene, history, { first }, DESK))
      await add(scene, history, { first })
    }
    expect(quiet.every((id) => keeps(history, id))).toBe(true)
    expect(history.bytes).toBeLessThanOrEqual(40_000)
  })

  it('forgets events after 10 minutes and the skew, to the bucket', async () => {
    await using scene = await openScene()
    const history = await openHistory(scene)
    const id = await add(scene, history)
    const now = scene.world.clock.now()
    history.sweep(now + 660_000)
    expect(keeps(history, id)).toBe(true)
    history.sweep(now + 680_000)
    expect([keeps(history, id), history.bytes, history.topics()]).toEqual([false, 0, []])
  })

  it('tells buckets by the ids in them, and changes their digest with every one', async () => {
    await using scene = await openScene()
    const history = await openHistory(scene)
    const now = scene.world.clock.now()
    const ids: Uint8Array[] = []
    const [low, high] = [bucketOf(now) - 1, bucketOf(now)]
    const told = () => history.buckets(CREW, 'event', low, high)
    expect(told()).toEqual([])
    for (const first of [1, 2, 3]) {
      const { bundle } = await annsBundle(scene, CREW, { first })
      await history.add(bundle, { verifiedAt: now, onBehalfOf: ACME, origin: 'own' })
      ids.push(bundle.id)
      const digest = nodeSha256(concatBytes(...ids.toSorted(compareBytes)))
      expect(told()).toEqual([{ bucket: bucketOf(now), count: first, digest }])
    }
    expect(history.ids(CREW, 'event', bucketOf(now)).map(toHex)).toEqual(
      ids.toSorted(compareBytes).map(toHex),
    )
    expect(history.buckets(CREW, 'task', low, high)).toEqual([])
    expect(history.ownHeads(CREW)).toMatchObject([{ next: 4 }])
    const [head] = history.ownHeads(CREW)
    expect(history.next(CREW, head!)).toBe(4)
    expect(history.next(CREW, { ...head!, epoch: head!.epoch + 1 })).toBe(0)
  })
})
