import type { Name } from '@ixj/names'
import { decodeApplication, type ApplicationValue } from '@ixj/trust'
import type { MessageClass } from '../bundles/header.ts'
import type { MessagePart } from '../bundles/message.ts'
import type { Core } from '../host/core.ts'
import { bundleDecision } from '../pipeline/decision.ts'
import type { Explicable, Grounds } from '../pipeline/grounds.ts'
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
  return new AcceptedMessage(accepted, part, body, turn)
}

/**
 * What few ask for is made when it is asked for: at some hundred thousand a second, an id and a
 * function of its own for each message are a good part of what reading it costs.
 */
class AcceptedMessage implements Message {
  readonly topic: Name
  readonly sender: Name
  readonly senderKey: Uint8Array
  readonly onBehalfOf: Name
  readonly body: ApplicationValue
  readonly contentType: string | null
  readonly class: MessageClass
  readonly sealed: boolean
  readonly sentAt: number
  readonly expiresAt: number
  readonly gap: number
  readonly late: boolean
  readonly historical: boolean
  readonly #accepted: Accepted
  readonly #part: MessagePart

  constructor(
    accepted: Accepted,
    part: MessagePart,
    body: ApplicationValue,
    turn: Turn & { readonly historical?: boolean },
  ) {
    const { header } = accepted.bundle
    this.topic = header.topic
    this.sender = header.sender
    this.senderKey = header.key
    this.onBehalfOf = accepted.onBehalfOf
    this.body = body
    this.contentType = part.contentType
    this.class = header.class
    this.sealed = header.encryption !== null
    this.sentAt = header.sentAt
    this.expiresAt = header.sentAt + header.lifespanMs
    // The messages of a bundle follow each other.
    this.gap = part === accepted.messages[0] ? turn.gap : 0
    this.late = turn.late
    this.historical = turn.historical === true
    this.#accepted = accepted
    this.#part = part
  }

  get id(): Uint8Array {
    return this.#part.id
  }

  grounds(): Grounds {
    return { of: 'bundle', trace: this.#accepted, at: this.sentAt }
  }
}

/** All of a message as a record, to which more can be added. */
export function messageFields(message: Message): Message {
  return { ...message, id: message.id, grounds: () => message.grounds() }
}
