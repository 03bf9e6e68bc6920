import { isName, type Name } from '@ixj/names'
import { concatBytes, equalBytes, utf8Bytes } from '@ixj/trust'
import { DnsError } from '../dns-error.ts'
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from '../text/address-text.ts'
import { type DnsName, parseDnsName, ROOT } from '../wire/dns-name.ts'
import { readSvcb, type Svcb, type SvcParameter, writeSvcb } from '../wire/rdata.ts'
import { WireReader } from '../wire/reader.ts'
import type { DnsRecord } from '../wire/record.ts'
import { TYPE } from '../wire/record-type.ts'
import { ENDPOINT_HINTS_MAX, ENDPOINTS_MAX } from './limits.ts'

/** Where to dial for a name: never who may receive for it. */
export interface NameEndpoint {
  /** 1 to 65,535; the lowest is tried first. */
  readonly priority: number
  /** One of the name's hosts. */
  readonly target: Name
  readonly port: number
  /** IP addresses of the target, for a dialler that has not asked for them yet. */
  readonly hints: readonly string[]
}

/** What an `_ixj` SVCB RRset says. */
export interface NameEndpoints {
  /** The lowest priority first. */
  readonly endpoints: readonly NameEndpoint[]
  /** The records stand there; to be asked for once, and then no further. */
  readonly alias: DnsName | undefined
  /** Why single records, or all, do not count: sentences for people. */
  readonly reasons: readonly string[]
}

/** Keys of SVCB parameters (RFC 9460 section 14.3.2). */
const PARAMETER = { mandatory: 0, alpn: 1, noDefaultAlpn: 2, port: 3, ipv4hint: 4, ipv6hint: 6 }
const KNOWN = new Set(Object.values(PARAMETER))
/** The protocol identifier of ixj, with its length in front (RFC 9460 section 7.1.1). */
const ALPN = Uint8Array.of(5, ...utf8Bytes('ixj/1'))
const IPV4_BYTES = 4
const IPV6_BYTES = 16

/**
 * The data of an `_ixj` SVCB record (RFC 9460).
 * @throws DnsError `argument`, `record` for a hint that is no address
 */
export function writeEndpoint({ priority, target, port, hints }: NameEndpoint): Uint8Array {
  const refuse = (why: string) =>
    new DnsError('argument', `Cannot write endpoint of ${target}: ${why}`)
  // Priority 0 would make it an alias (RFC 9460 section 2.4.1).
  if (!isPort(priority)) throw refuse(`priority ${priority}, must be 1 to 65535`)
  if (!isPort(port)) throw refuse(`port ${port}, must be 1 to 65535`)
  const addresses = hints.map((hint) => addressBytes(hint))
  const ipv4 = addresses.filter((address) => address.length === IPV4_BYTES)
  const ipv6 = addresses.filter((address) => address.length === IPV6_BYTES)
  if (Math.max(ipv4.length, ipv6.length) > ENDPOINT_HINTS_MAX) {
    throw refuse(`over ${ENDPOINT_HINTS_MAX} hints of one family`)
  }
  const parameters: SvcParameter[] = [
    { key: PARAMETER.alpn, value: ALPN },
    { key: PARAMETER.port, value: Uint8Array.of(port >> 8, port) },
  ]
  if (ipv4.length > 0) parameters.push({ key: PARAMETER.ipv4hint, value: concatBytes(...ipv4) })
  if (ipv6.length > 0) parameters.push({ key: PARAMETER.ipv6hint, value: concatBytes(...ipv6) })
  return writeSvcb({ priority, target: parseDnsName(target), parameters })
}

/** The data of an alias (AliasMode, RFC 9460 section 2.4.2): the records stand at `target`. */
export function writeAlias(target: DnsName): Uint8Array {
  return writeSvcb({ priority: 0, target, parameters: [] })
}

/** The 4 or 16 bytes of an IP address. @throws DnsError `record` */
export function addressBytes(text: string): Uint8Array {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text)
}

/**
 * Reads an `_ixj` SVCB RRset (RFC 9460). `hosts` are the name's hosts, from its key records or
 * grants: an endpoint on any other target is left out, since whoever may write endpoints is not
 * thereby one who may receive. Never throws.
 */
