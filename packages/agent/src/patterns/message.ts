import type { Name } from '@ixj/names'
import { decodeApplication, type ApplicationValue } from '@ixj/trust'
import type { MessageClass } from '../bundles/header.ts'
import type { MessagePart } from '../bundles/message.ts'
import type { Core } from '../host/core.ts'
import { bundleDecision } from '../pipeline/decision.ts'
import type { Explicable } from '../pipeline/grounds.ts'
import type { Turn } from '../pipeline/order.ts'
import type { Accepted } from '../pipeline/context.ts'
import type { Acknowledgements } from '../tasks/acknowledgements.ts'
import { Refusal } from '../pipeline/verdicts.ts'

/** One message that was accepted; `explanationOf` says why. */
export interface Message extends Explicable {
  /** 16 bytes, the same on every retry. */
  readonly id: Uint8Array
  readonly topic: Name
  readonly sender: Name
  readonly senderKey: Uint8Array
  /** For whom the sender acts. */
  readonly onBehalfOf: Name
  readonly body: ApplicationValue
  readonly contentType: string | null
  readonly class: MessageClass
  /** Its body was sealed to this agent, or to the members of the group: nobody else could read it. */
  readonly sealed: boolean
  /** ms since the Unix epoch, by the sender's clock. */
  readonly sentAt: number
  /** By when it is worth acting on, by the sender's clock. */
  readonly expiresAt: number
  /** Messages just before it in its stream that never came. */
  readonly gap: number
  /** It came after its stream had gone on without it. */
  readonly late: boolean
  /** It is kept history, or came as such: nothing is to be done for it. */
  readonly historical: boolean
}

/** The body of a message that an application sends or reads. */
export type Body = ApplicationValue

/** A message was handed over. */
export interface Receipt {
  /** The message's id, 16 bytes. */
  readonly id: Uint8Array
  /** Nodes that were handed it; 0 only if no other member is present. */
  readonly peers: number
}

/** Several messages were handed over. */
export interface ManyReceipt {
  /** Their ids, 16 bytes each, in their order. */
  readonly ids: readonly Uint8Array[]
  /** Nodes that were handed each of them, at least; 0 only if no other member is present. */
  readonly peers: number
}

/** A task was stored, and handed over. */
export interface TaskReceipt extends Receipt {
  /** Who has acknowledged it, as they do; it is sent again until all have, or its lifespan ends. */
  readonly acknowledged: Acknowledgements
}

/**
 * One message of a bundle for applications; undefined if its signed body is no application value,
 * which is counted as `body` against its sender and harms nothing else.
 */
export function readMessage(
  core: Core,
  accepted: Accepted,
  part: MessagePart,
  turn: Turn & { readonly historical?: boolean },
): Message | undefined {
  const { header } = accepted.bundle
  let body: ApplicationValue
  try {
    body = decodeApplication(part.body)
  } catch (cause) {
    const refusal = new Refusal('body', `Cannot decode a message of ${header.sender}`, { cause })
    core.record(bundleDecision(accepted, core.clock.now(), refusal))
    return undefined
  }
  return {
    id: part.id,
    topic: header.topic,
    sender: header.sender,
    senderKey: header.key,
    onBehalfOf: accepted.onBehalfOf,
    body,
    contentType: part.contentType,
    class: header.class,
    sealed: header.encryption !== null,
    sentAt: header.sentAt,
    expiresAt: header.sentAt + header.lifespanMs,
    // The messages of a bundle follow each other.
    gap: part === accepted.messages[0] ? turn.gap : 0,
    late: turn.late,
    historical: turn.historical === true,
    grounds: () => ({ of: 'bundle', trace: accepted, at: header.sentAt }),
  }
}
