import type { Name, Pattern } from '@ixj/names'
import type { Grant, SignedStatement } from '@ixj/trust'
import { AgentError } from '../agent-error.ts'
import type { Gathered } from '../approvals/gathered.ts'
import type { Bundle } from '../bundles/bundle.ts'
import type { BundleAction, MessageClass } from '../bundles/header.ts'
import { MESSAGE_ID_BYTES, type MessagePart } from '../bundles/message.ts'
import type { Clock } from '../clock.ts'
import type { Handover } from '../host/handover.ts'
import { BUNDLE_GATHER_MS, MESSAGES_BYTES_MAX, OUTBOX_MESSAGES_MAX } from '../limits.ts'
import { SEALED_BYTES } from '../sealing/sealer.ts'
import { reasonOf } from '../abort-reason.ts'

/** Everything that messages of one bundle share. */
export interface Lane {
  readonly of: 'group' | 'inbox'
  readonly topic: Name
  readonly action: BundleAction
  readonly class: MessageClass
  readonly lifespanMs: number
  readonly priority: number
  readonly grant: SignedStatement<Grant> | null
  readonly audience: readonly Pattern[] | null
  /** A grant that its proof leads to besides: what an approval is asked for. */
  readonly beside: SignedStatement<Grant> | null
  /** Whether bodies are sealed; undefined: to other organisations, where that is possible. */
  readonly seal: boolean | undefined
  /** Messages in one bundle: more than its grant allows in a second could never pass. */
  readonly messagesMax: number
}

/** A message on its way out. */
export interface Waiting {
  readonly part: MessagePart
  /** Hears the bundle before anybody else does. */
  readonly sealed: ((bundle: Bundle) => void) | undefined
  /** Who approved it, where its grant asks for that; it is alone in its bundle then. */
  readonly gathered: Gathered | undefined
  /** When it is worth nothing any more. */
  readonly until: number
  resolve(peers: number): void
  reject(cause: unknown): void
}

/** What a lane's queue is kept with. */
export interface LaneContext {
  readonly clock: Clock
  readonly handover: Handover
  /** Aborted when the agent closes: nothing waits for a host any more. */
  readonly closing: AbortSignal
  /** Makes one bundle of these and hands it over; settles each, and never rejects. */
  publish(taken: readonly Waiting[]): Promise<void>
  /** Nothing waits and nothing is under way. */
  idle(): void
}

/** Room for the array around the messages. */
const ARRAY_BYTES = 8
/** Room for what sealing adds. */
const BYTES_MAX = MESSAGES_BYTES_MAX - SEALED_BYTES
/** What a message costs beside its body and content type. */
const MESSAGE_BYTES = MESSAGE_ID_BYTES + 64
/** Bytes of the largest body that fits into a bundle alone. */
export const BODY_BYTES_MAX = BYTES_MAX - MESSAGE_BYTES - ARRAY_BYTES

/**
 * Messages of one lane that become bundles: a lone one at once, others gather while a bundle is on
 * its way. Those for an inbox wait here for its host, each until its own lifespan ends.
 */
export class LaneQueue {
  readonly #lane: Lane
  readonly #context: LaneContext
  readonly #waiting: Waiting[] = []
  #inFlight = 0
  #routing = false
  #cancelGather: (() => void) | undefined

  constructor(lane: Lane, context: LaneContext) {
    this.#lane = lane
    this.#context = context
  }

  /**
   * Sends one message; resolves to how many nodes were handed it. Aborted while it waits here, it
   * is never sent.
   * @throws AgentError `backpressure`, `unreachable`, `not-handed-over`; the signal's reason
   */
  add(
    part: MessagePart,
    options: {
      readonly sealed?: (bundle: Bundle) => void
      readonly gathered?: Gathered | undefined
      readonly signal?: AbortSignal
    },
  ): Promise<number> {
    const { topic, lifespanMs } = this.#lane
    const { sealed, gathered, signal } = options
    if (this.#waiting.length >= OUTBOX_MESSAGES_MAX) {
      const limit = `${OUTBOX_MESSAGES_MAX} messages wait for ${topic}`
      return Promise.reject(new AgentError('backpressure', `Cannot send: ${limit}`))
    }
    return new Promise((resolve, reject) => {
      const settled = () => signal?.removeEventListener('abort', abort)
      const waiting: Waiting = {
        part,
        sealed,
        gathered,
        until: this.#context.clock.now() + lifespanMs,
        resolve: (peers) => {
          settled()
          resolve(peers)
        },
        reject: (cause) => {
          settled()
          reject(cause instanceof Error ? cause : new Error('The message failed', { cause }))
        },
      }
      const abort = () => {
        const place = this.#waiting.indexOf(waiting)
        if (place !== -1) this.#waiting.splice(place, 1)
        waiting.reject(reasonOf(signal))
      }
      signal?.addEventListener('abort', abort, { once: true })
      this.#waiting.push(waiting)
      this.#go()
    })
  }

  /** Makes bundles of all that waits, unless a host is still to be found. */
  flush(): void {
    if (!this.#hasRoute()) return
    this.#cancelGather?.()
    this.#cancelGather = undefined
    while (this.#waiting.length > 0) {
      this.#inFlight += 1
      void this.#publish(this.#waiting.splice(0, this.#countThatFits()))
    }
  }

  #go(): void {
    if (!this.#hasRoute()) return
    if (this.#inFlight === 0 || this.#isFull()) this.flush()
    else this.#cancelGather ??= this.#gather()
  }

  #gather(): () => void {
    const { clock } = this.#context
    return clock.at(clock.now() + BUNDLE_GATHER_MS, () => this.flush())
  }

  async #publish(taken: readonly Waiting[]): Promise<void> {
    await this.#context.publish(taken)
    this.#inFlight -= 1
    if (this.#inFlight > 0) return
    if (this.#waiting.length > 0) this.flush()
    this.#checkIdle()
  }

  #hasRoute(): boolean {
    if (this.#lane.of === 'group') return true
    if (this.#routing) return false
    if (this.#context.handover.hasRoute(this.#lane.topic)) return true
    if (this.#waiting.length > 0) void this.#awaitRoute()
    return false
  }

  async #awaitRoute(): Promise<void> {
    const { handover, closing, clock } = this.#context
    this.#routing = true
    // One lifespan for all of a lane, so the first that waits is the first that ends.
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      try {
        await handover.route(this.#lane.topic, first.until, closing)
        break
      } catch (cause) {
        const ended = this.#waiting.filter(({ until }) => closing.aborted || until <= clock.now())
        this.#waiting.splice(0, ended.length)
        for (const waiting of ended) waiting.reject(cause)
      }
    }
    this.#routing = false
    this.flush()
    this.#checkIdle()
  }

  #checkIdle(): void {
    if (this.#inFlight === 0 && this.#waiting.length === 0) this.#context.idle()
  }

  #isFull(): boolean {
    const count = this.#countThatFits()
    return count < this.#waiting.length || count >= this.#lane.messagesMax
  }

  /** How many of the first messages fit into one bundle; at least one, which fits by its own limit. */
  #countThatFits(): number {
    let bytes = ARRAY_BYTES
    let count = 0
    for (const { part } of this.#waiting) {
      bytes += part.body.length + (part.contentType?.length ?? 0) * 3 + MESSAGE_BYTES
      if (count > 0 && bytes > BYTES_MAX) break
      count += 1
      if (count === this.#lane.messagesMax) break
    }
    return count
  }
}
