import { formatDate, toBase64url, type SignedStatement, type Statement } from '@ixj/trust'
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
    case 'binding':
      return `${statement.name} has ${toBase64url(statement.key)}`
    case 'grant': {
      const { subject, actions, topics } = statement
      return `${subject} may ${actions.join(', ')} on ${topics.join(', ')}`
    }
    case 'cross-certificate': {
      const { subject, names, purposes } = statement
      return `${subject} may speak for ${orNobody(names)}, to ${purposes.join(', ')}`
    }
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
  }
}

/** A list of names in words; an empty one is nobody. */
export function orNobody(patterns: readonly string[]): string {
  return patterns.length === 0 ? 'nobody' : patterns.join(', ')
}
