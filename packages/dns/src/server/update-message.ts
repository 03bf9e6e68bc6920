import {
  CLASS,
  DnsError,
  type DnsName,
  type DnsRecord,
  isAtOrBelowName,
  type Message,
  RCODE,
  rcodeName,
  readSoa,
  TYPE,
} from '../proof.ts'
import { UPDATE_RECORDS_MAX } from './limits.ts'
import { checkData, checkRrset, isMetaType, isOwnersType } from './record-rules.ts'
import { hasData, makeRrset, Rrset, sameData, withoutRecord, withRecord } from './rrset.ts'
import { isLaterSerial } from './serial.ts'
import type { UpdateRights } from './update-policy.ts'
import type { RecordSource } from './zone-content.ts'
import type { ZoneDraft } from './zone-draft.ts'

const TTL_MAX = 0x7fff_ffff

/** An update message was refused; nothing of it was done. */
export class UpdateRefused extends DnsError {
  readonly rcode: number

  constructor(rcode: number, why: string, options?: ErrorOptions) {
    super('refused', `Cannot update: ${rcodeName(rcode)}, ${why}`, options)
    this.rcode = rcode
  }
}

/**
 * Carries out an update message in a draft, in the order of RFC 2136 section 3: what must be so,
 * the form of the changes, whether the key may, the changes. TTLs and data are bounded as for the
 * owner's own edits.
 * @throws UpdateRefused with the response code
 */
export function applyUpdate(draft: ZoneDraft, message: Message, rights: UpdateRights): void {
  if (message.answers.length + message.authorities.length > UPDATE_RECORDS_MAX) {
    throw refuse(RCODE.REFUSED, `over ${UPDATE_RECORDS_MAX} records`)
  }
  checkPrerequisites(draft, message.answers)
  for (const record of message.authorities) checkForm(draft.zone, record)
  for (const record of message.authorities) checkRight(draft, record, rights)
  for (const record of message.authorities) change(draft, record)
}

/** The five forms of RFC 2136 section 2.4. */
function checkPrerequisites(source: RecordSource, records: readonly DnsRecord[]): void {
  const exact = new Map<string, DnsRecord[]>()
  for (const record of records) {
    const { name, type, data } = record
    if (record.ttl !== 0) throw refuse(RCODE.FORMERR, 'a prerequisite has a TTL')
    checkInside(source.zone, name)
    if (record.class === CLASS.IN) {
      if (isMetaType(type)) throw refuse(RCODE.FORMERR, 'a prerequisite has no real type')
      checkedData(type, data)
      const key = `${type} ${name}`
      exact.set(key, [...(exact.get(key) ?? []), record])
      continue
    }
    if (data.length > 0 || (record.class !== CLASS.ANY && record.class !== CLASS.NONE)) {
      throw refuse(RCODE.FORMERR, 'a prerequisite has none of the five forms')
    }
    const found =
      type === TYPE.ANY ? source.rrsetsAt(name).length > 0 : source.rrset(name, type) !== undefined
    if (found === (record.class === CLASS.ANY)) continue
    if (type === TYPE.ANY) throw refuse(found ? RCODE.YXDOMAIN : RCODE.NXDOMAIN, `of ${name}`)
    throw refuse(found ? RCODE.YXRRSET : RCODE.NXRRSET, `of ${name}`)
  }
  for (const wanted of exact.values()) {
    const [{ name, type }] = wanted as [DnsRecord]
    const found = source.rrset(name, type)
    if (found === undefined || !sameData(found, unique(wanted))) {
      throw refuse(RCODE.NXRRSET, `${name} has other records`)
    }
  }
}

function unique(records: readonly DnsRecord[]): readonly DnsRecord[] {
  const [{ name, type, ttl }] = records as [DnsRecord]
  return makeRrset({ name, type, ttl, data: records.map(({ data }) => data) }).records
}

/** RFC 2136 section 3.4.1: before anything is changed, all of it must be well formed. */
function checkForm(zone: DnsName, { name, type, class: kind, ttl, data }: DnsRecord): void {
  checkInside(zone, name)
  const isMeta = isMetaType(type)
  if (kind === CLASS.ANY) {
    if (ttl !== 0 || data.length > 0 || (isMeta && type !== TYPE.ANY)) {
      throw refuse(RCODE.FORMERR, 'a removal of a set has a TTL, data or no real type')
    }
  } else if (kind === CLASS.NONE) {
    if (ttl !== 0 || isMeta) throw refuse(RCODE.FORMERR, 'a removal has a TTL or no real type')
  } else if (kind === CLASS.IN) {
    if (isMeta || ttl > TTL_MAX) throw refuse(RCODE.FORMERR, 'a record has no real type or TTL')
    checkedData(type, data)
  } else throw refuse(RCODE.FORMERR, `class ${kind}`)
}

