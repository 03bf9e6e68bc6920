import { formatRecord, parseZoneAnchors } from '@ixj/dns'
import { isAtOrBelow, type Name, parseName } from '@ixj/names'
import { type AnchorFields, type AnchorSet, PURPOSES } from '@ixj/trust'

/**
 * The anchors of a home, and the zones of a text of DNSKEY and DS lines that it has none for.
 * @throws DnsError `record`; NameError for a zone whose name is none of ours, as the root's
 */
export function withZones(anchors: AnchorSet, text: string | undefined, own: Name): AnchorSet {
  if (text === undefined) return anchors
  let all = anchors
  for (const fields of zonesOf(text)) {
    if (anchors.get(fields.name) !== undefined) continue
    const isOwn = isAtOrBelow(own, fields.name)
    all = all.with(isOwn ? { ...fields, purposes: PURPOSES } : fields)
  }
  return all
}

/** The fields of the anchors that a text of DNSKEY and DS lines names. @throws as `withZones` */
export function zonesOf(text: string): readonly AnchorFields[] {
  return parseZoneAnchors(text).map(({ zone, records }) => ({
    name: parseName(zone),
    kind: 'zone',
    records: records.map((record) => anchorRecord(formatRecord(record))),
  }))
}

/** `DNSKEY …` or `DS …` of a whole line, with single spaces and its key in one piece. */
function anchorRecord(line: string): string {
  const [, type = '', first = '', second = '', third = '', rest = ''] =
    /\s(DNSKEY|DS)\s+(\S+)\s+(\S+)\s+(\S+)\s+(.+)$/.exec(line) ?? []
  return `${type} ${first} ${second} ${third} ${rest.replaceAll(/\s/g, '')}`
}
