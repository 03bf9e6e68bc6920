import type { ZoneKeySource } from '@ixj/agent'
import {
  type DnsRecord,
  encodeChain,
  joinChains,
  keyOwner,
  openNameProver,
  TYPE,
  validate,
  type ZoneAnchor,
  zoneAnchorsOf,
} from '@ixj/dns/proof'
import type { Name } from '@ixj/names'
import type { AnchorSet } from '@ixj/trust'
import { BrowserError } from './browser-error.ts'
import type { AskDns } from './dns-over-https.ts'
import { loadPart } from './load-part.ts'
import { webCryptoDnssec } from './web-crypto-dnssec.ts'

/** What a page checks DNSSEC records with. */
export interface ZoneProofOptions {
  readonly subtle: SubtleCrypto
  /** ms since the Unix epoch. */
  readonly now: () => number
  /** Whom it asks, in this order; without any a page proves only what others bring. */
  readonly asks?: readonly AskDns[]
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
      const question = { name: keyOwner(name), type: TYPE.TXT }
      for (const ask of options.asks ?? []) {
        const records = await recordsOf(name, zones, ask)
        const now = options.now()
        const found = await validate(question, records, { anchors: zones, now, crypto })
        // One that lies is as one that is silent: the next is asked.
        if (found.state === 'secure' && found.answer === 'positive') return encodeChain(found.used)
      }
      return undefined
    },
  }
}

/** A page that asks nobody itself does not download how. */
async function recordsOf(
  name: Name,
  zones: readonly ZoneAnchor[],
  ask: AskDns,
): Promise<readonly DnsRecord[]> {
  try {
    const load = () => import('./zone-questions.ts')
    const { collectRecords } = await loadPart('questions to the DNS', load)
    return await collectRecords(name, zones, ask)
  } catch (cause) {
    // As where nobody answers: what is proved without them is incomplete, and is told as such.
    if (cause instanceof BrowserError) return []
    throw cause
  }
}
