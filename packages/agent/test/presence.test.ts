import type { Identity } from '@ixj/agent'
import { equalBytes } from '@ixj/trust'
import { describe, expect, it } from 'vitest'
import { proofOf } from '../../../test/world/made-bundle.ts'
import { RawNode } from '../../../test/world/raw-node.ts'
import { provingStatements } from '../src/host/identity.ts'
import { NEIGHBOUR_FAULTS_MAX } from '../src/limits.ts'
import type { Frame } from '../src/neighbours/frames.ts'
import {
  decodeAnnouncement,
  sealAnnouncement,
  type Announcement,
} from '../src/presence/announcement.ts'
import {
  PRESENCE_DOUBT_MS,
  PRESENCE_HAND_ON_MS,
  PRESENCE_HANDED_PER_SECOND,
  PRESENCE_HANDED_MS_MAX,
  PRESENCE_LOST_MS,
  PRESENCE_MS,
  PRESENCE_MS_MAX,
} from '../src/presence/limits.ts'
import {
  CREW,
  crewGrant,
  grantOn,
  NODE,
  openScene,
  type Outcome,
  refusedAs,
  type Scene,
} from './scene.ts'

/** The neighbour's own announcement of itself as a member, as an honest node makes it. */
async function announcement(
  scene: Scene,
  changes: {
    readonly topic?: typeof CREW
    readonly ahead?: number
    readonly proof?: Uint8Array
    readonly subscribe?: Uint8Array | null
    readonly members?: 'none'
    /** Whose; default: the neighbour's own. */
    readonly by?: Identity
  } = {},
): Promise<Uint8Array> {
  const { world, raw } = scene
  const identity = changes.by ?? raw.identity
  const grant = grantOn(identity, CREW)
  const proof = proofOf(provingStatements(identity, [grant]))
  await raw.prove(NODE, proof)
  const member = {
    agent: identity.name,
    agentKey: identity.signer.publicKey,
    since: world.clock.now(),
    proof: proof.id,
    subscribe: changes.subscribe === undefined ? grant.id : changes.subscribe,
    answer: null,
    host: null,
  }
  return await sealAnnouncement(
    {
      node: identity.name,
      topic: changes.topic ?? CREW,
      proof: changes.proof ?? proof.id,
      members: changes.members === 'none' ? [] : [member],
      heads: [],
    },
    {
      signer: identity.signer,
      now: world.clock.now() + (changes.ahead ?? 0),
      random: world.bytes,
    },
  )
}

/** Has the neighbour carry an announcement; what the host refused it for, if it did. */
async function hear(scene: Scene, bytes: Uint8Array): Promise<Outcome | 'heard'> {
  const { world, raw, node, decisions } = scene
  const before = node.transport.blame(raw.peer)
  decisions.drain()
  await raw.transport.publish(CREW, bytes)
  await world.pass(20)
  const [refused] = decisions.drain().filter(({ about }) => about === 'presence')
  if (refused === undefined) return 'heard'
  const blame = node.transport.blame(raw.peer) - before
  return { code: refused.code ?? 'accepted', verdict: refused.verdict, blame }
}

/** One bit of the signature, that many bytes before the end, is changed. */
const flipped = (bytes: Uint8Array, fromEnd: number) =>
  bytes.with(bytes.length - fromEnd, bytes.at(-fromEnd)! ^ 1)

const names = (scene: Scene) => scene.crew.members().map(({ name }) => name)

