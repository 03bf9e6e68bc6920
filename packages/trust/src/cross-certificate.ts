import {
  isAtOrBelow,
  isReservedPool,
  liesWithin,
  type Name,
  parsePattern,
  type Pattern,
} from '@ixj/names'
import { type Purpose, PURPOSES } from './anchors.ts'
import {
  type Field,
  readBytes,
  readInteger,
  readOneOf,
  readOptional,
  readSortedSet,
  sortedSet,
  type Value,
} from './encoding/index.ts'
import { checkPublicKey } from './keys/index.ts'
import { CROSS_HOPS_MAX, CROSS_INTRODUCES_MAX, CROSS_KEYS_MAX, CROSS_NAMES_MAX } from './limits.ts'
import { readName, readPattern } from './name-fields.ts'
import type { StatementBase } from './statement-base.ts'
import { TrustError } from './trust-error.ts'

/**
 * A foreign name with these keys may root trust for names under it, within limits, for verifiers at
 * or below the issuer. docs/protocol.md, section "Cross-certificate".
 */
export interface CrossCertificate extends StatementBase<'cross-certificate'> {
  /** Outside the issuer's slice. */
  readonly subject: Name
  /** 1 to {@link CROSS_KEYS_MAX} Ed25519 public keys of 32 bytes. A set: sorted, without repeats. */
  readonly subjectKeys: readonly Uint8Array[]
  /** SHA-256 of the subject's key to come, 32 bytes. */
  readonly next: Uint8Array | null
  /** What the subject may speak for, all at or below it; none: it only introduces others. A set. */
  readonly names: readonly Pattern[]
  /** Whom the subject may certify in turn. A set. */
  readonly introduces: readonly Pattern[]
  /** How many cross-certificates may follow on a path, 0 to {@link CROSS_HOPS_MAX} - 1. */
  readonly hops: number
  /** What it is good for. A set. */
  readonly purposes: readonly Purpose[]
}

/** Fields of a cross-certificate after the common ones. */
export const CROSS_CERTIFICATE_FIELDS = 7

/** What a subject may speak for where the issuer says nothing: its own slice. */
export function defaultCrossNames(subject: Name): readonly Pattern[] {
  return [parsePattern(`**.${subject}`), parsePattern(subject)]
}

/** The own fields of a cross-certificate, in the order of the wire; sets are sorted. */
export function crossCertificateFields(certificate: Omit<CrossCertificate, 'issuerKey'>): Value[] {
  const { subject, subjectKeys, next, names, introduces, hops, purposes } = certificate
  return [
    subject,
    sortedSet(subjectKeys),
    next,
    sortedSet(names),
    sortedSet(introduces),
    hops,
    sortedSet(purposes),
  ]
}

/**
 * Reads the own fields of a cross-certificate and checks its rules of form.
 * @throws TrustError `form` (names outside the subject's slice, a subject inside the issuer's),
 * `name`, `bad-key`
 */
export function readCrossCertificate(
  base: StatementBase<'cross-certificate'>,
  fields: readonly Field[],
): CrossCertificate {
  const [subject, subjectKeys, next, names, introduces, hops, purposes] = fields
  const certificate: CrossCertificate = {
    ...base,
    subject: readName(subject, 'subject of cross-certificate'),
    subjectKeys: readSortedSet(subjectKeys, 'subjectKeys of cross-certificate', {
      itemsMin: 1,
      itemsMax: CROSS_KEYS_MAX,
      item: readBytes,
    }),
    next: readOptional(next, 'next of cross-certificate', readBytes),
    names: readPatterns(names, 'names of cross-certificate', CROSS_NAMES_MAX),
    introduces: readPatterns(introduces, 'introduces of cross-certificate', CROSS_INTRODUCES_MAX),
    hops: readInteger(hops, 'hops of cross-certificate', { min: 0, max: CROSS_HOPS_MAX - 1 }),
    purposes: readSortedSet(purposes, 'purposes of cross-certificate', {
      itemsMin: 1,
      itemsMax: PURPOSES.length,
      item: (value, what) => readOneOf(value, what, PURPOSES),
    }),
  }
  checkReach(certificate)
  // Small-order keys are refused when certified, as when bound.
  for (const key of certificate.subjectKeys) checkPublicKey(key)
  return certificate
}

function checkReach({ issuer, subject, names }: CrossCertificate): void {
  // "The subject lies outside the issuer's slice": below it, a binding says which key a name has,
  // and depth and uses of the bindings above must not be evaded.
  if (isAtOrBelow(subject, issuer)) {
    throw refused(subject, `it is not outside the slice of its issuer "${issuer}"`)
  }
  // Agents in a pool are vouched for by their node alone, never by another organisation.
  if (isReservedPool(subject)) {
    const message = `Cannot read cross-certificate of "${subject}": it is in a pool`
    throw new TrustError('form', message)
  }
  // "Names under the subject": trust in a name is trust in that name.
  const stranger = names.find((pattern) => !liesWithin(pattern, subject))
  if (stranger !== undefined) throw refused(subject, `"${stranger}" is not at or below it`)
}

function readPatterns(value: Field, what: string, itemsMax: number): readonly Pattern[] {
  const rules = { itemsMin: 0, itemsMax, item: readPattern }
  return readSortedSet(value, what, rules)
}

function refused(subject: Name, reason: string): TrustError {
  return new TrustError('form', `Cannot read cross-certificate of "${subject}": ${reason}`)
}
