import type { PublishedKey } from '../src/published-key.ts'
import { parseName, parsePattern } from '@ixj/names'
import { expect } from 'vitest'
import type { AnchorFields } from '../src/anchors.ts'
import type { Binding } from '../src/binding.ts'
import { utf8Bytes } from '../src/bytes.ts'
import { type CrossCertificate, defaultCrossNames } from '../src/cross-certificate.ts'
import type { Grant } from '../src/grant.ts'
import { nobleSigner, nobleVerifier, type Signer, type Verifier } from '../src/keys/index.ts'
import { sha256 } from '../src/signing.ts'
import { issueStatement, prepareStatement, type StatementFields } from '../src/issue-statement.ts'
import type { SignedStatement } from '../src/statement.ts'

/** Property tests repeat the same runs every time; a failure prints the seed and the path. */
export const SEED = 0x1235

export const SECOND = 1_000
export const MINUTE = 60_000
export const HOUR = 3_600_000

/** 2026-11-23T12:00:00Z, at which all that is made here holds. */
export const NOW = 1_795_435_200_000

export const acme = parseName('acme.example')
export const planner = parseName('planner.acme.example')
export const w1 = parseName('w1.planner.acme.example')
export const crew = parseName('crew.acme.example')
export const globex = parseName('globex.example')
export const federation = parseName('fed.example')

/** What `toThrow` wants for a refusal with this code, and with this text in its message. */
export function refusal(code: string, text = ''): Error {
  const message: unknown = expect.stringContaining(text)
  return expect.objectContaining({ name: 'TrustError', code, message }) as Error
}

const signers = new Map<string, Signer>()

/** The same key for the same label in every run. */
export function signerOf(label: string): Signer {
  const signer = signers.get(label) ?? nobleSigner(sha256(utf8Bytes(label)))
  signers.set(label, signer)
  return signer
}

/** The public key of {@link signerOf}. */
export function keyOf(label: string): Uint8Array {
  return signerOf(label).publicKey
}

let nonces = 0

/** 16 bytes, others at each call. */
export function freshNonce(): Uint8Array {
  nonces += 1
  return sha256(utf8Bytes(`nonce ${nonces}`)).slice(0, 16)
}

/** Fields of a binding of planner by acme, with the key of the same label, unless told otherwise. */
export function bindingFieldsOf(fields: Partial<Binding> = {}): StatementFields<Binding> {
  const name = fields.name ?? planner
  return {
    kind: 'binding',
    issuer: acme,
    notBefore: NOW - HOUR,
    notAfter: NOW + HOUR,
    nonce: freshNonce(),
    name,
    key: keyOf(name),
    encryptionKey: null,
    uses: 'both',
    depth: 4,
    strict: false,
    ...fields,
  }
}

/** Fields of a root grant by crew to planner to publish, unless told otherwise. */
export function grantFieldsOf(fields: Partial<Grant> = {}): StatementFields<Grant> {
  return {
    kind: 'grant',
    issuer: crew,
    notBefore: NOW - HOUR,
    notAfter: NOW + HOUR,
    nonce: freshNonce(),
    onBehalfOf: crew,
    subject: parsePattern(planner),
    subjectKey: null,
    actions: ['publish'],
    topics: [parsePattern(crew)],
    conditions: [],
    mayDelegate: false,
    parent: null,
    ...fields,
  }
}

/** Fields of a cross-certificate of globex by acme, with the key of its label, unless told otherwise. */
export function crossFieldsOf(
  fields: Partial<CrossCertificate> = {},
): StatementFields<CrossCertificate> {
  const subject = fields.subject ?? globex
  return {
    kind: 'cross-certificate',
    issuer: acme,
    notBefore: NOW - HOUR,
    notAfter: NOW + HOUR,
    nonce: freshNonce(),
    subject,
    subjectKeys: [keyOf(subject)],
    next: null,
    names: defaultCrossNames(subject),
    introduces: [],
    hops: 0,
    purposes: ['connect', 'send'],
    ...fields,
  }
}

/** Issues a cross-certificate with the key labelled by its issuer. */
export function cross(
  fields: Partial<CrossCertificate> = {},
): Promise<SignedStatement<CrossCertificate>> {
  const full = crossFieldsOf(fields)
  return issueStatement(full, signerOf(full.issuer))
}

/** Issues a binding with the key labelled by its issuer. */
export function bind(fields: Partial<Binding> = {}): Promise<SignedStatement<Binding>> {
  const full = bindingFieldsOf(fields)
  return issueStatement(full, signerOf(full.issuer))
}

/** Issues a grant with the key labelled by its issuer; checks its form alone. */
export function grant(fields: Partial<Grant> = {}): Promise<SignedStatement<Grant>> {
  const full = grantFieldsOf(fields)
  return issueStatement(full, signerOf(full.issuer))
}

/** A grant as its form is after reading, unsigned. */
export function grantOf(fields: Partial<Grant> = {}): Grant {
  const full = grantFieldsOf(fields)
  return prepareStatement(full, fields.issuerKey ?? keyOf(full.issuer)).statement
}

/** An anchor of acme with the key of that label, for all purposes, unless told otherwise. */
export function anchorOf(fields: Partial<AnchorFields> = {}): AnchorFields {
  const name = fields.name ?? acme
  return { name, keys: [keyOf(name)], purposes: ['connect', 'send', 'grant'], ...fields }
}

/** Counts how often it was asked. */
export class CountingVerifier implements Verifier {
  calls = 0

  verify(publicKey: Uint8Array, data: Uint8Array, signature: Uint8Array): Promise<boolean> {
    this.calls += 1
    return Promise.resolve(nobleVerifier.verify(publicKey, data, signature))
  }
}

/** A key that the zone of acme publishes, the planner's unless told otherwise. */
export function publish(fields: Partial<PublishedKey> = {}): PublishedKey {
  const name = fields.name ?? planner
  return {
    name,
    key: keyOf(name),
    uses: 'both',
    depth: 2,
    strict: false,
    encryptionKey: null,
    next: null,
    hosts: [],
    zone: acme,
    notBefore: NOW - HOUR,
    notAfter: NOW + HOUR,
    ...fields,
  }
}
