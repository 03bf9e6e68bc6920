import type { Identity } from '@ixj/agent'
import { encode, STORE_OWNER_STATEMENTS_MAX } from '@ixj/trust'
import { describe, expect, it } from 'vitest'
import { makeBundle, proofOf, type MadeProof } from '../../../../test/world/made-bundle.ts'
import { bindAnyhow, grantAnyhow } from '../../../../test/world/made-statement.ts'
import { RawNode } from '../../../../test/world/raw-node.ts'
import { foreignAnchor, World } from '../../../../test/world/world.ts'
import { signBody } from '../../src/bundles/signed-body.ts'
import { provingStatements } from '../../src/host/identity.ts'
import { FRAME_STATEMENTS_MAX, PROOF_WAIT_MS } from '../../src/limits.ts'
import { PRESENCE_FETCHES_MAX, PRESENCE_PER_SECOND } from '../../src/presence/limits.ts'
import {
  decodeAnnouncement,
  isAnnouncement,
  sealAnnouncement,
  type PresentMember,
} from '../../src/presence/announcement.ts'
import { ACCEPTED, carry, CREW, crewGrant, grantOn, NODE, openScene, type Scene } from '../scene.ts'

/** The proof of an identity's name and of its right in the crew. */
const memberProof = (identity: Identity) =>
  proofOf(provingStatements(identity, [grantOn(identity, CREW)]))

/** A member that holds on a node of its own name; its proof may be one that nobody has. */
function memberOf(identity: Identity, changes: Partial<PresentMember> = {}): PresentMember {
  return {
    agent: identity.name,
    agentKey: identity.signer.publicKey,
    since: 1,
    proof: memberProof(identity).id,
    subscribe: grantOn(identity, CREW).id,
    answer: null,
    host: null,
    ...changes,
  }
}

/** An announcement of the crew by this node. */
function announce(
  scene: Scene,
  node: Identity,
  members: readonly PresentMember[],
  options: { readonly ahead?: number; readonly proof?: MadeProof } = {},
): Promise<Uint8Array> {
  const { id } = options.proof ?? memberProof(node)
  return sealAnnouncement(
    { node: node.name, topic: CREW, proof: id, members, heads: [] },
    {
      signer: node.signer,
      now: scene.world.clock.now() + (options.ahead ?? 0),
      random: scene.world.bytes,
    },
  )
}

/** What the host refused of presence since the last look. */
const refusals = (scene: Scene) =>
  scene.decisions
    .drain()
    .filter(({ about }) => about === 'presence')
    .map(({ code, verdict }) => [code, verdict])

/** Has the neighbour carry an announcement; what it was refused for. */
async function hear(scene: Scene, bytes: Uint8Array, waitMs = 20): Promise<readonly unknown[]> {
  scene.decisions.drain()
  await scene.raw.transport.publish(CREW, bytes)
  await scene.world.pass(waitMs)
  return refusals(scene)
}

const names = (scene: Scene) => scene.crew.members().map(({ name }) => name)

/** Members whose proofs nobody has. */
function unknownMembers(scene: Scene, count: number): readonly PresentMember[] {
  const { world, raw } = scene
  return Array.from({ length: count }, () =>
    memberOf(raw.identity, { agentKey: world.bytes(32), proof: world.bytes(32) }),
  )
}

