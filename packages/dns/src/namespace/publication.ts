import type { Name } from '@ixj/names'
import { toBase64url } from '@ixj/trust'
import type { ZoneCondition } from '../backend/zone-backend.ts'
import {
  agentAliasOwner,
  DnsError,
  DNSADDRS_MAX,
  type DnsName,
  dnsaddrOwner,
  type NameEndpoint,
  endpointOwner,
  formatKeyRecord,
  ENDPOINTS_MAX,
  isAtOrBelowName,
  KEY_RECORDS_MAX,
  keyOwner,
  type KeyRecord,
  parentOf,
  parseDnsName,
  TYPE,
  writeAlias,
  writeDnsaddr,
  writeEndpoint,
} from '../proof.ts'
import { addressBytes } from '../proof/records/endpoint.ts'
import type { Lease, RecordSet } from './lease.ts'
import {
  ENDPOINT_TTL_SECONDS,
  KEY_TTL_SECONDS,
  LEASE_SECONDS,
  LEASE_SECONDS_MAX,
  LEASE_SECONDS_MIN,
  NAME_ADDRESSES_MAX,
  NAMESPACE_TTL_SECONDS_MAX,
} from './limits.ts'

/** Where a name is reached; each left out means none. */
export interface Places {
  /** Each on one of the hosts that the keys name. */
  readonly endpoints?: readonly NameEndpoint[]
  /** Multiaddrs in text, for libp2p's `/dnsaddr/NAME`. */
  readonly addresses?: readonly string[]
  /** IP addresses of the name itself, where it is a host: A and AAAA. */
  readonly ipAddresses?: readonly string[]
  /** Seconds; default {@link ENDPOINT_TTL_SECONDS}. */
  readonly placesTtlSeconds?: number
}

/** What is published of a name. */
export interface Publication extends Places {
  /** One to four. Their hosts may receive for the name. */
  readonly keys: readonly KeyRecord[]
  /** Seconds; default {@link KEY_TTL_SECONDS}. */
  readonly keyTtlSeconds?: number
  /** null: it stays until it is removed; default {@link LEASE_SECONDS}. */
  readonly leaseSeconds?: number | null
  /** Mirrors the keys in TLSA records, for DANE. */
  readonly mirrorKeys?: boolean
  /** Lets DNS-AID find the name. */
  readonly agentAlias?: boolean
}

/**
 * The lease of a name that is to be published, without times.
 * @throws DnsError `argument`: too much of something, a key twice, an endpoint on a node that no
 * key names as a host; `name`, `record`
 */
export function leaseOf(name: Name, zone: DnsName, publication: Publication): Lease {
  const { keys, keyTtlSeconds = KEY_TTL_SECONDS, mirrorKeys = false } = publication
  const refuse = refusal(name)
  if (!isAtOrBelowName(parseDnsName(name), zone)) throw refuse(`it is not in zone ${zone}`)
  if (keys.length < 1 || keys.length > KEY_RECORDS_MAX) {
    throw refuse(`${keys.length} keys, must be 1 to ${KEY_RECORDS_MAX}`)
  }
  if (new Set(keys.map(({ key }) => toBase64url(key))).size < keys.length) {
    throw refuse('one key stands in two records')
  }
  // The one place where keys are checked: what a lease has is known to be good from here on.
  for (const record of keys) formatKeyRecord(record)
  checkTtl(name, keyTtlSeconds)
  const hosts = new Set(keys.flatMap((record) => record.hosts))
  return {
    name,
    revision: 0,
    phase: 'claiming',
    keys,
    keyTtlSeconds,
    mirrorKeys,
    sets: [...placeSets(name, hosts, publication), ...aliasSets(name, zone, publication)],
    stale: [],
    leaseSeconds: checkLease(name, publication.leaseSeconds),
    endsAt: null,
    noticeAt: null,
    rotation: null,
    removedKeys: [],
    work: null,
  }
}

/** Seconds within bounds, or null. @throws DnsError `argument` */
export function checkLease(name: Name, seconds: number | null = LEASE_SECONDS): number | null {
  const fits = seconds !== null && seconds >= LEASE_SECONDS_MIN && seconds <= LEASE_SECONDS_MAX
  if (seconds === null || (fits && Number.isInteger(seconds))) return seconds
  const limits = `must be ${LEASE_SECONDS_MIN} to ${LEASE_SECONDS_MAX}`
  throw refusal(name)(`a lease of ${seconds} s, ${limits}`)
}

/**
 * The RRsets that say where a name is reached.
 * @throws DnsError `argument`, `name`, `record`
 */
