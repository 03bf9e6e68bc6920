import type { ZoneKeySource } from '@ixj/agent'
import {
  encodeChain,
  joinChains,
  keyOwner,
  openNameProver,
  TYPE,
  validate,
  zoneAnchorsOf,
} from '@ixj/dns/proof'
import type { AnchorSet } from '@ixj/trust'
import type { AskDns } from './dns-over-https.ts'
import { webCryptoDnssec } from './web-crypto-dnssec.ts'

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
      // A page that asks nobody itself does not download how.
      const { collectRecords } = await import('./zone-questions.ts')
      const records = await collectRecords(name, zones, ask)
      const question = { name: keyOwner(name), type: TYPE.TXT }
      const found = await validate(question, records, { anchors: zones, now: now(), crypto })
      const isThere = found.state === 'secure' && found.answer === 'positive'
      return isThere ? encodeChain(found.used) : undefined
    },
  }
}
