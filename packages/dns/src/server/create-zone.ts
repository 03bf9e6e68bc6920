import { randomBytes } from 'node:crypto'
import { type Random, SEED_BYTES } from '@ixj/trust'
import { DnsError, type DnsName, isAtOrBelowName, TYPE, wireOfName, writeSoa } from '../proof.ts'
import { addressData } from './address-data.ts'
import { makeRrset, type Rrset } from './rrset.ts'
import { ZoneFile } from './zone-file.ts'
import { openZoneStore, type ZoneStore, type ZoneStoreOptions } from './zone-store.ts'

/** A server of a zone. */
export interface Nameserver {
  readonly name: DnsName
  /** IP addresses; needed for a name in the zone itself, left out for others. */
  readonly addresses?: readonly string[]
}

/** A zone to be. */
export interface NewZone extends ZoneStoreOptions {
  readonly zone: DnsName
  /** At least one; the first is the primary. */
  readonly nameservers: readonly Nameserver[]
  /** The mail address of its owner, as a name: `hostmaster.acme.example`. */
  readonly mailbox: DnsName
  /** TTL of SOA, NS and addresses, in seconds; default 300. */
  readonly ttl?: number
  /** The seed of its key comes from it; default: the operating system. */
  readonly random?: Random
}

/**
 * A secondary asks every 15 minutes and gives up after 2 hours, so that the signatures of its copy,
 * which hold for 3 hours, never run out while it answers. Denials are kept for a second: names here
 * come and go.
 */
const TIMES = { refresh: 900, retry: 300, expire: 7_200, minimum: 1 } as const

/**
 * Makes the file of a new zone, mode 0600, with a new key, and opens it.
 * @throws DnsError `storage`, also if the file is there; `argument`
 */
export async function createZone(options: NewZone): Promise<ZoneStore> {
  const { file, zone, random = randomBytes } = options
  const rrsets = firstRrsets(options)
  const seed = Uint8Array.from(random(SEED_BYTES))
  try {
    ZoneFile.create(file, { name: zone, seed, rrsets })
  } finally {
    seed.fill(0)
  }
  return await openZoneStore(options)
}

function firstRrsets({ zone, nameservers, mailbox, ttl = 300 }: NewZone): readonly Rrset[] {
  const [primary] = nameservers
  if (primary === undefined) {
    throw new DnsError('argument', `Cannot make zone ${zone}: it has no name server`)
  }
  const soa = writeSoa({ primary: primary.name, mailbox, serial: 1, ...TIMES })
  const servers = nameservers.map(({ name }) => wireOfName(name))
  return [
    makeRrset({ name: zone, type: TYPE.SOA, ttl, data: [soa] }),
    makeRrset({ name: zone, type: TYPE.NS, ttl, data: servers }),
    ...nameservers.flatMap((server) => addressRrsets(zone, server, ttl)),
  ]
}

/** The addresses of a server that has its name in the zone. @throws DnsError `argument` */
export function addressRrsets(
  zone: DnsName,
  { name, addresses = [] }: Nameserver,
  ttl: number,
): readonly Rrset[] {
  if (!isAtOrBelowName(name, zone)) return []
  if (addresses.length === 0) {
    throw new DnsError('argument', `Cannot use name server ${name}: it has no address`)
  }
  const data = addresses.map(addressData)
  return [TYPE.A, TYPE.AAAA].flatMap((type) => {
    const of = data.filter((bytes) => (bytes.length === 4) === (type === TYPE.A))
    return of.length === 0 ? [] : [makeRrset({ name, type, ttl, data: of })]
  })
}