/** A host in a group with so many nodes beside it, each of which announces a member every 10 s. */
async function openLarge(others: number) {
  const scene = await openScene()
  const { world, acme, raw } = scene
  const join = (name: string) => world.bind(acme, name, { grants: [crewGrant()] })
  const announce = async (by: Identity, ahead = 0) => {
    await raw.transport.publish(CREW, await announcement(scene, { by, ahead }))
  }
  const bound = Array.from({ length: others }, (_, index) => join(`other${index}.acme.example`))
  const identities = await Promise.all(bound)
  return {
    ...scene,
    join,
    announce,
    all: async (ms: number, ahead?: number) => {
      for (let passed = 0; passed < ms; passed += 10_000) {
        for (const by of identities) await announce(by, ahead)
        await world.pass(10_000)
      }
    },
    /** A neighbour more, which joins. */
    come: async (name: string) => {
      const node = await new RawNode(world, acme, await join(name)).meet(NODE)
      await node.join(NODE, CREW)
      return node
    },
    /** How often the host has told of its members. */
    told: () => raw.heard.filter(({ topic, bytes }) => topic === CREW && isWhole(bytes)).length,
    [Symbol.asyncDispose]: () => scene[Symbol.asyncDispose](),
  }
}

/** How often the host announces its members in a minute, in a group of so many nodes beside it. */
async function roundsInAMinute(others: number): Promise<number> {
  await using large = await openLarge(others)
  // Rounds grow longer by and by.
  await large.all(60_000)
  const before = large.told()
  await large.all(60_000)
  expect(large.crew.members()).toHaveLength(1 + others)
  return large.told() - before
}

/** What a neighbour was handed, as it reads it. */
function announcementsIn(frames: readonly Frame[]): readonly Announcement[] {
  return frames.flatMap((frame) =>
    frame.kind === 'present' ? frame.announcements.map(decodeAnnouncement) : [],
  )
}

/** Whether it tells of members. */
function isWhole(bytes: Uint8Array): boolean {
  return decodeAnnouncement(bytes).members !== null
}

describe('a node of a large group', () => {
  it('announces less often, in proportion to its nodes', async () => {
    const [small, large] = [await roundsInAMinute(15), await roundsInAMinute(31)]
    expect(small).toBeGreaterThanOrEqual(10)
    expect(large).toBeGreaterThanOrEqual(5)
    expect(large).toBeLessThanOrEqual(7)
  })

  it('says nothing of its own for those who come', async () => {
    await using large = await openLarge(31)
    const { world, told } = large
    await large.all(60_000)
    const rounds = told()
    while (told() === rounds) await world.pass(100)
    for (let node = 0; node < 8; node++) {
      await large.announce(await large.join(`new${node}.acme.example`))
      await world.pass(500)
    }
    expect(told()).toBe(rounds + 1)
    expect(large.crew.members()).toHaveLength(1 + 31 + 8)
  })

  it('hands who comes what it has heard, with the proofs', async () => {
    await using large = await openLarge(31)
    await large.all(20_000)
    const late = await large.come('late.acme.example')
    const handed = announcementsIn(late.frames)
    const signers = new Set(handed.map(({ signed }) => signed.signer))
    expect(signers).toEqual(new Set(large.crew.members().map(({ node }) => node)))
    const proofs = late.frames.filter(({ kind }) => kind === 'proof')
    expect(proofs.length).toBeGreaterThanOrEqual(31)
  })

  it('waits for nodes that it has heard once as seldom as they speak in a group of that size', async () => {
    await using large = await openLarge(63)
    const { world } = large
    await large.all(10_000)
    await world.pass(3 * PRESENCE_MS_MAX - 10_000)
    expect(large.crew.members()).toHaveLength(1 + 63)
    await world.pass(PRESENCE_LOST_MS)
    expect(large.crew.members()).toHaveLength(1)
  })

  it('hands nothing on that is older than others would hear, and nothing to who has no right', async () => {
    await using large = await openLarge(31)
    const { world } = large
    await large.all(20_000, -20_000)
    const spy = await new RawNode(world, large.acme, await large.join('spy.acme.example')).meet(
      NODE,
    )
    await spy.transport.subscribe(CREW)
    await world.pass(PRESENCE_HANDED_MS_MAX - 30_000)
    expect(large.crew.members()).toHaveLength(1 + 31)
    const late = await large.come('late.acme.example')
    expect(announcementsIn(spy.frames)).toEqual([])
    const signers = announcementsIn(late.frames).map(({ signed }) => signed.signer)
    expect(signers).toEqual([NODE])
  })

  it('hands on what a neighbour has handed it, to the others alone', async () => {
    await using large = await openLarge(0)
    const { world, raw } = large
    const other = await large.come('other.acme.example')
    const stranger = await large.join('stranger.acme.example')
    const bytes = await announcement(large, { by: stranger })
    raw.frames.length = 0
    await raw.say(NODE, { kind: 'present', topic: CREW, announcements: [bytes] })
    await world.pass(50)
    expect(names(large)).toContain(stranger.name)
    await world.pass(2 * PRESENCE_HAND_ON_MS)
    expect(announcementsIn(other.frames).map(({ signed }) => signed.signer)).toEqual([
      stranger.name,
    ])
    expect(announcementsIn(raw.frames)).toEqual([])
  })

  it('says that it is still here before its members are lost, when a connection ends', async () => {
    await using large = await openLarge(80)
    const { world, acme, told } = large
    const leaving = await new RawNode(world, acme, await large.join('leaving.acme.example')).meet(
      NODE,
    )
    await leaving.join(NODE, CREW)
    await large.all(60_000)
    const rounds = told()
    while (told() === rounds) await world.pass(100)
    await leaving.transport.disconnect(NODE)
    await world.pass(PRESENCE_DOUBT_MS / 2 + 100)
    expect(told()).toBe(rounds + 2)
  })

  it('is waited for as long as it has let others wait before', async () => {
    await using scene = await openScene()
    const { world, raw } = scene
    const isThere = () => names(scene).includes(raw.identity.name)
    expect(await hear(scene, await announcement(scene))).toBe('heard')
    await world.pass(2 * PRESENCE_MS)
    expect(await hear(scene, await announcement(scene))).toBe('heard')
    await world.pass(2 * PRESENCE_LOST_MS - 2_000)
    expect(isThere()).toBe(true)
    await world.pass(4_000)
    expect(isThere()).toBe(false)
  })
})

