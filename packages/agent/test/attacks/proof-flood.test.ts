import {
  encodeProof,
  PROOF_DNSSEC_BYTES_MAX,
  StatementStore,
  toHex,
  type Verifier,
  makeStandpoint,
  NO_REVOCATIONS,
} from '@ixj/trust'
import { describe, expect, it } from 'vitest'
import { makeBundle, proofOf, type MadeProof } from '../../../../test/world/made-bundle.ts'
import { bindAnyhow } from '../../../../test/world/made-statement.ts'
import { nodeSha256, openNodeVerifier } from '../../../../test/world/native-keys.ts'
import { RawNode } from '../../../../test/world/raw-node.ts'
import { name, World } from '../../../../test/world/world.ts'
import { provingStatements } from '../../src/host/identity.ts'
import {
  PROOFS_MAX,
  PROOFS_PER_NEIGHBOUR_BYTES_MAX,
  PROOFS_PER_NEIGHBOUR_MAX,
} from '../../src/limits.ts'
import { Crossings } from '../../src/neighbours/crossings.ts'
import { FollowedNames } from '../../src/neighbours/followed-names.ts'
import { ProofBook } from '../../src/neighbours/proof-book.ts'
import { ZoneKeyBook } from '../../src/neighbours/zone-keys.ts'
import { crewGrant, CREW, DESK, grantOn, NODE, openScene, type Scene } from '../scene.ts'

let made = 0

/** A proof that nobody made before, over a statement that nobody has. */
function junkProof(): Uint8Array {
  made += 1
  const id = new Uint8Array(32)
  new DataView(id.buffer).setUint32(0, made)
  return encodeProof({ bindings: [id], grants: [] })
}

/** A member of the crew on a node of its own, which the test drives. */
async function openMember(scene: Scene, label: string): Promise<RawNode> {
  const identity = await scene.world.bind(scene.acme, label, { grants: [crewGrant()] })
  const raw = await new RawNode(scene.world, scene.acme, identity).meet(NODE)
  await raw.join(NODE, CREW)
  return raw
}

/** Statements of a proof that the host gives away; undefined: it does not know the proof. */
async function fetched(scene: Scene, id: Uint8Array): Promise<readonly string[] | undefined> {
  const { raw, world } = scene
  // Presence tells what it has to tell first.
  await world.pass(1_000)
  raw.frames.length = 0
  await raw.say(NODE, { kind: 'fetch', proof: id })
  await world.pass(50)
  if (raw.frames.some(({ kind }) => kind === 'unknown')) return undefined
  return raw.frames.flatMap((frame) =>
    frame.kind === 'statements' ? frame.envelopes.map((envelope) => toHex(envelope)) : [],
  )
}

const envelopesOf = (proof: MadeProof) => proof.statements.map(({ envelope }) => toHex(envelope))

async function disconnect(scene: Scene, raw: RawNode): Promise<void> {
  scene.world.network.disconnect(NODE, raw.peer)
  await scene.world.pass(50)
}

describe('the proof book', () => {
  async function openBook() {
    const world = new World(1)
    const acme = world.organisation('acme.example')
    const statements = new StatementStore()
    const verifier = openNodeVerifier()
    const [binding] = (await world.bind(acme, 'ann.acme.example')).statements
    await statements.add(binding!.envelope, { owner: 'self', verifier })
    const zoneKeys = new ZoneKeyBook(undefined, world.clock, nodeSha256)
    const followed = new FollowedNames(undefined, zoneKeys, world.clock)
    const crossings = new Crossings(
      makeStandpoint(name('n1.acme.example'), []),
      world.clock,
      zoneKeys,
    )
    const book = new ProofBook(statements, nodeSha256, {
      zoneKeys,
      followed,
      crossings,
      revocations: NO_REVOCATIONS,
    })
    const tell = (bytes: Uint8Array, teller: string) => {
      const known = book.read(bytes)
      book.add(known, teller)
      return known
    }
    return { book, tell, own: book.compose([binding!]) }
  }

  it('has its own proofs at hand however many others are told', async () => {
    const { book, tell, own } = await openBook()
    const accepted = tell(junkProof(), 'honest')
    book.keep(accepted.idText)
    for (let count = 0; count <= PROOFS_MAX; count++) {
      tell(junkProof(), `peer ${count % 100}`)
    }
    expect(book.material(own.idText)?.bindings).toHaveLength(1)
    expect(book.get(accepted.idText)).toBeDefined()
  })

  it('has its own proofs at hand however many others were accepted', async () => {
    const { book, tell, own } = await openBook()
    for (let count = 0; count <= PROOFS_MAX; count++) {
      book.keep(tell(junkProof(), 'honest').idText)
    }
    expect(book.material(own.idText)?.bindings).toHaveLength(1)
  })

  it('forgets the oldest of who tells too many, and of nobody else', async () => {
    const { book, tell } = await openBook()
    const quiet = tell(junkProof(), 'quiet')
    const first = tell(junkProof(), 'loud')
    const second = tell(junkProof(), 'loud')
    for (let count = 2; count <= PROOFS_PER_NEIGHBOUR_MAX; count++) tell(junkProof(), 'loud')
    const held = [quiet, first, second].map(({ idText }) => book.get(idText) !== undefined)
    expect(held).toEqual([true, false, true])
  })

  it('bounds what it holds in bytes as well, for proofs with records', async () => {
    const { book, tell } = await openBook()
    const large = () => {
      made += 1
      const dnssec = new Uint8Array(PROOF_DNSSEC_BYTES_MAX)
      new DataView(dnssec.buffer).setUint32(0, made)
      return encodeProof({ bindings: [], grants: [], dnssec })
    }
    const fitting = Math.floor(PROOFS_PER_NEIGHBOUR_BYTES_MAX / large().length)
    const told = Array.from({ length: fitting + 2 }, () => tell(large(), 'loud'))
    const held = told.filter(({ idText }) => book.get(idText) !== undefined)
    expect(held).toEqual(told.slice(2))
  })

  it('forgets with a neighbour what it alone told', async () => {
    const { book, tell } = await openBook()
    const bytes = junkProof()
    const shared = tell(bytes, 'a')
    tell(bytes, 'b')
    const lone = tell(junkProof(), 'a')
    const accepted = tell(junkProof(), 'a')
    book.keep(accepted.idText)
    book.release('a')
    const held = [shared, lone, accepted].map(({ idText }) => book.get(idText) !== undefined)
    expect(held).toEqual([true, false, true])
  })
})