export function readEndpoints(
  records: readonly DnsRecord[],
  options: { readonly hosts: readonly Name[] },
): NameEndpoints {
  const services = records.filter(({ type }) => type === TYPE.SVCB)
  if (services.length > ENDPOINTS_MAX) {
    return nothing(`there are ${services.length} endpoints, limit ${ENDPOINTS_MAX}`)
  }
  try {
    const read = services.map(({ data }) => readSvcb(data))
    // RFC 9460 section 2.4.1: where an alias stands, service records beside it are not looked at.
    const alias = read.find(({ priority }) => priority === 0)
    if (alias !== undefined) {
      // The root as the target: the name says that it has none (RFC 9460 section 2.5.1).
      if (alias.target === ROOT) return nothing('the name has no endpoint, and says so')
      return { endpoints: [], alias: alias.target, reasons: [] }
    }
    const outcomes = read.map((service) => readService(service, options.hosts))
    const endpoints = outcomes.filter((outcome) => typeof outcome !== 'string')
    return {
      endpoints: endpoints.toSorted((left, right) => left.priority - right.priority),
      alias: undefined,
      reasons: outcomes.filter((outcome) => typeof outcome === 'string'),
    }
  } catch (cause) {
    if (!(cause instanceof DnsError)) throw cause
    // RFC 9460 section 2.2: one malformed record makes the whole RRset void.
    return nothing(`one endpoint is malformed, so none counts: ${cause.message}`)
  }
}

function nothing(reason: string): NameEndpoints {
  return { endpoints: [], alias: undefined, reasons: [reason] }
}

/** The endpoint, or why it does not count. @throws DnsError if it is malformed */
function readService(service: Svcb, hosts: readonly Name[]): NameEndpoint | string {
  const { priority, target } = service
  const values = new Map(service.parameters.map(({ key, value }) => [key, value]))
  const mandatory = readMandatory(values)
  const protocols = readProtocols(values.get(PARAMETER.alpn))
  const port = readPort(values.get(PARAMETER.port))
  const ipv4 = readHints(values.get(PARAMETER.ipv4hint), IPV4_BYTES)
  const ipv6 = readHints(values.get(PARAMETER.ipv6hint), IPV6_BYTES)
  // RFC 9460 section 8: a record whose mandatory keys we do not know is not for us.
  const unknown = mandatory.find((key) => !KNOWN.has(key))
  if (unknown !== undefined) return `${target} asks for parameter ${unknown}, which is not known`
  if (!protocols.some((protocol) => equalBytes(protocol, ALPN))) {
    return `${target} does not speak ixj/1`
  }
  if (port === undefined) return `${target} has no port`
  const host = isName(target) && hosts.includes(target) ? target : undefined
  if (host === undefined) return `${target} is not a host of the name`
  return { priority, target: host, port, hints: [...ipv4, ...ipv6] }
}

/** Keys that a client must know: each stands in the record, in rising order (section 8). */
function readMandatory(values: ReadonlyMap<number, Uint8Array>): readonly number[] {
  const value = values.get(PARAMETER.mandatory)
  if (value === undefined) return []
  const reader = new WireReader(value)
  const keys: number[] = []
  do {
    const key = reader.u16()
    if (key <= (keys.at(-1) ?? 0) || !values.has(key)) {
      throw new DnsError('record', `Cannot read mandatory: ${key} is out of order or missing`)
    }
    keys.push(key)
  } while (reader.left > 0)
  return keys
}

/** Each with its length in front, none empty (section 7.1.1). */
function readProtocols(value: Uint8Array | undefined): readonly Uint8Array[] {
  if (value === undefined) return []
  const reader = new WireReader(value)
  const protocols: Uint8Array[] = []
  do {
    const start = reader.offset
    const length = reader.u8()
    if (length === 0) throw new DnsError('record', 'Cannot read alpn: a protocol is empty')
    reader.view(length)
    protocols.push(value.subarray(start, reader.offset))
  } while (reader.left > 0)
  return protocols
}

function readPort(value: Uint8Array | undefined): number | undefined {
  if (value === undefined) return undefined
  if (value.length !== 2) throw new DnsError('record', `Cannot read port of ${value.length} bytes`)
  const port = (value[0]! << 8) | value[1]!
  return port === 0 ? undefined : port
}

function readHints(value: Uint8Array | undefined, bytes: number): readonly string[] {
  if (value === undefined) return []
  if (value.length === 0 || value.length % bytes !== 0) {
    throw new DnsError('record', `Cannot read hints of ${value.length} bytes, ${bytes} each`)
  }
  const format = bytes === IPV4_BYTES ? formatIpv4 : formatIpv6
  const count = Math.min(value.length / bytes, ENDPOINT_HINTS_MAX)
  return Array.from({ length: count }, (_, index) =>
    format(value.subarray(index * bytes, (index + 1) * bytes)),
  )
}

function isPort(number: number): boolean {
  return Number.isInteger(number) && number >= 1 && number <= 65_535
}
