import { toHex, TrustError } from '@ixj/trust'
import { Refusal } from '../pipeline/verdicts.ts'
import type { Exchange } from './exchange.ts'
import type { RightFrame } from './frames.ts'
import type { NeighboursContext } from './neighbours-context.ts'
import { checkInbox, checkMember, type Right } from './right.ts'

/**
 * What a right gives that a neighbour shows, as of now: its proof is complete, it is of the kind by
 * which the topic is open here, and it is that neighbour's.
 * @throws TrustError; Refusal `proof-missing`, `wrong-topic`
 */
export function checkShown(
  frame: RightFrame,
  { greeted: { name, key } }: Pick<Exchange, 'greeted'>,
  { proofs, open, trust, clock }: Pick<NeighboursContext, 'proofs' | 'open' | 'trust' | 'clock'>,
): Right {
  const material = proofs.material(toHex(frame.proof))
  if (material === undefined) {
    const reason = 'its proof is not complete'
    throw new Refusal('proof-missing', `Cannot check the right to ${frame.topic}: ${reason}`)
  }
  if (frame.carrier !== frame.topic && (frame.of === 'group' || frame.carrier !== name)) {
    throw new Refusal('wrong-topic', `Cannot carry ${frame.topic} on ${frame.carrier}`)
  }
  // A right to read a group must not open an inbox of that name, nor the other way round.
  const opened = open.get(frame.topic)?.of
  if (frame.of === 'group' ? opened !== 'group' : opened === 'group') {
    const reason = opened === undefined ? 'it is not open here' : `it is an ${opened} here`
    throw new Refusal('wrong-topic', `Cannot share ${frame.topic} as ${frame.of}: ${reason}`)
  }
  const node = { name, key }
  const context = { material, anchors: trust.anchors, now: clock.now() }
  if (frame.of !== 'group') return checkInbox(frame.topic, frame.host, node, context)
  const { topic, agent, agentKey, subscribe, host } = frame
  if (agent === null || agentKey === null) {
    throw new TrustError('form', `Cannot check the right to group ${topic}: it names no member`)
  }
  return checkMember({ topic, agent, agentKey, subscribe, answer: null, host }, node, context)
}
