import { encode } from '@ixj/trust'
import { describe, expect, it } from 'vitest'
import { makeBundle, repackBundle } from '../../../../test/world/made-bundle.ts'
import { nodeSha256 } from '../../../../test/world/native-keys.ts'
import { name } from '../../../../test/world/world.ts'
import { bucketOf } from '../../src/history/topic-index.ts'
import { NEIGHBOUR_FAULTS_MAX } from '../../src/limits.ts'
import type { SyncFrame } from '../../src/sync/frames.ts'
import { BUCKETS_MAX, PULL_WANTS_MAX, SYNC_IDS_MAX } from '../../src/sync/limits.ts'
import {
  annsBundle,
  CREW,
  crewGrant,
  DESK,
  grantOn,
  NODE,
  openScene,
  type Scene,
} from '../scene.ts'

/** What the host refused since the last look, bundles aside: the codes. */
const refusals = (scene: Scene) =>
  scene.decisions.drain().flatMap(({ about, code }) => (about === 'bundle' ? [] : (code ?? [])))

/** What the host decided about bundles since the last look. */
const verdicts = (scene: Scene) =>
  scene.decisions.drain().flatMap(({ about, code }) => (about === 'bundle' ? [code] : []))

const isConnected = (scene: Scene) => scene.world.network.isConnected(scene.raw.peer, NODE)

/** Says frames of sync, and lets the host look at them; the codes of what it refused. */
async function say(scene: Scene, ...frames: readonly (SyncFrame | Uint8Array)[]) {
  scene.decisions.drain()
  await scene.world.until(scene.raw.sync(NODE, ...frames))
  await scene.world.pass(20)
  return refusals(scene)
}

/** The ids that the host asked for since the last look. */
function pulled(scene: Scene): readonly Uint8Array[] {
  return scene.raw.synced
    .splice(0)
    .flatMap((frame) => (frame.kind === 'pull' ? [...frame.ids] : []))
}

const rangeNow = (scene: Scene) => {
  const now = bucketOf(scene.world.clock.now())
  return { topic: CREW, class: 'event', from: now - 1, to: now } as const
}

const idOf = (number: number) => nodeSha256(encode(number))
const sorted = (ids: readonly Uint8Array[]) =>
  ids.toSorted((left, right) => Buffer.compare(left, right))

