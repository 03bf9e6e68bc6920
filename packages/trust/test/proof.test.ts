import { parsePattern } from '@ixj/names'
import { describe, expect, it } from 'vitest'
import { AnchorSet } from '../src/anchor-set.ts'
import { checkAuthority } from '../src/authority.ts'
import { encode } from '../src/encoding/index.ts'
import { checkName } from '../src/name-chain.ts'
import {
  decodeProof,
  encodeProof,
  makeProof,
  missingStatements,
  type Proof,
  resolveProof,
} from '../src/proof.ts'
import { PROOF_DNSSEC_BYTES_MAX } from '../src/limits.ts'
import { proofIdOf } from '../src/signing.ts'
import { StatementStore } from '../src/statement-store.ts'
import {
  anchorOf,
  bind,
  CountingVerifier,
  crew,
  grant,
  keyOf,
  NOW,
  planner,
  refusal,
  w1,
} from './world.ts'

const idAt = (index: number) => new Uint8Array(32).fill(index)
const ids = (count: number) => Array.from({ length: count }, (_, index) => idAt(index))

const toCrew = await bind({ name: crew })
const toPlanner = await bind({ name: planner })
const toW1 = await bind({ issuer: planner, name: w1 })
const root = await grant({ mayDelegate: [parsePattern(w1)] })
const leaf = await grant({
  issuer: planner,
  onBehalfOf: crew,
  subject: parsePattern(w1),
  parent: root.id,
})
const statements = [toCrew, toPlanner, toW1, root, leaf]

async function storeOf(signed = statements, verifier = new CountingVerifier()) {
  const store = new StatementStore()
  for (const { envelope } of signed) await store.add(envelope, { owner: 'peer', verifier })
  return store
}

describe('encodeProof() and decodeProof()', () => {
  it('are each other’s inverse', () => {
    for (const proof of [
      { bindings: [], grants: [] },
      { bindings: ids(2), grants: [idAt(9)] },
    ]) {
      expect(decodeProof(encodeProof(proof))).toEqual(proof)
    }
  })

  it('give another id for another order', () => {
    const [one, other] = [ids(2), ids(2).toReversed()].map((bindings) =>
      proofIdOf(encodeProof({ bindings, grants: [] })),
    )
    expect(one).not.toEqual(other)
  })

  it('take 64 statements and refuse 65, before any signature check', () => {
    const full = { bindings: ids(40), grants: ids(64).slice(40) }
    expect(decodeProof(encodeProof(full))).toEqual(full)
    const over = { bindings: ids(40), grants: ids(65).slice(40) }
    expect(() => encodeProof(over)).toThrow(refusal('cost-cap', '65 statements, limit 64'))
    const bytes = encode([over.bindings, over.grants, [], null])
    expect(() => decodeProof(bytes)).toThrow(refusal('cost-cap', '65 statements, limit 64'))
    const bomb = encode([ids(400), [], [], null])
    expect(() => decodeProof(bomb)).toThrow(refusal('too-large'))
  })

  it('carry DNSSEC records as they are: 1 byte to 8 KiB, or none', () => {
    const with8k = { bindings: ids(64), grants: [], dnssec: new Uint8Array(PROOF_DNSSEC_BYTES_MAX) }
    expect(decodeProof(encodeProof(with8k))).toEqual(with8k)
    expect(decodeProof(encodeProof({ bindings: [], grants: [] }))).not.toHaveProperty('dnssec')
    for (const bytes of [0, PROOF_DNSSEC_BYTES_MAX + 1]) {
      const dnssec = new Uint8Array(bytes)
      expect(() => encodeProof({ bindings: [], grants: [], dnssec })).toThrow(refusal('form'))
      expect(() => decodeProof(encode([[], [], [], dnssec]))).toThrow(refusal('form'))
    }
  })

  it('refuse what is repeated, or of another length', () => {
    const twice = { bindings: [idAt(1)], grants: [idAt(1)] }
    expect(() => encodeProof(twice)).toThrow(refusal('form', 'repeats'))
    expect(() => decodeProof(encode([[idAt(1)], [idAt(1)], [], null]))).toThrow(refusal('form'))
    const short = new Uint8Array(31)
    expect(() => encodeProof({ bindings: [short], grants: [] })).toThrow(refusal('form', '31'))
    expect(() => decodeProof(encode([[short], [], [], null]))).toThrow(refusal('form'))
    const crossing = { bindings: [idAt(1)], grants: [], crossCertificates: [idAt(1)] }
    expect(() => encodeProof(crossing)).toThrow(refusal('form', 'repeats'))
    expect(() => decodeProof(encode([[], [], [], []]))).toThrow(refusal('form'))
    expect(() => decodeProof(encode([[], [], []]))).toThrow(refusal('form'))
    expect(() => decodeProof(encode([[], null, [], null]))).toThrow(refusal('form'))
  })
})

