import type { Name } from '@ixj/names'
import { toHex, TrustError, type AnchorSet, type Signer } from '@ixj/trust'
import type { Clock } from '../clock.ts'
import type { ProofBook } from '../neighbours/proof-book.ts'
import { checkMember, mayAnswer } from '../neighbours/right.ts'
import type { Grounds } from '../pipeline/grounds.ts'
import type { PresentMember } from './announcement.ts'
import type { Member } from './roster.ts'

/** What a member of this very node is shown with. */
interface LocalMemberContext {
  readonly node: { readonly name: Name; readonly signer: Signer }
  readonly clock: Clock
  readonly proofs: ProofBook
  readonly trust: { readonly anchors: AnchorSet }
}

/** A member that this node hosts, as everybody else sees it. */
export function localMember(
  topic: Name,
  member: PresentMember,
  context: LocalMemberContext,
): Member {
  const { agent, agentKey, since, proof } = member
  return {
    name: agent,
    key: agentKey,
    node: context.node.name,
    since,
    answers: mayAnswer({ ...member, topic }),
    proof,
    grounds: () => localGrounds(topic, member, context),
  }
}

function localGrounds(
  topic: Name,
  member: PresentMember,
  { proofs, trust, clock, node }: LocalMemberContext,
): Grounds {
  const material = proofs.material(toHex(member.proof))
  if (material === undefined) {
    throw new TrustError('missing-statement', `Cannot explain ${member.agent}: its proof has gone`)
  }
  const now = clock.now()
  const host = { name: node.name, key: node.signer.publicKey }
  const right = checkMember({ ...member, topic }, host, { material, anchors: trust.anchors, now })
  return { of: 'member', topic, node: node.name, right, at: now }
}
