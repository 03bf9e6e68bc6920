import { readFileSync } from 'node:fs'
import { parseName, parsePattern } from '@ixj/names'
import { describe, expect, it } from 'vitest'
import type { Purpose } from '../src/anchors.ts'
import { checkAttenuation, checkRoot } from '../src/attenuation.ts'
import type { Uses } from '../src/binding.ts'
import { fromHex, toHex } from '../src/bytes.ts'
import type { Condition } from '../src/conditions.ts'
import type { Action, Grant } from '../src/grant.ts'
import { nobleSigner, nobleVerifier } from '../src/keys/index.ts'
import { decodeProof, encodeProof } from '../src/proof.ts'
import { proofIdOf } from '../src/signing.ts'
import { decodeStatement, isGrant, issueStatement, verifySignature } from '../src/statement.ts'

interface BaseFields {
  readonly issuer: string
  readonly notBefore: number
  readonly notAfter: number
  readonly nonce: string
}

interface BindingFields extends BaseFields {
  readonly kind: 'binding'
  readonly name: string
  readonly key: string
  readonly encryptionKey: string | null
  readonly uses: Uses
  readonly depth: number
  readonly strict: boolean
}

interface GrantFields extends BaseFields {
  readonly kind: 'grant'
  readonly onBehalfOf: string
  readonly subject: string
  readonly subjectKey: string | null
  readonly actions: readonly Action[]
  readonly topics: readonly string[]
  readonly conditions: readonly Condition[]
  readonly mayDelegate: false | readonly string[]
  readonly parent: string | null
}

interface CrossCertificateFields extends BaseFields {
  readonly kind: 'cross-certificate'
  readonly subject: string
  readonly subjectKeys: readonly string[]
  readonly next: string | null
  readonly names: readonly string[]
  readonly introduces: readonly string[]
  readonly hops: number
  readonly purposes: readonly Purpose[]
}

interface StatementVector {
  readonly description: string
  readonly seed: string
  readonly fields: BindingFields | GrantFields | CrossCertificateFields
  readonly id: string
  readonly envelope: string
}

interface ProofVector {
  readonly description: string
  readonly bindings: readonly string[]
  readonly grants: readonly string[]
  readonly crossCertificates: readonly string[]
  readonly id: string
  readonly encoded: string
}

const vectors = new URL('../../../test/vectors/', import.meta.url)
const { statements } = JSON.parse(readFileSync(new URL('statements.json', vectors), 'utf8')) as {
  readonly statements: readonly StatementVector[]
}
const { proofs } = JSON.parse(readFileSync(new URL('proof.json', vectors), 'utf8')) as {
  readonly proofs: readonly ProofVector[]
}

const bytesOrNull = (hex: string | null) => (hex === null ? null : fromHex(hex))

async function reissue({ fields, seed }: StatementVector) {
  const signer = nobleSigner(fromHex(seed))
  const base = {
    issuer: parseName(fields.issuer),
    notBefore: fields.notBefore,
    notAfter: fields.notAfter,
    nonce: fromHex(fields.nonce),
  }
  if (fields.kind === 'binding') {
    const { kind, name, key, encryptionKey, uses, depth, strict } = fields
    const own = { kind, name: parseName(name), key: fromHex(key), uses, depth, strict }
    return await issueStatement(
      { ...base, ...own, encryptionKey: bytesOrNull(encryptionKey) },
      signer,
    )
  }
  if (fields.kind === 'cross-certificate') {
    const { kind, hops, purposes } = fields
    const own = {
      subject: parseName(fields.subject),
      subjectKeys: fields.subjectKeys.map(fromHex),
      next: bytesOrNull(fields.next),
      names: fields.names.map(parsePattern),
      introduces: fields.introduces.map(parsePattern),
    }
    return await issueStatement({ ...base, kind, hops, purposes, ...own }, signer)
  }
  const { kind, actions, conditions, mayDelegate } = fields
  const own = {
    kind,
    actions,
    conditions,
    onBehalfOf: parseName(fields.onBehalfOf),
    subject: parsePattern(fields.subject),
    subjectKey: bytesOrNull(fields.subjectKey),
    topics: fields.topics.map(parsePattern),
    mayDelegate: mayDelegate === false ? mayDelegate : mayDelegate.map(parsePattern),
    parent: bytesOrNull(fields.parent),
  }
  return await issueStatement({ ...base, ...own }, signer)
}

describe('the vectors of statements', () => {
  for (const vector of statements) {
    it(`${vector.description}: read, verified, and issued again byte for byte`, async () => {
      const read = decodeStatement(fromHex(vector.envelope))
      expect(read.idText).toBe(vector.id)
      expect(await verifySignature(read, nobleVerifier)).toBe(true)
      const issued = await reissue(vector)
      expect(toHex(issued.envelope)).toBe(vector.envelope)
      expect(issued).toEqual(read)
    })
  }

  it('hold a root grant and a part of it', () => {
    const all = statements.map(({ envelope }) => decodeStatement(fromHex(envelope)))
    const [root, child] = all.filter(isGrant).map(({ statement }) => statement) as [Grant, Grant]
    expect(() => checkRoot(root)).not.toThrow()
    expect(() => checkAttenuation(root, child)).not.toThrow()
  })
})

describe('the vectors of proofs', () => {
  for (const vector of proofs) {
    it(`${vector.description}: read, and encoded again byte for byte`, () => {
      const proof = {
        bindings: vector.bindings.map(fromHex),
        grants: vector.grants.map(fromHex),
        ...(vector.crossCertificates.length === 0
          ? {}
          : { crossCertificates: vector.crossCertificates.map(fromHex) }),
      }
      expect(decodeProof(fromHex(vector.encoded))).toEqual(proof)
      expect(toHex(encodeProof(proof))).toBe(vector.encoded)
      expect(toHex(proofIdOf(encodeProof(proof)))).toBe(vector.id)
    })
  }
})
