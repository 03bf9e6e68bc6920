import type { Name } from '@ixj/names'
import { type Field, readBytes, readTime, type Value } from './encoding/index.ts'
import { STATUS_FRESH_MS_MAX } from './limits.ts'
import { readName } from './name-fields.ts'
import type { StatementBase } from './statement-base.ts'
import { TrustError } from './trust-error.ts'

/** The newest state of a name's revocations. docs/protocol.md, section "Status". */
export interface Status extends StatementBase<'status'> {
  /** Whose revocations: the issuer's own name, or one that gave the issuer a `revoke` grant. */
  readonly of: Name
  /** Rises whenever the set changes. */
  readonly number: number
  /** Of the ids in the set, 32 bytes; see {@link revocationDigest}. */
  readonly digest: Uint8Array
  /** Ms since the Unix epoch; its notBefore. */
  readonly issuedAt: number
  /** At most {@link STATUS_FRESH_MS_MAX} later; its notAfter. */
  readonly freshUntil: number
}

/** Fields of a status after the common ones. */
export const STATUS_FIELDS = 5

/** The own fields of a status, in the order of the wire. */
export function statusFields(status: Omit<Status, 'issuerKey'>): Value[] {
  return [status.of, status.number, status.digest, status.issuedAt, status.freshUntil]
}

/** Reads the own fields of a status and checks its rules of form. @throws TrustError `form`, `name` */
export function readStatus(base: StatementBase<'status'>, fields: readonly Field[]): Status {
  const [of, number, digest, issuedAt, freshUntil] = fields
  const status: Status = {
    ...base,
    of: readName(of, 'of in status'),
    number: readTime(number, 'number of status'),
    digest: readBytes(digest, 'digest of status'),
    issuedAt: readTime(issuedAt, 'issuedAt of status'),
    freshUntil: readTime(freshUntil, 'freshUntil of status'),
  }
  // One period, told once: no reader may take another of two for the one that counts.
  if (status.issuedAt !== base.notBefore || status.freshUntil !== base.notAfter) {
    throw refused(status, 'issuedAt and freshUntil are not its notBefore and notAfter')
  }
  const length = status.freshUntil - status.issuedAt
  if (length > STATUS_FRESH_MS_MAX) {
    throw refused(status, `fresh for ${length} ms, limit ${STATUS_FRESH_MS_MAX}`)
  }
  return status
}

function refused({ of }: Status, reason: string): TrustError {
  return new TrustError('form', `Cannot read status of "${of}": ${reason}`)
}
