import { findFreshness, requireFresh, type Freshness, type NameChain } from '@ixj/trust'
import type { Header } from '../bundles/header.ts'
import type { PipelineContext } from './context.ts'
import type { Standing } from './standing.ts'

/**
 * "Each issuer in a chain needs a fresh status." Looked at for every bundle, whatever was kept of its
 * chains: that time passes changes the answer. What it rests on is within one's own organisation only
 * if all of it is.
 * @throws TrustError `stale`, `no-status`
 */
export function checkFresh(
  header: Header,
  found: {
    readonly chain: NameChain
    readonly standing: Standing
    /** Who approved it. */
    readonly approvers: readonly NameChain[]
  },
  context: PipelineContext,
): Freshness {
  const { chain, standing, approvers } = found
  const { authority } = standing
  const now = context.clock.now()
  const freshness = freshnessOf(found, now, context)
  const chains = [chain, ...approvers, ...(authority?.issuers ?? [])]
  const isOwn = chains.every(({ organisation }) => organisation === context.ownOrganisation)
  const tried = `Cannot accept ${header.action} by ${header.sender}`
  requireFresh(freshness, { isOwn, isState: header.class === 'state', now }, tried)
  return freshness
}

function freshnessOf(
  { chain, standing, approvers }: Parameters<typeof checkFresh>[1],
  now: number,
  { trust, freshness }: PipelineContext,
): Freshness {
  const { authority } = standing
  if (approvers.length === 0) return freshness.find(chain, authority, { trust, now })
  const authorities = authority === undefined ? [] : [authority]
  const { statuses } = trust
  return findFreshness({ names: [chain, ...approvers], authorities }, { statuses, now })
}
