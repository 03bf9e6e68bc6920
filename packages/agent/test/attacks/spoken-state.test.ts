import { issueRevocation, type Identity } from '@ixj/agent'
import { decode, type Condition, type Value } from '@ixj/trust'
import { describe, expect, it } from 'vitest'
import {
  makeBundle,
  repackBundle,
  signTogether,
  type BundleChanges,
  type MadeBundle,
} from '../../../../test/world/made-bundle.ts'
import { grantAnyhow, withStatements } from '../../../../test/world/made-statement.ts'
import { nodeSha256 } from '../../../../test/world/native-keys.ts'
import { encodeSheaf } from '../../src/bundles/sheaf.ts'
import { explanationOf } from '../../src/explanation-of.ts'
import { MESSAGE_BYTES_MAX } from '../../src/transport.ts'
import {
  carry,
  carryBytes,
  CREW,
  crewGrant,
  DESK,
  grantOn,
  NODE,
  openScene,
  refusedAs,
  type Scene,
} from '../scene.ts'

const STATE = { class: 'state', lifespanMs: 2_000 } as const
const NARROW: readonly Condition[] = [['stateOn', [CREW]]]

/** A scene, and a node that signs for members. */
async function openSpoken() {
  const scene = await openScene()
  const speaker = await scene.world.bind(scene.acme, 'n9.acme.example')
  return { ...scene, speaker }
}

type Spoken = Scene & { readonly speaker: Identity }

/** The speaker in a member's name, by that member's word or another's. */
async function spokenFor(
  { world, speaker }: Spoken,
  member: Identity,
  how: { readonly by?: Identity; readonly conditions?: readonly Condition[] } = {},
) {
  const { by = member, conditions = NARROW } = how
  const grant = await grantAnyhow(world, by, {
    subject: speaker.name,
    subjectKey: speaker.signer.publicKey,
    actions: ['speak'],
    topics: [member.name],
    conditions,
  })
  const identity = {
    name: member.name,
    signer: speaker.signer,
    statements: [...member.statements, ...speaker.statements],
  }
  return { grant, identity: withStatements(identity, grant) }
}

/** A bundle of a member's that the speaker signed. */
async function spokenBundle(
  scene: Spoken,
  member: Identity,
  options: Parameters<typeof spokenFor>[2] & {
    readonly topic?: string
    readonly changes?: BundleChanges
  } = {},
): Promise<MadeBundle> {
  const { topic = CREW, changes = STATE } = options
  const { identity } = await spokenFor(scene, member, options)
  return await makeBundle(scene.world, identity, topic, {
    under: grantOn(member, topic),
    ...changes,
  })
}

/** Another member of the crew. */
function bindBob({ world, acme }: Scene): Promise<Identity> {
  return world.bind(acme, 'bob.acme.example', { grants: [crewGrant()] })
}

/** What became of each sender's bundle in one message. */
async function bring(scene: Spoken, bundles: readonly Uint8Array[]) {
  scene.decisions.drain()
  await scene.raw.transport.publish(CREW, encodeSheaf(bundles))
  await scene.world.pass(200)
  const found = scene.decisions.drain().filter(({ about }) => about === 'bundle')
  return Object.fromEntries(
    found.map((each) => [explanationOf(each).sender, each.code ?? 'accepted']),
  )
}

