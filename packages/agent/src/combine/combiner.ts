import { isAtOrBelow, type Name } from '@ixj/names'
import { encodeApplication, findGrants } from '@ixj/trust'
import { AgentError } from '../agent-error.ts'
import { grantsOf } from '../host/identity.ts'
import type { Sink } from '../host/topics.ts'
import { BODY_BYTES_MAX } from '../patterns/lane-queue.ts'
import { openHostedInbox } from '../patterns/hosted-inbox.ts'
import { readMessage, type Body, type Receipt } from '../patterns/message.ts'
import type { MemberParts } from '../patterns/parts.ts'
import type { SendOptions } from '../patterns/send-options.ts'
import type { Accepted } from '../pipeline/context.ts'
import type { Turn } from '../pipeline/order.ts'
import { COMBINE_WINDOW_MS_MAX, SUMMARY_BYTES_MAX } from '../limits.ts'
import { combinedTopic } from './combined-topic.ts'
import { originalsOf } from './originals.ts'
import { isReducible, reduceBodies, reducerName, type Reducer } from './reducer.ts'
import {
  COMBINED_TYPE,
  contributionBytes,
  contributionKey,
  summaryBody,
  type Contribution,
} from './summary.ts'

/** Options of {@link Agent.combine}. */
export interface CombineOptions {
  /** As the one who gathers declares it. */
  readonly reducer: Reducer
  /** One summary for each such time, counted from its first message; default 500 ms. */
  readonly windowMs?: number
}

/** What a combiner shares with its agent. */
export interface CombinerParts extends MemberParts {
  send(to: Name, body: Body, options: SendOptions): Promise<Receipt>
  closed(combiner: Combiner): void
}

/** What became of the messages that a combiner took in; each is in one of the others, or waits. */
export interface CombinerCounts {
  /** Accepted, whatever became of them. */
  readonly taken: number
  /** In a summary that was handed over; whether it was accepted, the receiver's log says. */
  readonly passedUp: number
  /** No body that the reducer takes, too large, or under approvals: they have no part in a value. */
  readonly skipped: number
  /** In a summary that could not be handed over, or not be made. */
  readonly lost: number
}

const WINDOW_MS = 500
/** How long one that closes waits for somebody to take what it passes up. */
const CLOSING_MS = 2_000

/**
 * Receives an inbox (N×1) in the place of its reader, with every check that the reader would make,
 * and passes up one summary for each window.
 */
export class Combiner implements AsyncDisposable {
  readonly topic: Name
  readonly #options: CombineOptions
  readonly #parts: CombinerParts
  readonly #sink: Sink
  readonly #counts = { taken: 0, passedUp: 0, skipped: 0, lost: 0 }
  readonly #sending = new Set<Promise<void>>()
  readonly #closing = new AbortController()
  #inbox: AsyncDisposable | undefined
  #contributions = new Map<string, { readonly contribution: Contribution; readonly body: Body }>()
  #bytes = 0
  #cancel: (() => void) | undefined

