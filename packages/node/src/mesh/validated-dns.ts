import {
  addressOf,
  DnsError,
  parseDnsName,
  readDnsaddrs,
  TYPE,
  type DnsName,
  type DnsRecord,
  type Resolver,
} from '@ixj/dns'
import type { MultiaddrResolver } from '@libp2p/interface'
import {
  CODE_IP4,
  CODE_IP6,
  type Component,
  type Multiaddr,
  multiaddr,
} from '@multiformats/multiaddr'
import { DNS_ADDRESSES_MAX, DNS_LOOKUPS_MAX } from './limits.ts'

const ip4 = [TYPE.A, { name: 'ip4', code: CODE_IP4 }] as const
const ip6 = [TYPE.AAAA, { name: 'ip6', code: CODE_IP6 }] as const

/** What stands in place of each kind of name in a multiaddr, by the type of its records. */
const hostTypes = new Map([
  ['dns4', [ip4]],
  ['dns6', [ip6]],
  ['dns', [ip6, ip4]],
])

/** What becomes of names that give no address. */
export interface ValidatedDnsOptions {
  /** Hears why a name counts for nothing: libp2p only says that there is no address. */
  readonly refused?: (reason: DnsError) => void
}

/**
 * What libp2p resolves names in addresses with, in place of the system: the `resolvers` of its
 * connection manager. It gives addresses without names, so no transport asks anybody else.
 *
 * - `/dnsaddr/NAME`: TXT of `_dnsaddr.NAME` counts only if it is secure.
 * - `/dns/NAME`, `/dns4/NAME`, `/dns6/NAME`: A and AAAA may be insecure, since they say where to
 *   dial and never who may receive: the peer that answers has to prove its name. Bogus ones count
 *   for nothing.
 *
 * A name that counts for nothing leaves the other addresses of a dial as they are. Private and
 * loopback addresses are the connection gater's to refuse.
 */
export function validatedDns(
  resolver: Resolver,
  options: ValidatedDnsOptions = {},
): Record<string, MultiaddrResolver> {
  const refused = options.refused ?? (() => undefined)
  return {
    validated: {
      canResolve: (address) => address.getComponents().some(isNamed),
      resolve: (address, { signal }) => new Search({ resolver, refused, signal }).resolve(address),
    },
  }
}

function isNamed({ name }: Component): boolean {
  return name === 'dnsaddr' || hostTypes.has(name)
}

interface SearchOptions {
  readonly resolver: Resolver
  readonly refused: (reason: DnsError) => void
  readonly signal: AbortSignal | undefined
}

/** One search: a zone may refer to others without end, so all of it shares one budget. */
class Search {
  readonly #options: SearchOptions
  readonly #seen = new Set<string>()
  #lookups = 0

  constructor(options: SearchOptions) {
    this.#options = options
  }

  async resolve(address: Multiaddr): Promise<Multiaddr[]> {
    const found: Multiaddr[] = []
    for (const waiting = [address]; waiting.length > 0 && found.length < DNS_ADDRESSES_MAX;) {
      const next = waiting.shift()!
      if (!next.getComponents().some(isNamed)) {
        found.push(next)
        continue
      }
      // Two names may lead to each other.
      if (this.#seen.has(next.toString())) continue
      this.#seen.add(next.toString())
      // oxlint-disable-next-line no-await-in-loop -- What is found may have to be resolved too.
      waiting.push(...(await this.#resolveName(next)))
    }
    return found
  }

  async #resolveName(address: Multiaddr): Promise<readonly Multiaddr[]> {
    try {
      return await this.#replaceName(address.getComponents())
    } catch (cause) {
      if (!(cause instanceof DnsError)) throw cause
      this.#options.refused(cause)
      return []
    }
  }

  /** Replaces the first name of an address. @throws DnsError if it counts for nothing */
  async #replaceName(components: readonly Component[]): Promise<readonly Multiaddr[]> {
    const place = components.findIndex(isNamed)
    const { name: kind, value = '' } = components[place]!
    const [before, after] = [components.slice(0, place), components.slice(place + 1)]
    if (kind === 'dnsaddr') return await this.#followDnsaddr(value, after)
    const name = parseDnsName(value)
    const found: Multiaddr[] = []
    for (const [type, component] of hostTypes.get(kind)!) {
      // oxlint-disable-next-line no-await-in-loop -- Two at most, in the order of preference.
      for (const host of (await this.#lookup(name, type)).flatMap(addressOf)) {
        found.push(multiaddr([...before, { ...component, value: host }, ...after]))
      }
    }
    return found
  }

  /** The addresses at `_dnsaddr.NAME`, those of the wanted peer if one is named. */
  async #followDnsaddr(name: string, after: readonly Component[]): Promise<readonly Multiaddr[]> {
    const records = await this.#lookup(parseDnsName(`_dnsaddr.${name}`), TYPE.TXT)
    const wanted = peerOf(after)
    return readDnsaddrs(records)
      .flatMap(readMultiaddr)
      .filter((found) => wanted === undefined || peerOf(found.getComponents()) === wanted)
  }

  /** The records that count. @throws DnsError `bogus`, `unreachable`, `insecure`, `limit` */
  async #lookup(name: DnsName, type: number): Promise<readonly DnsRecord[]> {
    const { resolver, signal } = this.#options
    if (++this.#lookups > DNS_LOOKUPS_MAX) {
      throw new DnsError('limit', `Cannot look up ${name}: ${DNS_LOOKUPS_MAX} lookups led to it`)
    }
    const found = await resolver.resolve(name, type, signal === undefined ? {} : { signal })
    if (found.state === 'secure' || (found.state === 'insecure' && type !== TYPE.TXT)) {
      return found.records
    }
    const why = found.state === 'insecure' ? 'they are not signed' : found.message
    throw new DnsError(found.state, `Cannot use the addresses at ${name}: ${why}`)
  }
}

function peerOf(components: readonly Component[]): string | undefined {
  return components.findLast(({ name }) => name === 'p2p')?.value
}

/** A multiaddr in text; none for what is no multiaddr: whoever wrote the record erred. */
function readMultiaddr(text: string): readonly Multiaddr[] {
  try {
    return [multiaddr(text)]
  } catch (cause) {
    if (cause instanceof Error) return []
    throw cause
  }
}
