import {
  canonicalData,
  fromLabels,
  isAtOrBelowName,
  labelCount,
  labelsOf,
  readSoa,
  TYPE,
  writeSoa,
  type DnsName,
  type DnsRecord,
  type Message,
} from '../proof.ts'
import { isOwnersType } from './owner-records.ts'
import type { ZoneEdit } from './zone-backend.ts'

/** How a name is to be after edits: an RRset, no RRset of a type, or nothing at all. */
export interface Wanted {
  readonly name: DnsName
  /** All types if left out; `data` is left out then as well. */
  readonly type?: number
  /** Left out: no such records. */
  readonly data?: readonly Uint8Array[]
}

/** What holds after all edits were made, in their order. */
export function wantedAfter(edits: readonly ZoneEdit[]): readonly Wanted[] {
  const wanted = new Map<string, Wanted>()
  for (const edit of edits) {
    const { name, type } = edit
    if (type === undefined) {
      for (const [key, { name: other }] of wanted) if (other === name) wanted.delete(key)
      wanted.set(`${name} `, { name })
      continue
    }
    // The name is in use again, so no more can be said than what its types are.
    if (edit.kind === 'set') wanted.delete(`${name} `)
    wanted.set(
      `${name} ${type}`,
      edit.kind === 'set' ? { name, type, data: edit.data } : { name, type },
    )
  }
  return [...wanted.values()]
}

/** What stands in the way of what is wanted; none if a primary's answer is as it is wanted. */
export function unwantedIn(
  answer: Message,
  wanted: Wanted,
  zone: DnsName,
): readonly DnsRecord[] | 'missing' {
  const { name, type, data } = wanted
  const cut = cutOf(answer, zone)
  // Below a cut the child zone answers, and what the parent has there nobody sees.
  if (cut !== undefined && (cut !== name || (type !== TYPE.NS && type !== undefined))) return []
  const section = cut === undefined ? answer.answers : answer.authorities
  const found = section.filter(
    (record) =>
      record.name === name &&
      (type === undefined ? isOwnersType(record.type) : record.type === type),
  )
  if (data === undefined) return found.filter((record) => !isLeft(record, wanted, zone))
  return sameSets(
    type!,
    data,
    found.map((record) => record.data),
  )
    ? []
    : 'missing'
}

/** Where a child zone begins, if the answer is a referral to it. */
function cutOf(answer: Message, zone: DnsName): DnsName | undefined {
  if (answer.authoritative || answer.answers.length > 0) return undefined
  return answer.authorities.find(
    ({ type, name }) => type === TYPE.NS && name !== zone && isAtOrBelowName(name, zone),
  )?.name
}

/** Removing everything at the zone's own name leaves two types (RFC 2136 section 3.4.2.3). */
function isLeft(record: DnsRecord, wanted: Wanted, zone: DnsName): boolean {
  const isVital = record.type === TYPE.SOA || record.type === TYPE.NS
  return wanted.type === undefined && record.name === zone && isVital
}

/** The wildcards that may answer for a name that is not there (RFC 4592), the closest first. */
export function wildcardsOver(name: DnsName, zone: DnsName): readonly DnsName[] {
  const labels = labelsOf(name)
  const depth = labels.length - labelCount(zone)
  return Array.from({ length: depth }, (_, cut) => fromLabels(['*', ...labels.slice(cut + 1)]))
}

function sameSets(
  type: number,
  left: readonly Uint8Array[],
  right: readonly Uint8Array[],
): boolean {
  const [wanted, found] = [left, right].map(
    (list) => new Set(list.map((data) => Buffer.from(comparable(type, data)).toString('hex'))),
  )
  return wanted!.size === found!.size && [...wanted!].every((data) => found!.has(data))
}

/** The serial is the server's to count. */
function comparable(type: number, data: Uint8Array): Uint8Array {
  if (type === TYPE.SOA) return writeSoa({ ...readSoa(data), serial: 0 })
  return canonicalData(type, data)
}
