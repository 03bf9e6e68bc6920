import {
  dnsaddrOwner,
  type DnsName,
  type DnsRecord,
  endpointOwner,
  formatIpv4,
  formatIpv6,
  keyOwner,
  keysOf,
  parseDnsName,
  readDnsaddrs,
  readEndpoints,
  type Resolution,
  type Resolver,
  TYPE,
} from '@ixj/dns'
import { type Name, parentName } from '@ixj/names'
import type { AnchorSet } from '@ixj/trust'

/** Addresses that a search gives at most: a name with more has chosen to be hard to reach. */
export const SEARCH_ADDRESSES_MAX = 16

/** What a search for a name's nodes found. */
export interface EndpointSearch {
  /** The zone that signed the key record with the hosts; undefined where none was found. */
  readonly zone?: string
  /** Multiaddrs to dial. Who may receive is proved in hello and by rights, never by these. */
  readonly addresses: readonly string[]
  /** What was asked and came of it: sentences for people. */
  readonly notes: readonly string[]
}

/**
 * Looks in the DNS for where to dial for a name: its key record names its hosts, its endpoints and
 * addresses say where they are. A name without records of its own is looked for at the names above
 * it, and the walk stops at the anchor's name: never at a public suffix.
 */
export async function findEndpoints(
  name: Name,
  by: {
    readonly resolver: Resolver
    readonly anchors: AnchorSet
    readonly now: () => number
    /** Whether a node of this name is a neighbour. */
    readonly isConnected: (host: Name) => boolean
    readonly signal?: AbortSignal
  },
): Promise<EndpointSearch> {
  const notes: string[] = []
  const top = by.anchors.for(name)?.name
  if (top === undefined && by.anchors.root === undefined) {
    return { addresses: [], notes: [`no anchor at or above ${name}`] }
  }
  const ask = async (owner: DnsName, type: number): Promise<Resolution> => {
    const options = by.signal === undefined ? {} : { signal: by.signal }
    return await by.resolver.resolve(owner, type, options)
  }
  for (let at: Name | undefined = name; at !== undefined; at = parentName(at)) {
    const { hosts, zone } = await hostsOf(at)
    if (hosts.length > 0) {
      // Another connection to a node that is there would take the place of the one in use.
      const connected = hosts.find((host) => by.isConnected(host))
      if (connected !== undefined) {
        return { addresses: [], notes: [...notes, `${connected} is connected`] }
      }
      const whole = await dnsaddrsOf(at)
      const endpoints = await endpointsOf(at, hosts)
      // An address with a peer id in it is dialled only once, and leads to that peer alone.
      const bare = endpoints.filter((address) => !whole.some((each) => each.startsWith(address)))
      const addresses = [...new Set([...whole, ...bare])]
      return { zone, addresses: addresses.slice(0, SEARCH_ADDRESSES_MAX), notes }
    }
    // Under the root of the DNS a name's organisation is its zone.
    const end = top ?? zone
    if (at === end || end === '') break
  }
  return { addresses: [], notes }

  /** Only a secure record tells who may receive for a name. */
  async function hostsOf(
    at: Name,
  ): Promise<{ readonly hosts: readonly Name[]; readonly zone: string }> {
    const found = await ask(keyOwner(at), TYPE.TXT)
    if (found.state !== 'secure') {
      notes.push(`${at}: no key record, ${found.state}`)
      return { hosts: [], zone: '' }
    }
    const { keys } = keysOf(at, found, { now: by.now() })
    const hosts = [...new Set(keys.flatMap((key) => key.hosts))]
    notes.push(`${at}: ${hosts.length === 0 ? 'no hosts' : `hosts ${hosts.join(', ')}`}`)
    return { hosts, zone: found.zone }
  }

  async function endpointsOf(at: Name, hosts: readonly Name[]): Promise<readonly string[]> {
    const found = await ask(endpointOwner(at), TYPE.SVCB)
    if (!isUsable(found)) return []
    const addresses: string[] = []
    for (const endpoint of readEndpoints(found.records, { hosts }).endpoints) {
      const ips = await addressesOf(endpoint.target)
      for (const ip of new Set([...ips, ...endpoint.hints])) {
        addresses.push(`/${ip.includes(':') ? 'ip6' : 'ip4'}/${ip}/tcp/${endpoint.port}`)
      }
    }
    return addresses
  }

  async function dnsaddrsOf(at: Name): Promise<readonly string[]> {
    const found = await ask(dnsaddrOwner(at), TYPE.TXT)
    // The same rule as for bootstrap addresses: whole addresses, peer ids in them, must be signed.
    return found.state === 'secure' ? readDnsaddrs(found.records) : []
  }

  async function addressesOf(target: Name): Promise<readonly string[]> {
    const answers = await Promise.all(
      [TYPE.A, TYPE.AAAA].map((type) => ask(parseDnsName(target), type)),
    )
    return answers.flatMap((found) => (isUsable(found) ? found.records.map(formatAddress) : []))
  }
}

/** An address says only where to dial, so it need not be signed; but forged ones are not used. */
function isUsable(
  found: Resolution,
): found is Extract<Resolution, { readonly state: 'secure' | 'insecure' }> {
  return found.state === 'secure' || found.state === 'insecure'
}

function formatAddress({ type, data }: DnsRecord): string {
  return type === TYPE.A ? formatIpv4(data) : formatIpv6(data)
}
