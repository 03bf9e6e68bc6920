import type { ZoneCondition, ZoneEdit } from '../backend/zone-backend.ts'
import {
  DnsError,
  type DnsName,
  isAtOrBelowName,
  readSoa,
  TYPE,
  typeName,
  writeSoa,
} from '../proof.ts'
import { checkData, checkRrset, isOwnersType } from './record-rules.ts'
import { makeRrset } from './rrset.ts'
import type { RecordSource } from './zone-content.ts'
import type { ZoneDraft } from './zone-draft.ts'

/**
 * Makes edits in a draft, strictly: what an update message would pass over in silence is refused.
 * @throws DnsError `zone`, `record`, `limit`, `unsupported`
 */
export function applyEdits(
  draft: ZoneDraft,
  edits: readonly ZoneEdit[],
  conditions: readonly ZoneCondition[],
): void {
  for (const condition of conditions) checkCondition(draft, condition)
  for (const edit of edits) {
    checkInside(draft, edit.name)
    if (edit.kind === 'set') set(draft, edit)
    else remove(draft, edit)
  }
  for (const { name } of edits) checkName(draft, name)
}

/** @throws DnsError `zone` unless it is as the condition says (RFC 2136 section 2.4) */
export function checkCondition(source: RecordSource, condition: ZoneCondition): void {
  const { kind, name, type } = condition
  checkInside(source, name)
  const found =
    type === undefined ? source.rrsetsAt(name).length > 0 : source.rrset(name, type) !== undefined
  if (found === (kind === 'present')) return
  const what = type === undefined ? name : `${name} ${typeName(type)}`
  throw new DnsError('zone', `Cannot change ${source.zone}: ${what} is not ${kind}`)
}

function set(draft: ZoneDraft, edit: ZoneEdit & { readonly kind: 'set' }): void {
  const { name, type, ttl, data } = edit
  const what = `${name} ${typeName(type)}`
  if (!isOwnersType(type)) {
    throw new DnsError('unsupported', `Cannot set ${what}: the server makes it, or knows it not`)
  }
  if (data.length === 0) throw new DnsError('argument', `Cannot set ${what}: there are no data`)
  for (const bytes of data) checkData(type, bytes)
  const rrset = makeRrset({ name, type, ttl, data: data.map((bytes) => Uint8Array.from(bytes)) })
  checkRrset(rrset)
  if (type !== TYPE.SOA) return draft.put(rrset)
  if (name !== draft.zone) throw new DnsError('zone', `Cannot set ${what}: it is not the zone's`)
  // The serial is ours to count: it only grows.
  const { serial } = readSoa(draft.rrset(name, type)!.records[0]!.data)
  const soa = writeSoa({ ...readSoa(data[0]!), serial })
  draft.put(makeRrset({ name, type, ttl, data: [soa] }))
}

function remove(draft: ZoneDraft, { name, type }: ZoneEdit & { readonly kind: 'remove' }): void {
  const types = type === undefined ? draft.rrsetsAt(name).map((rrset) => rrset.type) : [type]
  for (const each of types) {
    if (isOwnersType(each)) draft.remove(name, each)
    else if (type !== undefined) {
      throw new DnsError('unsupported', `Cannot remove ${typeName(type)}: the server makes it`)
    }
  }
}

function checkInside(source: RecordSource, name: DnsName): void {
  if (isAtOrBelowName(name, source.zone)) return
  throw new DnsError('zone', `Cannot change ${name}: it is not in zone ${source.zone}`)
}

/** What must hold of every name (RFC 1034 section 3.6.2) and of the zone's own. */
function checkName(source: RecordSource, name: DnsName): void {
  const types = source.rrsetsAt(name).map(({ type }) => type)
  if (types.includes(TYPE.CNAME) && types.length > 1) {
    throw new DnsError('zone', `Cannot change ${name}: an alias has no other records`)
  }
  if (name !== source.zone) return
  for (const type of [TYPE.SOA, TYPE.NS]) {
    if (types.includes(type)) continue
    throw new DnsError('zone', `Cannot take ${typeName(type)} from ${name}: a zone needs it`)
  }
  if (types.includes(TYPE.DS)) {
    throw new DnsError('zone', `Cannot set DS at ${name}: it belongs into the zone above`)
  }
}
