import { formatRecord, parseZoneAnchors, ROOT, type ZoneAnchor } from '@ixj/dns'
import { isAtOrBelow, type Name, parseName } from '@ixj/names'
import { type AnchorFields, type AnchorSet, makeRootAnchor, PURPOSES } from '@ixj/trust'

/**
 * The anchors of a home, and the zones of a text of DNSKEY and DS lines that it has none for.
 * @throws DnsError `record`; NameError for a zone whose name is none of ours
 */
export function withZones(anchors: AnchorSet, text: string | undefined, own: Name): AnchorSet {
  if (text === undefined) return anchors
  const root = rootRecordsOf(text)
  const isNew = root !== undefined && anchors.root === undefined
  let all = isNew ? anchors.withRoot(makeRootAnchor({ records: root })) : anchors
  for (const fields of zonesOf(text)) {
    if (anchors.get(fields.name) !== undefined) continue
    const isOwn = isAtOrBelow(own, fields.name)
    all = all.with(isOwn ? { ...fields, purposes: PURPOSES } : fields)
  }
  return all
}

/**
 * The fields of the anchors that a text of DNSKEY and DS lines names, but for the root's.
 * @throws as `withZones`
 */
export function zonesOf(text: string): readonly AnchorFields[] {
  return parseZoneAnchors(text)
    .filter(({ zone }) => zone !== ROOT)
    .map((anchor) => ({
      name: parseName(anchor.zone),
      kind: 'zone',
      records: anchorRecordsOf(anchor),
    }))
}

/** The records of the root of the DNS in a text of DNSKEY and DS lines. @throws as `withZones` */
export function rootRecordsOf(text: string): readonly string[] | undefined {
  const root = parseZoneAnchors(text).find(({ zone }) => zone === ROOT)
  return root === undefined ? undefined : anchorRecordsOf(root)
}

/** The records of a zone's anchor as a trust store has them. */
export function anchorRecordsOf({ records }: Pick<ZoneAnchor, 'records'>): readonly string[] {
  return records.map((record) => anchorRecord(formatRecord(record)))
}

/** `DNSKEY …` or `DS …` of a whole line, with single spaces and its key in one piece. */
function anchorRecord(line: string): string {
  const [, type = '', first = '', second = '', third = '', rest = ''] =
    /\s(DNSKEY|DS)\s+(\S+)\s+(\S+)\s+(\S+)\s+(.+)$/.exec(line) ?? []
  return `${type} ${first} ${second} ${third} ${rest.replaceAll(/\s/g, '')}`
}
