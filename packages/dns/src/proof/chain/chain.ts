import { DnsError } from '../dns-error.ts'
import { unproven, validate } from '../dnssec/validate.ts'
import type { Asked, Secure, Validation, ValidationContext } from '../dnssec/validation.ts'
import { CHAIN_BYTES_MAX, CHAIN_RECORDS_MAX } from '../limits.ts'
import { readRecord } from '../wire/message.ts'
import { WireReader } from '../wire/reader.ts'
import type { DnsRecord } from '../wire/record.ts'
import { CLASS, typeName } from '../wire/record-type.ts'
import { WireWriter } from '../wire/writer.ts'

/**
 * How long after its signature was made an answer counts, in ms, whatever its expiration says: a
 * removed key stays provable that long. A day covers a zone that signs anew each night.
 */
export const CHAIN_AGE_MS_MAX = 86_400_000

/**
 * Records as a proof that travels: the AuthenticationChain of RFC 9102 section 3.2, one after the
 * other in wire form, no name compressed. For the `used` of a validation, the answer first.
 * @throws DnsError `limit` for more than {@link CHAIN_RECORDS_MAX} records or
 * {@link CHAIN_BYTES_MAX} bytes
 */
export function encodeChain(records: readonly DnsRecord[]): Uint8Array {
  if (records.length > CHAIN_RECORDS_MAX) {
    const count = `${records.length} records, limit ${CHAIN_RECORDS_MAX}`
    throw new DnsError('limit', `Cannot encode chain: ${count}`)
  }
  const writer = new WireWriter(CHAIN_BYTES_MAX)
  for (const { name, type, class: recordClass, ttl, data } of records) {
    writer.name(name)
    writer.u16(type)
    writer.u16(recordClass)
    writer.u32(ttl)
    writer.u16(data.length)
    writer.raw(data)
  }
  return writer.finish()
}

/**
 * The records of a chain.
 * @throws DnsError `limit` as {@link encodeChain}; `format` for bytes that are no records of class
 * IN without compression: one chain has one form
 */
export function decodeChain(bytes: Uint8Array): DnsRecord[] {
  if (bytes.length > CHAIN_BYTES_MAX) {
    const size = `${bytes.length} bytes, limit ${CHAIN_BYTES_MAX}`
    throw new DnsError('limit', `Cannot decode chain: ${size}`)
  }
  const records: DnsRecord[] = []
  for (const reader = new WireReader(bytes); reader.left > 0;) {
    if (records.length === CHAIN_RECORDS_MAX) {
      throw new DnsError('limit', `Cannot decode chain: over ${CHAIN_RECORDS_MAX} records`)
    }
    const start = reader.offset
    const record = readRecord(reader)
    if (record.class !== CLASS.IN) {
      throw new DnsError('format', `Cannot decode chain: class ${record.class}, must be IN`)
    }
    if (reader.offset - start !== encodedLength(record)) {
      const what = `${typeName(record.type)} of ${record.name}`
      throw new DnsError('format', `Cannot decode chain: names of ${what} are compressed`)
    }
    records.push(record)
  }
  return records
}

function encodedLength(record: DnsRecord): number {
  const writer = new WireWriter()
  writer.name(record.name)
  return writer.offset + 10 + record.data.length
}

/**
 * What a chain proves of a name and type, from the anchors of `context`: the same answer that a
 * resolver would give, without asking anybody. A chain with a hole is bogus; so are bytes that are
 * no chain.
 */
export async function verifyChain(
  bytes: Uint8Array,
  asked: Asked,
  context: ValidationContext,
): Promise<Exclude<Validation, { readonly state: 'incomplete' }>> {
  let records: readonly DnsRecord[]
  try {
    records = decodeChain(bytes)
  } catch (cause) {
    if (!(cause instanceof DnsError)) throw cause
    const reason = cause.code === 'limit' ? 'budget' : 'malformed'
    return { state: 'bogus', reason, message: cause.message, steps: [] }
  }
  const validation = await validate(asked, records, context)
  return validation.state === 'incomplete' ? unproven(validation) : validation
}

/**
 * Until when an answer counts without asking again, ms since the Unix epoch: its signatures' end,
 * and never more than `ageMsMax` after the answer was signed. Proofs carry no TTL of arrival, so
 * this is what bounds how long a removed record stays provable.
 */
export function freshUntil(
  answer: Pick<Secure, 'signedAt' | 'expiresAt'>,
  options: { readonly ageMsMax?: number } = {},
): number {
  return Math.min(answer.expiresAt, answer.signedAt + (options.ageMsMax ?? CHAIN_AGE_MS_MAX))
}

/**
 * Whether an answer replaces another for the same question: the one signed later counts, so that a
 * stale proof that still verifies cannot bring an old key back. Of two signed in the same second,
 * the one already there stays.
 */
export function replaces(
  newer: Pick<Secure, 'signedAt'>,
  older: Pick<Secure, 'signedAt'> | undefined,
): boolean {
  return older === undefined || newer.signedAt > older.signedAt
}
