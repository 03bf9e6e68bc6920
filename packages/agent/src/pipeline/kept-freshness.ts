import { findFreshness, SKEW_MS, type Authority, type Freshness, type NameChain } from '@ixj/trust'
import type { TrustState } from '../revoked/trust-state.ts'

/** How the issuers of a chain, and of what was granted to it, stood. */
interface Looked {
  readonly authority: Authority | undefined
  readonly generation: number
  /** Until then the same would be found. */
  readonly until: number
  readonly freshness: Freshness
}

/**
 * How issuers of chains stood when they were looked at last: many bundles rest on the same. It counts
 * until trust changes or one of the statuses lapses; what is not fresh is looked at anew each time.
 */
export class KeptFreshness {
  /** By the links of a chain, which the chains of all agents of a pool have in common. */
  readonly #looked = new WeakMap<NameChain['links'], Looked>()

  /** As {@link findFreshness}; with `approvers`, of whom few have the same again, nothing is kept. */
  find(
    chain: NameChain,
    rest: { readonly authority: Authority | undefined; readonly approvers: readonly NameChain[] },
    {
      trust,
      now,
    }: {
      readonly trust: Pick<TrustState, 'generation' | 'statuses'>
      readonly now: number
    },
  ): Freshness {
    const { authority, approvers } = rest
    const { generation, statuses } = trust
    const isKept = approvers.length === 0
    const known = isKept ? this.#looked.get(chain.links) : undefined
    const isSame = known?.authority === authority && known?.generation === generation
    if (known !== undefined && isSame && now <= known.until) return known.freshness
    const authorities = authority === undefined ? [] : [authority]
    const names = [chain, ...approvers]
    const freshness = findFreshness({ names, authorities }, { statuses, now })
    const until = lastsUntil(freshness)
    if (isKept && until >= now)
      this.#looked.set(chain.links, { authority, generation, until, freshness })
    return freshness
  }
}

/** When the first of the statuses lapses; never what is stale already, or missing. */
function lastsUntil({ issuers }: Freshness): number {
  return issuers.reduce((least, { state, until }) => {
    if (state === 'unknown') return least
    return state === 'fresh' ? Math.min(least, until + SKEW_MS) : -Infinity
  }, Infinity)
}
