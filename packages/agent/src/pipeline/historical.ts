import { SKEW_MS } from '@ixj/trust'
import { decodeBundle } from '../bundles/bundle.ts'
import { KEPT_MS } from '../history/topic-index.ts'
import { checkApproved } from './approved.ts'
import { nameChain } from './chains.ts'
import type { Accepted, Carrier, PipelineContext, Trace } from './context.ts'
import { checkFresh } from './fresh.ts'
import {
  askPolicy,
  checkSignature,
  checkStranger,
  checkTopic,
  clockOf,
  placeOf,
  readMessages,
} from './pipeline.ts'
import { openMessages } from '../sealing/opened-messages.ts'
import { checkStanding } from './standing.ts'
import { Refusal } from './verdicts.ts'

/**
 * The verdict on a bundle that was asked for and whose lifespan is over, as history alone: who said
 * it and by what right is asked as of every bundle, as of now, or as of the time at which a keeper
 * vouches to have had it. No table is written, no budget drawn and no approval used, since nothing
 * follows from it.
 * @throws Refusal, TrustError
 */
export async function judgeHistorical(
  bytes: Uint8Array,
  carrier: Carrier,
  context: PipelineContext,
  trace: Trace,
): Promise<Accepted> {
  const bundle = decodeBundle(bytes, context.hash)
  const { header } = bundle
  trace.bundle = bundle
  checkTopic(header, carrier, context)
  if (header.class === 'state') {
    throw new Refusal('lifespan', 'Cannot keep a state: of these the newest counts alone')
  }
  const age = context.clock.now() - header.sentAt
  if (age > KEPT_MS[header.class] + SKEW_MS) {
    const limit = `class ${header.class} is kept for ${KEPT_MS[header.class]} ms`
    throw new Refusal('lifespan', `Cannot keep a bundle of ${age} ms ago: ${limit}`)
  }
  const clock = clockOf(header, carrier, context)
  trace.clock = clock
  const place = placeOf(bundle)
  trace.place = place
  context.replay.checkKey(place)
  const material = await context.material(bundle, carrier)
  trace.grants = material.grants
  const chain = nameChain(header, material, context)
  trace.chain = chain
  checkStranger(header, carrier, material, context)
  await checkSignature(bundle, context)
  trace.signed = true
  const messages = readMessages(header, await openMessages(bundle, context.opening(header.topic)))
  trace.messages = messages
  const standing = checkStanding(bundle, messages, material, context)
  Object.assign(trace, standing)
  const approved = await checkApproved(bundle, messages, material, context)
  const approvers = approved.approvers.map(({ name }) => name).toSorted()
  trace.approvers = approvers
  const freshness = checkFresh(header, { chain, standing, ...approved }, context)
  trace.freshness = freshness
  const decision = await askPolicy(bundle, { chain, standing, approvers, freshness }, context)
  trace.decision = decision
  if (!decision.permit) {
    const tried = `Cannot keep ${header.action} by ${header.sender}`
    throw new Refusal('policy', `${tried}: ${decision.rule}`)
  }
  context.checkWritable(header)
  const found = { bundle, place, clock, chain, signed: true, messages } as const
  return { ...found, approvers, freshness, decision, ...standing }
}
