import { CLASS, readSoa, TYPE, writeSoa, type DnsName, type DnsRecord } from '../proof.ts'
import { nextSerial } from '../server/serial.ts'
import type { ZoneCondition, ZoneEdit } from './zone-backend.ts'

const NO_DATA = new Uint8Array()

/** A condition as a prerequisite of an update (RFC 2136 section 2.4). */
export function prerequisiteOf({ kind, name, type }: ZoneCondition): DnsRecord {
  const recordClass = kind === 'present' ? CLASS.ANY : CLASS.NONE
  return { name, type: type ?? TYPE.ANY, class: recordClass, ttl: 0, data: NO_DATA }
}

/**
 * An edit as the changes of an update (RFC 2136 section 2.5). `current` has the records that the
 * zone's own SOA and NS are replaced from: servers never remove these two as a whole (section
 * 3.4.2.4).
 */
export function changesOf(
  edit: ZoneEdit,
  zone: DnsName,
  current: readonly DnsRecord[],
): readonly DnsRecord[] {
  const { name, type = TYPE.ANY } = edit
  const removeAll = { name, type, class: CLASS.ANY, ttl: 0, data: NO_DATA }
  if (edit.kind === 'remove') return [removeAll]
  const added = edit.data.map((data) => ({ name, type, class: CLASS.IN, ttl: edit.ttl, data }))
  if (!isVital(edit, zone)) return [removeAll, ...added]
  const old = current.filter((record) => record.type === type)
  if (type === TYPE.SOA) return added.map((record) => withSerialAfter(record, old[0]))
  // The new ones first, so that the last one is never removed.
  const removed = old
    .filter(({ data }) => !edit.data.some((kept) => Buffer.compare(kept, data) === 0))
    .map((record) => ({ ...record, class: CLASS.NONE, ttl: 0 }))
  return [...added, ...removed]
}

/** Whether an edit sets the zone's own SOA or NS. */
export function isVital({ kind, name, type }: ZoneEdit, zone: DnsName): boolean {
  return kind === 'set' && name === zone && (type === TYPE.SOA || type === TYPE.NS)
}

/** An SOA counts only with a later serial (RFC 2136 section 3.4.2.2). */
function withSerialAfter(record: DnsRecord, old: DnsRecord | undefined): DnsRecord {
  if (old === undefined) return record
  const serial = nextSerial(readSoa(old.data).serial)
  return { ...record, data: writeSoa({ ...readSoa(record.data), serial }) }
}
