import { isName, type Name } from '@ixj/names'
import {
  BINDING_DEPTH_MAX,
  checkPublicKey,
  concatBytes,
  fromBase64url,
  toBase64url,
  TrustError,
  type Uses,
  utf8Bytes,
} from '@ixj/trust'
import { DnsError } from '../dns-error.ts'
import { readTxt, writeTxt } from '../wire/rdata.ts'
import type { KeyRecord } from './key-record.ts'
import { KEY_HOSTS_MAX, KEY_RECORD_TEXT_MAX, NOT_BEFORE_SECONDS_MAX } from './limits.ts'
import { parseTagList, quote } from './tag-list.ts'

/** What a TXT record at `_ixjkey` is. Only a record counts; the other two are told to people. */
export type KeyReading =
  | { readonly outcome: 'record'; readonly record: KeyRecord }
  /** It says that it is one of ours, and breaks a rule: it counts for nothing, in whole. */
  | { readonly outcome: 'void'; readonly reason: string }
  /** It does not begin with `v=ixj1`: somebody else's, or a later version. */
  | { readonly outcome: 'not-ours' }

/** Bytes of every key and digest in a record. */
const FIELD_BYTES = 32
const OURS = /^[\t ]*v[\t ]*=[\t ]*ixj1[\t ]*(?:;|$)/
const NUMBER = /^(?:0|[1-9][0-9]{0,14})$/

/**
 * Reads the data of a TXT record at `_ixjkey`; its strings are joined. Costs one decoding of a
 * point, some 0.1 ms, and only where everything else holds.
 */
