import {
  addressOf,
  askServer,
  DnsError,
  type DnsName,
  type DnsRecord,
  type Message,
  RCODE,
  rcodeName,
  readSoa,
  readTarget,
  type Resolution,
  ROOT,
  TYPE,
  type Upstream,
} from '@ixj/dns'
import { printable } from '../output.ts'
import { type Place, placeText } from '../zones/zone-arguments.ts'
import {
  type Examination,
  type ExaminedZone,
  type Finding,
  type Findings,
  note,
  well,
  wrong,
} from './finding.ts'

/** Servers that are asked: 13 names with two addresses each. */
const SERVERS_MAX = 26
const DNS_PORT = 53
/** One server has this long for each answer, in ms; people wait for it. */
const ANSWER_MS_MAX = 4_000

/** A server of a zone, as its NS records or this home's settings have it. */
interface Server {
  readonly label: string
  readonly place: Place
  /** Whether the zone names it: then it has to speak for the zone itself. */
  readonly isNamed: boolean
}

/** Whether every server of the zone answers over UDP and TCP, and all say the same. */
export async function* checkServers(examination: Examination, { zone }: ExaminedZone): Findings {
  const servers = yield* findServers(examination, zone)
  const asked = await Promise.all(servers.map((server) => askBoth(server, zone)))
  for (const { findings } of asked) yield* findings
  const serials = new Map(
    asked.flatMap(({ server, serial }) => (serial === undefined ? [] : [[server.label, serial]])),
  )
  const different = new Set(serials.values())
  if (different.size > 1) {
    const list = [...serials].map(([label, serial]) => `${label}: ${serial}`).join('; ')
    yield wrong('serial', zone, {
      text: `its servers have different versions: ${list}`,
      remedy: 'wait a minute; if it stays, look at the transfers of those behind',
    })
  } else if (serials.size > 1) {
    const [serial] = different
    yield well('serial', zone, `${serials.size} servers have the same version, serial ${serial}`)
  }
}

async function* findServers(examination: Examination, zone: DnsName): Findings<readonly Server[]> {
  const { resolver } = examination
  const own = ownUpstreams(examination, zone)
  const servers: Server[] = []
  const found = await resolver.resolve(zone, TYPE.NS)
  const names = recordsOf(found).flatMap(({ type, data }) => readTarget(type, data))
  for (const name of names) {
    const addresses = await addressesOf(resolver, name)
    if (addresses.length === 0) {
      yield wrong('servers', name, {
        text: `it is to serve ${zone}, and has no address`,
        remedy: `publish its address (A or AAAA), or take it out of the NS records of ${zone}`,
      })
    }
    for (const address of addresses) {
      const place = placeOf(address, own)
      servers.push({ label: `${name} (${placeText(place)})`, place, isNamed: true })
    }
  }
  for (const { address, port, transport } of own) {
    const isKnown = servers.some(({ place }) => place.address === address && place.port === port)
    if (isKnown || transport !== 'udp') continue
    const place = { address, port }
    servers.push({ label: placeText(place), place, isNamed: false })
  }
  if (names.length === 1) {
    yield note('servers', zone, {
      text: `${names[0]} alone serves it: while that is down, nobody learns its keys`,
      remedy: 'add a secondary: ixj zone serve --secondary, --transfer-key; and --ns for both',
    })
  }
  return servers.slice(0, SERVERS_MAX)
}

/** Only these are surely the zone's own: a resolver of the system is asked about everything. */
export function ownUpstreams(
  { upstreams, serverGiven }: Examination,
  zone: DnsName,
): readonly Upstream[] {
  return upstreams.filter(({ suffix }) => suffix === zone || (serverGiven && suffix === ROOT))
}

/** Where a name server with this address listens: at another port than usual only if we were told. */
export function placeOf(address: string, own: readonly Upstream[]): Place {
  return { address, port: own.find((upstream) => upstream.address === address)?.port ?? DNS_PORT }
}

async function askBoth(
  server: Server,
  zone: DnsName,
): Promise<{ server: Server; findings: readonly Finding[]; serial: number | undefined }> {
  const [udp, tcp] = await Promise.all([askSoa(server, zone, 'udp'), askSoa(server, zone, 'tcp')])
  const { label } = server
  const findings: Finding[] = []
  for (const [answer, transport] of [
    [udp, 'UDP'],
    [tcp, 'TCP'],
  ] as const) {
    if (typeof answer !== 'string') continue
    const isOurs = /ENETUNREACH|EADDRNOTAVAIL/.test(answer)
    findings.push(isOurs ? noRoute(label, answer) : silent(label, transport, answer))
  }
  const answer = typeof udp === 'string' ? tcp : udp
  if (typeof answer === 'string') return { server, findings, serial: undefined }
  const fault = faultOf(answer, { zone, isNamed: server.isNamed })
  const soa = answer.answers.find(({ type }) => type === TYPE.SOA)
  const serial = soa === undefined ? undefined : readSoa(soa.data).serial
  if (fault !== undefined) {
    const remedy = `have it serve ${zone}, or take it out of the NS records`
    findings.push(wrong('servers', label, { text: fault, remedy }))
  } else if (findings.length === 0) {
    findings.push(well('servers', label, `answers over UDP and TCP, serial ${serial}`))
  }
  return { server, findings, serial: fault === undefined ? serial : undefined }
}

function silent(label: string, transport: string, message: string): Finding {
  return wrong('servers', label, {
    text: `does not answer over ${transport}: ${printable(message)}`,
    remedy: `is it running? Is its port open for ${transport} in every firewall on the way?`,
  })
}

function noRoute(label: string, message: string): Finding {
  return note('servers', label, {
    text: `this machine has no way to it: ${printable(message)}`,
    remedy: 'try from a machine that has (IPv6?)',
  })
}

/** What the server said, or why it said nothing. */
async function askSoa(
  { place }: Server,
  zone: DnsName,
  transport: 'udp' | 'tcp',
): Promise<Message | string> {
  const signal = AbortSignal.timeout(ANSWER_MS_MAX)
  try {
    return await askServer({ name: zone, type: TYPE.SOA }, place, { transport, signal })
  } catch (cause) {
    if (cause instanceof DnsError) return cause.message
    if (signal.aborted) return `no answer in ${ANSWER_MS_MAX} ms`
    throw cause
  }
}

function faultOf(
  { rcode, authoritative, answers }: Message,
  { zone, isNamed }: { readonly zone: DnsName; readonly isNamed: boolean },
): string | undefined {
  if (rcode !== RCODE.NOERROR) return `answers ${rcodeName(rcode)} to a question about ${zone}`
  if (isNamed && !authoritative) return `is named as its server, and does not serve ${zone}`
  if (answers.some(({ type }) => type === TYPE.SOA)) return undefined
  return `knows no zone ${zone}`
}

/** The addresses of a name, for dialling: signed or not, but never contradicted. */
export async function addressesOf(
  resolver: Examination['resolver'],
  name: DnsName,
): Promise<readonly string[]> {
  const found = await Promise.all([TYPE.A, TYPE.AAAA].map((type) => resolver.resolve(name, type)))
  return found.flatMap((each) => recordsOf(each).flatMap((record) => addressOf(record)))
}

/** Records that may be used to find somebody: signed or not, but never contradicted. */
export function recordsOf(found: Resolution): readonly DnsRecord[] {
  return found.state === 'secure' || found.state === 'insecure' ? found.records : []
}
