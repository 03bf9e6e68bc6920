import { DnsError } from '../dns-error.ts'
import { fromBase16, fromBase64 } from '../text/base-encodings.ts'
import type { DnsName } from '../wire/dns-name.ts'
import { readDnskey, readDs, REVOKED_KEY, writeDnskey, writeDs, ZONE_KEY } from '../wire/rdata.ts'
import type { DnsRecord } from '../wire/record.ts'
import { CLASS, TYPE, typeName } from '../wire/record-type.ts'
import type { ZoneAnchor } from './validation.ts'
import { isChecked, usableDs } from './zone-keys.ts'

/** Seconds that an anchor without a TTL gets; nothing depends on it. */
export const ANCHOR_TTL = 3_600

/**
 * Zone anchors of DNSKEY and DS records: those of one zone become one anchor, in their order.
 * @throws DnsError `record` for another type, or a key that may not sign a zone; `unsupported` for
 * an algorithm or digest that is not checked: it would anchor nothing
 */
export function anchorsOf(records: readonly DnsRecord[]): readonly ZoneAnchor[] {
  const anchors = new Map<DnsName, DnsRecord[]>()
  for (const record of records) {
    checkAnchor(record)
    const ofZone = anchors.get(record.name)
    if (ofZone === undefined) anchors.set(record.name, [record])
    else ofZone.push(record)
  }
  return Array.from(anchors, ([zone, ofZone]) => ({ zone, records: ofZone }))
}

/**
 * One record of an anchor in the one form that a trust store keeps: `DNSKEY flags 3 algorithm key`
 * or `DS tag algorithm type digest`, with single spaces. Zone files, which have many forms, are read
 * by `parseZoneAnchors`.
 * @throws DnsError `record`
 */
export function parseAnchorRecord(zone: DnsName, text: string): DnsRecord {
  const [, type, first = '', second = '', third = '', rest = ''] =
    /^(DNSKEY|DS) ([0-9]{1,5}) ([0-9]{1,3}) ([0-9]{1,3}) (\S+)$/.exec(text) ?? []
  const numbers = [Number(first), Number(second), Number(third)] as const
  const isInRange = numbers[0] < 65_536 && numbers[1] < 256 && numbers[2] < 256
  if (type === undefined || !isInRange) {
    const form = '"DNSKEY flags 3 algorithm key" or "DS tag algorithm type digest"'
    throw new DnsError('record', `Cannot anchor ${zone} to ${JSON.stringify(text)}: not ${form}`)
  }
  const common = { name: zone, class: CLASS.IN, ttl: ANCHOR_TTL }
  if (type === 'DS') {
    const [keyTag, algorithm, digestType] = numbers
    const data = writeDs({ keyTag, algorithm, digestType, digest: fromBase16(rest) })
    return { ...common, type: TYPE.DS, data }
  }
  const [flags, protocol, algorithm] = numbers
  const data = writeDnskey({ flags, protocol, algorithm, publicKey: fromBase64(rest) })
  return { ...common, type: TYPE.DNSKEY, data }
}

function checkAnchor(record: DnsRecord): void {
  const what = `Cannot anchor ${record.name} to ${typeName(record.type)}`
  if (record.type === TYPE.DS) {
    if (usableDs(record) !== undefined) return
    const { algorithm, digestType } = readDs(record.data)
    const numbers = `algorithm ${algorithm}, digest ${digestType}`
    throw new DnsError('unsupported', `${what} of ${numbers}: not checked here`)
  }
  if (record.type !== TYPE.DNSKEY) {
    throw new DnsError('record', `${what}: must be DNSKEY or DS`)
  }
  const { flags, protocol, algorithm } = readDnskey(record.data)
  if ((flags & ZONE_KEY) === 0 || (flags & REVOKED_KEY) !== 0 || protocol !== 3) {
    const numbers = `flags ${flags}, protocol ${protocol}`
    throw new DnsError('record', `${what} with ${numbers}: it may not sign a zone`)
  }
  if (!isChecked(algorithm)) {
    throw new DnsError('unsupported', `${what} of algorithm ${algorithm}: not checked here`)
  }
}
