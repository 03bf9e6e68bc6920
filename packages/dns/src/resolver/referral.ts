import {
  DnsError,
  formatIpv4,
  formatIpv6,
  isAtOrBelowName,
  labelCount,
  readTarget,
  TYPE,
  type Asked,
  type DnsName,
  type DnsRecord,
  type Message,
} from '../proof.ts'
import { ZONE_SERVERS_MAX } from './limits.ts'

/** A server's word that another zone has the answer (RFC 1034 section 4.3.2, step 3b). */
export interface Referral {
  readonly zone: DnsName
  /** The names of the zone's servers. */
  readonly servers: readonly DnsName[]
  /** Addresses that came along, of names that the server may speak for. */
  readonly glue: readonly string[]
}

/**
 * The referral in an answer of a server of `zone`, if it is one: it leads strictly downwards and
 * towards the name, so a lookup ends; what it says of names outside `zone` does not count, since
 * anybody could say it there.
 */
export function readReferral(message: Message, zone: DnsName, asked: Asked): Referral | undefined {
  // A resolver finds the answer itself: a referral from there is somebody else's.
  if (message.recursionAvailable) return undefined
  if (message.authoritative || message.answers.length > 0) return undefined
  const records = message.authorities
  if (records.some(({ type }) => type === TYPE.SOA)) return undefined
  const child = records.find(({ type }) => type === TYPE.NS)?.name
  if (child === undefined || !isAtOrBelowName(asked.name, child)) return undefined
  if (!isAtOrBelowName(child, zone) || labelCount(child) <= labelCount(zone)) return undefined
  // The child does not have its own DS (RFC 4035 section 3.1.4.1).
  if (asked.type === TYPE.DS && asked.name === child) return undefined
  const servers = records
    .filter(({ type, name }) => type === TYPE.NS && name === child)
    .flatMap(({ data }) => targetOf(data))
    .slice(0, ZONE_SERVERS_MAX)
  const glue = message.additionals
    .filter(({ name }) => servers.includes(name) && isAtOrBelowName(name, zone))
    .flatMap(addressOf)
    .slice(0, ZONE_SERVERS_MAX)
  return { zone: child, servers, glue }
}

function targetOf(data: Uint8Array): readonly DnsName[] {
  try {
    return [readTarget(TYPE.NS, data)]
  } catch (cause) {
    // A broken NS names no server; the others may do.
    if (cause instanceof DnsError) return []
    throw cause
  }
}

/** The address in an A or AAAA, as text; none in any other record. */
export function addressOf({ type, data }: DnsRecord): readonly string[] {
  if (type === TYPE.A && data.length === 4) return [formatIpv4(data)]
  return type === TYPE.AAAA && data.length === 16 ? [formatIpv6(data)] : []
}