describe('frames of sync', () => {
  it('that cannot be read are faults, and end the connection after some', async () => {
    await using scene = await openScene()
    const { from, to } = rangeNow(scene)
    const digest = new Uint8Array(32)
    const [one, other] = sorted([idOf(1), idOf(2)])
    const bad: readonly (readonly unknown[])[] = [
      [1, 'summary', CREW, 'event', to, from, digest],
      [1, 'summary', CREW, 'event', 0, BUCKETS_MAX, digest],
      [1, 'summary', CREW, 'state', from, to, digest],
      [1, 'summary', CREW, 'event', from, to, new Uint8Array(31)],
      [1, 'summary', CREW, 'event', from, to],
      [1, 'buckets', CREW, 'event', from, to, [[to + 1, 1, digest]]],
      [1, 'buckets', CREW, 'event', from, to, [[from, 0, digest]]],
      [
        1,
        'buckets',
        CREW,
        'event',
        from,
        to,
        [
          [to, 1, digest],
          [from, 1, digest],
        ],
      ],
      [
        1,
        'buckets',
        CREW,
        'event',
        from,
        to,
        [
          [to, 1, digest],
          [to, 1, digest],
        ],
      ],
      [1, 'ids', CREW, 'event', from, digest, digest, [other, one]],
      [1, 'pull', CREW, []],
      [1, 'pull', CREW, [one, one]],
      [1, 'offer', CREW, Array.from({ length: SYNC_IDS_MAX + 1 }, () => one)],
      [1, 'gone', CREW, [new Uint8Array(16)]],
      [1, 'bundle', digest],
      [],
    ]
    for (const fields of bad) {
      expect([fields[1], await say(scene, encode(fields as never))]).toEqual([fields[1], ['form']])
    }
    expect(isConnected(scene)).toBe(true)
    expect(await say(scene, new Uint8Array([0xc1]))).toEqual(['encoding'])
    await scene.world.pass(1_000)
    expect([bad.length + 1, isConnected(scene)]).toEqual([NEIGHBOUR_FAULTS_MAX + 1, false])
  })

  it('of a kind that is not known, and of names that are none here, are nobody’s fault', async () => {
    await using scene = await openScene()
    for (let round = 0; round < 2 * NEIGHBOUR_FAULTS_MAX; round++) {
      expect(await say(scene, encode([1, 'later', CREW]))).toEqual(['unsupported'])
      expect(await say(scene, encode([1, 'offer', 'No Name', [idOf(1)]]))).toEqual(['name'])
    }
    expect(isConnected(scene)).toBe(true)
  })

  it('about topics without a right are refused, and tell nothing', async () => {
    await using scene = await openScene()
    const secret = name('secret.acme.example')
    const mine = await scene.world.bind(scene.acme, 'insider.acme.example', {
      grants: [{ actions: ['publish', 'subscribe'], topics: [secret] }],
    })
    const insider = await scene.node.host.openAgent(mine)
    const group = await insider.join(secret)
    await scene.world.until(group.publish('not for raw'))
    scene.raw.synced.length = 0
    const digest = new Uint8Array(32)
    const about = { ...rangeNow(scene), topic: secret }
    const kept = [...(await idsAt(scene, secret))]
    const frames: readonly SyncFrame[] = [
      { kind: 'summary', ...about, digest },
      { kind: 'buckets', ...about, buckets: [] },
      {
        kind: 'ids',
        topic: secret,
        class: 'event',
        bucket: about.to,
        from: digest,
        to: digest,
        ids: [],
      },
      { kind: 'offer', topic: secret, ids: [idOf(1)] },
      { kind: 'pull', topic: secret, ids: kept },
      // An inbox, of which it is no host, and a name that nobody has.
      { kind: 'pull', topic: DESK, ids: [idOf(1)] },
      { kind: 'pull', topic: name('nobody.acme.example'), ids: [idOf(1)] },
      { kind: 'summary', ...about, topic: DESK, digest },
    ]
    for (const frame of frames) expect(await say(scene, frame)).toEqual(['not-granted'])
    await scene.world.pass(5_000)
    expect(scene.raw.synced.filter((frame) => frame.kind === 'bundle')).toEqual([])
    const told = scene.raw.synced.flatMap((frame) => ('topic' in frame ? [frame.topic] : []))
    expect(told).not.toContain(secret)
    // Who knows an id of another topic does not get it under a topic of its own.
    expect(await say(scene, { kind: 'pull', topic: CREW, ids: kept })).toEqual([])
    expect(scene.raw.synced.at(-1)).toEqual({ kind: 'gone', topic: CREW, ids: kept })
  })
})

/** Ids of all that the host keeps of a topic. */
async function idsAt(scene: Scene, topic: string): Promise<readonly Uint8Array[]> {
  const spy = await scene.world.bind(scene.acme, 'spy.acme.example', {
    grants: [{ actions: ['subscribe'], topics: [topic] }],
  })
  const agent = await scene.node.host.openAgent(spy)
  const group = await agent.join(topic)
  const inbox = group.messages({ history: 10 })
  await scene.world.pass(50)
  return inbox.drain().map(({ id }) => nodeSha256(id))
}

