import {
  type DnsName,
  type DnsRecord,
  formatRecord,
  isAtOrBelowName,
  keyOwner,
  endpointOwner,
  type LeaseStore,
  type ListedName,
  type NamespaceListing,
  TYPE,
  typeName,
} from '@ixj/dns'
import type { Name } from '@ixj/names'
import { toBase64url } from '@ixj/trust'
import { columns, type Json, type Record } from '../output.ts'
import { timeText } from './event-text.ts'

/** A record of a zone, and who had it put there. */
export interface ShownRecord {
  readonly record: DnsRecord
  /** A name with a lease, a slice that was given away, or neither: the zone's owner. */
  readonly by: string
}

/** Puts every record of a zone beside the name or slice that it is of. */
export function shownRecords(
  records: readonly DnsRecord[],
  listing: NamespaceListing,
  leases: LeaseStore,
): readonly ShownRecord[] {
  const owners = new Map<string, Name>()
  for (const lease of leases.all()) {
    const { name, sets } = lease
    owners.set(setKey(keyOwner(name), TYPE.TXT), name)
    owners.set(setKey(endpointOwner(name), TYPE.TLSA), name)
    for (const set of sets) owners.set(setKey(set.name, set.type), name)
  }
  return records.map((record) => {
    const slice = listing.slices.find(({ child }) => isAtOrBelowName(record.name, child))
    const by = owners.get(setKey(record.name, record.type))
    return { record, by: slice === undefined ? (by ?? '') : `slice ${slice.child}` }
  })
}

function setKey(name: DnsName, type: number): string {
  return `${type} ${name}`
}

/** One record for programs. */
export function recordRecord({ record, by }: ShownRecord): Record {
  const { name, ttl, type } = record
  return { kind: 'record', name, ttl, type: typeName(type), data: dataText(record), by }
}

/** Records for people, in columns. */
export function recordTable(shown: readonly ShownRecord[]): string {
  const rows = shown.map(({ record, by }) => [
    record.name,
    String(record.ttl),
    typeName(record.type),
    by,
    dataText(record),
  ])
  return columns([['NAME', 'TTL', 'TYPE', 'OF', 'DATA'], ...rows])
}

function dataText(record: DnsRecord): string {
  // Owner, TTL, class and type stand before it, each without a space in it.
  return formatRecord(record).split(' ').slice(4).join(' ')
}

/** One name of a zone for programs. */
export function nameRecord(zone: Name, listed: ListedName): Record {
  const { name, state, endsAt, rotation } = listed
  return {
    kind: 'name',
    zone,
    name,
    state,
    endsAt,
    inZone: listed.zone,
    keys: listed.keys.map(({ key, uses, depth, notBefore, hosts }): Json => ({
      key: toBase64url(key),
      uses,
      depth,
      notBefore,
      hosts: [...hosts],
    })),
    rotation:
      rotation === null
        ? null
        : {
            nextKey: toBase64url(rotation.nextKey),
            replaces: toBase64url(rotation.replaces),
            switchAt: rotation.switchAt,
            dropAt: rotation.dropAt,
            switched: rotation.switched,
          },
  }
}

/** Names of zones for people, in columns. */
export function nameTable(names: readonly ListedName[]): string {
  const rows = names.flatMap((listed) => {
    const { name, state, endsAt, keys } = listed
    const until = state === 'published' ? timeText(endsAt) : ''
    return keys.map((record, index) =>
      index === 0
        ? [name, stateText(listed), until, keyText(listed, record)]
        : ['', '', '', keyText(listed, record)],
    )
  })
  return columns([['NAME', 'STATE', 'UNTIL', 'KEY'], ...rows])
}

function stateText({ state, zone }: ListedName): string {
  if (state === 'not-ours') return 'not ours'
  if (state === 'published' && zone === 'none') return 'published, missing'
  if (state === 'published' && zone === 'other') return 'published, changed'
  return state
}

const USES = { sign: 'signs', bind: 'binds', both: 'signs, binds' } as const

function keyText({ rotation }: ListedName, record: ListedName['keys'][number]): string {
  const { key, uses, notBefore, hosts } = record
  const text = toBase64url(key)
  const where = hosts.length === 0 ? '' : `, hosts ${hosts.join(' ')}`
  const from = notBefore === 0 ? '' : `, from ${timeText(notBefore)}`
  const going =
    rotation !== null && toBase64url(rotation.replaces) === text
      ? `, until ${timeText(rotation.dropAt)}`
      : ''
  return `${text} ${USES[uses]}${where}${from}${going}`
}
