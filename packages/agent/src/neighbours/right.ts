import { isAtOrBelow, isReservedPool, type Name } from '@ixj/names'
import {
  checkAuthority,
  checkName,
  publishedOfChain,
  TrustError,
  type AnchorSet,
  type Authority,
  type NameChain,
  type ProofStatements,
  type PublishedKey,
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

/** Until when a right holds by its statements alone, skew included. */
export interface Right {
  readonly until: number
  /** Keys in DNS that it rests on: newer records may take one back before. */
  readonly rests: readonly PublishedKey[]
  /** Of an inbox: to whom bodies for it can be sealed; absent: its name shows no encryption key. */
  readonly sealing?: SealingKey | undefined
}

/** A right as it is kept, without what it was checked by: a relay has those of thousands of pages. */
export function keptRight<Frame>(
  { until, rests, sealing }: Right,
  frame: Frame,
): Right & { readonly frame: Frame } {
  return sealing === undefined ? { until, rests, frame } : { until, rests, sealing, frame }
}

/** The encryption key of a name, as a chain to an anchor proves it. */
export interface SealingKey {
  /** X25519, 32 bytes. */
  readonly key: Uint8Array
  readonly organisation: Name
}

/** A member's right, and what it rests on. */
export interface MemberRight extends Right {
  readonly chain: NameChain
  /** Its `subscribe`; null: it owns the topic. */
  readonly subscribe: Authority | null
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
export function checkMember(
  claim: MemberClaim,
  node: ProvenNode,
  context: RightContext,
): MemberRight {
  const { agent, agentKey, topic } = claim
  const chain = checkName(
    { name: agent, key: agentKey, use: 'sign', purpose: 'send' },
    { ...context.material, anchors: context.anchors, now: context.now },
  )
  let until = chain.notAfter
  const chains = [chain]
  let subscribe: Authority | null = null
  const subject = { subject: agent, subjectKey: agentKey, topic }
  const material = { ...context.material, anchors: context.anchors, now: context.now }
  if (claim.subscribe !== null) {
    const leaf = claim.subscribe
    subscribe = checkAuthority({ ...subject, leaf, action: 'subscribe' }, material)
    until = Math.min(until, subscribe.notAfter)
    chains.push(...subscribe.issuers)
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
    chains.push(...authority.issuers)
  }
  if (claim.host !== null || agent !== node.name) {
    const host = checkHost(agent, claim.host, node, context)
    until = Math.min(until, host.until)
    chains.push(...host.chains)
  }
  return { until: until + SKEW_MS, rests: publishedIn(chains), chain, subscribe }
}

/** The keys in DNS that chains rest on. */
export function publishedIn(chains: readonly NameChain[]): readonly PublishedKey[] {
  return chains.flatMap((chain) => publishedOfChain(chain))
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
  if (host === null && topic === node.name) return { until: Infinity, rests: [] }
  // "Some agent that this node vouches for" is on that node: no grant moves it elsewhere.
  if (isReservedPool(topic)) {
    const reason = 'the inbox of an agent in a pool is where its node is'
    throw new TrustError('not-granted', `Cannot let ${node.name} receive for ${topic}: ${reason}`)
  }
  const { until, chains } = checkHost(topic, host, node, context)
  const sealing = sealingKeyOf(topic, chains)
  return { until: until + SKEW_MS, rests: publishedIn(chains), sealing }
}

/**
 * The encryption key of a name: whoever lets a node receive for it is that name, or one above, and
 * only its own key counts.
 */
export function sealingKeyOf(topic: Name, chains: readonly NameChain[]): SealingKey | undefined {
  for (const { name, links, published, organisation } of chains) {
    if (name !== topic) continue
    const key = links.at(-1)?.statement.encryptionKey ?? published?.encryptionKey
    if (key !== undefined && key !== null) return { key, organisation }
  }
  return undefined
}

/** Until when a node may host, skew not included, and by which names. */
interface Hosting {
  readonly until: number
  readonly chains: readonly NameChain[]
}

// A host grant gives away the issuer's own inbox and no authority over anybody else, so an anchor
// that lets names send is enough for it.
function checkHost(
  topic: Name,
  leaf: Uint8Array | null,
  node: ProvenNode,
  context: RightContext,
): Hosting {
  const { material, anchors, now } = context
  if (leaf === null) return checkPublishedHost(topic, node, context)
  const authority = checkAuthority(
    { leaf, subject: node.name, subjectKey: node.key, action: 'host', topic, purpose: 'send' },
    { ...material, anchors, now },
  )
  return { until: authority.notAfter, chains: authority.issuers }
}

/** "A secure `h=` counts as the name's `host` grant": for the record's own name, and no topic below. */
function checkPublishedHost(topic: Name, node: ProvenNode, context: RightContext): Hosting {
  const { material, anchors, now } = context
  const records = (material.published ?? []).filter(
    ({ name, hosts }) => name === topic && hosts.includes(node.name),
  )
  let failure = new TrustError(
    'not-granted',
    `Cannot let ${node.name} receive for ${topic}: it shows no host grant`,
  )
  for (const record of records) {
    try {
      const question = { name: topic, key: record.key, use: 'grant', purpose: 'send' } as const
      // By this very record: a binding of the same key says nothing of hosts, and may hold longer.
      const chain = checkName(question, { bindings: [], published: [record], anchors, now })
      if (chain.published !== null) return { until: chain.notAfter, chains: [chain] }
    } catch (cause) {
      // Of several records one may have ended, or be for later: another may hold.
      if (!(cause instanceof TrustError)) throw cause
      failure = cause
    }
  }
  throw failure
}

/** Whether a member is asked in the group: it shows a grant for it, or owns the topic. */
export function mayAnswer(claim: Pick<MemberClaim, 'agent' | 'topic' | 'answer'>): boolean {
  return claim.answer !== null || isAtOrBelow(claim.topic, claim.agent)
}