describe('a neighbour that lists bundles', () => {
  it('without end, and gives none, is asked for so many at once, three times each', async () => {
    await using scene = await openScene()
    let number = 0
    const offers = Array.from({ length: 20 }, (): SyncFrame => {
      const ids = sorted(Array.from({ length: SYNC_IDS_MAX }, () => idOf(number++)))
      return { kind: 'offer', topic: CREW, ids }
    })
    await say(scene, ...offers)
    const asked = new Map<string, number>()
    for (let second = 0; second < 30; second++) {
      await scene.world.pass(1_000)
      for (const id of pulled(scene)) {
        const text = Buffer.from(id).toString('hex')
        asked.set(text, (asked.get(text) ?? 0) + 1)
      }
    }
    expect(asked.size).toBeLessThanOrEqual(PULL_WANTS_MAX)
    expect(Math.max(...asked.values())).toBe(3)
    // Nothing is left of them, and the next are asked for.
    await say(scene, { kind: 'offer', topic: CREW, ids: [idOf(number)] })
    expect(pulled(scene)).toEqual([idOf(number)])
    expect(isConnected(scene)).toBe(true)
  })

  it('and says that they are gone does not keep others from being asked', async () => {
    await using scene = await openScene()
    const made = await annsBundle(scene, CREW)
    const { id } = made.bundle
    await scene.raw.prove(NODE, made.proof)
    await say(scene, { kind: 'offer', topic: CREW, ids: [id] })
    expect(pulled(scene)).toEqual([id])
    await say(scene, { kind: 'gone', topic: CREW, ids: [id] })
    expect(pulled(scene)).toEqual([])
    await say(scene, { kind: 'offer', topic: CREW, ids: [id] })
    expect(pulled(scene)).toEqual([id])
    expect(await say(scene, { kind: 'bundle', bytes: made.bytes, attest: null })).toEqual([])
    expect(scene.crewInbox.drain()).toHaveLength(1)
  })

  it('in buckets that differ each time gets our ids less and less often', async () => {
    await using scene = await openScene()
    await scene.world.until(scene.crew.publish('here').catch(() => 'handed to raw alone'))
    const range = rangeNow(scene)
    let lists = 0
    for (let round = 0; round < 100; round++) {
      const digest = idOf(round)
      const buckets = [{ bucket: range.to, count: 5, digest }]
      await say(scene, { kind: 'buckets', ...range, buckets })
      lists += scene.raw.synced.splice(0).filter(({ kind }) => kind === 'ids').length
      await scene.world.pass(200)
    }
    // In 22 s: at 0, 0.5, 1.5, 3.5, 7.5, 15.5 s, of each bucket that has anything on either side.
    expect(lists).toBeGreaterThan(2)
    expect(lists).toBeLessThan(20)
  })
})

