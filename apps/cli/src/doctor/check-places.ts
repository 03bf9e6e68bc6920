import { once } from 'node:events'
import { isIP } from 'node:net'
import { connect } from 'node:net'
import {
  type DnsName,
  dnsaddrOwner,
  type DnsRecord,
  DNSADDR_BYTES_MAX,
  DNSADDRS_MAX,
  endpointOwner,
  type NameEndpoint,
  parseDnsName,
  readDnsaddrs,
  readEndpoints,
  readTxt,
  type Resolution,
  TYPE,
} from '@ixj/dns'
import type { Name } from '@ixj/names'
import { concatBytes } from '@ixj/trust'
import { printable } from '../output.ts'
import { type Place, placeText } from '../zones/zone-arguments.ts'
import { addressesOf } from './check-servers.ts'
import {
  type Examination,
  type Finding,
  type Findings,
  note,
  spanText,
  well,
  wrong,
} from './finding.ts'

/** A node that answers at all does so within this time, in ms. */
const CONNECT_MS_MAX = 2_000
/** Doors that are tried: 16 endpoints and 16 addresses, some with two IP addresses. */
const DOORS_MAX = 48
/** Nodes move: an address that is kept for longer leads astray. */
const PLACE_TTL_SECONDS_MAX = 300

/** One place that a record says a node listens at. */
interface Door {
  readonly check: 'endpoints' | 'dnsaddr'
  readonly label: string
  readonly place: Place
}

/** Where the domain is to be reached, and whether somebody listens there. */
export async function* checkPlaces(examination: Examination, hosts: readonly Name[]): Findings {
  const doors = [
    ...(yield* endpointDoors(examination, hosts)),
    ...(yield* dnsaddrDoors(examination)),
  ]
  if (doors.length === 0 && hosts.length > 0) {
    yield note('hosts', examination.domain, {
      text: `${hosts.join(', ')} may receive for it, and no record says where they listen`,
      remedy: `ixj agent renew ${examination.domain} --endpoint ${hosts[0]}:PORT`,
    })
  }
  yield* await Promise.all(doors.slice(0, DOORS_MAX).map((door) => knock(door)))
}

async function* endpointDoors(
  { domain, resolver }: Examination,
  hosts: readonly Name[],
): Findings<readonly Door[]> {
  const owner = endpointOwner(domain)
  let found = await resolver.resolve(owner, TYPE.SVCB)
  let read = readEndpoints(recordsOf(found), { hosts })
  if (read.alias !== undefined) {
    found = await resolver.resolve(read.alias, TYPE.SVCB)
    read = readEndpoints(recordsOf(found), { hosts })
  }
  yield* contradictions('endpoints', owner, found)
  yield* longTtl(owner, recordsOf(found))
  for (const reason of read.reasons) {
    yield wrong('endpoints', owner, {
      text: `an endpoint does not count: ${printable(reason)}`,
      remedy: 'endpoints are at hosts that the key record names: ixj agent add --host, --endpoint',
    })
  }
  const doors = await Promise.all(read.endpoints.map((endpoint) => doorsOf(resolver, endpoint)))
  for (const [index, endpoint] of read.endpoints.entries()) {
    if (doors[index]?.length !== 0) continue
    yield wrong('endpoints', owner, {
      text: `${endpoint.target} has no address`,
      remedy: `publish it: ixj agent add ${endpoint.target} --ip ADDRESS`,
    })
  }
  return doors.flat()
}

async function doorsOf(
  resolver: Examination['resolver'],
  { target, port, hints }: NameEndpoint,
): Promise<readonly Door[]> {
  const addresses = await addressesOf(resolver, parseDnsName(target))
  return [...new Set([...addresses, ...hints])].map((address) => ({
    check: 'endpoints',
    label: `${target}:${port}`,
    place: { address, port },
  }))
}