describe('the host', () => {
  it('forgets the proofs of a neighbour that has gone, and keeps what it accepted', async () => {
    await using scene = await openScene()
    const member = await openMember(scene, 'm1.acme.example')
    const grant = grantOn(member.identity, CREW)
    const bundle = await makeBundle(scene.world, member.identity, CREW, { under: grant })
    await member.give(NODE, bundle)
    expect(scene.crewInbox.size).toBe(1)
    const bob = await bindAnyhow(scene.world, scene.acme, 'bob.acme.example')
    const told = proofOf(provingStatements(bob, []))
    await member.prove(NODE, told)
    expect(await fetched(scene, told.id)).toEqual(envelopesOf(told))
    await disconnect(scene, member)
    expect(await fetched(scene, told.id)).toBeUndefined()
    expect(await fetched(scene, bundle.proof.id)).toEqual(envelopesOf(bundle.proof))
  })

  it('keeps no statement of a neighbour that went while its signature was checked', async () => {
    let gate: Promise<void> | undefined
    const own = openNodeVerifier()
    const verifier: Verifier = {
      verify: async (...checked) => {
        await gate
        return await own.verify(...checked)
      },
    }
    await using scene = await openScene({ verifier })
    const member = await openMember(scene, 'm1.acme.example')
    const told = proofOf(provingStatements(await bindAnyhow(scene.world, scene.acme, DESK), []))
    let open = () => {}
    gate = new Promise((resolve) => (open = resolve))
    await member.prove(NODE, told)
    await scene.world.pass(10)
    await disconnect(scene, member)
    open()
    gate = undefined
    await scene.world.pass(10)
    // Who tells the proof alone does not find its statements here.
    await scene.raw.say(NODE, { kind: 'proof', bytes: told.bytes })
    expect(await fetched(scene, told.id)).toEqual([])
  })

  it('keeps what led to an accepted bundle, and not the 60 other statements of its proof', async () => {
    await using scene = await openScene()
    const { world } = scene
    const member = await openMember(scene, 'm1.acme.example')
    const grant = grantOn(member.identity, CREW)
    const [own, ...rest] = provingStatements(member.identity, [grant])
    const nobody = { name: name('x.example'), signer: world.key(), statements: [] }
    const junk = []
    for (let index = 0; index < 60; index++) {
      const { statements } = await bindAnyhow(world, nobody, `j${index}.x.example`)
      junk.push(...statements)
    }
    const stuffed = proofOf([own!, ...junk, ...rest])
    const bundle = await makeBundle(world, member.identity, CREW, { under: grant, made: stuffed })
    await member.give(NODE, bundle)
    expect(scene.crewInbox.size).toBe(1)
    expect(await fetched(scene, stuffed.id)).toHaveLength(62)
    await disconnect(scene, member)
    const used = envelopesOf(proofOf([own!, ...rest]))
    expect(await fetched(scene, stuffed.id)).toEqual(used)
  })

  it('holds the statements of an agent that is open here, and shares a place for those that were', async () => {
    await using scene = await openScene()
    const { world, acme, raw, node } = scene
    const bob = await world.bind(acme, 'bob.acme.example', { grants: [crewGrant()] })
    const proof = proofOf(bob.statements)
    await raw.say(NODE, { kind: 'proof', bytes: proof.bytes })
    expect(await fetched(scene, proof.id)).toEqual([])
    const agent = await node.host.openAgent(bob)
    // A neighbour that tells them too, and goes, takes nothing away.
    const member = await openMember(scene, 'm1.acme.example')
    await member.prove(NODE, proof)
    await disconnect(scene, member)
    expect(await fetched(scene, proof.id)).toEqual(envelopesOf(proof))
    // What it said can be asked for after it has closed, and proves nothing without them.
    await world.until(agent[Symbol.asyncDispose]())
    expect(await fetched(scene, proof.id)).toEqual(envelopesOf(proof))
  })
})