/** RFC 2136 section 3.3, told apart by name and type; for all types of a name, all that are there. */
function checkRight(source: RecordSource, record: DnsRecord, rights: UpdateRights): void {
  const { zone } = source
  const { name, type } = record
  const types =
    type === TYPE.ANY && record.class === CLASS.ANY
      ? removableAt(source, name).map((rrset) => rrset.type)
      : [type]
  for (const each of types) {
    if (!isOwnersType(each)) throw refuse(RCODE.REFUSED, 'the server makes this type by itself')
    if (!rights.allows(zone, name, each)) {
      throw refuse(RCODE.REFUSED, `the key may not change ${name}`)
    }
  }
  if (types.length === 0 && !rights.allows(zone, name, undefined)) {
    throw refuse(RCODE.REFUSED, `the key may not change ${name}`)
  }
}

/** At the zone's own name, SOA, NS and what the server makes stay (RFC 2136 section 3.4.2.3). */
function removableAt(source: RecordSource, name: DnsName): readonly Rrset[] {
  const rrsets = source.rrsetsAt(name).filter(({ type }) => isOwnersType(type))
  if (name !== source.zone) return rrsets
  return rrsets.filter(({ type }) => type !== TYPE.SOA && type !== TYPE.NS)
}

function change(draft: ZoneDraft, record: DnsRecord): void {
  const { name, type, class: kind } = record
  const isApex = name === draft.zone
  if (kind === CLASS.IN) return add(draft, record)
  if (kind === CLASS.ANY) {
    if (type === TYPE.ANY) {
      for (const rrset of removableAt(draft, name)) draft.remove(name, rrset.type)
    } else if (!(isApex && (type === TYPE.SOA || type === TYPE.NS))) draft.remove(name, type)
    return
  }
  const before = draft.rrset(name, type)
  if (type === TYPE.SOA || before === undefined || !holds(before, record.data)) return
  const left = withoutRecord(before, record.data)
  if (left.packed !== '') draft.put(left)
  // RFC 2136 section 3.4.2.4: the last server of the zone stays.
  else if (!(isApex && type === TYPE.NS)) draft.remove(name, type)
}

/** RFC 2136 section 3.4.2.2: what contradicts the zone is passed over in silence. */
function add(draft: ZoneDraft, { name, type, ttl, data }: DnsRecord): void {
  const isApex = name === draft.zone
  const others = draft.rrsetsAt(name).filter((rrset) => rrset.type !== type)
  if (type === TYPE.CNAME && others.length > 0) return
  if (others.some((rrset) => rrset.type === TYPE.CNAME)) return
  // A DS of the zone itself belongs into the zone above.
  if (type === TYPE.DS && isApex) return
  const before = draft.rrset(name, type)
  if (type === TYPE.SOA) {
    if (!isApex || before === undefined) return
    if (!isLaterSerial(readSoa(data).serial, readSoa(before.records[0]!.data).serial)) return
  }
  const isSingle = type === TYPE.SOA || type === TYPE.CNAME
  // All records of a set have one TTL (RFC 2181 section 5.2): the newest.
  const rrset =
    before === undefined || isSingle
      ? makeRrset({ name, type, ttl, data: [data] })
      : hasData(before, data)
        ? new Rrset(name, { type, ttl, packed: before.packed })
        : withRecord(before, ttl, data)
  try {
    checkRrset(rrset)
  } catch (cause) {
    throw refusal(RCODE.REFUSED, cause)
  }
  draft.put(rrset)
}

function holds(rrset: Rrset, data: Uint8Array): boolean {
  try {
    return hasData(rrset, data)
  } catch (cause) {
    throw refusal(RCODE.FORMERR, cause)
  }
}

function checkedData(type: number, data: Uint8Array): void {
  try {
    checkData(type, data)
  } catch (cause) {
    throw refusal(RCODE.FORMERR, cause)
  }
}

function checkInside(zone: DnsName, name: DnsName): void {
  if (!isAtOrBelowName(name, zone)) throw refuse(RCODE.NOTZONE, `${name} is outside`)
}

function refuse(rcode: number, why: string): UpdateRefused {
  return new UpdateRefused(rcode, why)
}

function refusal(rcode: number, cause: unknown): unknown {
  return cause instanceof DnsError ? new UpdateRefused(rcode, cause.message, { cause }) : cause
}
