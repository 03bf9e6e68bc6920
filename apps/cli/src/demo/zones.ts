import {
  createZone,
  type DnsName,
  type Endpoint,
  formatZoneAnchors,
  keyOwner,
  openRfc2136Backend,
  openZoneServer,
  openZoneStore,
  parseDnsName,
  type KeyRecord,
  TYPE,
  type TsigKey,
  type Upstream,
  dnsaddrOwner,
  endpointOwner,
  writeDnsaddr,
  writeEndpoint,
  writeKeyRecord,
  type ZoneEdit,
} from '@ixj/dns'
import { type Name, parseName } from '@ixj/names'
import { nodeRandom, systemClock } from '@ixj/node'
import { fromBase64url, toBase64url } from '@ixj/trust'
import { networkInterfaces } from 'node:os'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { aborted, readAddress, writeAddress } from './addresses.ts'
import { tell, ZONE_ROLES, type Role, type ZoneRole } from './events.ts'

/** The zone that each server answers for: each organisation runs its own. */
export const ZONES: Readonly<Record<ZoneRole, Name>> = {
  'acme-dns': parseName('acme.example'),
  'globex-dns': parseName('globex.example'),
}

const KEY_TTL_SECONDS = 300
const ADDRESS_TTL_SECONDS = 5

/** A name with its key, as it is published. */
export interface PublishedMember {
  readonly name: Name
  readonly record: KeyRecord
}

/** Makes a zone with a key of its own and the keys of its names; gives its anchor, as its file has it. */
export async function makeZone(
  mesh: string,
  role: ZoneRole,
  members: readonly PublishedMember[],
): Promise<string> {
  const zone = parseDnsName(ZONES[role])
  const server = parseDnsName(`ns1.${zone}`)
  await mkdir(join(mesh, role), { recursive: true, mode: 0o700 })
  await using store = await createZone({
    file: zoneFile(mesh, role),
    zone,
    nameservers: [{ name: server, addresses: ['127.0.0.1'] }],
    mailbox: parseDnsName(`hostmaster.${zone}`),
  })
  await store.apply(
    members.map(({ name, record }) =>
      set(keyOwner(name), TYPE.TXT, KEY_TTL_SECONDS, writeKeyRecord(record)),
    ),
  )
  const lines = formatZoneAnchors([store.anchor])
  await writeFile(anchorFile(mesh, role), lines)
  return lines
}

/** Where a zone's anchor lies, as DNSKEY lines. */
export function anchorFile(mesh: string, role: ZoneRole): string {
  return join(mesh, `${ZONES[role]}.anchor`)
}

/** Lets a process change the addresses of its agent, and nothing else of the zone. */
export async function makeUpdateKey(mesh: string, role: Role): Promise<void> {
  const secret = toBase64url(nodeRandom(32))
  const file = updateKeyFile(mesh, role)
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await writeFile(file, secret, { mode: 0o600 })
}

/** Serves one organisation's zone until the end, and takes the addresses of its agents' nodes. */
export async function runZone(
  role: ZoneRole,
  options: {
    readonly mesh: string
    readonly address: string
    readonly port: number
    readonly signal: AbortSignal
  },
): Promise<void> {
  const { mesh } = options
  const zone = ZONES[role]
  const publishers = PUBLISHERS.filter(({ zone: of }) => of === role)
  await using store = await openZoneStore({ file: zoneFile(mesh, role) })
  await using server = await openZoneServer({
    zones: [store],
    listen: [{ address: options.address, port: options.port }],
    keys: await Promise.all(publishers.map((each) => readUpdateKey(mesh, each.role))),
    policies: publishers.map((each) => ({
      key: keyName(each.role),
      names: [endpointOwner(each.agent), dnsaddrOwner(each.agent)],
      types: [TYPE.SVCB, TYPE.TXT],
    })),
  })
  const [endpoint] = server.addresses
  if (endpoint === undefined) throw new Error(`The server of ${zone} listens nowhere`)
  await writeAddress(mesh, role, formatEndpoint(endpoint))
  tell({ event: 'serving', role, zone, server: formatEndpoint(endpoint) })
  await aborted(options.signal)
}