  /** Use `combine` of an agent. @throws AgentError `argument` */
  constructor(topic: Name, options: CombineOptions, parts: CombinerParts) {
    const { windowMs = WINDOW_MS, reducer } = options
    reducerName(reducer)
    if (!Number.isInteger(windowMs) || windowMs < 1 || windowMs > COMBINE_WINDOW_MS_MAX) {
      throw new AgentError(
        'argument',
        `Cannot combine in windows of ${windowMs} ms: it has to be 1 to ${COMBINE_WINDOW_MS_MAX}`,
      )
    }
    this.topic = topic
    this.#options = options
    this.#parts = parts
    this.#sink = {
      agent: parts.identity.name,
      key: parts.identity.signer.publicKey,
      takes: ['publish'],
      deliver: (accepted, turn) => this.#deliver(accepted, turn),
      awaits: () => false,
      asked: () => false,
      refused: () => {},
    }
  }

  /** What became of messages so far. */
  get counts(): CombinerCounts {
    return { ...this.#counts }
  }

  /** Has the node receive the inbox. Called once, by `combine`. @throws AgentError `no-authority` */
  async open(): Promise<void> {
    this.#checkMayPassUp()
    this.#inbox = await openHostedInbox(this.topic, this.#sink, { ...this.#parts, as: 'combiner' })
  }

  /** Receives no more, and passes up what it has, within 2 s. Closing twice is fine. */
  async [Symbol.asyncDispose](): Promise<void> {
    const inbox = this.#inbox
    if (inbox === undefined) return
    this.#inbox = undefined
    await inbox[Symbol.asyncDispose]()
    this.#passUp()
    const { clock } = this.#parts.core
    const cancel = clock.at(clock.now() + CLOSING_MS, () => this.#closing.abort())
    await Promise.all(this.#sending)
    cancel()
    this.#parts.closed(this)
  }

  #checkMayPassUp(): void {
    const { core, identity } = this.#parts
    const topic = combinedTopic(this.topic)
    const subject = { subject: identity.name, subjectKey: identity.signer.publicKey }
    const need = { ...subject, action: 'publish', topic, now: core.clock.now() } as const
    if (isAtOrBelow(topic, identity.name)) return
    if (findGrants(grantsOf(identity), need).length > 0) return
    throw new AgentError(
      'no-authority',
      `Cannot combine for ${this.topic}: ${identity.name} holds no publish grant for ${topic}`,
    )
  }

  #deliver(accepted: Accepted, turn: Turn): void {
    const { core } = this.#parts
    const { header, id } = accepted.bundle
    for (const part of accepted.messages) {
      this.#counts.taken += 1
      const message = readMessage(core, accepted, part, turn)
      const isUsable = message !== undefined && header.approvals.length === 0
      if (!isUsable || !isReducible(this.#options.reducer, message.body)) {
        this.#counts.skipped += 1
        continue
      }
      originalsOf(core).keep(accepted.bundle)
      const { sender, key } = header
      this.#add({ sender, key, bundle: id, message: part.id }, message.body)
    }
  }

  #add(contribution: Contribution, body: Body): void {
    const { reducer, windowMs = WINDOW_MS } = this.#options
    const { clock } = this.#parts.core
    const repeated = reducer === 'list' ? encodedBytes(body) : 0
    const bytes = contributionBytes(contribution.sender) + repeated
    const key = contributionKey(contribution)
    if (bytes > SUMMARY_BYTES_MAX || this.#contributions.has(key)) {
      this.#counts.skipped += 1
      return
    }
    if (this.#bytes + bytes > SUMMARY_BYTES_MAX) this.#passUp()
    this.#contributions.set(key, { contribution, body })
    this.#bytes += bytes
    this.#cancel ??= clock.at(clock.now() + windowMs, () => this.#passUp())
  }

  #passUp(): void {
    this.#cancel?.()
    this.#cancel = undefined
    if (this.#contributions.size === 0) return
    const taken = [...this.#contributions.values()]
    this.#contributions = new Map()
    this.#bytes = 0
    const sending = this.#send(taken)
    this.#sending.add(sending)
    void sending.then(() => this.#sending.delete(sending))
  }

  /** Hands over one summary; what cannot be is counted and told. */
  async #send(
    taken: readonly { readonly contribution: Contribution; readonly body: Body }[],
  ): Promise<void> {
    const { core, identity } = this.#parts
    const { reducer } = this.#options
    try {
      const bodies = taken.map(({ body }) => body)
      const summary = {
        node: core.identity.name,
        reducer: reducerName(reducer),
        value: reduceBodies(reducer, bodies),
        contributions: taken.map(({ contribution }) => contribution),
      }
      const to = combinedTopic(this.topic)
      const { signal } = this.#closing
      const body = summaryBody(summary, core.hash)
      await this.#parts.send(to, body, { contentType: COMBINED_TYPE, signal })
      this.#counts.passedUp += taken.length
    } catch (cause) {
      this.#counts.lost += taken.length
      core.record(core.plain('delivery', 'combine', this.topic, identity.name, cause))
    }
  }
}

function encodedBytes(body: Body): number {
  return encodeApplication(body, { bytesMax: BODY_BYTES_MAX }).length
}
