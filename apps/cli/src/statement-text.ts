import {
  formatDate,
  isPool,
  poolPattern,
  toBase64url,
  toHex,
  type RevocationTarget,
  type SignedStatement,
  type Statement,
} from '@ixj/trust'
import type { Record } from './output.ts'

/** A statement as one line for people. */
export function describeStatement({ statement }: SignedStatement, holds: boolean): string {
  const { kind, issuer, notBefore, notAfter } = statement
  const period = `${formatDate(notBefore)} to ${formatDate(notAfter)}`
  const signature = `signature ${holds ? 'holds' : 'DOES NOT HOLD'}`
  return `${kind} by ${issuer}: ${whatItSays(statement)}, ${period}, ${signature}`
}

/** A statement as a record for `--json`. */
export function statementRecord({ statement, idText }: SignedStatement, holds: boolean): Record {
  const { kind, issuer, notBefore, notAfter } = statement
  const own = ownRecord(statement)
  return { kind, id: idText, issuer, notBefore, notAfter, signatureHolds: holds, ...own }
}

function whatItSays(statement: Statement): string {
  switch (statement.kind) {
    case 'binding': {
      const name = isPool(statement) ? poolPattern(statement.name) : statement.name
      return `${name} has ${toBase64url(statement.key)}`
    }
    case 'grant': {
      const { subject, actions, topics } = statement
      return `${subject} may ${actions.join(', ')} on ${topics.join(', ')}`
    }
    case 'cross-certificate': {
      const { subject, names, purposes } = statement
      return `${subject} may speak for ${orNobody(names)}, to ${purposes.join(', ')}`
    }
    case 'revocation':
      return `${describeTarget(statement.target)} is void, by the right of ${statement.of}`
    case 'status':
      return `revocations of ${statement.of} as of number ${statement.number}`
    case 'successor':
      return `${toBase64url(statement.newKey)} succeeds ${toBase64url(statement.issuerKey)}`
  }
}

function ownRecord(statement: Statement): Record {
  switch (statement.kind) {
    case 'binding': {
      const { name, key, uses } = statement
      return { name, publicKey: toBase64url(key), uses }
    }
    case 'grant': {
      const { subject, actions, topics, onBehalfOf } = statement
      return { subject, actions: [...actions], topics: [...topics], onBehalfOf }
    }
    case 'cross-certificate': {
      const { subject, subjectKeys, names, introduces, hops, purposes } = statement
      return {
        subject,
        publicKeys: subjectKeys.map((key) => toBase64url(key)),
        names: [...names],
        introduces: [...introduces],
        hops,
        purposes: [...purposes],
      }
    }
    case 'revocation': {
      const { of, target } = statement
      return target.kind === 'statement'
        ? { of, revokedId: toHex(target.id) }
        : { of, name: target.name, publicKey: toBase64url(target.key) }
    }
    case 'status': {
      const { of, number, digest, issuedAt, freshUntil } = statement
      return { of, number, digest: toHex(digest), issuedAt, freshUntil }
    }
    case 'successor': {
      const { name, newKey, next } = statement
      return { name, newKey: toBase64url(newKey), next: next === null ? null : toHex(next) }
    }
  }
}

/** What a revocation makes void, in words. */
export function describeTarget(target: RevocationTarget): string {
  return target.kind === 'statement'
    ? `statement ${toHex(target.id)}`
    : `the key ${toBase64url(target.key)} of ${target.name}`
}

/** A list of names in words; an empty one is nobody. */
export function orNobody(patterns: readonly string[]): string {
  return patterns.length === 0 ? 'nobody' : patterns.join(', ')
}
