import { describe, expect, it } from 'vitest'
import { proofOf } from '../../../test/world/made-bundle.ts'
import { RawNode } from '../../../test/world/raw-node.ts'
import { provingStatements } from '../src/host/identity.ts'
import { sealAnnouncement } from '../src/presence/announcement.ts'
import { CREW, grantOn, NODE, openScene, type Outcome, refusedAs, type Scene } from './scene.ts'

/** The neighbour's own announcement of itself as a member, as an honest node makes it. */
async function announcement(
  scene: Scene,
  changes: {
    readonly topic?: typeof CREW
    readonly ahead?: number
    readonly proof?: Uint8Array
    readonly subscribe?: Uint8Array | null
    readonly members?: 'none'
  } = {},
): Promise<Uint8Array> {
  const { world, raw } = scene
  const { identity } = raw
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
