import type { Name } from '@ixj/names'
import { boundName, toHex } from '@ixj/trust'
import { AgentError } from '../agent-error.ts'
import { CombinedInbox, type CombinedCounts } from '../combine/combined-inbox.ts'
import type { CombinedPart } from '../combine/combined-part.ts'
import { isReducible, mergeValues, reduceBodies, type Reducer } from '../combine/reducer.ts'
import { spotCheck, type SpotCheck } from '../combine/spot-check.ts'
import type { Sink } from '../host/topics.ts'
import { QUEUE_MAX } from '../limits.ts'
import type { Turn } from '../pipeline/order.ts'
import type { Accepted } from '../pipeline/context.ts'
import { Queue } from '../queue.ts'
import type { TaskTurn } from '../pipeline/task-turn.ts'
import type { Activity } from './activity.ts'
import { openHostedInbox } from './hosted-inbox.ts'
import { readMessage, type Body, type Message } from './message.ts'
import type { MemberParts } from './parts.ts'

/** What counts once in a quorum. */
export type QuorumPer = 'key' | 'name' | 'organisation'

/** Options of {@link Agent.gather}. */
export interface GatherOptions {
  /** A batch ends when that many different senders are in it; default: only the window ends it. */
  readonly quorum?: number
  /** A batch ends this long after its first message; default 500 ms. */
  readonly windowMs?: number
  /** What counts once in the quorum; default: keys. */
  readonly per?: QuorumPer
  /** A batch ends with that many messages at the latest; default 4,096. */
  readonly messagesMax?: number
  /** Batches that may wait for a reader before the oldest is lost; default 256. */
  readonly queueMax?: number
  /**
   * Lets combiners receive for this node: those whom the topic's owner granted `host` on the topic
   * and `publish` on `combined.` and the topic. Senders choose one of them while there are some.
   */
  readonly combine?: { readonly reducer: Reducer }
}

/** What came in together. */
export interface Batch {
  /** Messages that came by themselves. */
  readonly messages: readonly Message[]
  /** What combiners passed up: each contribution is in one part, or in `messages`, once. */
  readonly parts: readonly CombinedPart[]
  /** With `combine`: the value of all parts and of the bodies of messages; else null. */
  readonly value: Body
  /** Different senders in it, as its combiners say for their parts. */
  readonly senders: number
  /** Whether the quorum was reached. */
  readonly complete: boolean
  /**
   * Asks combiners for the originals of so many contributions, chosen by chance, and verifies them;
   * of all of a part, its value too. Combiners keep originals for 60 s.
   */
  verify(sample?: number): Promise<SpotCheck>
}

/** What a gathering shares with its agent. */
export interface GatherParts extends MemberParts {
  /** What its agent hears besides. */
  readonly active: Pick<Activity, 'received' | 'resume'>
  closed(gather: Gather): void
}

/** A batch on its way to the reader, with the tasks in it. */
interface Handed {
  readonly batch: Batch
  readonly turns: readonly TaskTurn[]
}

const WINDOW_MS = 500
const BATCH_MESSAGES_MAX = 4_096
/** Finds a combiner that invents one contribution in ten with 96 of 100 checks. */
const SAMPLE = 32

/** An inbox that many write to (N×1), read in batches. */
export class Gather implements AsyncIterable<Batch>, AsyncDisposable {
  readonly topic: Name
  readonly #options: GatherOptions
  readonly #parts: GatherParts
  readonly #batches: Queue<Handed>
  readonly #sink: Sink
  readonly #combined: CombinedInbox | undefined
  #inbox: AsyncDisposable | undefined
  #messages: Message[] = []
  #turns: TaskTurn[] = []
  #parted: CombinedPart[] = []
  #senders = new Set<string>()
  #cancel: (() => void) | undefined

