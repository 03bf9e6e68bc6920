import type { Name, Pattern } from '@ixj/names'
import type { Grant, SignedStatement } from '@ixj/trust'
import { AgentError } from '../agent-error.ts'
import type { Gathered } from '../approvals/gathered.ts'
import type { Bundle } from '../bundles/bundle.ts'
import type { BundleAction, MessageClass } from '../bundles/header.ts'
import { MESSAGE_ID_BYTES, type PackedMessages } from '../bundles/message.ts'
import type { Clock } from '../clock.ts'
import type { Handover } from '../host/handover.ts'
import {
  BUNDLE_GATHER_MS,
  MESSAGES_BYTES_MAX,
  OUTBOX_BYTES_MAX,
  OUTBOX_MESSAGES_MAX,
} from '../limits.ts'
import type { Receipt } from './message.ts'
import type { Voice } from './voice.ts'
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
  /**
   * Whether bodies are sealed; `possible`: where the recipient has a key; undefined: where that is
   * possible, to other organisations alone.
   */
  readonly seal: boolean | 'possible' | undefined
  /** What signs in the place of the sender's own key; default: nothing does. */
  readonly voice?: Voice | undefined
  /** Messages in one bundle: more than its grant allows in a second could never pass. */
  readonly messagesMax: number
}

/** A message on its way out, or several that stay together. */
export interface Waiting {
  readonly messages: PackedMessages
  /** Of its first message, 16 bytes. */
  readonly id: Uint8Array
  /** Hears the bundle before anybody else does. */
  readonly sealed: ((bundle: Bundle) => void) | undefined
  /** Who approved it, where its grant asks for that; it is alone in its bundle then. */
  readonly gathered: Gathered | undefined
  /** When it is worth nothing any more. */
  readonly until: number
  resolve(receipt: Receipt): void
  reject(cause: unknown): void
}

/** What a lane's queue is kept with. */
export interface LaneContext {
  readonly clock: Clock
  readonly handover: Handover
  /** Aborted when the agent closes: nothing waits for a host any more. */
  closing(): AbortSignal
  /**
   * Makes one bundle of these and hands it over; settles each, and never rejects. Resolves to
   * whether it is still under way on a direct stream; `landed` is called when it is no longer.
   */
  publish(taken: readonly Waiting[], landed: () => void): Promise<boolean>
  /** Nothing waits and nothing is under way. */
  idle(): void
}

/** Messages of the next bundle, or of one that waits for its host. */
interface Pack {
  readonly waiting: Waiting[]
  count: number
  bytes: number
  /** When its first message is worth nothing any more. */
  readonly until: number
}

/** Messages of one bundle were given to be sent within this long, so none loses more of its lifespan. */
const PACK_MS_MAX = 20

/** Room for the array around the messages. */
const ARRAY_BYTES = 8
/** Room for what sealing adds. */
const BYTES_MAX = MESSAGES_BYTES_MAX - SEALED_BYTES
/** What a message costs beside its body and content type, at most. */
const MESSAGE_BYTES = MESSAGE_ID_BYTES + 64
/** Bytes of messages that fit into one bundle together. */
export const PACK_BYTES_MAX = BYTES_MAX - ARRAY_BYTES
/** Bytes of the largest body that fits into a bundle alone. */
export const BODY_BYTES_MAX = BYTES_MAX - MESSAGE_BYTES - ARRAY_BYTES

/**
 * Messages of one lane that become bundles: a lone one at once, others gather while a bundle is on
 * its way, at most 5 ms; a full bundle waits for none before it. Those for an inbox wait here for
 * its host, each until its own lifespan ends.
 */
export class LaneQueue {
  readonly #lane: Lane
  readonly #context: LaneContext
  /** The oldest first; the last has room for more. */
  #packs: Pack[] = []
  #count = 0
  /** Of all that is not settled yet. */
  #bytes = 0
  /** Bundles that are being made and handed over. */
  #inFlight = 0
  /** Bundles that no host has decided about, and until when that counts. */
  #underWay = 0
  #underWayUntil = 0
  #routing = false
  #cancelGather: (() => void) | undefined

  constructor(lane: Lane, context: LaneContext) {
    this.#lane = lane
    this.#context = context
  }

  /**
   * Sends what is to be in one bundle; resolves when nodes were handed it. Aborted while it waits
   * here, it is never sent.
   * @throws AgentError `backpressure`, `unreachable`, `not-handed-over`; the signal's reason
   */
  add(
    { id, messages }: Pick<Waiting, 'id' | 'messages'>,
    options: {
      readonly sealed?: (bundle: Bundle) => void
      readonly gathered?: Gathered | undefined
      readonly signal?: AbortSignal
    },
  ): Promise<Receipt> {
    if (!this.hasRoom(0, 0)) return Promise.reject(this.fullError())
    const { sealed, gathered, signal } = options
    const until = this.#context.clock.now() + this.#lane.lifespanMs
    return new Promise((resolve, reject) => {
      const waiting = { id, messages, sealed, gathered, until, resolve, reject }
      this.#put(signal === undefined ? waiting : this.#abortable(waiting, signal))
      this.#go()
    })
  }

  /** Whether one more may wait behind so many messages, and so many bytes, beside what is here. */
  hasRoom(messages: number, bytes: number): boolean {
    const isFew = this.#count + messages < OUTBOX_MESSAGES_MAX
    return isFew && this.#bytes + bytes <= OUTBOX_BYTES_MAX
  }

