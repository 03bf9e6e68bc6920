import { compareBytes } from '@ixj/trust'
import { DnsError } from '../dns-error.ts'
import {
  isAtOrBelowName,
  labelsOf,
  nameOfWire,
  ROOT,
  wireOfName,
  type DnsName,
} from '../wire/dns-name.ts'
import type { DnsRecord } from '../wire/record.ts'
import { CLASS, TYPE, typeName, typeOfName } from '../wire/record-type.ts'
import { ZONE_TEXT_RECORDS_MAX, ZONE_TEXT_MAX } from './limits.ts'
import { formatWireName, parseWireName } from './name-text.ts'
import { formatData, parseData } from './rdata-text.ts'
import { parseSeconds, readSeconds } from './time-text.ts'
import { WordQueue } from './word-queue.ts'
import { readEntries, type ZoneEntry } from './zone-entries.ts'

/** A record on one line of a zone file: owner, TTL, class, type, data. Never throws. */
export function formatRecord(record: DnsRecord): string {
  const { ttl, type, data } = record
  const front = `${ownerText(record.name)} ${ttl} ${classText(record.class)} ${typeName(type)}`
  return `${front} ${formatData(type, data)}`
}

function ownerText(name: DnsName): string {
  return formatWireName(wireOfName(name))
}

function classText(recordClass: number): string {
  return recordClass === CLASS.IN ? 'IN' : `CLASS${recordClass}`
}

/**
 * A zone file: the SOA first, then all records in the order of RFC 4034 section 6, in columns;
 * owners at or below `origin` are written without it.
 */
export function formatZone(
  records: readonly DnsRecord[],
  options: { readonly origin?: DnsName } = {},
): string {
  const { origin } = options
  const sorted = inZoneOrder(records)
  const owners = sorted.map(({ name }) => relativeOwner(name, origin))
  const width = Math.min(
    OWNER_WIDTH_MAX,
    owners.reduce((widest, owner) => Math.max(widest, owner.length), 0),
  )
  const lines = sorted.map((record, index) => {
    const ttl = String(record.ttl).padStart(6)
    const type = typeName(record.type).padEnd(6)
    const data = formatData(record.type, record.data)
    return `${owners[index]!.padEnd(width)} ${ttl} ${classText(record.class)} ${type} ${data}`
  })
  const head = origin === undefined ? [] : [`$ORIGIN ${ownerText(origin)}`]
  return [...head, ...lines, ''].join('\n')
}

/** Longer owners push their columns to the right. */
const OWNER_WIDTH_MAX = 40

function relativeOwner(name: DnsName, origin: DnsName | undefined): string {
  if (name === origin) return '@'
  if (origin === undefined || origin === ROOT || !isAtOrBelowName(name, origin)) {
    return ownerText(name)
  }
  return ownerText(name.slice(0, -origin.length - 1) as DnsName).slice(0, -1)
}

/** The SOA first, then by owner, type and data (RFC 4034 section 6). */
function inZoneOrder(records: readonly DnsRecord[]): readonly DnsRecord[] {
  const keys = new Map(records.map(({ name }) => [name, orderKey(name)]))
  const rank = ({ type }: DnsRecord): number => (type === TYPE.SOA ? 0 : 1)
  return records.toSorted(
    (left, right) =>
      rank(left) - rank(right) ||
      compareTexts(keys.get(left.name)!, keys.get(right.name)!) ||
      left.type - right.type ||
      compareBytes(left.data, right.data),
  )
}

/** Texts whose order by code units is the order of their names. */
function orderKey(name: DnsName): string {
  const labels = labelsOf(name).map((label) => {
    const wire = wireOfName(label as DnsName)
    // A label's end sorts before every byte, so bytes are one higher here.
    return String.fromCharCode(...Array.from(wire.subarray(1, -1), (byte) => byte + 1), 0)
  })
  return labels.toReversed().join('')
}

function compareTexts(left: string, right: string): number {
  if (left === right) return 0
  return left < right ? -1 : 1
}

/** How text is read. */
export interface ZoneTextOptions {
  /** Names without a dot at their end are below it. */
  readonly origin: DnsName
  /** Seconds, for records that have no TTL and stand before every `$TTL`. */
  readonly ttl?: number
}

/**
 * One record of a zone file, which parentheses may spread over lines.
 * @throws DnsError `record`, `name`, `unsupported`
 */
export function parseRecord(text: string, options: Partial<ZoneTextOptions> = {}): DnsRecord {
  const records = readZone(text, { origin: ROOT, ...options })
  if (records.length !== 1) {
    throw new DnsError('record', `Cannot read one record: there are ${records.length}`)
  }
  return records[0]!
}

