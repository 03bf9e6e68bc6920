import type { Name, Pattern } from '@ixj/names'
import { equalBytes } from '@ixj/trust'
import { AgentError } from '../agent-error.ts'
import type { Bundle } from '../bundles/bundle.ts'
import { correlationOf } from '../bundles/message.ts'
import { Queue } from '../queue.ts'
import type { Member } from '../presence/roster.ts'
import { audienceOf, type Audience } from './audience.ts'
import type { Acknowledgements } from '../tasks/acknowledgements.ts'
import type { Body } from './message.ts'
import { requestLifespanMs, type SendOptions } from './send-options.ts'
import type { MemberParts } from './parts.ts'
import type { Pending, Reply } from './pending.ts'
import type { Sender } from './sender.ts'

/** Options of {@link Group.fanOut}. */
export interface FanOutOptions extends SendOptions {
  readonly to?: Audience
  /** The run ends when that many have replied; default: everybody who was asked. */
  readonly quorum?: number
}

/** The group that is asked. */
interface Asking {
  readonly topic: Name
  /** Those who are there without the one who asks, as far as they are selected. */
  others(audience: readonly Pattern[] | null): readonly Member[]
}

/** What a fan-out shares with its agent. */
interface FanOutParts extends MemberParts {
  readonly sender: Sender
  readonly pending: Pending
}

/** How one who was asked stands. */
export type FanOutStatus = Reply['status'] | 'silent'

/**
 * One question to many (1×N). Iterate it for the replies as they come; it ends with the quorum, when
 * everybody has answered, or with the lifespan (default 30 s). Then `missing` names the silent.
 */
export class FanOut implements AsyncIterable<Reply> {
  /** Names that were asked, frozen at the start. */
  readonly expected: readonly Name[]
  readonly #replies = new Map<Name, Reply>()
  readonly #queue: Queue<Reply>
  readonly #quorum: number
  #acknowledged: Acknowledgements | undefined
  #failure: { readonly cause: unknown } | undefined
  #end = () => {}

  /** Use `fanOut` of a group. */
  constructor(group: Asking, body: Body, options: FanOutOptions, parts: FanOutParts) {
    const audience = audienceOf(options.to)
    const roster = group.others(audience).filter((member) => member.answers)
    this.expected = [...new Set(roster.map((member) => member.name))]
    this.#quorum = options.quorum ?? this.expected.length
    if (!Number.isInteger(this.#quorum) || this.#quorum < 0) {
      throw new AgentError('argument', `Cannot wait for a quorum of ${this.#quorum}`)
    }
    this.#queue = new Queue(Math.max(1, this.expected.length))
    const lifespanMs = options.lifespanMs ?? requestLifespanMs(options.class)
    const lane = parts.sender.lanes.of(
      { of: 'group', topic: group.topic, action: 'request', audience },
      { ...options, lifespanMs },
    )
    const part = parts.sender.part(body, options)
    const until = parts.core.clock.now() + lifespanMs
    const cancel = parts.core.clock.at(until, () => this.#end())
    const abort = () => this.#fail(options.signal?.reason)
    let forget = () => {}
    let ended = false
    this.#end = () => {
      ended = true
      cancel()
      forget()
      options.signal?.removeEventListener('abort', abort)
      this.#queue.close()
    }
    if (options.signal?.aborted === true) {
      abort()
      return
    }
    options.signal?.addEventListener('abort', abort, { once: true })
    if (this.expected.length === 0) {
      this.#end()
      return
    }
    const accepts = (from: Name, key: Uint8Array) =>
      roster.some((member) => member.name === from && equalBytes(member.key, key))
    const kept = (made: Acknowledgements) => (this.#acknowledged = made)
    // A bundle that is made after the end is of a question that nobody waits for.
    const sealed = (bundle: Bundle) => {
      const asked = { accepts, until, reply: (reply: Reply) => this.#take(reply) }
      if (!ended) forget = parts.pending.add(correlationOf(bundle.id, part.id), asked)
    }
    parts.sender
      .send(lane, part, { ...options, sealed, addressees: roster, kept })
      .catch((cause: unknown) => this.#fail(cause))
  }

  /** Of class `task`, who has received it, as far as told, from when it is stored. */
  get acknowledged(): Acknowledgements | undefined {
    return this.#acknowledged
  }

  /** Names that have not answered: those to give up on, or to ask again. */
  get missing(): readonly Name[] {
    return this.expected.filter((name) => !this.#replies.has(name))
  }

  /** How each who was asked stands now. */
  get status(): ReadonlyMap<Name, FanOutStatus> {
    return new Map(this.expected.map((name) => [name, this.#replies.get(name)?.status ?? 'silent']))
  }

  /** The replies as they come. @throws what the sending threw, and the signal's reason */
  async *[Symbol.asyncIterator](): AsyncIterator<Reply, void, undefined> {
    try {
      for await (const reply of this.#queue) yield reply
    } finally {
      this.#end()
    }
    if (this.#failure !== undefined) throw this.#failure.cause
  }

  #take(reply: Reply): void {
    // Quorum counts names here: one name with two keys is one answer.
    if (this.#replies.has(reply.name)) return
    this.#replies.set(reply.name, reply)
    this.#queue.push(reply)
    const replied = [...this.#replies.values()].filter((each) => each.status === 'replied').length
    if (replied >= this.#quorum || this.missing.length === 0) this.#end()
  }

  #fail(cause: unknown): void {
    this.#failure ??= { cause }
    this.#end()
  }
}
