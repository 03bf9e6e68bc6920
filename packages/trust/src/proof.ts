import type { Binding } from './binding.ts'
import { equalBytes, toHex } from './bytes.ts'
import type { CrossCertificate } from './cross-certificate.ts'
import {
  decode,
  encode,
  type Field,
  readArray,
  readBytes,
  readBytesUpTo,
  readList,
} from './encoding/index.ts'
import type { Grant } from './grant.ts'
import type { Standpoint } from './standpoint.ts'
import { PROOF_BYTES_MAX, PROOF_DNSSEC_BYTES_MAX, PROOF_STATEMENTS_MAX } from './limits.ts'
import { type Authority, type NameChain, statementsOfChain } from './name-question.ts'
import type { PublishedKey } from './published-key.ts'
import type { RevocationView } from './revocation-book.ts'
import { isBinding, isCrossCertificate, isGrant, type SignedStatement } from './statement.ts'
import { TrustError } from './trust-error.ts'

/**
 * The ids of the statements that prove a sender and its authority, docs/protocol.md, section
 * "Forms": each issuer's binding stands before those that it issued, each grant after its parent.
 * Several chains may share one proof.
 */
export interface Proof {
  readonly bindings: readonly Uint8Array[]
  readonly grants: readonly Uint8Array[]
  /** In any order, since a graph of organisations has no root; left out where there are none. */
  readonly crossCertificates?: readonly Uint8Array[]
  /** DNSSEC records that prove published keys; what they prove is not looked at here. */
  readonly dnssec?: Uint8Array
}

/** The statements of a proof, in its order. */
export interface ProofStatements {
  readonly bindings: readonly SignedStatement<Binding>[]
  readonly grants: readonly SignedStatement<Grant>[]
  /** Default none. */
  readonly crossCertificates?: readonly SignedStatement<CrossCertificate>[]
  /** Who verifies it; default nobody, for whom no cross-certificate counts. */
  readonly standpoint?: Standpoint
  /** What its DNSSEC records proved here; default nothing. */
  readonly published?: readonly PublishedKey[]
  /** Why some of its DNSSEC records prove nothing here; default nothing. */
  readonly unproven?: readonly string[]
  /** What this verifier knows to be revoked; default nothing. */
  readonly revocations?: RevocationView
}

/** Where {@link resolveProof} finds statements; a {@link StatementStore} is one. */
export interface StatementSource {
  get(idText: string): SignedStatement | undefined
}

/**
 * The encoded proof; its id is {@link proofIdOf} of these bytes.
 * @throws TrustError `cost-cap`, `form` (an id of another length, or repeated)
 */
export function encodeProof(proof: Proof): Uint8Array {
  checkIds(proof)
  const { bindings, grants, crossCertificates = [], dnssec } = proof
  return encode([[...bindings], [...grants], [...crossCertificates], dnssec ?? null])
}

/**
 * Reads a proof.
 * @throws TrustError `too-large`, `depth`, `encoding`, `form`, `cost-cap` (more than
 * {@link PROOF_STATEMENTS_MAX} ids)
 */
export function decodeProof(bytes: Uint8Array): Proof {
  const fields = readArray(decode(bytes, { bytesMax: PROOF_BYTES_MAX }), 'proof', 4)
  const [bindings, grants, crossCertificates, dnssec] = fields
  const crossing = readIds(crossCertificates, 'crossCertificates of proof')
  const proof = {
    bindings: readIds(bindings, 'bindings of proof'),
    grants: readIds(grants, 'grants of proof'),
    ...(crossing.length === 0 ? {} : { crossCertificates: crossing }),
    ...(dnssec === null ? {} : { dnssec: readDnssec(dnssec, 'DNSSEC records of proof') }),
  }
  checkIds(proof)
  return proof
}

/**
 * The proof of these chains and authorities: every statement of them once, in order.
 * @throws TrustError `cost-cap` if they are too many for one proof
 */
export function makeProof(parts: {
  readonly names: readonly NameChain[]
  readonly authorities?: readonly Authority[]
  readonly dnssec?: Uint8Array
}): Proof {
  const bindings = new Map<string, Uint8Array>()
  const grants = new Map<string, Uint8Array>()
  const authorities = parts.authorities ?? []
  const chains = [...parts.names, ...authorities.flatMap(({ issuers }) => issuers)]
  const statements = chains.flatMap((chain) => statementsOfChain(chain))
  const links = statements.filter(isBinding)
  // Shorter names first: an issuer's name is shorter than any that it binds.
  links.sort((left, right) => left.statement.name.length - right.statement.name.length)
  for (const { idText, id } of links) bindings.set(idText, id)
  const crossing = new Map(
    statements.filter(isCrossCertificate).map(({ idText, id }) => [idText, id]),
  )
  for (const { idText, id } of authorities.flatMap(({ chain }) => chain)) grants.set(idText, id)
  const proof = {
    bindings: [...bindings.values()],
    grants: [...grants.values()],
    ...(crossing.size === 0 ? {} : { crossCertificates: [...crossing.values()] }),
    ...(parts.dnssec === undefined ? {} : { dnssec: parts.dnssec }),
  }
  checkIds(proof)
  return proof
}