describe('a node that signs for a member', () => {
  it('is heard in state of that group, under a grant that is bound to the member’s own key', async () => {
    await using scene = await openSpoken()
    expect(grantOn(scene.ann, CREW).statement.subjectKey).toEqual(scene.ann.signer.publicKey)
    const made = await spokenBundle(scene, scene.ann)
    expect((await carry(scene, made)).code).toBe('accepted')
  })

  it('is refused an event, and state on another topic', async () => {
    await using scene = await openSpoken()
    const event = await spokenBundle(scene, scene.ann, { changes: {} })
    expect(await carry(scene, event)).toEqual(refusedAs('condition'))
    const elsewhere = await spokenBundle(scene, scene.ann, { topic: DESK })
    expect(await carry(scene, elsewhere)).toEqual(refusedAs('condition'))
  })

  it('is refused where the grant has a condition that is held against no bundle', async () => {
    await using scene = await openSpoken()
    const conditions: Condition[] = [['messagesPerSecond', 1], ...NARROW]
    const made = await spokenBundle(scene, scene.ann, { conditions })
    expect(await carry(scene, made)).toEqual(refusedAs('condition'))
  })

  it('is refused where the member never granted it', async () => {
    await using scene = await openSpoken()
    const bob = await bindBob(scene)
    const { grant } = await spokenFor(scene, bob)
    const identity = {
      name: scene.ann.name,
      signer: scene.speaker.signer,
      statements: [...scene.ann.statements, ...bob.statements, ...scene.speaker.statements],
    }
    const under = grantOn(scene.ann, CREW)
    const made = await makeBundle(scene.world, withStatements(identity, grant), CREW, {
      under,
      ...STATE,
    })
    expect(await carry(scene, made)).toEqual(refusedAs('no-chain'))
  })

  it('is refused once the member has withdrawn the grant', async () => {
    await using scene = await openSpoken()
    const { world, ann, node } = scene
    const { grant, identity } = await spokenFor(scene, ann)
    const under = grantOn(ann, CREW)
    const before = await makeBundle(world, identity, CREW, { under, ...STATE })
    expect((await carry(scene, before)).code).toBe('accepted')
    const context = { clock: world.clock, random: world.bytes, hash: nodeSha256 }
    const target = { kind: 'statement', id: grant.id } as const
    await node.host.takeNotice((await issueRevocation(scene.acme, target, context)).bytes)
    await world.pass(50)
    const after = await makeBundle(world, identity, CREW, { under, ...STATE, first: 2 })
    expect(await carry(scene, after)).toEqual(refusedAs('revoked'))
  })

  it('cannot use what was granted to the member’s key where a name above lets it speak', async () => {
    await using scene = await openSpoken()
    const made = await spokenBundle(scene, scene.ann, { by: scene.acme })
    expect(await carry(scene, made)).toEqual(refusedAs('wrong-subject'))
  })

  it('cannot widen what it was narrowed to by a grant of its own', async () => {
    await using scene = await openSpoken()
    const made = await spokenBundle(scene, scene.ann, { by: scene.speaker, conditions: [] })
    expect((await carry(scene, made)).verdict).not.toBe('accept')
  })
})

describe('a signature of a node over several members', () => {
  it('counts for each that granted it, and no longer for one whose key was revoked', async () => {
    await using scene = await openSpoken()
    const { world, ann, node } = scene
    const bob = await bindBob(scene)
    const made = [await spokenBundle(scene, ann), await spokenBundle(scene, bob)]
    for (const { proof } of made) await scene.raw.prove(NODE, proof)
    const context = { clock: world.clock, random: world.bytes, hash: nodeSha256 }
    const target = { kind: 'key', name: bob.name, key: bob.signer.publicKey } as const
    await node.host.takeNotice((await issueRevocation(scene.acme, target, context)).bytes)
    await world.pass(50)
    const outcome = await bring(scene, await signTogether(made, scene.speaker.signer))
    expect(outcome).toEqual({ [ann.name]: 'accepted', [bob.name]: 'revoked' })
  })

  it('does not hold for a bundle in the place of another', async () => {
    await using scene = await openSpoken()
    const bob = await bindBob(scene)
    const made = [await spokenBundle(scene, scene.ann), await spokenBundle(scene, bob)] as const
    for (const { proof } of made) await scene.raw.prove(NODE, proof)
    const [first] = await signTogether(made, scene.speaker.signer)
    // Bob's header and messages, with what proves ann's.
    const { signature, place } = signedPart(first!)
    const moved = repackBundle(made[1], (fields) => {
      fields[2] = signature
      fields[3] = place
    })
    expect(await carryBytes(scene, moved, { on: CREW })).toEqual(refusedAs('bad-signature'))
  })
})

/** The signature of a bundle, and its place in the tree. */
function signedPart(bytes: Uint8Array) {
  const [, , signature, place] = decode(bytes, { bytesMax: MESSAGE_BYTES_MAX }) as readonly Value[]
  return { signature: signature!, place: place! }
}
