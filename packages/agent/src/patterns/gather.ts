import type { Name } from '@ixj/names'
import { boundName, toHex } from '@ixj/trust'
import { AgentError } from '../agent-error.ts'
import { grantHost, provingStatements } from '../host/identity.ts'
import type { Sink } from '../host/topics.ts'
import { QUEUE_MAX } from '../limits.ts'
import { inboxOf, type OpenTopic } from '../neighbours/open-topic.ts'
import type { Turn } from '../pipeline/order.ts'
import type { Accepted } from '../pipeline/context.ts'
import { Queue } from '../queue.ts'
import type { TaskTurn } from '../pipeline/task-turn.ts'
import type { Activity } from './activity.ts'
import type { MemberParts } from './parts.ts'
import { readMessage, type Message } from './message.ts'

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
}

/** What came in together. */
export interface Batch {
  readonly messages: readonly Message[]
  /** Different senders in it. */
  readonly senders: number
  /** Whether the quorum was reached. */
  readonly complete: boolean
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

/** An inbox that many write to (N×1), read in batches. */
export class Gather implements AsyncIterable<Batch>, AsyncDisposable {
  readonly topic: Name
  readonly #options: GatherOptions
  readonly #parts: GatherParts
  readonly #batches: Queue<Handed>
  readonly #sink: Sink
  #open: OpenTopic | undefined
  #unpin = () => {}
  #messages: Message[] = []
  #turns: TaskTurn[] = []
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
  }

  /** Batches that were lost because the reader was too slow. */
  get lost(): number {
    return this.#batches.lost
  }

  /** Has the node host the inbox, and opens it. Called once, by `gather`. */
  async open(): Promise<void> {
    const { core, identity } = this.#parts
    const { topic } = this
    const node = { topic, node: core.identity.name, nodeKey: core.identity.signer.publicKey }
    const host = await grantHost(identity, node, {
      now: core.clock.now(),
      random: core.random,
      hash: core.hash,
      issued: (issuer, statements) => core.issued(issuer, statements),
    })
    const own = { ...identity, statements: [...identity.statements, host] }
    const hosted = await core.pinStatements([host])
    this.#unpin = hosted.unpin
    const proof = core.proofs.compose(provingStatements(own, [host]), own)
    const open = inboxOf(topic, { carrier: topic, host, proof })
    await core.open(open, this.#sink)
    this.#open = open
    this.#parts.active.resume(topic)
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
    const open = this.#open
    if (open === undefined) return
    this.#open = undefined
    await this.#parts.core.close(open, this.#sink)
    this.#unpin()
    this.#emit()
    this.#batches.close()
    this.#parts.closed(this)
  }

  #deliver(accepted: Accepted, turn: Turn): void {
    for (const part of accepted.messages) {
      const message = readMessage(this.#parts.core, accepted, part, turn)
      if (message === undefined) continue
      this.#messages.push(message)
      if (turn.task !== undefined) this.#turns.push(turn.task)
      this.#senders.add(this.#counted(accepted))
      this.#afterMessage()
    }
  }

  #afterMessage(): void {
    const { quorum, windowMs = WINDOW_MS, messagesMax = BATCH_MESSAGES_MAX } = this.#options
    const { clock } = this.#parts.core
    const complete = quorum !== undefined && this.#senders.size >= quorum
    if (complete || this.#messages.length >= messagesMax) this.#emit()
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
    if (this.#messages.length === 0) return
    const { quorum } = this.#options
    const senders = this.#senders.size
    const complete = quorum !== undefined && senders >= quorum
    const batch = { messages: this.#messages, senders, complete }
    this.#batches.push({ batch, turns: this.#turns })
    this.#messages = []
    this.#turns = []
    this.#senders = new Set()
  }
}
