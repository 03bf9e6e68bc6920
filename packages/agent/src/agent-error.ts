import type { Name } from '@ixj/names'

/** Failures that an agent's owner can act on. */
export type AgentCode =
  /** The node, agent, group or run has been closed. */
  | 'closed'
  /** An argument is out of its range, or of the wrong shape. */
  | 'argument'
  /** Built by a later version. */
  | 'unsupported'
  /** No key, binding or grant of this agent allows what was asked. */
  | 'no-authority'
  /** For a request, no authority on behalf of whom it acts; another's is not borrowed for it. */
  | 'mixed-behalf'
  /** The grant asks for approvals, and not enough came: `missing` says whose. */
  | 'unapproved'
  /** No node that may receive for the name is known within the lifespan. */
  | 'unreachable'
  /** Members are there, and none of them could be handed the message in time. */
  | 'not-handed-over'
  /** What was to be kept could not be: the disk is full, or failed. */
  | 'not-stored'
  /** Its lifespan ended while it waited for its turn; nobody was handed it. */
  | 'expired'
  /** Too much is waiting to be sent. */
  | 'backpressure'
  /** Its body was to be sealed, and the recipient shows no key for that, or this node cannot. */
  | 'unsealable'
  /** One name was opened both as a group and as an inbox. */
  | 'mixed-topic'
  /** The name is open already on this node. */
  | 'open-already'
  /** Not everybody has acknowledged the task within its lifespan: `missing` says who. */
  | 'unacknowledged'
  /** The request reached its end of life without an answer. */
  | 'no-answer'
  /** The other side refused; the cause's code says why. */
  | 'refused'
  /** The other side's handler failed. */
  | 'failed'

/** An agent could not do what it was asked to; `code` says why. */
export class AgentError extends Error {
  override readonly name = 'AgentError'
  readonly code: AgentCode
  /** For `refused`: the code that the other side gave. */
  readonly remoteCode: string | undefined
  /** For `unapproved` and `unacknowledged`: who has not. */
  readonly missing: readonly Name[]

  constructor(
    code: AgentCode,
    message: string,
    options?: ErrorOptions & {
      readonly remoteCode?: string
      readonly missing?: readonly Name[]
    },
  ) {
    super(message, options)
    this.code = code
    this.remoteCode = options?.remoteCode
    this.missing = options?.missing ?? []
  }
}
