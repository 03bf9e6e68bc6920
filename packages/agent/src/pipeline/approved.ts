import type { NameChain, ProofStatements } from '@ixj/trust'
import {
  checkApprovals,
  checkSubject,
  usable,
  type UsableApproval,
} from '../approvals/usable-approval.ts'
import { termsOf } from '../bundles/approval.ts'
import type { Bundle } from '../bundles/bundle.ts'
import type { Header } from '../bundles/header.ts'
import type { MessagePart } from '../bundles/message.ts'
import { keyChain } from './chains.ts'
import type { PipelineContext } from './context.ts'

/**
 * The approvals in a header: every one of them has to hold, for this very message, by a chain of the
 * approver's own in the bundle's proof, and must not have been used. Their number is bounded by the
 * header; that they are enough is a condition of the grant, checked before.
 * @throws Refusal `wrong-approval`, `approval-used`, `table-full`; TrustError
 */
export async function checkApproved(
  bundle: Bundle,
  messages: readonly MessagePart[],
  material: ProofStatements,
  context: PipelineContext,
): Promise<{
  readonly approvals: readonly UsableApproval[]
  /** The approvers' names, as they were verified. */
  readonly approvers: readonly NameChain[]
}> {
  const { approvals, topic, sender, key, authority, digest } = bundle.header
  const [message] = messages
  // The form of a header: approvals are for one message, under a grant.
  if (approvals.length === 0 || authority === null || message === undefined) {
    return { approvals: [], approvers: [] }
  }
  const { hash, verifier, clock } = context
  const terms = termsOf(bundle.header, hash)
  checkSubject(approvals, { topic, sender, key, authority, messageId: message.id, digest, terms })
  const used = usable(approvals, hash)
  context.usedApprovals.check(used)
  const proof = bundle.header.proof
  const approvers = await checkApprovals(approvals, {
    hash,
    verifier,
    now: clock.now(),
    chain: (name, approverKey) => keyChain({ name, key: approverKey, proof }, material, context),
  })
  return { approvals: used, approvers }
}

/** The chains of those who approved it, as they are now. @throws TrustError */
export function approverChains(
  { approvals, proof }: Header,
  material: ProofStatements,
  context: PipelineContext,
): readonly NameChain[] {
  return approvals.map(({ signed: { signer: name, signerKey: key } }) =>
    keyChain({ name, key, proof }, material, context),
  )
}
