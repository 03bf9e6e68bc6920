import type { ZoneEdit } from '../backend/zone-backend.ts'
import { DnsError, type DnsName, type DnsRecord, TYPE, wireOfName } from '../proof.ts'
import { addressRrsets, type Nameserver } from './create-zone.ts'

/** A slice of a zone that another server answers for. */
export interface Delegation {
  readonly child: DnsName
  readonly nameservers: readonly Nameserver[]
  /** The DS records of the child's key; none makes it insecure. */
  readonly ds: readonly DnsRecord[]
  /** Seconds; default 300. */
  readonly ttl?: number
}

/**
 * The edits of the parent zone that give a child slice to others: NS, DS, and the addresses of
 * servers inside the child.
 * @throws DnsError `argument`
 */
export function delegationEdits(delegation: Delegation): readonly ZoneEdit[] {
  const { child, nameservers, ds, ttl = 300 } = delegation
  if (nameservers.length === 0) {
    throw new DnsError('argument', `Cannot delegate ${child}: it has no name server`)
  }
  const stranger = ds.find(({ name, type }) => name !== child || type !== TYPE.DS)
  if (stranger !== undefined) {
    throw new DnsError('argument', `Cannot delegate ${child}: a DS is of ${stranger.name}`)
  }
  const glue = nameservers.flatMap((server) => addressRrsets(child, server, ttl))
  return [
    set(child, TYPE.NS, { ttl, data: nameservers.map(({ name }) => wireOfName(name)) }),
    ds.length === 0
      ? { kind: 'remove', name: child, type: TYPE.DS }
      : set(child, TYPE.DS, { ttl, data: ds.map(({ data }) => data) }),
    ...glue.map(({ name, type, records }) =>
      set(name, type, { ttl, data: records.map(({ data }) => data) }),
    ),
  ]
}

function set(
  name: DnsName,
  type: number,
  { ttl, data }: { readonly ttl: number; readonly data: readonly Uint8Array[] },
): ZoneEdit {
  return { kind: 'set', name, type, ttl, data }
}