  /** What a sender is told that has to slow down. */
  fullError(): AgentError {
    const limits = `limits ${OUTBOX_MESSAGES_MAX} and ${OUTBOX_BYTES_MAX}`
    const { topic } = this.#lane
    const what = `${this.#count} messages wait for ${topic}, ${this.#bytes} bytes are on their way`
    return new AgentError('backpressure', `Cannot send: ${what}, ${limits}`)
  }

  /** Makes bundles of all that waits, unless a host is still to be found. */
  flush(): void {
    if (!this.#hasRoute()) return
    this.#cancelGather?.()
    this.#cancelGather = undefined
    for (const pack of this.#packs.splice(0)) this.#publish(pack)
  }

  #put(waiting: Waiting): void {
    const { count } = waiting.messages
    const bytes = waiting.messages.bytes.length
    let pack = this.#packs.at(-1)
    const isFull =
      pack === undefined ||
      pack.count + count > this.#lane.messagesMax ||
      pack.bytes + bytes > BYTES_MAX ||
      // A bundle lives as long as its first message: those that waited longer go by themselves.
      waiting.until > pack.until + PACK_MS_MAX
    if (pack === undefined || isFull) {
      pack = { waiting: [], count: 0, bytes: ARRAY_BYTES, until: waiting.until }
      this.#packs.push(pack)
    }
    pack.waiting.push(waiting)
    pack.count += count
    pack.bytes += bytes
    this.#count += count
    this.#bytes += bytes
  }

  /** The same message, which is taken back when the signal is aborted before its bundle is made. */
  #abortable(waiting: Waiting, signal: AbortSignal): Waiting {
    const settled = () => signal.removeEventListener('abort', abort)
    const guarded: Waiting = {
      ...waiting,
      resolve: (receipt) => {
        settled()
        waiting.resolve(receipt)
      },
      reject: (cause) => {
        settled()
        waiting.reject(cause)
      },
    }
    const abort = () => {
      this.#remove((each) => each === guarded)
      guarded.reject(reasonOf(signal))
    }
    signal.addEventListener('abort', abort, { once: true })
    return guarded
  }

  /** Takes out what waits and is like this; gives it back. */
  #remove(isGone: (waiting: Waiting) => boolean): readonly Waiting[] {
    const gone: Waiting[] = []
    for (const { waiting, count, bytes } of this.#packs.splice(0)) {
      this.#count -= count
      this.#bytes -= bytes - ARRAY_BYTES
      for (const each of waiting) {
        if (isGone(each)) gone.push(each)
        else this.#put(each)
      }
    }
    return gone
  }

  #go(): void {
    // While others gather, nothing is asked for each message.
    const isFull = this.#packs.length > 1 || this.#isLastFull()
    if (!isFull && this.#cancelGather !== undefined) return
    if (!this.#hasRoute()) return
    if (!this.#isBusy()) this.flush()
    else this.#flushFull()
  }

  /** A lone message follows at once; one behind another that is on its way waits for company. */
  #isBusy(): boolean {
    if (this.#inFlight > 0) return true
    if (this.#underWay === 0) return false
    return this.#context.clock.now() < this.#underWayUntil
  }

  #isLastFull(): boolean {
    return (this.#packs.at(-1)?.count ?? 0) >= this.#lane.messagesMax
  }

  #flushFull(): void {
    const last = this.#isLastFull() ? undefined : this.#packs.pop()
    for (const pack of this.#packs.splice(0)) this.#publish(pack)
    if (last === undefined) return
    this.#packs.push(last)
    const { clock } = this.#context
    this.#cancelGather ??= clock.at(clock.now() + BUNDLE_GATHER_MS, () => this.flush())
  }

  #publish(pack: Pack): void {
    this.#count -= pack.count
    this.#inFlight += 1
    void this.#handOver(pack)
  }

  async #handOver({ waiting, bytes }: Pack): Promise<void> {
    let isLanded = false
    const landed = () => {
      if (isLanded) return
      isLanded = true
      this.#underWay = Math.max(0, this.#underWay - 1)
      this.#goOn()
    }
    const isUnderWay = await this.#context.publish(waiting, landed)
    this.#inFlight -= 1
    this.#bytes -= bytes - ARRAY_BYTES
    if (isUnderWay && !isLanded) {
      this.#underWay += 1
      this.#underWayUntil = this.#context.clock.now() + BUNDLE_GATHER_MS
    }
    isLanded ||= !isUnderWay
    this.#goOn()
  }

  /** Something has left the way. */
  #goOn(): void {
    if (this.#isBusy()) return
    if (this.#count > 0) this.flush()
    this.#checkIdle()
  }

  #hasRoute(): boolean {
    if (this.#lane.of === 'group') return true
    if (this.#routing) return false
    if (this.#context.handover.hasRoute(this.#lane.topic)) return true
    if (this.#count > 0) void this.#awaitRoute()
    return false
  }

  async #awaitRoute(): Promise<void> {
    const { handover, clock } = this.#context
    const closing = this.#context.closing()
    this.#routing = true
    // One lifespan for all of a lane, so the first that waits is the first that ends.
    for (let first = this.#first; first !== undefined; first = this.#first) {
      try {
        await handover.route(this.#lane.topic, first.until, closing)
        break
      } catch (cause) {
        const ended = this.#remove(({ until }) => closing.aborted || until <= clock.now())
        for (const waiting of ended) waiting.reject(cause)
      }
    }
    this.#routing = false
    this.flush()
    this.#checkIdle()
  }

  get #first(): Waiting | undefined {
    return this.#packs[0]?.waiting[0]
  }

  #checkIdle(): void {
    if (this.#inFlight === 0 && this.#underWay === 0 && this.#count === 0) this.#context.idle()
  }
}
