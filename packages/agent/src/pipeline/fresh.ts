import { requireFresh, type Freshness, type NameChain } from '@ixj/trust'
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
  const { trust } = context
  const freshness = context.freshness.find(chain, { authority, approvers }, { trust, now })
  const chains = [chain, ...approvers, ...(authority?.issuers ?? [])]
  const isOwn = chains.every(({ organisation }) => organisation === context.ownOrganisation)
  const tried = `Cannot accept ${header.action} by ${header.sender}`
  requireFresh(freshness, { isOwn, isState: header.class === 'state', now }, tried)
  return freshness
}
