import {
  CLASS,
  decodeMessage,
  DnsError,
  type DnsName,
  type DnsRecord,
  EMPTY_MESSAGE,
  encodeMessage,
  isAtOrBelowName,
  keyOwner,
  parentOf,
  TYPE,
  type ZoneAnchor,
} from '@ixj/dns/proof'
import type { Name } from '@ixj/names'
import { BrowserError } from './browser-error.ts'
import type { AskDns } from './dns-over-https.ts'

/** Questions that one name may cost: its own, and keys and delegation of eight zones above it. */
const QUESTIONS_MAX = 17
/** What a browser takes of one answer. */
const UDP_BYTES = 4_096

/** The records of a name, and the keys and delegations of what stands between it and its anchor. */
export async function collectRecords(
  name: Name,
  zones: readonly ZoneAnchor[],
  ask: AskDns,
): Promise<readonly DnsRecord[]> {
  const owner = keyOwner(name)
  const anchor = zones
    .filter(({ zone }) => isAtOrBelowName(owner, zone))
    .toSorted((left, right) => right.zone.length - left.zone.length)[0]
  if (anchor === undefined) return []
  const records = await answerOf(owner, TYPE.TXT, ask)
  // Who has nothing to say about the name is asked no more: each question may take its time.
  if (records.length === 0) return records
  let asked = 1
  let zone: DnsName | undefined = parentOf(owner)
  while (zone !== undefined && asked < QUESTIONS_MAX) {
    records.push(...(await answerOf(zone, TYPE.DNSKEY, ask)))
    if (zone === anchor.zone) break
    records.push(...(await answerOf(zone, TYPE.DS, ask)))
    asked += 2
    zone = parentOf(zone)
  }
  return records
}

async function answerOf(name: DnsName, type: number, ask: AskDns): Promise<DnsRecord[]> {
  const query = encodeMessage({
    ...EMPTY_MESSAGE,
    recursionDesired: true,
    questions: [{ name, type, class: CLASS.IN }],
    edns: { udpBytes: UDP_BYTES, version: 0, dnssecOk: true, options: [] },
  })
  try {
    const { answers, authorities } = decodeMessage(await ask(query))
    return [...answers, ...authorities]
  } catch (cause) {
    // What cannot be read, or did not come, leaves the proof incomplete, which is told as such.
    if (cause instanceof DnsError || cause instanceof BrowserError) return []
    throw cause
  }
}