/**
 * All records of a zone file, in its order: `$ORIGIN`, `$TTL`, parentheses, comments (RFC 1035
 * section 5.1). Everything must lie at or below `origin`. `$INCLUDE` and `$GENERATE` are refused:
 * a zone's text is the whole zone.
 * @throws DnsError `record`, `name`, `unsupported`, `limit`; the message names the line
 */
export function parseZone(text: string, options: ZoneTextOptions): readonly DnsRecord[] {
  return readZone(text, options)
}

function readZone(text: string, options: ZoneTextOptions): readonly DnsRecord[] {
  if (text.length > ZONE_TEXT_MAX) {
    throw new DnsError('limit', `Cannot read ${text.length} characters, limit ${ZONE_TEXT_MAX}`)
  }
  if (!text.isWellFormed()) {
    throw new DnsError('record', 'Cannot read a text with a lone surrogate: it has no bytes')
  }
  const reader = new ZoneReader(options)
  for (const entry of readEntries(text)) {
    try {
      reader.take(entry)
    } catch (cause) {
      if (!(cause instanceof DnsError)) throw cause
      throw new DnsError(cause.code, `Cannot read line ${entry.line}: ${cause.message}`, { cause })
    }
  }
  return reader.records
}

/** Reads entries one after the other; each may leave its owner and TTL to the one before. */
class ZoneReader {
  readonly records: DnsRecord[] = []
  readonly #zone: DnsName
  #origin: DnsName
  // Of $TTL, or of the caller.
  #ttl: number | undefined
  // Without $TTL, the last one that was stated (RFC 1035 section 5.1).
  #ttlBefore: number | undefined
  #owner: DnsName | undefined

  constructor(options: ZoneTextOptions) {
    this.#zone = options.origin
    this.#origin = options.origin
    this.#ttl = options.ttl
  }

  take(entry: ZoneEntry): void {
    const words = new WordQueue(entry.words)
    const first = entry.words[0]!
    if (!entry.indented && !first.quoted && first.text.startsWith('$')) return this.#direct(words)
    if (this.records.length >= ZONE_TEXT_RECORDS_MAX) {
      throw new DnsError('limit', `Cannot read more than ${ZONE_TEXT_RECORDS_MAX} records`)
    }
    this.records.push(this.#record(words, entry.indented))
  }

  #direct(words: WordQueue): void {
    const directive = words.next('a directive').text.toUpperCase()
    if (directive === '$ORIGIN') this.#origin = this.#name(words.next('a name').text)
    else if (directive === '$TTL') this.#ttl = checkTtl(parseSeconds(words.next('a TTL').text))
    else throw new DnsError('unsupported', `Cannot follow ${directive}`)
    words.finish()
  }

  #record(words: WordQueue, indented: boolean): DnsRecord {
    if (!indented) this.#owner = this.#name(words.next('an owner').text)
    const name = this.#owner
    if (name === undefined) throw new DnsError('record', 'Cannot find an owner: none stands before')
    if (!isAtOrBelowName(name, this.#zone)) {
      throw new DnsError('record', `Cannot take ${name}: it is outside of ${this.#zone}`)
    }
    const { ttl = this.#ttl ?? this.#ttlBefore, type } = readFront(words)
    if (ttl === undefined) throw new DnsError('record', `Cannot find a TTL for ${name}`)
    this.#ttlBefore = ttl
    const data = parseData(type, words, this.#origin)
    return { name, type, class: CLASS.IN, ttl, data }
  }

  #name(text: string): DnsName {
    return nameOfWire(parseWireName(text, this.#origin))
  }
}

/** TTL and class in any order, each at most once, then the type. */
function readFront(words: WordQueue): { readonly ttl?: number; readonly type: number } {
  let ttl: number | undefined
  let hasClass = false
  for (;;) {
    const { text, quoted } = words.next('a type')
    const span = ttl === undefined && !quoted ? readSeconds(text) : undefined
    if (span !== undefined) ttl = checkTtl(span)
    else if (!hasClass && /^(IN|CLASS1)$/i.test(text)) hasClass = true
    else return { type: readType(text), ...(ttl === undefined ? {} : { ttl }) }
  }
}

function readType(text: string): number {
  const type = typeOfName(text)
  if (type === undefined) throw new DnsError('record', `Cannot find a type named ${text}`)
  // Types of queries and of messages are no part of a zone (RFC 6895 section 3.1).
  if (type === 0 || type === TYPE.OPT || (type >= 128 && type <= 255)) {
    throw new DnsError('record', `Cannot keep ${typeName(type)} in a zone`)
  }
  return type
}

/** RFC 2181 section 8: the highest bit is zero. */
function checkTtl(seconds: number): number {
  if (seconds < 2 ** 31) return seconds
  throw new DnsError('record', `Cannot use a TTL of ${seconds} s, limit ${2 ** 31 - 1}`)
}
