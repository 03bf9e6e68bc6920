import type { ZoneKeySource } from '@ixj/agent'
import {
  CLASS,
  decodeMessage,
  DnsError,
  type DnsName,
  type DnsRecord,
  EMPTY_MESSAGE,
  encodeChain,
  encodeMessage,
  isAtOrBelowName,
  joinChains,
  keyOwner,
  openNameProver,
  parentOf,
  TYPE,
  validate,
  type ZoneAnchor,
  zoneAnchorsOf,
} from '@ixj/dns/proof'
import type { Name } from '@ixj/names'
import type { AnchorSet } from '@ixj/trust'
import { BrowserError } from './browser-error.ts'
import type { AskDns } from './dns-over-https.ts'
import { webCryptoDnssec } from './web-crypto-dnssec.ts'

/** Questions that one name may cost: its own, and keys and delegation of eight zones above it. */
const QUESTIONS_MAX = 17
/** What a browser takes of one answer. */
const UDP_BYTES = 4_096

/** What a page checks DNSSEC records with. */
export interface ZoneProofOptions {
  readonly subtle: SubtleCrypto
  /** ms since the Unix epoch. */
  readonly now: () => number
  /** Whom it asks; without it a page proves only what others bring. */
  readonly ask?: AskDns
}

/**
 * The DNS as a page has it: every record is checked here, from the page's own zone anchors down;
 * whoever answers, a relay as a rule, is a carrier and can at most be silent.
 * @throws DnsError if an anchor's records cannot be read
 */
export function openZoneProofs(anchors: AnchorSet, options: ZoneProofOptions): ZoneKeySource {
  const crypto = webCryptoDnssec(options.subtle)
  const zones = zoneAnchorsOf(anchors)
  return {
    covers: (name) => anchors.asksDns(name),
    prove: openNameProver(anchors, crypto),
    join: (chains) => joinChains(chains),
    fetch: async (name) => {
      const { ask, now } = options
      if (ask === undefined) return undefined
      const records = await collect(name, zones, ask)
      const question = { name: keyOwner(name), type: TYPE.TXT }
      const found = await validate(question, records, { anchors: zones, now: now(), crypto })
      const isThere = found.state === 'secure' && found.answer === 'positive'
      return isThere ? encodeChain(found.used) : undefined
    },
  }
}

/** The records of a name, and the keys and delegations of what stands between it and its anchor. */
async function collect(
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
