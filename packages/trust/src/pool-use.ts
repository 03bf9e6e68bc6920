import { isReservedPool, poolOf } from '@ixj/names'
import { type NameQuestion, triedName } from './name-question.ts'
import { TrustError } from './trust-error.ts'

/**
 * What a pool's key may never be asked for: its agents send, and do nothing else.
 * docs/protocol.md, section "Pools".
 * @throws TrustError `no-chain` for a name with the label that is in no pool; `uses`
 */
export function checkPoolUse(question: NameQuestion): void {
  const { name, use, purpose } = question
  if (!isReservedPool(name)) return
  if (poolOf(name) === undefined) {
    const reason = 'nothing is bound under the label "pool" but pools of nodes'
    throw new TrustError('no-chain', `${triedName(question)}: ${reason}`)
  }
  // "Pool keys cannot bind, approve, hold grants beyond their pool": nor give any, nor be a node.
  if (use === 'sign' && purpose === 'send') return
  const what =
    use === 'sign' ? `be trusted to ${purpose}` : `sign a ${use === 'bind' ? 'binding' : 'grant'}`
  throw new TrustError('uses', `${triedName(question)}: an agent of a pool cannot ${what}`)
}