/** All ids of a proof, in its order. */
export function idsOf({ bindings, grants, crossCertificates = [] }: Proof): readonly Uint8Array[] {
  return [...bindings, ...grants, ...crossCertificates]
}

/** The ids of a proof that the source does not have, in the proof's order. */
export function missingStatements(proof: Proof, source: StatementSource): Uint8Array[] {
  return idsOf(proof).filter((id) => source.get(toHex(id)) === undefined)
}

/**
 * The statements of a proof.
 * @throws TrustError `missing-statement`, `wrong-kind` (the id is of a statement of another kind),
 * `form` (a statement stands before the one that it rests on)
 */
export function resolveProof(proof: Proof, source: StatementSource): ProofStatements {
  const bindings = proof.bindings.map((id) => {
    const signed = resolve(id, source)
    if (!isBinding(signed)) throw wrongKind(signed, 'binding')
    return signed
  })
  const grants = proof.grants.map((id) => {
    const signed = resolve(id, source)
    if (!isGrant(signed)) throw wrongKind(signed, 'grant')
    return signed
  })
  const crossCertificates = (proof.crossCertificates ?? []).map((id) => {
    const signed = resolve(id, source)
    if (!isCrossCertificate(signed)) throw wrongKind(signed, 'cross-certificate')
    return signed
  })
  checkOrder(bindings, grants)
  return { bindings, grants, ...(crossCertificates.length === 0 ? {} : { crossCertificates }) }
}

function resolve(id: Uint8Array, source: StatementSource): SignedStatement {
  const signed = source.get(toHex(id))
  if (signed !== undefined) return signed
  const reason = `the statement ${toHex(id)} is not at hand`
  throw new TrustError('missing-statement', `Cannot resolve proof: ${reason}`)
}

/** "Ids from root to leaf": who reads them in this order can check each as it comes. */
function checkOrder(
  bindings: readonly SignedStatement<Binding>[],
  grants: readonly SignedStatement<Grant>[],
): void {
  const issuers = new Map<string, Uint8Array[]>()
  for (const { statement, idText } of bindings) {
    const issuedBefore = issuers.get(statement.name) ?? []
    if (issuedBefore.some((key) => equalBytes(key, statement.key))) throw misplaced(idText)
    const keys = issuers.get(statement.issuer)
    if (keys === undefined) issuers.set(statement.issuer, [statement.issuerKey])
    else keys.push(statement.issuerKey)
  }
  const parents = new Set<string>()
  for (const { statement, idText } of grants) {
    if (parents.has(idText)) throw misplaced(idText)
    if (statement.parent !== null) parents.add(toHex(statement.parent))
  }
}

function readIds(value: Field, what: string): Uint8Array[] {
  return readList(value, what, {
    itemsMax: Infinity,
    item: readBytes,
  })
}

function readDnssec(value: Field, what: string): Uint8Array {
  const records = readBytesUpTo(value, what, PROOF_DNSSEC_BYTES_MAX)
  if (records.length > 0) return records
  throw new TrustError('form', `Cannot read ${what}: there are none, and it is not nil`)
}

function checkIds(proof: Proof): void {
  if (proof.dnssec !== undefined) readDnssec(proof.dnssec, 'DNSSEC records of proof')
  const ids = idsOf(proof)
  // "A cost cap: … 64 statements …, counted before any cryptography" (pitfall 19).
  if (ids.length > PROOF_STATEMENTS_MAX) {
    const size = `${ids.length} statements, limit ${PROOF_STATEMENTS_MAX}`
    throw new TrustError('cost-cap', `Cannot accept proof: ${size}`)
  }
  for (const [index, id] of ids.entries()) readBytes(id, `id [${index}] of proof`)
  if (new Set(ids.map((id) => toHex(id))).size !== ids.length) {
    throw new TrustError('form', 'Cannot accept proof: one of its ids repeats')
  }
}

function wrongKind(signed: SignedStatement, needed: string): TrustError {
  const reason = `${signed.idText} is a ${signed.statement.kind}, needed is a ${needed}`
  return new TrustError('wrong-kind', `Cannot resolve proof: ${reason}`)
}

function misplaced(idText: string): TrustError {
  const reason = `${idText} stands after a statement that rests on it`
  return new TrustError('form', `Cannot resolve proof: ${reason}`)
}
