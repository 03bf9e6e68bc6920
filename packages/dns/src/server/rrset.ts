import { equalBytes } from '@ixj/trust'
import { canonicalData, CLASS, type DnsName, type DnsRecord, labelCount } from '../proof.ts'
import { LABEL_OVERHEAD_BYTES } from './limits.ts'

/** The parts of an RRset. */
export interface RrsetParts {
  readonly name: DnsName
  readonly type: number
  /** Seconds. */
  readonly ttl: number
  /** The data of each record. */
  readonly data: readonly Uint8Array[]
}

/**
 * All records of a name and type. It never changes: a change puts another in its place, so
 * whatever was derived from it, such as its signature, can be kept by identity.
 *
 * Its data are kept in one string, a character a byte: a zone holds 100,000 of these, and an array
 * of bytes takes four times its bytes.
 */
export class Rrset {
  readonly name: DnsName
  readonly type: number
  /** Seconds. */
  readonly ttl: number
  /** Each record's data with its length in two characters in front. */
  readonly packed: string

  constructor(name: DnsName, { type, ttl, packed }: Pick<Rrset, 'type' | 'ttl' | 'packed'>) {
    this.name = name
    this.type = type
    this.ttl = ttl
    this.packed = packed
  }

  /** How many records it has. */
  get size(): number {
    let count = 0
    for (let offset = 0; offset < this.packed.length; count++)
      offset += 2 + lengthAt(this.packed, offset)
    return count
  }

  /** About the bytes of memory that it takes, with the names above it. */
  get bytes(): number {
    return this.packed.length + labelCount(this.name) * LABEL_OVERHEAD_BYTES
  }

  /** Its records, made anew at each call. */
  get records(): readonly DnsRecord[] {
    return this.recordsFor(this.name, this.ttl)
  }

  /** Its records under another name, which a wildcard answers for, or with a lower TTL. */
  recordsFor(name: DnsName, ttl: number): readonly DnsRecord[] {
    const records: DnsRecord[] = []
    for (let offset = 0; offset < this.packed.length;) {
      const start = offset + 2
      const end = start + lengthAt(this.packed, offset)
      const data = bytesOf(this.packed, start, end)
      records.push({ name, type: this.type, class: CLASS.IN, ttl, data })
      offset = end
    }
    return records
  }
}

function lengthAt(packed: string, offset: number): number {
  return (packed.charCodeAt(offset) << 8) | packed.charCodeAt(offset + 1)
}

/** An RRset of these data; equal ones count once. @throws DnsError `record` */
export function makeRrset({ name, type, ttl, data }: RrsetParts): Rrset {
  // By their canonical form: names in data may differ in case (RFC 2136 section 1.1.1).
  const unique = new Map<string, Uint8Array>()
  for (const bytes of data) {
    const key = textOfBytes(canonicalData(type, bytes))
    if (!unique.has(key)) unique.set(key, bytes)
  }
  return new Rrset(name, { type, ttl, packed: [...unique.values()].map(pack).join('') })
}

/** An RRset with one more record, which it must not have yet. */
export function withRecord(rrset: Rrset, ttl: number, data: Uint8Array): Rrset {
  return new Rrset(rrset.name, { type: rrset.type, ttl, packed: rrset.packed + pack(data) })
}

function pack(data: Uint8Array): string {
  return String.fromCharCode(data.length >> 8, data.length & 0xff) + textOfBytes(data)
}

/** Bytes as a string, a character a byte. */
export function textOfBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}

/** The bytes of such a string, or of a part of it. */
export function bytesOf(text: string, start = 0, end = text.length): Uint8Array {
  const bytes = new Uint8Array(end - start)
  for (let index = start; index < end; index++) bytes[index - start] = text.charCodeAt(index)
  return bytes
}

/** Whether data mean the same: names in them may differ in case (RFC 2136 section 1.1.1). */
export function equalData(type: number, left: Uint8Array, right: Uint8Array): boolean {
  return (
    left.length === right.length &&
    equalBytes(canonicalData(type, left), canonicalData(type, right))
  )
}

/** Whether two RRsets have the same TTL and data, in any order. */
export function sameRrset(left: Rrset | undefined, right: Rrset): boolean {
  if (left === undefined || left.ttl !== right.ttl) return false
  if (left.packed.length !== right.packed.length) return false
  return left.packed === right.packed || sameData(left, right.records)
}

/** Whether an RRset has exactly these records, their TTL aside. */
export function sameData(rrset: Rrset, records: readonly DnsRecord[]): boolean {
  return rrset.size === records.length && records.every(({ data }) => hasData(rrset, data))
}

/** Whether an RRset has a record with these data. @throws DnsError `record` */
export function hasData(rrset: Rrset, data: Uint8Array): boolean {
  return placeOf(rrset, data) !== undefined
}

/** An RRset without the record that has these data; it may have none then. @throws DnsError `record` */
export function withoutRecord(rrset: Rrset, data: Uint8Array): Rrset {
  const { name, type, ttl, packed } = rrset
  const [start, end] = placeOf(rrset, data) ?? [0, 0]
  const left = packed.slice(0, start) + packed.slice(end)
  // A copy: a slice would keep the whole string in memory, however little of it is left.
  return new Rrset(name, { type, ttl, packed: textOfBytes(bytesOf(left)) })
}

/**
 * Where in the packed data a record stands. An update may ask this a thousand times of a set with
 * hundreds of records, so nothing is copied but what is nearly equal.
 */
function placeOf({ type, packed }: Rrset, data: Uint8Array): readonly [number, number] | undefined {
  const canonical = canonicalData(type, data)
  const text = textOfBytes(canonical)
  // Names may differ in case; where there is none, nothing is made lower.
  const folded = canonical === data ? undefined : text.toLowerCase()
  for (let offset = 0; offset < packed.length;) {
    const start = offset + 2
    const end = start + lengthAt(packed, offset)
    offset = end
    if (end - start !== data.length) continue
    if (packed.startsWith(text, start)) return [start - 2, end]
    if (folded === undefined || packed.slice(start, end).toLowerCase() !== folded) continue
    if (equalData(type, bytesOf(packed, start, end), data)) return [start - 2, end]
  }
  return undefined
}
