import { isIP } from 'node:net'
import { isName, type Name } from '@ixj/names'
import {
  formatFile,
  type Json,
  malformed,
  parseFile,
  readItems,
  readObject,
  readString,
} from './json-text.ts'
import { ZONE_RECORDS_KEPT_MAX } from './limits.ts'

const VERSION = 1
const BACKENDS = ['embedded', 'rfc2136', 'file'] as const
const MEMBERS = ['zone', 'backend', 'server', 'file', 'records'] as const

/** How a home keeps one of its zones: what its `zone.json` says. */
export interface ZoneSettings {
  readonly zone: Name
  /**
   * `embedded`: served by this home; `rfc2136`: on a server that takes updates; `file`: a text for
   * whoever serves it.
   */
  readonly backend: (typeof BACKENDS)[number]
  /** Embedded: where it listens. A server that takes updates: where that is. A file: null. */
  readonly server: { readonly address: string; readonly port: number } | null
  /** The absolute path of a zone file; null for the others. */
  readonly file: string | null
  /** Embedded: the zone's key, as an anchor has it (`DNSKEY …`). Others: none is known here. */
  readonly records: readonly string[]
}

/** The text of a `zone.json`: `version` 1 and the members of {@link ZoneSettings}. */
export function formatZoneSettings(settings: ZoneSettings): string {
  const { zone, backend, server, file, records } = settings
  const place = server === null ? null : { address: server.address, port: server.port }
  return formatFile({ version: VERSION, zone, backend, server: place, file, records })
}

/** Reads a `zone.json`. @throws HomeError `malformed`, `too-large`, `unsupported` */
export function parseZoneSettings(bytes: Uint8Array, path: string): ZoneSettings {
  const given = parseFile(bytes, path, { version: VERSION, members: MEMBERS })
  const zone = readString(given['zone'], `zone in ${path}`)
  if (!isName(zone)) throw malformed(path, 'its zone is no name')
  const backend = BACKENDS.find((each) => each === given['backend'])
  if (backend === undefined) {
    throw malformed(path, `its backend must be of ${BACKENDS.join(', ')}`)
  }
  const server = given['server'] === null ? null : readServer(given['server'], path)
  const file = given['file'] === null ? null : readString(given['file'], `file in ${path}`)
  if ((server === null) !== (backend === 'file') || (file === null) === (backend === 'file')) {
    throw malformed(path, `a zone of backend "${backend}" has either a server or a file`)
  }
  const items = readItems(given['records'], `records in ${path}`, ZONE_RECORDS_KEPT_MAX)
  const records = items.map((item, index) => readString(item, `record [${index}] in ${path}`))
  return { zone, backend, server, file, records }
}

function readServer(value: Json | undefined, path: string): NonNullable<ZoneSettings['server']> {
  const what = `server in ${path}`
  const given = readObject(value, what, ['address', 'port'])
  const address = readString(given['address'], `address of ${what}`)
  if (isIP(address) === 0) throw malformed(what, 'its address must be an IP address')
  const port = given['port']
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65_535) {
    throw malformed(what, 'its port must be 1 to 65535')
  }
  return { address, port }
}