export function placeSets(
  name: Name,
  hosts: ReadonlySet<Name>,
  places: Places,
): readonly RecordSet[] {
  const { endpoints = [], addresses = [], ipAddresses = [] } = places
  const { placesTtlSeconds: ttl = ENDPOINT_TTL_SECONDS } = places
  checkTtl(name, ttl)
  checkCount(name, { what: 'endpoints', count: endpoints.length, max: ENDPOINTS_MAX })
  checkCount(name, { what: 'addresses', count: addresses.length, max: DNSADDRS_MAX })
  checkCount(name, { what: 'IP addresses', count: ipAddresses.length, max: NAME_ADDRESSES_MAX })
  const stranger = endpoints.find(({ target }) => !hosts.has(target))
  if (stranger !== undefined) {
    const reason = `${stranger.target} has an endpoint, and is a host of no key (h=)`
    throw refusal(name)(reason)
  }
  const ips = ipAddresses.map((address) => addressBytes(address))
  const owner = parseDnsName(name)
  const sets: readonly RecordSet[] = [
    rrset(endpointOwner(name), TYPE.SVCB, { ttl, data: endpoints.map(writeEndpoint) }),
    rrset(dnsaddrOwner(name), TYPE.TXT, { ttl, data: addresses.map(writeDnsaddr) }),
    rrset(owner, TYPE.A, { ttl, data: ips.filter(({ length }) => length === 4) }),
    rrset(owner, TYPE.AAAA, { ttl, data: ips.filter(({ length }) => length === 16) }),
  ]
  return sets.filter(({ data }) => data.length > 0)
}

function aliasSets(name: Name, zone: DnsName, publication: Publication): readonly RecordSet[] {
  if (publication.agentAlias !== true) return []
  const owner = agentAliasOwner(name)
  if (!isAtOrBelowName(owner, zone)) throw refusal(name)('its alias would not be in the zone')
  const { placesTtlSeconds: ttl = ENDPOINT_TTL_SECONDS } = publication
  return [rrset(owner, TYPE.SVCB, { ttl, data: [writeAlias(endpointOwner(name))] })]
}

function rrset(
  name: DnsName,
  type: number,
  { ttl, data }: { readonly ttl: number; readonly data: readonly Uint8Array[] },
): RecordSet {
  return { kind: 'set', name, type, ttl, data }
}

/**
 * What must be so for a name to be claimed: nobody has keys there, no slice that was given away
 * begins at it or above it, and nobody's IP addresses are overwritten.
 */
export function claimConditions(lease: Lease, zone: DnsName): readonly ZoneCondition[] {
  const conditions: ZoneCondition[] = [{ kind: 'absent', name: keyOwner(lease.name) }]
  for (let at = parseDnsName(lease.name); at !== zone; at = parentOf(at)) {
    conditions.push({ kind: 'absent', name: at, type: TYPE.NS })
  }
  return [...conditions, ...addressConditions(lease.sets, [])]
}

/** That nobody's IP addresses are overwritten by ones that were not there before. */
export function addressConditions(
  sets: readonly RecordSet[],
  before: readonly RecordSet[],
): readonly ZoneCondition[] {
  return sets
    .filter(({ type }) => type === TYPE.A || type === TYPE.AAAA)
    .filter(({ type }) => !before.some((set) => set.type === type))
    .map(({ name, type }) => ({ kind: 'absent', name, type }))
}

/** The lease with other places; the old ones are to leave the zone. @throws DnsError `argument` */
export function movedTo(lease: Lease, places: Places): Lease {
  const hosts = new Set(lease.keys.flatMap((record) => record.hosts))
  const { name, sets } = lease
  const owners = new Set([parseDnsName(name), endpointOwner(name), dnsaddrOwner(name)])
  // The alias stays: it says nothing of a place.
  const others = sets.filter((set) => !owners.has(set.name))
  return { ...lease, sets: [...placeSets(name, hosts, places), ...others], stale: sets }
}

function checkTtl(name: Name, seconds: number): void {
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= NAMESPACE_TTL_SECONDS_MAX) return
  const limit = `must be 1 to ${NAMESPACE_TTL_SECONDS_MAX}`
  throw refusal(name)(`a TTL of ${seconds} s, ${limit}`)
}

function checkCount(
  name: Name,
  { what, count, max }: { readonly what: string; readonly count: number; readonly max: number },
): void {
  if (count > max) throw refusal(name)(`${count} ${what}, limit ${max}`)
}

function refusal(name: Name): (reason: string) => DnsError {
  return (reason) => new DnsError('argument', `Cannot publish ${name}: ${reason}`)
}
