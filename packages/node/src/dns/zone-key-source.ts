import type { ZoneKeySource } from '@ixj/agent'
import {
  encodeChain,
  isDnsName,
  joinChains,
  nodeDnssecCrypto,
  openNameProver,
  rememberingCrypto,
  type Resolver,
  TYPE,
} from '@ixj/dns'
import { type AnchorSet, PROOF_DNSSEC_BYTES_MAX } from '@ixj/trust'

/** A chain from the root that leaves no room in a proof for another name is had from nearer by. */
const ROOT_CHAIN_BYTES_MAX = PROOF_DNSSEC_BYTES_MAX - 2_048

/**
 * What a host needs of the DNS: it checks records against the zone anchors, and asks the resolver.
 * @throws DnsError if an anchor's records cannot be read
 */
export function openZoneKeySource(
  anchors: AnchorSet,
  options: {
    readonly resolver?: Resolver
    /** One that trusts the root of the DNS alone: its chains are longer, and good for more. */
    readonly rootResolver?: Resolver
    readonly signal?: AbortSignal
  },
): ZoneKeySource {
  return {
    covers: (name) => anchors.asksDns(name),
    prove: openNameProver(anchors, rememberingCrypto(nodeDnssecCrypto())),
    join: (chains) => joinChains(chains),
    fetch: async (name) => {
      // A name that leaves no room for the label in front of it has no record.
      const owner = `_ixjkey.${name}`
      if (!isDnsName(owner)) return undefined
      const { resolver, rootResolver, signal } = options
      const asking = signal === undefined ? {} : { signal }
      const ask = async (from: Resolver | undefined) => {
        const found = await from?.resolve(owner, TYPE.TXT, asking)
        const isThere = found?.state === 'secure' && found.answer === 'positive'
        return isThere ? encodeChain(found.used) : undefined
      }
      const whole = await ask(rootResolver)
      return whole !== undefined && whole.length <= ROOT_CHAIN_BYTES_MAX ? whole : ask(resolver)
    },
  }
}
