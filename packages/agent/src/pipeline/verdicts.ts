import type { TrustCode } from '@ixj/trust'
import type { Verdict } from '../transport.ts'

/** What a bundle or presence can be refused for here, beyond what statements and chains can be. */
export type PipelineCode =
  /** Larger than the limit. */
  | 'size'
  /** It came on a topic that is not the one in its header. */
  | 'wrong-topic'
  /** The messages do not have the digest that the header was signed with. */
  | 'bad-digest'
  /** A header without its messages: for sync and relays, never in gossip. */
  | 'announcement'
  /** On a hosting node's inbox, for a name that is not hosted there. */
  | 'not-hosted'
  /** Past its lifespan. */
  | 'lifespan'
  /** Sent in the future, skew included. */
  | 'future'
  /** This bundle was accepted before. */
  | 'duplicate'
  /** An older place or epoch than those that are followed. */
  | 'out-of-window'
  /** Another signed bundle holds the same places in the stream; both are kept as evidence. */
  | 'equivocation'
  /** This key signed two bundles for the same places before. */
  | 'equivocator'
  /** A table is full; nothing is evicted for newcomers. */
  | 'table-full'
  /** The proof did not come within its time, or from a neighbour that has it. */
  | 'proof-missing'
  /** Too much of this neighbour waits for proofs already. */
  | 'parking-full'
  /** Too many checks for strangers through this neighbour in this second. */
  | 'rate'
  /** Too much waits for verdicts here already; what matters less is refused first. */
  | 'overloaded'
  /** An answer to a request that this agent did not make of this name, or made too long ago. */
  | 'not-asked'
  /** An approval in it is for something else, by somebody who may not approve, or falsely signed. */
  | 'wrong-approval'
  /** An approval in it let another bundle pass before. */
  | 'approval-used'
  /** The receiver's policy does not permit it. */
  | 'policy'
  /** The messages are sealed to a key that is not here. */
  | 'sealed'
  /** The messages are sealed to a secret of the group that was not given to anybody here. */
  | 'secret-missing'
  /** The messages cannot be decoded, though their sender signed them. */
  | 'body'
  /** A hello did not hold: other ends, names, nonces or time than the channel has. */
  | 'hello'
  /** The connection failed. */
  | 'transport'
  /** Our audit log cannot be written: nothing but class `state` is delivered meanwhile. */
  | 'log-unwritable'
  /** A fault of our own. */
  | 'own-fault'

/** Every code that a decision can bear. */
export type Code = TrustCode | PipelineCode

/**
 * The one table from code to verdict (docs/protocol.md, "Verdicts").
 * Reject is only for what every honest node must refuse from these bytes and their proof, whatever
 * its clock, anchors, policy or disk. All else is ignore: blame would fall on honest forwarders. Accept
 * stands at the one code with which a bundle is passed on and not taken.
 */
export const VERDICTS: Readonly<Record<Code, Verdict>> = {
  // From the bytes alone.
  size: 'reject',
  encoding: 'reject',
  'too-large': 'reject',
  depth: 'reject',
  form: 'reject',
  'wrong-kind': 'reject',
  'wrong-topic': 'reject',
  announcement: 'reject',
  'bad-key': 'reject',
  'bad-signature': 'reject',
  'bad-digest': 'reject',
  'wrong-approval': 'reject',
  // From the bytes and their proof.
  'wider-than-parent': 'reject',
  'outside-slice': 'reject',
  // A newer Unicode has more letters for names, so an older one must not blame.
  name: 'ignore',
  // A later version may be right.
  unsupported: 'ignore',
  // The receiver's place, clock, tables and neighbours.
  'not-hosted': 'ignore',
  lifespan: 'ignore',
  future: 'ignore',
  duplicate: 'ignore',
  'out-of-window': 'ignore',
  superseded: 'ignore',
  equivocation: 'ignore',
  equivocator: 'ignore',
  'table-full': 'ignore',
  'proof-missing': 'ignore',
  'missing-statement': 'ignore',
  'parking-full': 'ignore',
  rate: 'ignore',
  overloaded: 'ignore',
  // What the receiver has heard of revocations.
  revoked: 'ignore',
  stale: 'ignore',
  'no-status': 'ignore',
  // The receiver's anchors and clock.
  'no-anchor': 'ignore',
  'anchor-limits': 'ignore',
  'cross-limits': 'ignore',
  expired: 'ignore',
  'not-yet-valid': 'ignore',
  'no-chain': 'ignore',
  'broken-chain': 'ignore',
  'not-below': 'ignore',
  uses: 'ignore',
  'depth-exceeded': 'ignore',
  'cost-cap': 'ignore',
  // Authority.
  'wrong-subject': 'ignore',
  'not-granted': 'ignore',
  condition: 'ignore',
  'unknown-condition': 'ignore',
  'ambiguous-authority': 'ignore',
  'not-asked': 'ignore',
  unapproved: 'ignore',
  'approval-used': 'ignore',
  // The receiver's policy.
  policy: 'ignore',
  // The sender's fault, not the neighbour's.
  body: 'ignore',
  sealed: 'ignore',
  // Carried for those who have it, and delivered to nobody.
  'secret-missing': 'accept',
  // Connections are ended, not scored.
  hello: 'ignore',
  transport: 'ignore',
  // Ours.
  'store-full': 'ignore',
  'key-file': 'ignore',
  'log-unwritable': 'ignore',
  'own-fault': 'ignore',
}

/** Whether a text that the other side told is a code that is known here. */
export function isCode(text: string): text is Code {
  return Object.hasOwn(VERDICTS, text)
}

/** A bundle or presence was refused; `code` leads to the verdict in {@link VERDICTS}. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: Code

  constructor(code: Code, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
