import { isAtOrBelow, type Name } from '@ixj/names'
import {
  checkAuthority,
  checkName,
  TrustError,
  type AnchorSet,
  type NameChain,
  type ProofStatements,
  SKEW_MS,
} from '@ixj/trust'

/** A node as its hello or presence proved it. */
export interface ProvenNode {
  readonly name: Name
  readonly key: Uint8Array
}

/** That an agent may receive a group, and that it lets a node receive for it. */
export interface MemberClaim {
  readonly topic: Name
  readonly agent: Name
  readonly agentKey: Uint8Array
  /** Leaf grant with `subscribe` on the topic; null: the agent owns the topic. */
  readonly subscribe: Uint8Array | null
  /** Leaf grant with `answer` on the topic; null: it is not asked in the group. */
  readonly answer: Uint8Array | null
  /** The agent's `host` grant to the node; null: the agent is the node itself. */
  readonly host: Uint8Array | null
}

/** Until when a right holds by its statements alone, skew included, and whom it is of. */
export interface Right {
  readonly until: number
  readonly chain?: NameChain
}

/** What rights are checked against. */
export interface RightContext {
  readonly material: ProofStatements
  readonly anchors: AnchorSet
  readonly now: number
}

/**
 * A group's right: the agent's name, its `subscribe` (or ownership), its `answer` if it claims one,
 * and its `host` grant to this very node.
 * @throws TrustError
 */
export function checkMember(claim: MemberClaim, node: ProvenNode, context: RightContext): Right {
  const { agent, agentKey, topic } = claim
  const chain = checkName(
    { name: agent, key: agentKey, use: 'sign', purpose: 'send' },
    { ...context.material, anchors: context.anchors, now: context.now },
  )
  let until = chain.notAfter
  const subject = { subject: agent, subjectKey: agentKey, topic }
  const material = { ...context.material, anchors: context.anchors, now: context.now }
  if (claim.subscribe !== null) {
    const leaf = claim.subscribe
    const authority = checkAuthority({ ...subject, leaf, action: 'subscribe' }, material)
    until = Math.min(until, authority.notAfter)
  } else if (!isAtOrBelow(topic, agent)) {
    throw new TrustError(
      'not-granted',
      `Cannot let ${agent} receive ${topic}: it is not the owner and shows no grant`,
    )
  }
  if (claim.answer !== null) {
    const leaf = claim.answer
    const authority = checkAuthority({ ...subject, leaf, action: 'answer' }, material)
    until = Math.min(until, authority.notAfter)
  }
  if (claim.host !== null || agent !== node.name) {
    until = Math.min(until, checkHost(agent, claim.host, node, context).until)
  }
  return { until: until + SKEW_MS, chain }
}

/**
 * An inbox's right: a chain that gives `host` on the inbox to this very node, or the key record of
 * the inbox's name, which lists the node as a host.
 * @throws TrustError
 */
export function checkInbox(
  topic: Name,
  host: Uint8Array | null,
  node: ProvenNode,
  context: RightContext,
): Right {
  if (host === null && topic === node.name) return { until: Infinity }
  return { until: checkHost(topic, host, node, context).until + SKEW_MS }
}

// A host grant gives away the issuer's own inbox and no authority over anybody else, so an anchor
// that lets names send is enough for it.
function checkHost(
  topic: Name,
  leaf: Uint8Array | null,
  node: ProvenNode,
  context: RightContext,
): Right {
  const { material, anchors, now } = context
  if (leaf === null) return checkPublishedHost(topic, node, context)
  const authority = checkAuthority(
    { leaf, subject: node.name, subjectKey: node.key, action: 'host', topic, purpose: 'send' },
    { ...material, anchors, now },
  )
  return { until: authority.notAfter }
}

/** "A secure `h=` counts as the name's `host` grant": for the record's own name, and no topic below. */
function checkPublishedHost(topic: Name, node: ProvenNode, context: RightContext): Right {
  const { material, anchors, now } = context
  const record = material.published?.find(
    ({ name, hosts }) => name === topic && hosts.includes(node.name),
  )
  if (record === undefined) {
    throw new TrustError(
      'not-granted',
      `Cannot let ${node.name} receive for ${topic}: it shows no host grant`,
    )
  }
  const question = { name: topic, key: record.key, use: 'grant', purpose: 'send' } as const
  return { until: checkName(question, { ...material, anchors, now }).notAfter }
}

/** Whether a member is asked in the group: it shows a grant for it, or owns the topic. */
export function mayAnswer(claim: Pick<MemberClaim, 'agent' | 'topic' | 'answer'>): boolean {
  return claim.answer !== null || isAtOrBelow(claim.topic, claim.agent)
}