  /** Use `gather` of an agent. @throws AgentError `argument` */
  constructor(topic: Name, options: GatherOptions, parts: GatherParts) {
    const { quorum = 1, windowMs = WINDOW_MS } = options
    if (!Number.isInteger(quorum) || quorum < 1 || !Number.isInteger(windowMs) || windowMs < 1) {
      throw new AgentError(
        'argument',
        `Cannot gather with quorum ${quorum} and window ${windowMs} ms: both are 1 or more`,
      )
    }
    const { combine } = options
    if (combine !== undefined && options.per === 'organisation') {
      const reason = 'combiners do not tell organisations'
      throw new AgentError('argument', `Cannot gather per organisation with combiners: ${reason}`)
    }
    this.topic = topic
    this.#options = options
    this.#parts = parts
    const onLost = ({ turns }: Handed) => {
      for (const turn of turns) turn.postpone()
    }
    this.#batches = new Queue(options.queueMax ?? QUEUE_MAX, { onLost })
    this.#sink = {
      agent: parts.identity.name,
      key: parts.identity.signer.publicKey,
      takes: ['publish'],
      get tasks() {
        return parts.active.received
      },
      deliver: (accepted, turn) => this.#deliver(accepted, turn),
      awaits: () => false,
      asked: () => false,
      refused: () => {},
    }
    if (combine === undefined) return
    this.#combined = new CombinedInbox(topic, parts, {
      reducer: combine.reducer,
      part: (part) => this.#takePart(part),
      verified: ({ accepted, message }) => this.#take(accepted, message),
    })
  }

  /** Batches that were lost because the reader was too slow. */
  get lost(): number {
    return this.#batches.lost
  }

  /** What became of what combiners passed up. */
  get combined(): CombinedCounts {
    return this.#combined?.counts ?? { repeated: 0, unresolved: 0 }
  }

  /** Has the node host the inbox, and opens it. Called once, by `gather`. */
  async open(): Promise<void> {
    this.#inbox = await openHostedInbox(this.topic, this.#sink, { ...this.#parts, as: 'inbox' })
    try {
      await this.#combined?.open()
    } catch (cause) {
      await this.#inbox[Symbol.asyncDispose]()
      throw cause
    }
    await this.#parts.active.resume(this.topic)
  }

  /** Batches as they end. The tasks in one are done when the next one is asked for. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Batch, undefined> {
    for await (const { batch, turns } of this.#batches) {
      yield batch
      await Promise.all(turns.map((turn) => turn.done()))
    }
    return undefined
  }

  /** Closes the inbox; what has come can still be read. Closing twice is fine. */
  async [Symbol.asyncDispose](): Promise<void> {
    const inbox = this.#inbox
    if (inbox === undefined) return
    this.#inbox = undefined
    await inbox[Symbol.asyncDispose]()
    await this.#combined?.[Symbol.asyncDispose]()
    this.#emit()
    this.#batches.close()
    this.#parts.closed(this)
  }

  #deliver(accepted: Accepted, turn: Turn): void {
    const { key } = accepted.bundle.header
    for (const part of accepted.messages) {
      const message = readMessage(this.#parts.core, accepted, part, turn)
      const { task } = turn
      if (message === undefined) {
        task?.end()
        continue
      }
      // Tasks come to the reader alone, and again until they are done.
      const isNew = task !== undefined || this.#combined?.count({ key, message: part.id }) !== false
      if (!isNew) continue
      if (task !== undefined) this.#turns.push(task)
      this.#take(accepted, message)
    }
  }

  #take(accepted: Accepted, message: Message): void {
    this.#messages.push(message)
    this.#senders.add(this.#counted(accepted))
    this.#afterMessage()
  }

  #takePart(part: CombinedPart): void {
    this.#parted.push(part)
    for (const { key, sender } of part.contributions) {
      this.#senders.add(this.#options.per === 'name' ? sender : toHex(key))
    }
    this.#afterMessage()
  }

  #afterMessage(): void {
    const { quorum, windowMs = WINDOW_MS, messagesMax = BATCH_MESSAGES_MAX } = this.#options
    const { clock } = this.#parts.core
    const complete = quorum !== undefined && this.#senders.size >= quorum
    const combined = this.#parted.reduce((sum, part) => sum + part.contributions.length, 0)
    const count = this.#messages.length + combined
    if (complete || count >= messagesMax) this.#emit()
    else this.#cancel ??= clock.at(clock.now() + windowMs, () => this.#emit())
  }

  #counted({ bundle, chain }: Accepted): string {
    switch (this.#options.per ?? 'key') {
      case 'key':
        return toHex(bundle.header.key)
      case 'name':
        // The agents of a pool are as many as its node likes: they count once.
        return boundName(bundle.header.sender)
      case 'organisation':
        return chain.organisation
    }
  }

  #emit(): void {
    this.#cancel?.()
    this.#cancel = undefined
    if (this.#messages.length === 0 && this.#parted.length === 0) return
    const { quorum, combine } = this.#options
    const { core } = this.#parts
    const { topic } = this
    const senders = this.#senders.size
    const complete = quorum !== undefined && senders >= quorum
    const [messages, parts] = [this.#messages, this.#parted]
    const batch = {
      messages,
      parts,
      value: combine === undefined ? null : valueOf(messages, parts, combine.reducer),
      senders,
      complete,
      verify: async (sample: number = SAMPLE) =>
        combine === undefined
          ? { checked: 0, findings: [] }
          : await spotCheck(parts, sample, { core, topic, ...combine }),
    }
    this.#batches.push({ batch, turns: this.#turns })
    this.#turns = []
    this.#messages = []
    this.#parted = []
    this.#senders = new Set()
  }
}

function valueOf(
  messages: readonly Message[],
  parts: readonly CombinedPart[],
  reducer: Reducer,
): Body {
  const bodies = messages.map(({ body }) => body).filter((body) => isReducible(reducer, body))
  return mergeValues(reducer, [...parts.map(({ value }) => value), reduceBodies(reducer, bodies)])
}
