import type { Name } from '@ixj/names'
import type { Grant, SignedStatement } from '@ixj/trust'
import type { RightFrame } from './frames.ts'
import type { KnownProof } from './proof-shelf.ts'

/** The right by which a node receives a topic, as neighbours are shown it. */
export interface Claim {
  readonly right: RightFrame
  readonly proof: KnownProof
}

/** A topic that is open on this node. */
export interface OpenTopic {
  readonly topic: Name
  readonly of: 'group' | 'inbox'
  /** The topic on which its bundles come: its own, or the node's name. */
  readonly carrier: Name
  /** Undefined while no neighbour has asked for it; then {@link prepare} makes it. */
  readonly claim: Claim | undefined
  /** When the right ends, by its statements: of several agents', the longest is shown. */
  readonly until: number
  /** Whether neighbours know by the name alone who receives it: nobody is told of it. */
  readonly isImplied?: boolean
  /** Makes the right; undefined where that fails, which is recorded. Never rejects. */
  prepare?(): Promise<Claim | undefined>
}

interface InboxRight {
  readonly carrier: Name
  /** The `host` grant; null: the inbox is the node's own. */
  readonly host: SignedStatement<Grant> | null
  readonly proof: KnownProof
  /** How the node receives it; default: for its reader. */
  readonly as?: 'combiner' | 'inbox'
}

/** An inbox that the node receives by right. */
export function inboxOf(topic: Name, by: InboxRight): OpenTopic {
  const { carrier, host } = by
  const until = host?.statement.notAfter ?? Infinity
  return { topic, of: 'inbox', carrier, claim: claimInbox(topic, by), until }
}

/** The right to an inbox. */
export function claimInbox(topic: Name, { carrier, host, proof, as = 'inbox' }: InboxRight): Claim {
  const right: RightFrame = {
    kind: 'right',
    topic,
    of: as,
    carrier,
    agent: null,
    agentKey: null,
    subscribe: null,
    host: host?.id ?? null,
    proof: proof.id,
  }
  return { right, proof }
}