async function* dnsaddrDoors({ domain, resolver }: Examination): Findings<readonly Door[]> {
  const owner = dnsaddrOwner(domain)
  const found = await resolver.resolve(owner, TYPE.TXT)
  yield* contradictions('dnsaddr', owner, found)
  const records = recordsOf(found).filter(({ type }) => type === TYPE.TXT)
  yield* longTtl(owner, records)
  const ours = records.filter((record) => textOf(record).startsWith('dnsaddr='))
  if (ours.length > DNSADDRS_MAX) {
    yield wrong('dnsaddr', owner, {
      text: `there are ${ours.length} addresses, and ${DNSADDRS_MAX} are read`,
      remedy: 'take some out',
    })
  }
  const addresses: string[] = []
  for (const record of ours) {
    const [address] = readDnsaddrs([record])
    if (address === undefined) yield badAddress(owner, textOf(record))
    else addresses.push(address)
  }
  const doors: Door[] = []
  for (const address of addresses.slice(0, DNSADDRS_MAX)) {
    doors.push(...(await doorsOfAddress(resolver, address)))
  }
  return doors
}

function badAddress(owner: DnsName, text: string): Finding {
  const length = Buffer.byteLength(text)
  const why =
    length > DNSADDR_BYTES_MAX
      ? `it has ${length} bytes, limit ${DNSADDR_BYTES_MAX}`
      : 'it is no multiaddr'
  return wrong('dnsaddr', owner, {
    text: `an address is not read: ${why}: ${printable(text.slice(0, 60))}`,
    remedy: 'write it anew, as dnsaddr=/ip4/192.0.2.7/tcp/4001',
  })
}

/** The doors of a multiaddr over TCP; others, as `/dnsaddr/…`, lead on and are not tried. */
async function doorsOfAddress(
  resolver: Examination['resolver'],
  address: string,
): Promise<readonly Door[]> {
  const [, kind = '', host = '', portText = ''] =
    /^\/(ip4|ip6|dns|dns4|dns6)\/([^/]+)\/tcp\/(\d{1,5})(?:\/|$)/.exec(address) ?? []
  const port = Number(portText)
  if (port < 1 || port > 65_535) return []
  const found = kind.startsWith('ip') ? [host] : await addressesOf(resolver, parseDnsName(host))
  const family = kind.endsWith('4') ? 4 : kind.endsWith('6') ? 6 : undefined
  return found
    .filter((ip) => isIP(ip) !== 0 && (family === undefined || isIP(ip) === family))
    .map((ip) => ({ check: 'dnsaddr', label: address, place: { address: ip, port } }))
}

async function knock({ check, label, place }: Door): Promise<Finding> {
  const socket = connect(place.port, place.address)
  const where = placeText(place)
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(CONNECT_MS_MAX) })
    return well(check, label, `somebody listens at ${where}`)
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause
    const code = 'code' in cause && cause.name !== 'AbortError' ? String(cause.code) : undefined
    const why = code ?? `no answer in ${CONNECT_MS_MAX} ms`
    return wrong(check, label, {
      text: `nobody is reached at ${where}: ${why}`,
      remedy: 'is the node running? Is its port open in every firewall on the way?',
    })
  } finally {
    socket.destroy()
  }
}

function* contradictions(
  check: 'endpoints' | 'dnsaddr',
  owner: DnsName,
  found: Resolution,
): Generator<Finding> {
  if (found.state !== 'bogus') return
  const text = `its answer contradicts your anchors, ${found.reason}: ${printable(found.message)}`
  yield wrong(check, owner, { text, remedy: `see each step: ixj resolve` })
}

function* longTtl(owner: DnsName, records: readonly DnsRecord[]): Generator<Finding> {
  const ttl = records[0]?.ttl ?? 0
  if (ttl <= PLACE_TTL_SECONDS_MAX) return
  yield note('ttl', owner, {
    text: `resolvers keep its places for ${spanText(ttl)}: a node that moves is not found that long`,
    remedy: `a TTL of ${spanText(PLACE_TTL_SECONDS_MAX)} or less`,
  })
}

function textOf({ data }: DnsRecord): string {
  return Buffer.from(concatBytes(...readTxt(data))).toString()
}

function recordsOf(found: Resolution): readonly DnsRecord[] {
  return found.state === 'secure' || found.state === 'insecure' ? found.records : []
}