describe('an announcement that a neighbour hands on', () => {
  it('is checked as any other: who hands on what is forged is cut off', async () => {
    await using scene = await openScene()
    const { world, raw, decisions } = scene
    const forged = flipped(await announcement(scene), 3)
    for (let time = 0; time <= NEIGHBOUR_FAULTS_MAX; time++) {
      expect(raw.hasExchange(NODE)).toBe(true)
      decisions.drain()
      await raw.say(NODE, { kind: 'present', topic: CREW, announcements: [forged] })
      await world.pass(20)
      expect(decisions.drain()).toMatchObject([{ about: 'presence', code: 'bad-signature' }])
    }
    expect(names(scene)).not.toContain(raw.identity.name)
    expect(raw.hasExchange(NODE)).toBe(false)
  })

  it('is refused where the group is not open, and passed over where it is known', async () => {
    await using scene = await openScene()
    const { world, raw, decisions } = scene
    const genuine = await announcement(scene)
    const hand = async (topic: typeof CREW, bytes: Uint8Array) => {
      decisions.drain()
      await raw.say(NODE, { kind: 'present', topic, announcements: [bytes] })
      await world.pass(20)
      return decisions.drain().map(({ code }) => code)
    }
    const other = 'other.acme.example' as typeof CREW
    expect(await hand(other, await announcement(scene, { topic: other }))).toEqual(['not-hosted'])
    expect(await hand(other, genuine)).toEqual(['wrong-topic'])
    expect(await hand(CREW, genuine)).toEqual([])
    expect(names(scene)).toContain(raw.identity.name)
    expect(await hand(CREW, genuine)).toEqual([])
    expect(await hand(CREW, await announcement(scene, { ahead: -61_000 }))).toEqual(['lifespan'])
  })

  it('measures no clock, and is echoed to nobody', async () => {
    await using scene = await openScene()
    const { world, raw } = scene
    const genuine = await announcement(scene)
    await raw.say(NODE, { kind: 'present', topic: CREW, announcements: [genuine] })
    await world.pass(PRESENCE_MS)
    const { nonce } = decodeAnnouncement(genuine).signed
    const told = raw.heard.filter(({ topic }) => topic === CREW)
    const echoes = told.flatMap(({ bytes }) => decodeAnnouncement(bytes).echoes)
    expect(told.length).toBeGreaterThan(0)
    expect(echoes.filter((echo) => equalBytes(echo.nonce, nonce))).toEqual([])
  })

  it('is one too many past 1,024 a second of one neighbour', async () => {
    await using scene = await openScene()
    const { world, raw, decisions } = scene
    const genuine = await announcement(scene)
    const announcements = Array.from({ length: 128 }, () => genuine)
    const frames = Array.from(
      { length: PRESENCE_HANDED_PER_SECOND / announcements.length + 1 },
      () => ({ kind: 'present', topic: CREW, announcements }) as const,
    )
    decisions.drain()
    const said = raw.say(NODE, ...frames)
    await world.pass(20)
    await said
    const refused = decisions.drain().filter(({ about }) => about !== 'presence')
    expect(refused.map(({ code }) => code)).toEqual(['rate'])
    expect(names(scene)).toContain(raw.identity.name)
  })
})

