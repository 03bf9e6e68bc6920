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
import { revocationDigest } from '../src/revocation-book.ts'
import { issueStatement, issueSuccessor } from '../src/issue-statement.ts'
import {
  decodeStatement,
  isGrant,
  isRevocation,
  isStatus,
  verifySignature,
} from '../src/statement.ts'

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

interface RevocationFields extends BaseFields {
  readonly kind: 'revocation'
  readonly of: string
  readonly target: { readonly id: string } | { readonly name: string; readonly key: string }
}

interface StatusFields extends BaseFields {
  readonly kind: 'status'
  readonly of: string
  readonly number: number
  readonly digest: string
  readonly issuedAt: number
  readonly freshUntil: number
}

interface SuccessorFields extends BaseFields {
  readonly kind: 'successor'
  readonly name: string
  readonly newKey: string
  readonly next: string | null
}

interface StatementVector {
  readonly description: string
  readonly seed: string
  /** Of the second signature of a successor. */
  readonly newSeed?: string
  readonly fields:
    | BindingFields
    | GrantFields
    | CrossCertificateFields
    | RevocationFields
    | StatusFields
    | SuccessorFields
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

async function reissue({ fields, seed, newSeed = '' }: StatementVector) {
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
  if (fields.kind === 'revocation') {
    const { kind, of, target } = fields
    const own =
      'id' in target
        ? ({ kind: 'statement', id: fromHex(target.id) } as const)
        : ({ kind: 'key', name: parseName(target.name), key: fromHex(target.key) } as const)
    return await issueStatement({ ...base, kind, of: parseName(of), target: own }, signer)
  }
  if (fields.kind === 'status') {
    const { kind, number, issuedAt, freshUntil } = fields
    const own = { kind, number, issuedAt, freshUntil, of: parseName(fields.of) }
    return await issueStatement({ ...base, ...own, digest: fromHex(fields.digest) }, signer)
  }
  if (fields.kind === 'successor') {
    const { kind, name, newKey, next } = fields
    const own = { kind, name: parseName(name), newKey: fromHex(newKey), next: bytesOrNull(next) }
    const signers = { old: signer, new: nobleSigner(fromHex(newSeed)) }
    return await issueSuccessor({ ...base, ...own }, signers)
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

  it('hold a status whose digest is that of the two revocations', () => {
    const all = statements.map(({ envelope }) => decodeStatement(fromHex(envelope)))
    const ids = all.filter(isRevocation).map(({ id }) => id)
    const status = all.find(isStatus)!
    expect(ids).toHaveLength(2)
    expect(revocationDigest(ids)).toEqual(status.statement.digest)
  })

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
