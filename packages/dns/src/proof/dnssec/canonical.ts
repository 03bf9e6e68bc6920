import { compareBytes, concatBytes } from '@ixj/trust'
import { DnsError } from '../dns-error.ts'
import { below, type DnsName, labelCount, lastLabels, wireOfName } from '../wire/dns-name.ts'
import { type Rrsig, writeRrsig } from '../wire/rdata.ts'
import { canonicalData, type DnsRecord } from '../wire/record.ts'
import { typeName } from '../wire/record-type.ts'

const NO_BYTES = new Uint8Array()

/** The labels that a signature counts: neither the root nor a `*` in front (RFC 4034 3.1.3). */
export function signedLabels(owner: DnsName): number {
  return labelCount(owner) - (owner === '*' || owner.startsWith('*.') ? 1 : 0)
}

/**
 * The bytes that an RRSIG signs: its own data without the signature, then the RRset in canonical
 * form and order, its TTL as signed, equal records once (RFC 4034 sections 3.1.8.1 and 6). A
 * signature with fewer labels than the owner is over the wildcard that was expanded.
 * @throws DnsError `argument` for no records or records of several sets, `record` for data that do
 * not have the form of their type or a count of labels that the owner does not have
 */
export function signedData(rrset: readonly DnsRecord[], rrsig: Rrsig): Uint8Array {
  const [first] = rrset
  if (first === undefined) throw new DnsError('argument', 'Cannot sign an RRset without records')
  const owner = wireOfName(signedOwner(first.name, rrsig.labels))
  const { originalTtl: ttl } = rrsig
  const front = concatBytes(
    owner,
    Uint8Array.of(first.type >> 8, first.type, first.class >> 8, first.class),
    Uint8Array.of(ttl >>> 24, ttl >>> 16, ttl >>> 8, ttl),
  )
  const sorted: Uint8Array[] = []
  for (const record of rrset) {
    if (record.name !== first.name || record.type !== first.type || record.class !== first.class) {
      const other = `${record.name} ${typeName(record.type)}`
      throw new DnsError('argument', `Cannot sign ${first.name} together with ${other}`)
    }
    sorted.push(canonicalData(record.type, record.data))
  }
  sorted.sort(compareBytes)
  const parts = [writeRrsig({ ...rrsig, signature: NO_BYTES })]
  for (const [index, data] of sorted.entries()) {
    // RFC 4034 section 6.3: of equal records, one counts.
    const before = sorted[index - 1]
    if (before !== undefined && compareBytes(before, data) === 0) continue
    parts.push(front, Uint8Array.of(data.length >> 8, data.length), data)
  }
  return concatBytes(...parts)
}

/** The name that was signed: the owner, or the wildcard above it (RFC 4035 section 5.3.2). */
function signedOwner(owner: DnsName, labels: number): DnsName {
  const own = signedLabels(owner)
  if (labels === own) return owner
  if (labels > own) {
    const count = `${labels} labels, the owner has ${own}`
    throw new DnsError('record', `Cannot use RRSIG of ${owner}: ${count}`)
  }
  return below('*', lastLabels(owner, labels))
}
