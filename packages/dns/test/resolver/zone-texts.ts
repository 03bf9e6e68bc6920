import { dsOf, parseDnsName, readDs, type DnsRecord, type ZoneAnchor } from '@ixj/dns'
import { zoneKeys } from '../../../../test/world/dns/anchors.ts'

/** The key at `_ixjkey.planner.agents.test`, as its zone signs it. */
export const TRUE_KEY = 'v=ixj1; k=ed25519; p=hYV1dReXoualIDbhvEU4QuKGYK3IcpciTv329dU3E-I'
/** A key that somebody else would like to be there. */
export const FALSE_KEY = 'v=ixj1; k=ed25519; p=epgigbmBgw71uDnNHVmsOTIbRrwotfeTfCl2BvLCUEg'

/** A zone with an agent, an alias, a wildcard, a long record and three delegations. */
export const AGENTS = `
$ORIGIN agents.test.
$TTL 300
@ IN SOA ns1 hostmaster 1 3600 600 604800 2
@ IN NS ns1
ns1 IN A 127.0.0.1
node1 IN A 127.0.0.1
_ixjkey.planner IN TXT "${TRUE_KEY}"
_ixjkey.alias IN CNAME _ixjkey.planner
_ixjkey.away IN CNAME _ixjkey.r7.fleet.other.test.
*.wild IN TXT "for everybody"
${Array.from({ length: 12 }, (_, place) => `big IN TXT "${`${place}`.padStart(200, 'x')}"`).join('\n')}
_dnsaddr.planner 60 IN TXT "dnsaddr=/dns4/node1.agents.test/tcp/4001"
`

/** A zone without signatures. */
export const PLAIN = `
$ORIGIN plain.test.
$TTL 300
@ IN SOA ns1 hostmaster 1 3600 600 604800 2
@ IN NS ns1
ns1 IN A 127.0.0.1
_ixjkey.planner IN TXT "${TRUE_KEY}"
_dnsaddr.planner 60 IN TXT "dnsaddr=/dns4/node1.agents.test/tcp/4001"
node1 IN A 127.0.0.1
`

/** A parent that delegates `fleet` with a DS, and `open` without one. */
export function corpZone(ds: readonly string[]): string {
  return `
$ORIGIN corp.test.
$TTL 300
@ IN SOA ns1 hostmaster 1 3600 600 604800 2
@ IN NS ns1
ns1 IN A 127.0.0.1
_ixjkey IN TXT "${TRUE_KEY}"
fleet IN NS ns1.fleet
ns1.fleet IN A 127.0.0.1
${ds.map((line) => `fleet IN DS ${line}`).join('\n')}
open IN NS ns1.open
ns1.open IN A 127.0.0.1
hosted IN NS ns1.corp.test.
`
}

/** A child of corp.test. */
export function childZone(label: 'fleet' | 'open' | 'hosted'): string {
  return `
$ORIGIN ${label}.corp.test.
$TTL 300
@ IN SOA ns1 hostmaster 1 3600 600 604800 2
@ IN NS ns1
ns1 IN A 127.0.0.1
_ixjkey.r7 IN TXT "${TRUE_KEY}"
_ixjkey.out IN CNAME _ixjkey.r7.open.corp.test.
`
}

/** The keys of a zone, as its server has them now, as an anchor. */
export async function anchorOf(server: { port: number }, zone: string): Promise<ZoneAnchor> {
  return { zone: parseDnsName(zone), records: await zoneKeys(server, zone) }
}

/** The strings of TXT records, each joined. */
export function textsOf(records: readonly DnsRecord[]): string[] {
  return records.map(({ data }) => {
    let text = ''
    for (let at = 0; at < data.length; at += data[at]! + 1) {
      text += Buffer.from(data.subarray(at + 1, at + 1 + data[at]!)).toString('latin1')
    }
    return text
  })
}

/** The DS of a zone's keys, as zone files have them. */
export function dsLines(anchor: ZoneAnchor): string[] {
  return anchor.records.map((record) => {
    const { keyTag, algorithm, digestType, digest } = readDs(dsOf(record).data)
    return `${keyTag} ${algorithm} ${digestType} ${Buffer.from(digest).toString('hex')}`
  })
}
