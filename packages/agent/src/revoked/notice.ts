import {
  decode,
  decodeStatement,
  encode,
  isRevocation,
  isStatus,
  isSuccessor,
  readArray,
  readBytesUpTo,
  readList,
  TrustError,
  type Revocation,
  type Sha256,
  type SignedStatement,
  type Status,
  type Successor,
} from '@ixj/trust'
import { checkVersion, VERSION } from '../bundles/version.ts'
import { NOTICE_BYTES_MAX, NOTICE_PROVING_MAX } from '../limits.ts'

/** What notices tell. */
export type Told =
  SignedStatement<Revocation> | SignedStatement<Status> | SignedStatement<Successor>

/**
 * A revocation, status or successor with what proves its issuer: it needs nothing else but anchors
 * and keys in DNS that its receiver knows. docs/protocol.md, section "Notices".
 */
export interface Notice {
  readonly bytes: Uint8Array
  readonly told: Told
  readonly proving: readonly SignedStatement[]
}

/** Makes a notice. @throws TrustError `too-large`, `cost-cap` (too many that prove it) */
export function makeNotice(told: Told, proving: readonly SignedStatement[]): Notice {
  if (proving.length > NOTICE_PROVING_MAX) {
    const size = `${proving.length} statements prove it, limit ${NOTICE_PROVING_MAX}`
    throw new TrustError('cost-cap', `Cannot tell ${told.statement.kind}: ${size}`)
  }
  const envelopes = proving.map(({ envelope }) => envelope)
  const bytes = encode([VERSION, told.envelope, envelopes], { bytesMax: NOTICE_BYTES_MAX })
  return { bytes, told, proving }
}

/**
 * Reads a notice; no signature in it is checked.
 * @throws TrustError `too-large`, `encoding`, `form`, `wrong-kind`, and as decodeStatement
 */
export function decodeNotice(bytes: Uint8Array, hash: Sha256): Notice {
  const value = decode(bytes, { bytesMax: NOTICE_BYTES_MAX })
  checkVersion(value, 'notice')
  const [, envelope, envelopes] = readArray(value, 'notice', 3)
  const told = decodeStatement(readBytesUpTo(envelope, 'notice', NOTICE_BYTES_MAX), hash)
  if (!isRevocation(told) && !isStatus(told) && !isSuccessor(told)) {
    const { kind } = told.statement
    throw new TrustError('wrong-kind', `Cannot read notice: it tells a ${kind}`)
  }
  const proving = readList(envelopes, 'what proves notice', {
    itemsMax: NOTICE_PROVING_MAX,
    item: (item, what) => decodeStatement(readBytesUpTo(item, what, NOTICE_BYTES_MAX), hash),
  })
  return { bytes, told, proving }
}
