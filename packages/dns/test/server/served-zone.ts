import {
  type DnsName,
  type Edns,
  EMPTY_MESSAGE,
  formatRecord,
  type Message,
  parseDnsName,
  parseZone,
  TYPE,
  typeOfName,
} from '@ixj/dns'
import { answerQuery, type ServedZone } from '../../src/server/answer.ts'
import { makeRrset } from '../../src/server/rrset.ts'
import { ZoneContent } from '../../src/server/zone-content.ts'
import { zoneKeyOf } from '../../src/server/zone-key.ts'
import { ZoneSigner } from '../../src/server/zone-signer.ts'

/** When tests ask. */
export const NOW = Date.parse('2026-11-26T12:00:00Z')

/** A zone that answers, from the text of its records: nothing of it is on disk. */
export function servedZone(name: string, text: string): ServedZone {
  const zone = parseDnsName(name)
  const content = new ZoneContent(zone)
  const key = zoneKeyOf(zone, new Uint8Array(32).fill(name.length), 300)
  const soa = '@ 300 IN SOA ns1 hostmaster 1 900 300 7200 1\n@ 300 IN NS ns1\n'
  const records = [...parseZone(soa + text, { origin: zone, ttl: 300 }), key.dnskey]
  const sets = Map.groupBy(records, (record) => `${record.name} ${record.type}`)
  for (const set of sets.values()) {
    const { name: owner, type, ttl } = set[0]!
    const rrset = makeRrset({ name: owner, type, ttl, data: set.map(({ data }) => data) })
    content.apply({ name: owner, type, rrset })
  }
  return { zone, content, signer: new ZoneSigner(zone, key) }
}

const PLAIN_EDNS: Edns = { udpBytes: 1_232, version: 0, dnssecOk: false, options: [] }
/** DO. */
export const SIGNED: Partial<Message> = { edns: { ...PLAIN_EDNS, dnssecOk: true } }
/** DO and CO. */
export const COMPACT_OK: Partial<Message> = {
  edns: { ...PLAIN_EDNS, dnssecOk: true, compactOk: true },
}

/** A query for `TXT a.example`. */
export function queryFor(text: string, more: Partial<Message> = {}): Message {
  const [type, name] = text.split(' ') as [string, string]
  const question = { name: parseDnsName(name), type: typeOfName(type)!, class: 1 }
  return { ...EMPTY_MESSAGE, id: 7, questions: [question], ...more }
}

/** What zones answer to it. */
export function answerTo(
  zones: readonly ServedZone[],
  text: string,
  more: Partial<Message> = {},
): Message {
  const table = new Map<DnsName, ServedZone>(zones.map((zone) => [zone.zone, zone]))
  return answerQuery(queryFor(text, more), table, { now: NOW })
}

/** A message in short: code, AA, and the records of each section without signatures. */
export function short(message: Message): Readonly<Record<string, unknown>> {
  const lines = (records: Message['answers']) =>
    records.filter(({ type }) => type !== TYPE.RRSIG).map((record) => formatRecord(record))
  return {
    rcode: message.rcode,
    aa: message.authoritative,
    answers: lines(message.answers),
    authorities: lines(message.authorities),
    additionals: lines(message.additionals),
  }
}
