import type { Name } from '@ixj/names'
import type { Sink } from '../host/topics.ts'
import { CONTRIBUTIONS_SEEN_MAX } from '../limits.ts'
import { openHostedInbox } from '../patterns/hosted-inbox.ts'
import { readMessage, type Message } from '../patterns/message.ts'
import type { MemberParts } from '../patterns/parts.ts'
import type { Accepted } from '../pipeline/context.ts'
import type { Turn } from '../pipeline/order.ts'
import { Refusal } from '../pipeline/verdicts.ts'
import type { CombinedPart } from './combined-part.ts'
import { combinedTopic } from './combined-topic.ts'
import { canBeValue, reducerName, type Reducer } from './reducer.ts'
import { checkOriginals, type Verified } from './spot-check.ts'
import { COMBINED_TYPE, contributionKey, readSummary, type Contribution } from './summary.ts'

/** What a gathering does with what combiners pass up. */
export interface CombinedHooks {
  readonly reducer: Reducer
  part(part: CombinedPart): void
  /** A message of a summary of which others were counted before, which was asked for and verified. */
  verified(verified: Verified): void
}

/** What became of what combiners passed up. */
export interface CombinedCounts {
  /** Contributions that came again: from a second combiner, or beside the message itself. */
  repeated: number
  /** Contributions that could be counted only after their originals were seen, and those did not come. */
  unresolved: number
}

/**
 * Where combiners of a topic pass up. A contribution counts once, whoever tells of it: where a
 * summary repeats some, its value is not used, and the originals of the others are asked for.
 */
export class CombinedInbox implements AsyncDisposable {
  readonly counts: CombinedCounts = { repeated: 0, unresolved: 0 }
  readonly #topic: Name
  readonly #parts: MemberParts
  readonly #hooks: CombinedHooks
  readonly #sink: Sink
  /** The oldest first. */
  readonly #seen = new Set<string>()
  readonly #resolving = new Set<Promise<void>>()
  #inbox: AsyncDisposable | undefined

  constructor(topic: Name, parts: MemberParts, hooks: CombinedHooks) {
    this.#topic = topic
    this.#parts = parts
    this.#hooks = hooks
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

  /** Has the node receive what combiners pass up. */
  async open(): Promise<void> {
    const topic = combinedTopic(this.#topic)
    this.#inbox = await openHostedInbox(topic, this.#sink, { ...this.#parts, as: 'inbox' })
  }

  /** Receives no more; what is being asked for is waited for. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#inbox?.[Symbol.asyncDispose]()
    await Promise.all(this.#resolving)
  }

  /** Marks a message as counted; false if it was before. */
  count(contribution: Pick<Contribution, 'key' | 'message'>): boolean {
    const key = contributionKey(contribution)
    if (this.#seen.has(key)) {
      this.counts.repeated += 1
      return false
    }
    this.#seen.add(key)
    if (this.#seen.size > CONTRIBUTIONS_SEEN_MAX) {
      const [oldest] = this.#seen
      if (oldest !== undefined) this.#seen.delete(oldest)
    }
    return true
  }

  #deliver(accepted: Accepted, turn: Turn): void {
    const { core } = this.#parts
    for (const part of accepted.messages) {
      const message = readMessage(core, accepted, part, turn)
      if (message === undefined) continue
      try {
        this.#take(this.#read(message))
      } catch (cause) {
        // Its sender signed it: it counts against nobody else.
        core.record(core.plain('delivery', 'gather', this.#topic, message.sender, cause))
      }
    }
  }

  /** @throws Refusal `body`; NameError */
  #read(message: Message): CombinedPart {
    const { reducer } = this.#hooks
    if (message.contentType !== COMBINED_TYPE) {
      const found = message.contentType ?? 'none'
      throw new Refusal('body', `Cannot read a summary: its content type is ${found}`)
    }
    const summary = readSummary(message.body, this.#parts.core.hash)
    const { node, value, contributions } = summary
    if (summary.reducer !== reducerName(reducer)) {
      const wanted = `gathered is by ${reducerName(reducer)}`
      throw new Refusal('body', `Cannot take a summary by ${summary.reducer}: ${wanted}`)
    }
    if (!canBeValue(reducer, value, contributions.length)) {
      const count = contributions.length
      throw new Refusal('body', `Cannot take a summary: its value is not that of ${count} bodies`)
    }
    return { combiner: message.sender, node, value, contributions, message }
  }

  #take(part: CombinedPart): void {
    const fresh = part.contributions.filter((contribution) => this.count(contribution))
    if (fresh.length === part.contributions.length) {
      this.#hooks.part(part)
      return
    }
    if (fresh.length === 0) return
    const resolving = this.#resolve(part, fresh)
    this.#resolving.add(resolving)
    void resolving.then(() => this.#resolving.delete(resolving))
  }

  /** The value counts what was counted before: only the originals of the others can be counted. */
  async #resolve(part: CombinedPart, fresh: readonly Contribution[]): Promise<void> {
    const { core } = this.#parts
    const checked = await checkOriginals(part, fresh, { core, topic: this.#topic })
    for (const result of checked) {
      if ('message' in result) {
        this.#hooks.verified(result)
        continue
      }
      this.counts.unresolved += 1
      this.#seen.delete(contributionKey(result.contribution))
      const { cause } = result
      core.record(core.plain('delivery', 'gather', this.#topic, part.combiner, cause))
    }
  }
}
