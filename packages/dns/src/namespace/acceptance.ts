import {
  CLASS,
  DnsError,
  type DnsName,
  type DnsRecord,
  isAtOrBelowName,
  readDs,
  readTarget,
  ROOT,
  TYPE,
  typeName,
  wireOfName,
} from '../proof.ts'
import { addressBytes } from '../proof/records/endpoint.ts'
import { formatIpv4, formatIpv6 } from '../proof/text/address-text.ts'
import { formatRecord, parseZone } from '../proof/text/zone-text.ts'
import type { Delegation } from '../server/delegation.ts'
import {
  ACCEPTANCE_TEXT_MAX,
  KEY_TTL_SECONDS,
  SLICE_ADDRESSES_MAX,
  SLICE_DS_MAX,
  SLICE_SERVERS_MAX,
} from './limits.ts'

/** Bytes of the digests that a DS may have: SHA-256 and SHA-384 (RFC 8624 section 3.3). */
const DIGEST_BYTES = new Map([
  [2, 32],
  [4, 48],
])
/** RSA/SHA-256, ECDSA P-256, Ed25519: what a validator of ours checks. */
const ALGORITHMS = new Set([8, 13, 15])

/**
 * What the zone above needs to give a slice to its server: from the slice's own records (a
 * back-end's `list`), and the DS of its key.
 * @throws DnsError `argument`: no name server, one in the zone without an address, too many
 */
export function acceptanceOf(
  zone: DnsName,
  records: readonly DnsRecord[],
  ds: readonly DnsRecord[],
): Delegation {
  const servers = records.filter(({ name, type }) => name === zone && type === TYPE.NS)
  return delegationOf(zone, { servers, ds, glue: records })
}

/** The text of an acceptance: a zone file of NS, DS and addresses, ready for any parent zone. */
export function formatAcceptance(slice: Delegation): string {
  const { child, nameservers, ds, ttl = KEY_TTL_SECONDS } = checkSlice(slice)
  const own = { name: child, class: CLASS.IN, ttl }
  const glue = nameservers.flatMap(({ name, addresses = [] }) =>
    addresses.map((address) => {
      const data = addressBytes(address)
      return { ...own, name, type: data.length === 4 ? TYPE.A : TYPE.AAAA, data }
    }),
  )
  const records: readonly DnsRecord[] = [
    ...nameservers.map(({ name }) => ({ ...own, type: TYPE.NS, data: wireOfName(name) })),
    ...ds.map((record) => ({ ...record, ttl })),
    ...glue,
  ]
  return `${records.map(formatRecord).join('\n')}\n`
}

/**
 * Reads the text of an acceptance, which another owner wrote. Strict: NS and DS of one name, and
 * addresses of servers at or below it, nothing else.
 * @throws DnsError `limit`, `record`, `name`, `unsupported`, `argument`
 */
export function parseAcceptance(text: string): Delegation {
  if (text.length > ACCEPTANCE_TEXT_MAX) {
    const size = `${text.length} characters, limit ${ACCEPTANCE_TEXT_MAX}`
    throw new DnsError('limit', `Cannot read acceptance: ${size}`)
  }
  const records = parseZone(text, { origin: ROOT, ttl: KEY_TTL_SECONDS })
  const servers = records.filter(({ type }) => type === TYPE.NS)
  const child = servers[0]?.name
  if (child === undefined) throw refused('there is no NS record')
  const ds = records.filter(({ type }) => type === TYPE.DS)
  const stray = [...servers, ...ds].find(({ name }) => name !== child)
  if (stray !== undefined) throw refused(`it is of ${child} and of ${stray.name}`)
  const slice = delegationOf(child, { servers, ds, glue: records })
  const used = new Set(slice.nameservers.map(({ name }) => name))
  for (const { name, type } of records) {
    if (type === TYPE.NS || type === TYPE.DS) continue
    const isGlue = type === TYPE.A || type === TYPE.AAAA
    // Otherwise the text could bring any record of the parent's along.
    if (!isGlue || !used.has(name) || !isAtOrBelowName(name, child)) {
      throw refused(`${name} ${typeName(type)} is neither a server's address in it, nor NS or DS`)
    }
  }
  return slice
}

interface SliceRecords {
  readonly servers: readonly DnsRecord[]
  readonly ds: readonly DnsRecord[]
  readonly glue: readonly DnsRecord[]
}

function delegationOf(child: DnsName, { servers, ds, glue }: SliceRecords): Delegation {
  const nameservers = servers.map(({ type, data }) => {
    const name = readTarget(type, data)
    const addresses = isAtOrBelowName(name, child) ? addressesOf(name, glue) : []
    return { name, addresses }
  })
  return checkSlice({ child, nameservers, ds })
}

function addressesOf(name: DnsName, records: readonly DnsRecord[]): readonly string[] {
  return records.flatMap((record) => {
    if (record.name !== name) return []
    if (record.type === TYPE.A) return [formatIpv4(record.data)]
    return record.type === TYPE.AAAA ? [formatIpv6(record.data)] : []
  })
}

/**
 * Checks the rules of a slice that is given away: servers, their addresses where only the parent
 * can say them, and a key, without which nothing in it could be believed.
 * @throws DnsError `argument`
 */
export function checkSlice(slice: Delegation): Delegation {
  const { child, nameservers, ds } = slice
  checkCount(child, { what: 'name servers', count: nameservers.length, max: SLICE_SERVERS_MAX })
  checkCount(child, { what: 'DS records', count: ds.length, max: SLICE_DS_MAX })
  if (new Set(nameservers.map(({ name }) => name)).size < nameservers.length) {
    throw unfit(child, 'a name server stands twice')
  }
  for (const { name, addresses = [] } of nameservers) {
    if (isAtOrBelowName(name, child)) {
      const what = `addresses of ${name}`
      checkCount(child, { what, count: addresses.length, max: SLICE_ADDRESSES_MAX })
    }
  }
  for (const { name, type, data } of ds) {
    if (type !== TYPE.DS || name !== child) throw unfit(child, 'a DS is of another name')
    const { algorithm, digestType, digest } = readDs(data)
    if (!ALGORITHMS.has(algorithm)) throw unfit(child, `a DS has algorithm ${algorithm}`)
    if (DIGEST_BYTES.get(digestType) !== digest.length) {
      throw unfit(child, `a DS has digest type ${digestType} of ${digest.length} bytes`)
    }
  }
  return slice
}

function checkCount(
  child: DnsName,
  { what, count, max }: { readonly what: string; readonly count: number; readonly max: number },
): void {
  if (count < 1 || count > max) throw unfit(child, `${count} ${what}, must be 1 to ${max}`)
}

function unfit(child: DnsName, reason: string): DnsError {
  return new DnsError('argument', `Cannot delegate ${child}: ${reason}`)
}

function refused(reason: string): DnsError {
  return new DnsError('record', `Cannot read acceptance: ${reason}`)
}
