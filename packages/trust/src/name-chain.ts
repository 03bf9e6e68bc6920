import { poolOf } from '@ixj/names'
import { checkUnderAnchor } from './anchor-chain.ts'
import { voided } from './chain-revocation.ts'
import { checkCrossed } from './cross-chain.ts'
import { PROOF_STATEMENTS_MAX } from './limits.ts'
import { type NameChain, type NameContext, type NameQuestion, triedName } from './name-question.ts'
import { checkPoolUse } from './pool-use.ts'
import { TrustError } from './trust-error.ts'

/**
 * Checks who controls a name: that bindings lead from its only root down to this name with this key,
 * and that every link holds now. The root is the most specific anchor at or above the name; where
 * there is none, the subject of cross-certificates that lead there from the verifier's own
 * organisation; where there is none either, the root of the DNS if it is trusted. Of several ways it takes the one that holds longest. Bounded: at most
 * {@link PROOF_STATEMENTS_MAX} bindings and cross-certificates, some thousand comparisons, no
 * cryptography.
 * @throws TrustError `cost-cap`, `no-anchor`, `anchor-limits`, `cross-limits`, `revoked`; `no-chain` if no
 * bindings lead there, with the deepest name reached; `expired`, `not-yet-valid`, `uses`,
 * `depth-exceeded` if they do, with the first link that fails
 */
export function checkName(question: NameQuestion, context: NameContext): NameChain {
  const { bindings, crossCertificates = [], anchors } = context
  // "Counted before any cryptography": here, before any comparison too.
  const count = bindings.length + crossCertificates.length
  if (count > PROOF_STATEMENTS_MAX) {
    const size = `${count} statements, limit ${PROOF_STATEMENTS_MAX}`
    throw new TrustError('cost-cap', `${triedName(question)}: ${size}`)
  }
  checkPoolUse(question)
  checkAgentOfPool(question, context)
  // "Anchor before cross-certificate": where an anchor decides, no other organisation is asked.
  const hasAnchor = anchors.for(question.name) !== undefined
  return hasAnchor ? checkUnderAnchor(question, context) : checkCrossed(question, context)
}

/** One name of a pool may be revoked alone: the way there tells of the pool only. */
function checkAgentOfPool(question: NameQuestion, { revocations }: NameContext): void {
  const { name, key } = question
  if (poolOf(name) === undefined) return
  const revocation = revocations?.ofKey(name, key)
  if (revocation !== undefined) throw voided(triedName(question), revocation)
}
