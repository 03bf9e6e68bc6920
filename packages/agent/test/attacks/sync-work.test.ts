import { encode } from '@ixj/trust'
import { describe, expect, it } from 'vitest'
import { nodeSha256 } from '../../../../test/world/native-keys.ts'
import { RawNode } from '../../../../test/world/raw-node.ts'
import { bucketOf } from '../../src/history/topic-index.ts'
import type { SyncFrame } from '../../src/sync/frames.ts'
import {
  BUCKETS_MAX,
  SYNC_FRAMES_PER_SECOND,
  SYNC_IDS_MAX,
  SYNC_IDS_PER_SECOND,
} from '../../src/sync/limits.ts'
import { annsBundle, CREW, crewGrant, NODE, openScene, type Scene } from '../scene.ts'

const isRefused = ({ decisions }: Scene, wanted: string) =>
  decisions.drain().some(({ code }) => code === wanted)

const bucketNow = ({ world }: Scene) => bucketOf(world.clock.now())
const idOf = (number: number) => nodeSha256(encode(number))
const manyIds = () =>
  Array.from({ length: SYNC_IDS_MAX }, (_, index) => idOf(index)).toSorted((left, right) =>
    Buffer.compare(left, right),
  )

describe('frames of sync', () => {
  it.each<[string, number, SyncFrame]>([
    ['come', SYNC_FRAMES_PER_SECOND, { kind: 'offer', topic: CREW, ids: [idOf(1)] }],
    ['list', SYNC_IDS_PER_SECOND / SYNC_IDS_MAX, { kind: 'pull', topic: CREW, ids: manyIds() }],
  ])('%s no more than so much in a second; then they are not read', async (_what, limit, frame) => {
    await using scene = await openScene()
    const many = Array.from({ length: Math.floor(2.5 * limit) }, () => frame)
    const { world, raw } = scene
    const began = world.clock.now()
    // What comes behind waits with them.
    await world.until(raw.sync(NODE, ...many, encode([1, 'later', CREW])))
    while (!isRefused(scene, 'unsupported')) await world.pass(50)
    expect(world.clock.now() - began).toBeGreaterThan(1_000)
    expect(world.network.isConnected(raw.peer, NODE)).toBe(true)
  })

  it('with a stretch in which they list nothing are told what is there', async () => {
    await using scene = await openScene()
    const { world, raw } = scene
    const kept = 40
    const epoch = world.clock.now()
    for (let first = 1; first <= kept; first++) {
      await raw.give(NODE, await annsBundle(scene, CREW, { epoch, first }))
    }
    const bucket = bucketNow(scene)
    const [from, to] = [new Uint8Array(32), new Uint8Array(32).fill(0xff)]
    const frame: SyncFrame = { kind: 'ids', topic: CREW, class: 'event', bucket, from, to, ids: [] }
    raw.synced.length = 0
    await world.until(raw.sync(NODE, frame, frame, frame))
    await world.pass(20)
    const offered = raw.synced.flatMap((each) => (each.kind === 'offer' ? [each.ids.length] : []))
    expect(offered).toEqual([kept, kept, kept])
  })

  it('of one neighbour push out nothing that is remembered of another', async () => {
    await using scene = await openScene()
    const { world, raw, acme } = scene
    await raw.give(NODE, await annsBundle(scene, CREW))
    const to = bucketNow(scene)
    const empty: SyncFrame = {
      kind: 'buckets',
      topic: CREW,
      class: 'event',
      from: to,
      to,
      buckets: [],
    }
    const lists = (node: RawNode) =>
      node.synced.splice(0).filter(({ kind }) => kind === 'ids').length
    const identity = await world.bind(acme, 'other.acme.example', { grants: [crewGrant()] })
    const other = await new RawNode(world, acme, identity).meet(NODE)
    await other.join(NODE, CREW)
    await world.until(other.sync(NODE, empty))
    await world.pass(50)
    expect(lists(other)).toBe(1)
    const digest = new Uint8Array(32)
    for (let from = 0; from < 60 * BUCKETS_MAX; from += BUCKETS_MAX) {
      const buckets = Array.from({ length: BUCKETS_MAX }, (_, index) => ({
        bucket: from + index,
        count: 1,
        digest,
      }))
      await world.until(raw.sync(NODE, { ...empty, from, to: from + BUCKETS_MAX - 1, buckets }))
      await world.pass(80)
    }
    // Buckets in which nobody can have anything are not even answered.
    expect(lists(raw)).toBe(0)
    await world.until(other.sync(NODE, empty))
    await world.pass(50)
    expect(lists(other)).toBe(1)
    await world.pass(100)
    await world.until(other.sync(NODE, empty))
    await world.pass(50)
    expect(lists(other)).toBe(0)
  })
})
