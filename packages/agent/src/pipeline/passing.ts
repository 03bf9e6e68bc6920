import { decodeBundle, type Bundle } from '../bundles/bundle.ts'
import { checkApproved } from './approved.ts'
import { grantChain, nameChain } from './chains.ts'
import type { Carrier, PipelineContext, Trace } from './context.ts'
import { checkSignature, checkTime, clockOf, readMessages } from './pipeline.ts'

/**
 * What a relay checks of a bundle for an inbox before it passes it on: all for which its next host
 * would hold it against the relay. Authority and policy are that host's to decide, and no table of
 * the relay is written.
 * @throws Refusal, TrustError
 */
export async function judgePassing(
  bytes: Uint8Array,
  carrier: Carrier,
  context: PipelineContext,
  trace: Trace,
): Promise<Bundle> {
  const bundle = decodeBundle(bytes, context.hash)
  const { header } = bundle
  trace.bundle = bundle
  trace.leave = context.enter(bundle, carrier)
  checkTime(header, clockOf(header, carrier, context), carrier, context)
  const material = await context.material(bundle, carrier)
  trace.chain = nameChain(header, material, context)
  if (header.authority !== null && header.action !== 'answer') {
    grantChain(header, header.authority, material, context)
  }
  await checkSignature(bundle, context)
  trace.signed = true
  if (header.approvals.length > 0 && header.encryption === null) {
    const messages = readMessages(header, bundle.messagesBytes)
    await checkApproved(bundle, messages, material, context)
  }
  return bundle
}
