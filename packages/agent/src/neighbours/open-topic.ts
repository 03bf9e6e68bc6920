import type { Name } from '@ixj/names'
import type { Grant, SignedStatement } from '@ixj/trust'
import type { RightFrame } from './frames.ts'
import type { KnownProof } from './proof-shelf.ts'

/** A topic that is open on this node, and the right by which the node receives it. */
export interface OpenTopic {
  readonly topic: Name
  readonly of: 'group' | 'inbox'
  /** The topic on which its bundles come: its own, or the node's name. */
  readonly carrier: Name
  readonly right: RightFrame
  /** When the right ends, by its statements: of several agents', the longest is shown. */
  readonly until: number
  readonly proof: KnownProof
}

/** An inbox that the node receives by a `host` grant; null: its own. */
export function inboxOf(
  topic: Name,
  by: {
    readonly carrier: Name
    readonly host: SignedStatement<Grant> | null
    readonly proof: KnownProof
  },
): OpenTopic {
  const { carrier, host, proof } = by
  const right: RightFrame = {
    kind: 'right',
    topic,
    of: 'inbox',
    carrier,
    agent: null,
    agentKey: null,
    subscribe: null,
    host: host?.id ?? null,
    proof: proof.id,
  }
  return { topic, of: 'inbox', carrier, right, until: host?.statement.notAfter ?? Infinity, proof }
}
