import type { Name } from '@ixj/names'
import { toHex } from '@ixj/trust'
import {
  type DnsName,
  type DnsRecord,
  isAtOrBelowName,
  type KeyRecord,
  keyOwner,
  nameOfKeyOwner,
  readTarget,
  TYPE,
} from '../proof.ts'
import { keyDataOf, keyRecordsOf, type Lease, type LeaseStore, type Rotation } from './lease.ts'

/** A name with keys, as a namespace lists it. */
export interface ListedName {
  readonly name: Name
  /** `not-ours`: it has keys in the zone, and this namespace did not publish them. */
  readonly state: Lease['phase'] | 'not-ours'
  /** As the lease has them; of a name that is not ours, as the zone has them. */
  readonly keys: readonly KeyRecord[]
  /** When its lease ends, in ms; null if it does not. */
  readonly endsAt: number | null
  readonly rotation: Rotation | null
  /** Whether the zone has the keys of the lease, others, or none. */
  readonly zone: 'same' | 'other' | 'none'
}

/** A child slice that others answer for. */
export interface ListedSlice {
  readonly child: DnsName
  readonly nameservers: readonly DnsName[]
  /** Whether DS records make it secure. */
  readonly secure: boolean
}

/** What a zone publishes for whom. */
export interface NamespaceListing {
  /** By name. */
  readonly names: readonly ListedName[]
  /** By name. */
  readonly slices: readonly ListedSlice[]
}

/** Puts what the zone has beside what the leases say. */
export function listingOf(
  zone: DnsName,
  records: readonly DnsRecord[],
  leases: LeaseStore,
): NamespaceListing {
  const byOwner = Map.groupBy(records, ({ name }) => name)
  const names: ListedName[] = []
  const ours = new Set<Name>()
  for (const lease of leases.all()) {
    ours.add(lease.name)
    names.push(ownName(lease, byOwner.get(keyOwner(lease.name)) ?? []))
  }
  for (const [owner, found] of byOwner) {
    const name = nameOfKeyOwner(owner)
    if (name === undefined || ours.has(name)) continue
    const keys = keyRecordsOf(name, found)
    if (keys.length === 0) continue
    names.push({ name, state: 'not-ours', keys, endsAt: null, rotation: null, zone: 'other' })
  }
  return {
    names: names.toSorted((left, right) => (left.name < right.name ? -1 : 1)),
    slices: slicesOf(zone, records),
  }
}

function ownName(lease: Lease, found: readonly DnsRecord[]): ListedName {
  const { name, phase: state, keys, endsAt, rotation } = lease
  const inZone = found.filter(({ type }) => type === TYPE.TXT).map(({ data }) => data)
  const textOf = (all: readonly Uint8Array[]) => all.map(toHex).toSorted().join(' ')
  const other = textOf(inZone) === textOf(keyDataOf(keys)) ? 'same' : 'other'
  return { name, state, keys, endsAt, rotation, zone: inZone.length === 0 ? 'none' : other }
}

function slicesOf(zone: DnsName, records: readonly DnsRecord[]): readonly ListedSlice[] {
  const cuts = records.filter(({ name, type }) => type === TYPE.NS && name !== zone)
  const signed = new Set(records.filter(({ type }) => type === TYPE.DS).map(({ name }) => name))
  return [...Map.groupBy(cuts, ({ name }) => name)]
    .map(([child, servers]) => ({
      child,
      nameservers: servers.map(({ type, data }) => readTarget(type, data)),
      secure: signed.has(child),
    }))
    .filter(({ child }) => isAtOrBelowName(child, zone))
    .toSorted((left, right) => (left.child < right.child ? -1 : 1))
}