describe('a neighbour that answers for a bundle', () => {
  it('with what was not asked for is at fault', async () => {
    await using scene = await openScene()
    const made = await annsBundle(scene, CREW)
    await scene.raw.prove(NODE, made.proof)
    for (let round = 0; round <= NEIGHBOUR_FAULTS_MAX; round++) {
      const codes = await say(scene, { kind: 'bundle', bytes: made.bytes, attest: null })
      expect(codes).toEqual(['form'])
    }
    await scene.world.pass(100)
    expect([isConnected(scene), scene.crewInbox.size]).toEqual([false, 0])
  })

  it('with junk is at fault, each time, and another copy of it is taken', async () => {
    await using scene = await openScene()
    const made = await annsBundle(scene, CREW)
    await scene.raw.prove(NODE, made.proof)
    const { id } = made.bundle
    const flipped = repackBundle(made, (fields) => {
      const signature = new Uint8Array(fields[2] as Uint8Array)
      signature[0] = signature[0]! ^ 1
      fields[2] = signature
    })
    const other = repackBundle(made, (fields) => {
      fields[1] = encode([[new Uint8Array(16), null, null, encode('forged')]])
    })
    for (const [bytes, code] of [
      [flipped, 'bad-signature'],
      [other, 'bad-digest'],
    ] as const) {
      await say(scene, { kind: 'offer', topic: CREW, ids: [id] })
      expect(await say(scene, { kind: 'bundle', bytes, attest: null })).toEqual([code])
    }
    await say(scene, { kind: 'offer', topic: CREW, ids: [id] })
    expect(await say(scene, { kind: 'bundle', bytes: made.bytes, attest: null })).toEqual([])
    expect(scene.crewInbox.drain()).toMatchObject([{ late: false, historical: false }])
    expect(await say(scene, { kind: 'bundle', bytes: Buffer.alloc(100), attest: null })).toEqual([
      'encoding',
    ])
  })

  it('without the proof of it, and says so, holds up nothing behind it', async () => {
    await using scene = await openScene()
    const ben = await scene.world.bind(scene.acme, 'ben.acme.example', { grants: [crewGrant()] })
    const lost = await makeBundle(scene.world, ben, CREW, { under: grantOn(ben, CREW) })
    const made = await annsBundle(scene, CREW)
    await scene.raw.prove(NODE, made.proof)
    const ids = sorted([lost.bundle.id, made.bundle.id])
    await say(scene, { kind: 'offer', topic: CREW, ids })
    const given = [lost, made].map(({ bytes }): SyncFrame => ({
      kind: 'bundle',
      bytes,
      attest: null,
    }))
    await scene.world.until(scene.raw.sync(NODE, ...given))
    await scene.world.pass(20)
    expect([verdicts(scene), scene.crewInbox.size]).toEqual([[], 0])
    expect(scene.raw.frames.at(-1)).toEqual({ kind: 'fetch', proof: lost.proof.id })
    await scene.raw.say(NODE, { kind: 'unknown', proof: lost.proof.id })
    await scene.world.pass(20)
    expect(verdicts(scene)).toEqual(['proof-missing', null])
    expect(scene.crewInbox.drain()).toHaveLength(1)
    expect(isConnected(scene)).toBe(true)
  })

  it('with one of another topic is at fault', async () => {
    await using scene = await openScene()
    const made = await annsBundle(scene, DESK)
    await scene.raw.prove(NODE, made.proof)
    await say(scene, { kind: 'offer', topic: CREW, ids: [made.bundle.id] })
    const bundle: SyncFrame = { kind: 'bundle', bytes: made.bytes, attest: null }
    expect(await say(scene, bundle)).toEqual(['wrong-topic'])
    expect(scene.deskInbox.size).toBe(0)
  })

  it('with one that is refused here is asked for it no more', async () => {
    await using scene = await openScene()
    const made = await makeBundle(scene.world, scene.ann, CREW)
    await scene.raw.prove(NODE, made.proof)
    const { id } = made.bundle
    await say(scene, { kind: 'offer', topic: CREW, ids: [id] })
    scene.decisions.drain()
    await scene.world.until(
      scene.raw.sync(NODE, { kind: 'bundle', bytes: made.bytes, attest: null }),
    )
    await scene.world.pass(20)
    expect(verdicts(scene)).toEqual(['not-granted'])
    pulled(scene)
    await say(scene, { kind: 'offer', topic: CREW, ids: [id] })
    expect(pulled(scene)).toEqual([])
    expect(isConnected(scene)).toBe(true)
  })

  it('with one of an older lifespan than is kept is refused', async () => {
    await using scene = await openScene()
    const sentAt = scene.world.clock.now() - 700_000
    const made = await annsBundle(scene, CREW, { sentAt, epoch: sentAt, lifespanMs: 600_000 })
    await scene.raw.prove(NODE, made.proof)
    await say(scene, { kind: 'offer', topic: CREW, ids: [made.bundle.id] })
    scene.decisions.drain()
    await scene.world.until(
      scene.raw.sync(NODE, { kind: 'bundle', bytes: made.bytes, attest: null }),
    )
    await scene.world.pass(20)
    expect(verdicts(scene)).toEqual(['lifespan'])
  })

  it('with a state is refused: of these the newest counts alone', async () => {
    await using scene = await openScene()
    const sentAt = scene.world.clock.now() - 20_000
    const made = await annsBundle(scene, CREW, {
      sentAt,
      epoch: sentAt,
      class: 'state',
      lifespanMs: 2_000,
    })
    await scene.raw.prove(NODE, made.proof)
    await say(scene, { kind: 'offer', topic: CREW, ids: [made.bundle.id] })
    scene.decisions.drain()
    await scene.world.until(
      scene.raw.sync(NODE, { kind: 'bundle', bytes: made.bytes, attest: null }),
    )
    await scene.world.pass(20)
    expect(verdicts(scene)).toEqual(['lifespan'])
  })
})

describe('a neighbour that asks', () => {
  it('for more than may wait is refused, and given what it asked for before', async () => {
    await using scene = await openScene()
    await scene.world.pass(100)
    const ids: Uint8Array[] = []
    const made = await annsBundle(scene, CREW)
    await scene.raw.prove(NODE, made.proof)
    for (let first = 1; first <= 40; first++) {
      const each = await annsBundle(scene, CREW, { epoch: made.bundle.header.epoch, first })
      await scene.raw.transport.publish(CREW, each.bytes)
      ids.push(each.bundle.id)
    }
    await scene.world.pass(50)
    scene.raw.synced.length = 0
    const pull: SyncFrame = { kind: 'pull', topic: CREW, ids: sorted(ids) }
    const codes = await say(scene, ...Array.from({ length: 200 }, () => pull))
    await scene.world.pass(2_000)
    const given = scene.raw.synced.filter(({ kind }) => kind === 'bundle').length
    expect(codes).toContain('rate')
    expect(given).toBeGreaterThanOrEqual(40)
    expect(given).toBeLessThan(200 * 40)
    expect(isConnected(scene)).toBe(true)
  })
})
