import type { Name } from '@ixj/names'
import {
  checkPeriod,
  equalBytes,
  idOf,
  toHex,
  type NameChain,
  type Sha256,
  type Verifier,
} from '@ixj/trust'
import type { Approval } from '../bundles/approval.ts'
import { holds } from '../bundles/signed-body.ts'
import { Refusal } from '../pipeline/verdicts.ts'

/** An approval with its id: SHA-256 of what was signed. */
export interface UsableApproval {
  readonly approval: Approval
  readonly id: Uint8Array
  readonly idText: string
}

/** What approvals have to be for. Digests and ids are bytes. */
export interface Subject {
  readonly topic: Name
  readonly sender: Name
  /** The key of the sender. */
  readonly key: Uint8Array
  readonly authority: Uint8Array
  readonly messageId: Uint8Array
  readonly digest: Uint8Array
  readonly terms: Uint8Array
}

/** What approvals are held against. */
export interface ApprovalContext {
  readonly hash: Sha256
  readonly verifier: Verifier
  /** ms since the Unix epoch. */
  readonly now: number
  /** Whose key it is, as a chain from an anchor of ours says. @throws TrustError */
  chain(approver: Name, key: Uint8Array): NameChain
}

/**
 * Checks that approvals are for this subject, each by a name and key of its own, none of them the
 * sender's: from their bytes alone.
 * @throws Refusal `wrong-approval`
 */
export function checkSubject(approvals: readonly Approval[], subject: Subject): void {
  const seen = new Set<Name>()
  for (const approval of approvals) {
    const { signer, signerKey } = approval.signed
    const refuse = (reason: string) => {
      throw new Refusal('wrong-approval', `Cannot use approval by ${signer}: ${reason}`)
    }
    // "A message id is kept on every retry": so the same approval fits no other message.
    if (approval.topic !== subject.topic) refuse(`it is for topic ${approval.topic}`)
    if (approval.sender !== subject.sender) refuse(`it is for sender ${approval.sender}`)
    for (const field of ['authority', 'messageId', 'digest', 'terms'] as const) {
      if (!equalBytes(approval[field], subject[field])) refuse(`it is for another ${TOLD[field]}`)
    }
    if (signer === subject.sender || equalBytes(signerKey, subject.key)) {
      refuse('nobody approves what they send')
    }
    // "No pool": such a name is some agent that a node vouches for, and nobody in particular.
    if (signer.split('.').includes('pool')) refuse('names of a pool approve nothing')
    if (seen.has(signer)) refuse('there is another by the same name')
    seen.add(signer)
  }
}

const TOLD = {
  authority: 'grant',
  messageId: 'message',
  digest: 'body',
  terms: 'action, class, priority or audience',
} as const

/**
 * Checks that each approval holds now, and that its approver has the key that signed it: no
 * cryptography before all that costs none. Gives the approvers' chains. Call {@link checkSubject}
 * first.
 * @throws Refusal `wrong-approval`; TrustError `expired`, `not-yet-valid` and as checkName
 */
export async function checkApprovals(
  approvals: readonly Approval[],
  context: ApprovalContext,
): Promise<readonly NameChain[]> {
  const { now, verifier } = context
  const chains = approvals.map(({ signed, notAfter }) => {
    const tried = `Cannot use approval by ${signed.signer}`
    checkPeriod({ notBefore: signed.time, notAfter }, now, tried)
    return context.chain(signed.signer, signed.signerKey)
  })
  for (const { signed } of approvals) {
    if (await holds(signed, verifier)) continue
    const reason = 'its signature does not hold'
    throw new Refusal('wrong-approval', `Cannot use approval by ${signed.signer}: ${reason}`)
  }
  return chains
}

/** Approvals with their ids. */
export function usable(approvals: readonly Approval[], hash: Sha256): readonly UsableApproval[] {
  return approvals.map((approval) => {
    const id = idOf('approval', approval.signed.body, hash)
    return { approval, id, idText: toHex(id) }
  })
}
