import { toHex, type Verifier } from '@ixj/trust'
import { describe, expect, it } from 'vitest'
import { makeBundle, partOf } from '../../../../test/world/made-bundle.ts'
import { bindAnyhow } from '../../../../test/world/made-statement.ts'
import { openNodeVerifier } from '../../../../test/world/native-keys.ts'
import { RawNode } from '../../../../test/world/raw-node.ts'
import { provingStatements } from '../../src/host/identity.ts'
import { NEIGHBOUR_FAULTS_MAX } from '../../src/limits.ts'
import {
  annsBundle,
  carry,
  CREW,
  crewGrant,
  DESK,
  grantOn,
  NODE,
  openScene,
  refusedAs,
} from '../scene.ts'
import { bodies } from '../town.ts'

const flipped = (bytes: Uint8Array, place: number) => bytes.with(place, bytes[place]! ^ 1)

describe('the exchange with a neighbour', () => {
  it('bears 16 frames that no honest node sends, and ends with the next', async () => {
    await using scene = await openScene()
    for (let fault = 1; fault <= NEIGHBOUR_FAULTS_MAX; fault++) {
      await scene.raw.say(NODE, Uint8Array.of(0xc1))
    }
    await scene.world.pass(50)
    expect(scene.node.host.neighbours).toContain(scene.raw.identity.name)
    await scene.raw.say(NODE, Uint8Array.of(0xc1))
    await scene.world.pass(50)
    expect(scene.node.host.neighbours).not.toContain(scene.raw.identity.name)
    expect(scene.node.host.counts.get('encoding')).toBe(NEIGHBOUR_FAULTS_MAX + 1)
  })

  it('counts a statement whose signature does not hold, and does not keep it', async () => {
    await using scene = await openScene()
    const bob = await bindAnyhow(scene.world, scene.acme, 'bob.acme.example')
    const made = await makeBundle(scene.world, bob, CREW)
    const forged = made.proof.statements.map(({ envelope }) =>
      // The last byte but one is of the signature, the last is the nil after it.
      flipped(envelope, envelope.length - 2),
    )
    await scene.raw.say(
      NODE,
      { kind: 'statements', envelopes: forged },
      { kind: 'proof', bytes: made.proof.bytes },
    )
    const outcome = await carry(scene, made, { proved: false, waitMs: 2_100 })
    expect(outcome).toEqual(refusedAs('proof-missing'))
    expect(scene.node.host.counts.get('bad-signature')).toBe(1)
    // The genuine one is not kept out by the forged one.
    const again = await makeBundle(scene.world, bob, CREW, { first: 2 })
    expect(await carry(scene, again)).toEqual(refusedAs('not-granted'))
  })

  it('completes a proof by the ids of its statements, and blames whoever gives false ones', async () => {
    await using scene = await openScene()
    const { raw, world } = scene
    const bob = await bindAnyhow(world, scene.acme, 'bob.acme.example')
    for (const [first, forged] of [true, false].entries()) {
      const made = await makeBundle(world, bob, DESK, { first: first + 1 })
      await raw.say(NODE, { kind: 'proof', bytes: made.proof.bytes })
      raw.frames.length = 0
      const carried = carry(scene, made, { proved: false, waitMs: 2_100 })
      await world.pass(50)
      const ids = made.proof.statements.map(({ id }) => id)
      expect(raw.frames).toEqual([{ kind: 'ask', ids }])
      const envelopes = made.proof.statements.map(({ envelope }) =>
        forged ? flipped(envelope, envelope.length - 2) : envelope,
      )
      await raw.say(NODE, { kind: 'statements', envelopes })
      expect(await carried).toEqual(refusedAs(forged ? 'proof-missing' : 'policy'))
      expect(scene.node.host.counts.get('bad-signature')).toBe(1)
    }
  })

  it('asks for nothing that came just before a bundle, and is being checked', async () => {
    const checks = openNodeVerifier()
    let pause = () => Promise.resolve()
    const verify: Verifier['verify'] = async (...signed) => {
      await pause()
      return await checks.verify(...signed)
    }
    await using scene = await openScene({ verifier: { verify } })
    const { raw, world } = scene
    const { clock } = world
    const bob = await bindAnyhow(world, scene.acme, 'bob.acme.example')
    const made = await makeBundle(world, bob, DESK)
    await world.pass(1_000)
    raw.frames.length = 0
    pause = () => new Promise<void>((resolve) => void clock.at(clock.now() + 4, resolve))
    const said = raw.prove(NODE, made.proof)
    await world.pass(2)
    expect(await carry(scene, made, { proved: false, waitMs: 100 })).toEqual(refusedAs('policy'))
    await said
    expect(raw.frames).toEqual([])
  })

  it('lets nothing overtake what waits for its proof, whoever completes that', async () => {
    await using scene = await openScene()
    const { raw, world, acme, crewInbox } = scene
    const other = await new RawNode(
      world,
      acme,
      await world.bind(acme, 'other.acme.example', { grants: [crewGrant()] }),
    ).meet(NODE)
    // Its stream began before the crew was joined here: it begins with what comes first.
    const epoch = world.clock.now() - 60_000
    const bundles = []
    for (const first of [4, 5, 6]) {
      const parts = [partOf(world, `message ${first}`)]
      bundles.push(await annsBundle(scene, CREW, { epoch, first, parts }))
    }
    const [four, five, six] = bundles
    await raw.transport.publish(CREW, four!.bytes)
    await raw.transport.publish(CREW, five!.bytes)
    await world.pass(20)
    const { bytes, statements } = four!.proof
    await other.say(NODE, { kind: 'proof', bytes })
    await other.say(NODE, {
      kind: 'statements',
      envelopes: statements.map(({ envelope }) => envelope),
    })
    await world.pass(20)
    await raw.transport.publish(CREW, six!.bytes)
    await world.pass(20)
    expect(bodies(crewInbox)).toEqual(['message 4', 'message 5', 'message 6'])
  })

  it('gives the statements with the ids that it is asked for, as far as it has them', async () => {
    await using scene = await openScene()
    const { raw, world } = scene
    const made = await annsBundle(scene, DESK)
    await carry(scene, made)
    await world.pass(1_000)
    raw.frames.length = 0
    const [first] = made.proof.statements
    await raw.say(NODE, { kind: 'ask', ids: [new Uint8Array(32), first!.id] })
    await raw.say(NODE, { kind: 'ask', ids: [new Uint8Array(32)] })
    await world.pass(50)
    expect(raw.frames).toEqual([{ kind: 'statements', envelopes: [first!.envelope] }])
  })

  it('answers a fetch with every statement of the proof, and an unknown id with unknown', async () => {
    await using scene = await openScene()
    const made = await annsBundle(scene, DESK)
    await carry(scene, made)
    const { raw, world } = scene
    // Presence tells its own proofs once.
    await world.pass(1_000)
    raw.frames.length = 0
    const nothing = new Uint8Array(32)
    await raw.say(NODE, { kind: 'fetch', proof: made.proof.id }, { kind: 'fetch', proof: nothing })
    await world.pass(50)
    expect(raw.frames).toEqual([
      { kind: 'statements', envelopes: made.proof.statements.map(({ envelope }) => envelope) },
      { kind: 'proof', bytes: made.proof.bytes },
      { kind: 'unknown', proof: nothing },
    ])
  })

  it('tells a proof ahead of the first bundle that needs it, and once', async () => {
    await using scene = await openScene()
    const { raw, world, crew } = scene
    raw.frames.length = 0
    await world.until(crew.publish('first'))
    await world.pass(50)
    const told = raw.frames.filter(({ kind }) => kind === 'proof').length
    await world.until(crew.publish('second'))
    await world.pass(50)
    expect(raw.frames.filter(({ kind }) => kind === 'proof')).toHaveLength(told)
    expect(raw.frames.some(({ kind }) => kind === 'fetch')).toBe(false)
  })

  it('lets the oldest of 4,096 wishes go for a newer one, and blames nobody', async () => {
    await using scene = await openScene()
    const { raw, world } = scene
    for (let wish = 0; wish < 4_096 + 10; wish++) {
      await raw.say(NODE, { kind: 'want', mark: world.bytes(32) })
      if (wish % 500 === 0) await world.pass(20)
    }
    await world.pass(50)
    const faults = scene.decisions.drain().filter(({ about }) => about === 'right')
    expect(faults).toEqual([])
    expect(scene.node.host.neighbours).toContain(raw.identity.name)
    // The newest wish is still known, and a wish that is known is shown what it is for.
    raw.frames.length = 0
    await raw.say(NODE, { kind: 'want', mark: raw.mark(NODE, DESK) })
    await world.pass(50)
    expect(raw.frames).toContainEqual(expect.objectContaining({ kind: 'right', topic: DESK }))
    expect(scene.node.host.counts.get('own-fault')).toBeUndefined()
  })

  it('gives every proof of a thousand that its node was given at once', async () => {
    await using scene = await openScene()
    const { world, raw, acme, node } = scene
    const names = Array.from({ length: 1_000 }, (_, index) => `m${index}.acme.example`)
    const members = await Promise.all(
      names.map((each) => world.bind(acme, each, { grants: [crewGrant()] })),
    )
    const proofs = members.map((member) => provingStatements(member, [grantOn(member, CREW)]))
    const ids = await Promise.all(proofs.map((statements) => node.host.keepProof(statements)))
    raw.frames.length = 0
    await raw.say(NODE, ...ids.map((proof) => ({ kind: 'fetch', proof }) as const))
    await world.pass(500)
    const given = new Set(
      raw.frames.flatMap((frame) =>
        frame.kind === 'statements' ? frame.envelopes.map((envelope) => toHex(envelope)) : [],
      ),
    )
    const lacking = proofs.flat().filter(({ envelope }) => !given.has(toHex(envelope)))
    expect(lacking).toEqual([])
  })
})
