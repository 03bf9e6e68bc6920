import type { Name } from '@ixj/names'
import { formatTime, toBase64url } from '@ixj/trust'
import type { Secure } from '../dnssec/validation.ts'
import type { KeyRecord } from './key-record.ts'
import { type KeyReading, readKeyRecord } from './key-record-text.ts'
import { KEY_AGE_MS_MAX, KEY_RECORDS_MAX } from './limits.ts'
import { keyOwner } from './owner-name.ts'
import { TYPE } from '../wire/record-type.ts'

/** The keys of a name as a validated answer gives them. */
export interface NameKeys {
  readonly name: Name
  /** Those that count now; none if nothing usable was found. */
  readonly keys: readonly KeyRecord[]
  /** Those whose `nb` is still to come: they do not count yet. */
  readonly pending: readonly KeyRecord[]
  /** Until when, in ms, this may be relied on; `keys` is empty past it. */
  readonly notAfter: number
  /** Why there is no key, and why single records do not count: sentences for people. */
  readonly reasons: readonly string[]
}

/**
 * The keys that a secure answer to `_ixjkey.NAME` TXT gives at the time `now`, in ms. No key comes
 * from more than {@link KEY_RECORDS_MAX} records, from a wildcard, from another name (an alias or
 * somebody else's answer), or past `signedAt + ageMsMax` (default {@link KEY_AGE_MS_MAX}), however
 * long the signature lives. A key in two records counts in none: they contradict each other.
 */
export function keysOf(
  name: Name,
  secure: Secure,
  options: { readonly now: number; readonly ageMsMax?: number },
): NameKeys {
  const { now } = options
  const notAfter = Math.min(
    secure.expiresAt,
    secure.signedAt + (options.ageMsMax ?? KEY_AGE_MS_MAX),
  )
  const fault = findAnswerFault(name, secure, { now, notAfter })
  if (fault !== undefined) return { name, keys: [], pending: [], notAfter, reasons: [fault] }
  const reasons: string[] = []
  const found: KeyRecord[] = []
  for (const [index, { data }] of secure.records.entries()) {
    const reading = readKeyRecord(data)
    if (reading.outcome === 'record') found.push(reading.record)
    else reasons.push(`record ${index + 1} ${describe(reading)}`)
  }
  const single = found.filter(({ key }) => {
    const text = toBase64url(key)
    return found.filter((other) => toBase64url(other.key) === text).length === 1
  })
  if (single.length < found.length) reasons.push('one key stands in two records: it counts in none')
  const keys = single.filter(({ notBefore }) => notBefore <= now)
  const pending = single.filter(({ notBefore }) => notBefore > now)
  for (const { key, notBefore } of pending) {
    reasons.push(`key ${toBase64url(key)} does not count before ${formatTime(notBefore)}`)
  }
  return { name, keys, pending, notAfter, reasons }
}

/** Why no record of this answer counts; checked before any key is. */
function findAnswerFault(
  name: Name,
  secure: Secure,
  { now, notAfter }: { readonly now: number; readonly notAfter: number },
): string | undefined {
  const owner = keyOwner(name)
  if (secure.answer !== 'positive') {
    const what = secure.answer === 'nodata' ? `no TXT record at ${owner}` : `no name ${owner}`
    return `there is ${what}, and the zone ${secure.zone} has signed that`
  }
  // Otherwise an alias would hand the name's identity to whoever owns the place that it leads to.
  const stray = secure.records.find((record) => record.name !== owner || record.type !== TYPE.TXT)
  if (secure.name !== owner || stray !== undefined) {
    return `the records are those of ${stray?.name ?? secure.name}, not TXT of ${owner} itself`
  }
  // One record `*.acme.example` would be a key of every name that nobody published.
  if (secure.wildcard) return `the records come from a wildcard of the zone ${secure.zone}`
  // Counted before any key is decoded (pitfall 19).
  if (secure.records.length > KEY_RECORDS_MAX) {
    return `there are ${secure.records.length} records at ${owner}, limit ${KEY_RECORDS_MAX}`
  }
  if (now > notAfter) return `the answer was good until ${formatTime(notAfter)}`
  return undefined
}

function describe(reading: Exclude<KeyReading, { readonly outcome: 'record' }>): string {
  return reading.outcome === 'void' ? `is void: ${reading.reason}` : 'does not begin with v=ixj1'
}