/** Where the two zones are asked, as soon as their servers have told it. */
export async function readUpstreams(
  mesh: string,
  signal: AbortSignal,
): Promise<readonly Upstream[]> {
  return await Promise.all(
    ZONE_ROLES.map(async (role): Promise<Upstream> => {
      const text = await readAddress(mesh, role, signal)
      const colon = text.lastIndexOf(':')
      return {
        suffix: parseDnsName(ZONES[role]),
        transport: 'udp',
        address: text.slice(0, colon),
        port: Number(text.slice(colon + 1)),
      }
    }),
  )
}

interface Publisher {
  readonly role: Role
  readonly agent: Name
  readonly node: Name
  readonly zone: ZoneRole
}

/** Processes whose agents others look for. */
export const PUBLISHERS: readonly Publisher[] = [
  {
    role: 'planner',
    agent: parseName('planner.acme.example'),
    node: parseName('planner.nodes.acme.example'),
    zone: 'acme-dns',
  },
  {
    role: 'ledger',
    agent: parseName('ledger.acme.example'),
    node: parseName('ledger.nodes.acme.example'),
    zone: 'acme-dns',
  },
  {
    role: 'counsel',
    agent: parseName('counsel.globex.example'),
    node: parseName('counsel.nodes.globex.example'),
    zone: 'globex-dns',
  },
]

/** Tells the organisation's zone where the agent of a process can be dialled. */
export async function publishAddress(
  role: Role,
  address: string,
  options: { readonly mesh: string; readonly signal: AbortSignal },
): Promise<void> {
  const publisher = PUBLISHERS.find((each) => each.role === role)
  if (publisher === undefined) return
  const { mesh, signal } = options
  const zone = parseDnsName(ZONES[publisher.zone])
  const upstreams = await readUpstreams(mesh, signal)
  const upstream = upstreams.find(({ suffix }) => suffix === zone)
  if (upstream === undefined) throw new Error(`Nobody serves ${zone}`)
  const backend = openRfc2136Backend({
    zone,
    server: { address: upstream.address, port: upstream.port },
    key: await readUpdateKey(mesh, role),
    now: () => systemClock.now(),
    random: nodeRandom,
  })
  const [, , host = '', , port = ''] = address.split('/')
  const endpoint = { priority: 1, target: publisher.node, port: Number(port), hints: [host] }
  const edits = [
    set(endpointOwner(publisher.agent), TYPE.SVCB, ADDRESS_TTL_SECONDS, writeEndpoint(endpoint)),
    set(dnsaddrOwner(publisher.agent), TYPE.TXT, ADDRESS_TTL_SECONDS, writeDnsaddr(address)),
  ]
  await backend.apply(edits, { signal })
}

function set(name: DnsName, type: number, ttl: number, data: Uint8Array): ZoneEdit {
  return { kind: 'set', name, type, ttl, data: [data] }
}

function zoneFile(mesh: string, role: ZoneRole): string {
  return join(mesh, role, 'zone.sqlite')
}

function updateKeyFile(mesh: string, role: Role): string {
  return join(mesh, 'update-keys', role)
}

function keyName(role: Role): DnsName {
  return parseDnsName(`${role}.update`)
}

async function readUpdateKey(mesh: string, role: Role): Promise<TsigKey> {
  const secret = fromBase64url(await readFile(updateKeyFile(mesh, role), 'utf8'))
  return { name: keyName(role), algorithm: 'hmac-sha256', secret }
}

/** `ADDRESS:PORT`; of a server that listens everywhere, an address that others reach. */
function formatEndpoint({ address, port }: Endpoint): string {
  if (address !== '0.0.0.0') return `${address}:${port}`
  const outside = Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)
  return `${outside?.address ?? '127.0.0.1'}:${port}`
}
