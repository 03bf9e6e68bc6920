import { toHex } from '@ixj/trust'
import { DnsError } from '../dns-error.ts'
import { ANCHOR_RECORDS_MAX, ANCHOR_TEXT_MAX } from '../limits.ts'
import { toBase64 } from '../text/base-encodings.ts'
import { formatRecord, parseZone } from '../text/zone-text.ts'
import { ROOT } from '../wire/dns-name.ts'
import { readDnskey, readDs } from '../wire/rdata.ts'
import type { DnsRecord } from '../wire/record.ts'
import { TYPE } from '../wire/record-type.ts'
import type { ZoneAnchor } from './validation.ts'
import { ANCHOR_TTL, anchorsOf } from './zone-anchor.ts'

/**
 * Zone anchors from the text of a zone file with DNSKEY and DS records alone, as Unbound's
 * `trust-anchor-file` and `/usr/share/dns/root.key` have it; TTL, class and comments may be there.
 * Records of one zone become one anchor, in the order of the file.
 * @throws DnsError `limit`; `record` for another type, or a key that may not sign a zone;
 * `unsupported` for an algorithm or digest that is not checked: it would anchor nothing
 */
export function parseZoneAnchors(text: string): readonly ZoneAnchor[] {
  if (text.length > ANCHOR_TEXT_MAX) {
    const size = `${text.length} characters, limit ${ANCHOR_TEXT_MAX}`
    throw new DnsError('limit', `Cannot read zone anchors: ${size}`)
  }
  const records = parseZone(text, { origin: ROOT, ttl: ANCHOR_TTL })
  if (records.length > ANCHOR_RECORDS_MAX) {
    const count = `${records.length} records, limit ${ANCHOR_RECORDS_MAX}`
    throw new DnsError('limit', `Cannot read zone anchors: ${count}`)
  }
  return anchorsOf(records)
}

/** Zone anchors as zone-file text, one record a line: what {@link parseZoneAnchors} reads. */
export function formatZoneAnchors(anchors: readonly ZoneAnchor[]): string {
  return anchors
    .flatMap(({ records }) => records.map((record) => `${formatRecord(record)}\n`))
    .join('')
}

/** Zone anchors in the form of BIND's named and delv: `trust-anchors { … static-key … };`. */
export function formatTrustAnchorsForDelv(anchors: readonly ZoneAnchor[]): string {
  const lines = anchors.flatMap(({ records }) =>
    records.map((record) => `  ${staticAnchor(record)}`),
  )
  return ['trust-anchors {', ...lines, '};', ''].join('\n')
}

function staticAnchor({ name, type, data }: DnsRecord): string {
  const zone = name === ROOT ? '.' : `${name}.`
  if (type === TYPE.DS) {
    const { keyTag, algorithm, digestType, digest } = readDs(data)
    return `"${zone}" static-ds ${keyTag} ${algorithm} ${digestType} "${toHex(digest)}";`
  }
  const { flags, protocol, algorithm, publicKey } = readDnskey(data)
  return `"${zone}" static-key ${flags} ${protocol} ${algorithm} "${toBase64(publicKey)}";`
}
