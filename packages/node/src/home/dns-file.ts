import { isIP } from 'node:net'
import { DnsError, parseDnsName, ROOT, systemUpstreams, type Upstream } from '@ixj/dns'
import {
  formatFile,
  type Json,
  malformed,
  parseFile,
  readItems,
  readObject,
  readString,
} from './json-text.ts'
import { UPSTREAMS_MAX } from './limits.ts'

const VERSION = 1
const TRANSPORTS = ['udp', 'tls', 'https'] as const

/** Whom a home asks about names, and what it dials on the word of foreign records. */
export interface DnsSettings {
  /** Where names are asked; none: the name servers of the system. */
  readonly upstreams: readonly Upstream[]
  /** Whether addresses of this machine or its network are dialled if a foreign name says so. */
  readonly dialPrivate: boolean
}

/** Without a file: the system's name servers, and no private address of a foreign name. */
export const DNS_SETTINGS_DEFAULT: DnsSettings = { upstreams: [], dialPrivate: false }

/** Where a home asks: as its settings say, and the name servers of the system for all other names. */
export function upstreamsOf({ upstreams }: DnsSettings): readonly Upstream[] {
  if (upstreams.some(({ suffix }) => suffix === ROOT)) return upstreams
  return [...upstreams, ...systemUpstreams()]
}

/**
 * The text of a `dns.json`: `version` 1, `dialPrivate`, and `upstreams`, each `{ suffix, transport,
 * address, port }` with `serverName`, `certificateAuthority` and `path` or null for them.
 */
export function formatDnsSettings(settings: DnsSettings): string {
  return formatFile({
    version: VERSION,
    dialPrivate: settings.dialPrivate,
    upstreams: settings.upstreams.map((upstream) => ({
      suffix: upstream.suffix,
      transport: upstream.transport,
      address: upstream.address,
      port: upstream.port,
      serverName: upstream.serverName ?? null,
      certificateAuthority: upstream.certificateAuthority ?? null,
      path: upstream.path ?? null,
    })),
  })
}

/** Reads a `dns.json`. @throws HomeError `malformed`, `too-large`, `unsupported` */
export function parseDnsSettings(bytes: Uint8Array, path: string): DnsSettings {
  const members = ['dialPrivate', 'upstreams']
  const file = parseFile(bytes, path, { version: VERSION, members })
  const dialPrivate = file['dialPrivate']
  if (typeof dialPrivate !== 'boolean') {
    throw malformed(path, 'its dialPrivate must be true or false')
  }
  const items = readItems(file['upstreams'], `upstreams in ${path}`, UPSTREAMS_MAX)
  const upstreams = items.map((item, index) => readUpstream(item, `upstream [${index}] in ${path}`))
  return { dialPrivate, upstreams }
}

function readUpstream(value: Json, what: string): Upstream {
  const optional = ['serverName', 'certificateAuthority', 'path'] as const
  const given = readObject(value, what, ['suffix', 'transport', 'address', 'port', ...optional])
  const transport = TRANSPORTS.find((each) => each === given['transport'])
  if (transport === undefined)
    throw malformed(what, `its transport must be of ${TRANSPORTS.join(', ')}`)
  const address = readString(given['address'], `address of ${what}`)
  if (isIP(address) === 0) throw malformed(what, 'its address must be an IP address')
  const port = given['port']
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65_535) {
    throw malformed(what, 'its port must be 1 to 65535')
  }
  const texts: { -readonly [Key in (typeof optional)[number]]?: string } = {}
  for (const member of optional) {
    if (given[member] !== null) texts[member] = readString(given[member], `${member} of ${what}`)
  }
  return { suffix: readSuffix(given['suffix'], what), transport, address, port, ...texts }
}

function readSuffix(value: Json | undefined, what: string): Upstream['suffix'] {
  const text = readString(value, `suffix of ${what}`)
  try {
    return parseDnsName(text)
  } catch (cause) {
    if (!(cause instanceof DnsError)) throw cause
    throw malformed(what, cause.message, { cause })
  }
}