describe('makeProof()', () => {
  const bindings = [toW1, toPlanner, toCrew]
  const anchors = new AnchorSet([anchorOf()])
  const name = checkName(
    { name: w1, key: keyOf(w1), use: 'sign', purpose: 'send' },
    { bindings, anchors, now: NOW },
  )
  const authority = checkAuthority(
    { leaf: leaf.id, subject: w1, subjectKey: keyOf(w1), action: 'publish', topic: crew },
    { grants: [leaf, root], bindings, anchors, now: NOW },
  )

  it('holds what the chains need, once, each after what it rests on', async () => {
    const proof = makeProof({ names: [name], authorities: [authority] })
    expect(proof.grants).toEqual([root.id, leaf.id])
    expect(new Set(proof.bindings)).toEqual(new Set([toPlanner.id, toW1.id, toCrew.id]))
    expect(proof.bindings.indexOf(toPlanner.id)).toBeLessThan(proof.bindings.indexOf(toW1.id))
    const resolved = resolveProof(proof, await storeOf())
    expect(resolved.grants).toEqual([root, leaf])
    expect(makeProof({ names: [name] })).toEqual({ bindings: [toPlanner.id, toW1.id], grants: [] })
  })
})

describe('resolveProof()', () => {
  const proof: Proof = { bindings: [toPlanner.id, toW1.id], grants: [root.id, leaf.id] }

  it('gives the statements in the proof’s order, without a signature check', async () => {
    const verifier = new CountingVerifier()
    const store = await storeOf(statements, verifier)
    const calls = verifier.calls
    expect(resolveProof(proof, store)).toEqual({
      bindings: [toPlanner, toW1],
      grants: [root, leaf],
    })
    expect(verifier.calls).toBe(calls)
  })

  it('refuses where one is missing, and missingStatements() tells which', async () => {
    const store = await storeOf([toPlanner, leaf])
    expect(() => resolveProof(proof, store)).toThrow(refusal('missing-statement', toW1.idText))
    expect(missingStatements(proof, store)).toEqual([toW1.id, root.id])
    expect(missingStatements(proof, await storeOf())).toEqual([])
  })

  it('refuses a statement of the other kind', async () => {
    const store = await storeOf()
    const swapped = { bindings: [root.id], grants: [] }
    expect(() => resolveProof(swapped, store)).toThrow(refusal('wrong-kind', 'is a grant'))
    const other = { bindings: [], grants: [toW1.id] }
    expect(() => resolveProof(other, store)).toThrow(refusal('wrong-kind', 'is a binding'))
  })

  it('refuses a statement that stands before the one that it rests on', async () => {
    const store = await storeOf()
    const bindings = { ...proof, bindings: proof.bindings.toReversed() }
    expect(() => resolveProof(bindings, store)).toThrow(refusal('form', toPlanner.idText))
    const grants = { ...proof, grants: proof.grants.toReversed() }
    expect(() => resolveProof(grants, store)).toThrow(refusal('form', root.idText))
  })

  it('lets several chains share one proof in any order that keeps each', async () => {
    const store = await storeOf()
    const bindings = [toPlanner.id, toCrew.id, toW1.id]
    expect(resolveProof({ bindings, grants: [] }, store).bindings).toHaveLength(3)
    const other = await bind({ issuer: planner, name: w1 })
    await store.add(other.envelope, { owner: 'peer', verifier: new CountingVerifier() })
    expect(
      resolveProof({ bindings: [toPlanner.id, toW1.id, other.id], grants: [] }, store),
    ).toMatchObject({ bindings: [toPlanner, toW1, other] })
  })
})