describe('an announcement', () => {
  it('that names one key many times is refused, and one that names it once is heard', async () => {
    await using scene = await openScene()
    const { raw, world } = scene
    const { identity } = raw
    await raw.prove(NODE, memberProof(identity))
    const { agent, agentKey, since, proof, subscribe } = memberOf(identity)
    const member = [agent, agentKey, since, proof, subscribe, null, null]
    const sealed = async (count: number) => {
      const pair = await signBody(
        'presence',
        { signer: identity.name, time: world.clock.now(), nonce: world.bytes(16) },
        [CREW, proof, Array.from({ length: count }, () => member), [], []],
        identity.signer,
      )
      return encode(pair)
    }
    expect(await hear(scene, await sealed(100))).toEqual([['form', 'reject']])
    expect(await hear(scene, await sealed(2))).toEqual([['form', 'reject']])
    expect(names(scene)).not.toContain(agent)
    expect(await hear(scene, await sealed(1))).toEqual([])
    expect(names(scene)).toContain(agent)
  })

  it('of members that nobody knows has few proofs fetched, and blocks no bundle', async () => {
    await using scene = await openScene()
    const { raw, world, ann } = scene
    await raw.prove(NODE, memberProof(raw.identity))
    raw.frames.length = 0
    const bytes = await announce(scene, raw.identity, unknownMembers(scene, 200))
    await hear(scene, bytes)
    const fetches = () => raw.frames.filter(({ kind }) => kind === 'fetch').length
    expect(fetches()).toBe(PRESENCE_FETCHES_MAX)
    // A newcomer's bundle, whose proof has to be fetched over the same connection.
    const newcomer = await makeBundle(world, ann, CREW, { under: grantOn(ann, CREW) })
    await raw.transport.publish(CREW, newcomer.bytes)
    await world.pass(20)
    expect(fetches()).toBe(PRESENCE_FETCHES_MAX + 1)
    await raw.prove(NODE, newcomer.proof)
    await world.pass(20)
    expect(scene.crewInbox.size).toBe(1)
    // All within one proof's time, and then it is over.
    await world.pass(10 * PROOF_WAIT_MS)
    expect(fetches()).toBe(PRESENCE_FETCHES_MAX + 1)
    expect(scene.node.host.counts.get('parking-full')).toBeUndefined()
  })

  it('of members that nobody knows hides none that holds beside them', async () => {
    await using scene = await openScene()
    const { raw } = scene
    await raw.prove(NODE, memberProof(raw.identity))
    const members = [memberOf(raw.identity), ...unknownMembers(scene, PRESENCE_FETCHES_MAX - 1)]
    const bytes = await announce(scene, raw.identity, members)
    expect(await hear(scene, bytes, PROOF_WAIT_MS + 100)).toEqual([])
    expect(names(scene)).toContain(raw.identity.name)
  })

  it('that was heard once is heard again, whatever its neighbour has brought since', async () => {
    await using scene = await openScene()
    const { raw, world, acme } = scene
    await raw.prove(NODE, memberProof(raw.identity))
    const members = [memberOf(raw.identity)]
    expect(await hear(scene, await announce(scene, raw.identity, members))).toEqual([])
    for (let brought = 0; brought <= STORE_OWNER_STATEMENTS_MAX; brought += FRAME_STATEMENTS_MAX) {
      const making = Array.from({ length: FRAME_STATEMENTS_MAX }, () =>
        grantAnyhow(world, acme, { subject: raw.identity.name, topics: [CREW] }),
      )
      const envelopes = (await Promise.all(making)).map(({ envelope }) => envelope)
      await raw.say(NODE, { kind: 'statements', envelopes })
      await world.pass(100)
    }
    const again = await announce(scene, raw.identity, members)
    expect(await hear(scene, again, PROOF_WAIT_MS + 100)).toEqual([])
  })

  it('without members is refused of a node that had none, and heard of one that had', async () => {
    const evil = new World(9).organisation('evil.example')
    await using scene = await openScene({ anchors: [foreignAnchor(evil)] })
    const { world, raw } = scene
    for (let index = 0; index < 3; index++) {
      const stranger = await bindAnyhow(world, evil, `n${index}.evil.example`)
      const proof = proofOf(provingStatements(stranger, []))
      await raw.prove(NODE, proof)
      const empty = await announce(scene, stranger, [], { proof })
      expect(await hear(scene, empty)).toEqual([['not-granted', 'ignore']])
      // Nothing of it is remembered: the same bytes are no duplicate.
      await world.pass(16_000)
      expect(await hear(scene, empty)).toEqual([['not-granted', 'ignore']])
    }
    await raw.prove(NODE, memberProof(raw.identity))
    expect(
      await hear(scene, await announce(scene, raw.identity, [memberOf(raw.identity)])),
    ).toEqual([])
    expect(names(scene)).toContain(raw.identity.name)
    expect(await hear(scene, await announce(scene, raw.identity, []))).toEqual([])
    expect(names(scene)).not.toContain(raw.identity.name)
  })

  it('is heard 20 times a second of one node, and again a second later', async () => {
    await using scene = await openScene()
    const { world, raw } = scene
    await raw.prove(NODE, memberProof(raw.identity))
    await world.pass(1_000)
    scene.decisions.drain()
    const members = [memberOf(raw.identity)]
    for (let index = 0; index < PRESENCE_PER_SECOND + 10; index++) {
      const bytes = await announce(scene, raw.identity, members, { ahead: index })
      await raw.transport.publish(CREW, bytes)
      await world.pass(2)
    }
    const refused = refusals(scene)
    // 60 ms let one more through.
    expect(refused).toEqual(Array.from({ length: 9 }, () => ['rate', 'ignore']))
    await world.pass(1_000)
    expect(await hear(scene, await announce(scene, raw.identity, members))).toEqual([])
  })

  it('that waited for proofs does not overwrite a newer one', async () => {
    await using scene = await openScene()
    const { world, acme, raw } = scene
    const grants = [crewGrant()]
    const other = await new RawNode(
      world,
      acme,
      await world.bind(acme, 'other.acme.example', { grants }),
    ).meet(NODE)
    await other.join(NODE, CREW)
    await raw.prove(NODE, memberProof(raw.identity))
    // The older one's member holds by a proof that comes late, since it has a statement more.
    const host = raw.identity
    const [more] = (await bindAnyhow(world, acme, 'more.acme.example')).statements
    const late = proofOf([...memberProof(host).statements, more!])
    const older = await announce(scene, host, [memberOf(host, { proof: late.id, since: 7 })])
    await world.pass(1)
    const newer = await announce(scene, host, [memberOf(host, { since: 8 })])
    await other.transport.publish(CREW, older)
    await world.pass(20)
    expect(names(scene)).not.toContain(host.name)
    expect(await hear(scene, newer)).toEqual([])
    await other.prove(NODE, late)
    await world.pass(20)
    expect(refusals(scene)).toEqual([['duplicate', 'ignore']])
    const member = scene.crew.members().find(({ name }) => name === host.name)
    expect(member?.since).toBe(8)
  })

  it('of the node itself, repeated by a neighbour, brings back nobody who has left', async () => {
    await using scene = await openScene()
    const { raw, world, acme, node } = scene
    const guest = await world.bind(acme, 'guest.acme.example', { grants: [crewGrant()] })
    const agent = await node.host.openAgent(guest)
    await agent.join(CREW)
    await world.pass(1_000)
    const said = raw.heard.findLast(({ topic, bytes }) => topic === CREW && isAnnouncement(bytes))
    await agent[Symbol.asyncDispose]()
    // Longer than messages are remembered, and within the skew.
    await world.pass(20_000)
    expect(await hear(scene, said!.bytes)).toEqual([['duplicate', 'ignore']])
    expect(names(scene)).toEqual(['desk.acme.example'])
  })

  it('of an honest node has a whole number for its time, however often it is repeated', async () => {
    await using scene = await openScene()
    const { raw, world } = scene
    await world.pass(60_000)
    const times = raw.heard
      .filter(({ topic, bytes }) => topic === CREW && isAnnouncement(bytes))
      .map(({ bytes }) => decodeAnnouncement(bytes).signed.time)
    expect(times.length).toBeGreaterThan(8)
    expect(times.filter((time) => !Number.isSafeInteger(time))).toEqual([])
    // Each is later than the one before.
    expect(times).toEqual([...new Set(times)].toSorted((left, right) => left - right))
    expect(refusals(scene)).toEqual([])
    const made = await makeBundle(world, scene.acme, CREW)
    expect(await carry(scene, made)).toEqual(ACCEPTED)
  })
})
