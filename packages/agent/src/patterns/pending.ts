import type { Name } from '@ixj/names'
import { toHex } from '@ixj/trust'
import { AgentError } from '../agent-error.ts'
import type { Header } from '../bundles/header.ts'
import type { MessagePart } from '../bundles/message.ts'
import { PENDING_REQUESTS_MAX } from '../limits.ts'
import type { Message } from './message.ts'

/** Content type of an answer that says no; its body is `[code, message]`. */
export const REFUSAL_TYPE = 'ixj/refusal'
/** Content type of an answer whose handler failed; its body is a text. */
export const FAILURE_TYPE = 'ixj/failure'

/** What came back from one name. */
export type Reply =
  | {
      readonly status: 'replied'
      readonly name: Name
      readonly message: Message
      /** Id of the proof of its name, 32 bytes. */
      readonly proof: Uint8Array
    }
  | {
      readonly status: 'refused'
      readonly name: Name
      readonly code: string
      readonly reason: string
    }
  | { readonly status: 'failed'; readonly name: Name; readonly reason: string }

/** A request that waits: for whose answers, until when. */
export interface Asked {
  /** Whether this name with this key was asked. */
  accepts(name: Name, key: Uint8Array): boolean
  /** ms since the Unix epoch; no answer counts afterwards. */
  readonly until: number
  reply(reply: Reply): void
}

/** The requests of one agent that wait for answers, by bundle id ‖ message id. */
export class Pending {
  readonly #asked = new Map<string, { readonly asked: Asked; readonly answered: Set<string> }>()

  /** Waits from now on; the returned function ends it. @throws AgentError `backpressure` */
  add(correlation: Uint8Array, asked: Asked): () => void {
    if (this.#asked.size >= PENDING_REQUESTS_MAX) {
      throw new AgentError(
        'backpressure',
        `Cannot wait for another answer: ${PENDING_REQUESTS_MAX} requests wait`,
      )
    }
    const key = toHex(correlation)
    this.#asked.set(key, { asked, answered: new Set() })
    return () => void this.#asked.delete(key)
  }

  /** Whether any request waits for this sender: known before a signature is checked for it. */
  awaits(header: Header, now: number): boolean {
    for (const { asked } of this.#asked.values()) {
      if (asked.until >= now && asked.accepts(header.sender, header.key)) return true
    }
    return false
  }

  /** Whether this is an answer that is waited for: from a name that was asked, in time, the first. */
  waits(header: Header, part: MessagePart, now: number): boolean {
    const entry = this.#entry(part.correlation)
    if (entry === undefined || entry.asked.until < now) return false
    if (entry.answered.has(toHex(header.key))) return false
    return entry.asked.accepts(header.sender, header.key)
  }

  /** Hands an answer to whoever waits for it; call {@link waits} first. */
  take(header: Header, part: MessagePart, message: Message | undefined): void {
    const entry = this.#entry(part.correlation)
    if (entry === undefined) return
    entry.answered.add(toHex(header.key))
    entry.asked.reply(replyOf(header, message))
  }

  #entry(correlation: Uint8Array | null) {
    return correlation === null ? undefined : this.#asked.get(toHex(correlation))
  }
}

function replyOf({ sender: name, proof }: Header, message: Message | undefined): Reply {
  if (message === undefined)
    return { status: 'failed', name, reason: 'its answer cannot be decoded' }
  const { body, contentType } = message
  if (contentType === FAILURE_TYPE) return { status: 'failed', name, reason: textOf(body) }
  if (contentType !== REFUSAL_TYPE) return { status: 'replied', name, message, proof }
  const [code, reason] = Array.isArray(body) ? (body as readonly unknown[]) : []
  return { status: 'refused', name, code: textOf(code), reason: textOf(reason) }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : 'no reason was given'
}
