import type { Bundle } from '../bundles/bundle.ts'
import type { Accepted, Carrier, PipelineContext, Trace } from './context.ts'
import { checkFresh } from './fresh.ts'
import { askPolicy, checkCarried, checkTopic, hasEnded } from './pipeline.ts'
import { checkRate, checkStanding } from './standing.ts'
import { Refusal } from './verdicts.ts'

/** A bundle that is passed on and kept for others, and read by nobody here. */
export type Carried = Pick<Accepted, 'bundle' | 'chain' | 'authority' | 'onBehalfOf'>

/**
 * What is still checked of a bundle for a group that cannot be opened here, when its signature has
 * held and its secret is missing: all that its header and proof say, as of every other. What asks for
 * its messages, as bytes per message do, is for those who open it. No table is written.
 * @throws Refusal, TrustError
 */
export async function judgeCarried(
  bundle: Bundle,
  carrier: Carrier,
  context: PipelineContext,
  trace: Trace,
): Promise<Carried> {
  const { header } = bundle
  const { chain } = trace
  if (chain === undefined || context.opened(header.topic) !== 'group') {
    throw new Refusal('sealed', `Cannot read what ${header.sender} sealed: an inbox has no secret`)
  }
  const material = await context.material(bundle, carrier)
  const standing = checkStanding(bundle, null, material, context)
  Object.assign(trace, standing)
  const freshness = checkFresh(header, { chain, standing, approvers: [] }, context)
  trace.freshness = freshness
  const decision = await askPolicy(bundle, { chain, standing, approvers: [], freshness }, context)
  trace.decision = decision
  if (!decision.permit) {
    const tried = `Cannot carry ${header.action} by ${header.sender}`
    throw new Refusal('policy', `${tried}: ${decision.rule}`)
  }
  // Asking takes time: what ended or came meanwhile counts.
  checkTopic(header, carrier, context)
  checkCarried(bundle, carrier, context)
  if (!hasEnded(header, carrier, context)) checkRate(header, standing, carrier, context)()
  return { bundle, chain, ...standing }
}