export function readKeyRecord(data: Uint8Array): KeyReading {
  try {
    const bytes = concatBytes(...readTxt(data))
    // Byte for character: what is not ASCII stays wrong, and is found below.
    return parseKeyRecord(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
  } catch (cause) {
    if (!(cause instanceof DnsError)) throw cause
    return { outcome: 'void', reason: cause.message }
  }
}

/**
 * Reads the text of a record (docs/protocol.md, "DNS"; tag lists as in RFC 6376 section 3.2).
 * Strict: what breaks a rule is void in whole, nothing is guessed or repaired. Never throws.
 */
export function parseKeyRecord(text: string): KeyReading {
  const reading = parseKnownRecord(text)
  if (reading.outcome !== 'record') return reading
  // A key of small order verifies one fixed signature over any message (pitfall 1).
  try {
    checkPublicKey(reading.record.key)
  } catch (cause) {
    if (!(cause instanceof TrustError)) throw cause
    return { outcome: 'void', reason: cause.message }
  }
  return reading
}

/** The same for a text whose key was checked when it was written: without the cost of that. */
export function parseKnownRecord(text: string): KeyReading {
  if (!OURS.test(text)) return { outcome: 'not-ours' }
  try {
    if (text.length > KEY_RECORD_TEXT_MAX) {
      const size = `${text.length} characters, limit ${KEY_RECORD_TEXT_MAX}`
      throw new DnsError('limit', `it has ${size}`)
    }
    return { outcome: 'record', record: readTags(parseTagList(text)) }
  } catch (cause) {
    if (!(cause instanceof DnsError)) throw cause
    return { outcome: 'void', reason: cause.message }
  }
}

function readTags(tags: ReadonlyMap<string, string>): KeyRecord {
  const kind = tags.get('k')
  if (kind !== 'ed25519') throw refused(kind === undefined ? 'k is missing' : `k=${quote(kind)}`)
  const notBefore = readNumber(tags, 'nb', NOT_BEFORE_SECONDS_MAX) * 1_000
  const record = {
    uses: readUses(tags.get('u')),
    depth: readNumber(tags, 'd', BINDING_DEPTH_MAX),
    strict: readNumber(tags, 's', 1) === 1,
    notBefore,
    encryptionKey: readBytes(tags, 'e'),
    next: readBytes(tags, 'n'),
    hosts: readHosts(tags.get('h')),
    key: readBytes(tags, 'p'),
  }
  const { key } = record
  if (key === null) throw refused('p is missing')
  return { ...record, key }
}

function readUses(text: string | undefined): Uses {
  switch (text) {
    case undefined:
    case 'sign':
      return 'sign'
    case 'bind':
      return 'bind'
    case 'sign,bind':
    case 'bind,sign':
      return 'both'
    default:
      throw refused(`u=${quote(text)}, may be "sign", "bind" or both with a comma between`)
  }
}

/** A decimal number without needless zeros, so that one value has one text; 0 if left out. */
function readNumber(tags: ReadonlyMap<string, string>, tag: string, max: number): number {
  const text = tags.get(tag) ?? '0'
  if (!NUMBER.test(text) || Number(text) > max) {
    throw refused(`${tag}=${quote(text)}, must be a number from 0 to ${max}`)
  }
  return Number(text)
}

function readBytes(tags: ReadonlyMap<string, string>, tag: string): Uint8Array | null {
  const text = tags.get(tag)
  if (text === undefined) return null
  let bytes: Uint8Array
  try {
    bytes = fromBase64url(text)
  } catch (cause) {
    if (!(cause instanceof TrustError)) throw cause
    throw new DnsError('record', `${tag}=${quote(text)}: ${cause.message}`, { cause })
  }
  if (bytes.length !== FIELD_BYTES) {
    throw refused(`${tag} has ${bytes.length} bytes, must be ${FIELD_BYTES}`)
  }
  return bytes
}

function readHosts(text: string | undefined): readonly Name[] {
  if (text === undefined) return []
  const hosts: Name[] = []
  for (const host of text.split(',', KEY_HOSTS_MAX + 1)) {
    if (!isName(host)) throw refused(`h has ${quote(host)}, which is no canonical name`)
    hosts.push(host)
  }
  if (hosts.length > KEY_HOSTS_MAX) throw refused(`h has over ${KEY_HOSTS_MAX} names, the limit`)
  if (new Set(hosts).size < hosts.length) throw refused('h has a name twice')
  return hosts.toSorted()
}

/**
 * The text of a record, the one form for equal records; what is as it would be without its tag is
 * left out, but for `u`. Without `n`, `e` and `h` some 70 characters.
 * @throws DnsError `argument` for what {@link parseKeyRecord} would not give back as it is
 */
export function formatKeyRecord(record: KeyRecord): string {
  const text = formatKnownRecord(record)
  // What we would not read, nobody shall publish: one set of rules, checked at one place.
  const reading = parseKeyRecord(text)
  if (reading.outcome !== 'record') {
    const reason = reading.outcome === 'void' ? reading.reason : 'it would not be read as one'
    throw new DnsError('argument', `Cannot write key record: ${reason}`)
  }
  return text
}

/** The same for a record that was checked before: without the cost of that. */
export function formatKnownRecord(record: KeyRecord): string {
  const { uses, depth, strict, notBefore, encryptionKey, next, hosts } = record
  const tags = ['v=ixj1', 'k=ed25519', `p=${toBase64url(record.key)}`]
  tags.push(`u=${uses === 'both' ? 'sign,bind' : uses}`)
  if (depth !== 0) tags.push(`d=${depth}`)
  if (strict) tags.push('s=1')
  if (notBefore !== 0) tags.push(`nb=${notBefore / 1_000}`)
  if (encryptionKey !== null) tags.push(`e=${toBase64url(encryptionKey)}`)
  if (next !== null) tags.push(`n=${toBase64url(next)}`)
  if (hosts.length > 0) tags.push(`h=${hosts.toSorted().join(',')}`)
  return tags.join('; ')
}

/** The data of a TXT record with this key. @throws DnsError `argument` as {@link formatKeyRecord} */
export function writeKeyRecord(record: KeyRecord): Uint8Array {
  return writeTxt(utf8Bytes(formatKeyRecord(record)))
}

function refused(reason: string): DnsError {
  return new DnsError('record', reason)
}