describe('an announcement', () => {
  it('of a member that holds is heard', async () => {
    await using scene = await openScene()
    expect(names(scene)).not.toContain(scene.raw.identity.name)
    expect(await hear(scene, await announcement(scene))).toEqual('heard')
    expect(names(scene)).toContain(scene.raw.identity.name)
  })

  it('with one bit changed is blamed on its carrier, and changes nothing', async () => {
    await using scene = await openScene()
    const genuine = await announcement(scene)
    const forged = flipped(genuine, 3)
    expect(await hear(scene, forged)).toEqual(refusedAs('bad-signature'))
    expect(names(scene)).not.toContain(scene.raw.identity.name)
    expect(await hear(scene, genuine)).toEqual('heard')
  })

  it.each([
    ['of another topic', 'wrong-topic', { topic: 'other.acme.example' as typeof CREW }],
    ['61 s ahead', 'future', { ahead: 61_000 }],
    ['61 s ago', 'lifespan', { ahead: -61_000 }],
    ['of a member without a right', 'not-granted', { subscribe: null }],
    ['with a grant that its proof does not hold', 'not-granted', { subscribe: new Uint8Array(32) }],
  ] as const)('%s is refused as %s', async (_, code, changes) => {
    await using scene = await openScene()
    const bytes = await announcement(scene, changes)
    expect(await hear(scene, bytes)).toEqual(refusedAs(code))
    expect(names(scene)).not.toContain(scene.raw.identity.name)
  })

  it('is heard once, and one that is older changes nothing', async () => {
    await using scene = await openScene()
    const older = await announcement(scene, { members: 'none' })
    await scene.world.pass(10)
    const newer = await announcement(scene)
    expect(await hear(scene, newer)).toEqual('heard')
    expect(await hear(scene, older)).toEqual(refusedAs('duplicate'))
    await scene.world.pass(16_000)
    expect(await hear(scene, newer)).toEqual(refusedAs('duplicate'))
    expect(names(scene)).toContain(scene.raw.identity.name)
  })

  it('is not kept out by junk in the node’s name that another neighbour carries', async () => {
    await using scene = await openScene()
    const { world, acme, raw } = scene
    const grants = [{ actions: ['subscribe'], topics: [CREW] }] as const
    const hostile = await new RawNode(
      world,
      acme,
      await world.bind(acme, 'hostile.acme.example', { grants }),
    ).meet(NODE)
    await hostile.join(NODE, CREW)
    const genuine = await announcement(scene)
    // Forged, and in the same name under a proof that nobody has.
    const unknown = await announcement(scene, { proof: world.bytes(32) })
    for (let round = 0; round < 30; round++) {
      const junk = flipped(genuine, 3 + round)
      hostile.transport.push(NODE, CREW, junk)
    }
    hostile.transport.push(NODE, CREW, unknown)
    await world.pass(5)
    scene.decisions.drain()
    await raw.transport.publish(CREW, genuine)
    await world.pass(20)
    expect(names(scene)).toContain(raw.identity.name)
  })
})
