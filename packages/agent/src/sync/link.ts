import type { Name } from '@ixj/names'
import { compareBytes, toHex } from '@ixj/trust'
import type { Clock } from '../clock.ts'
import type { Exchange } from '../neighbours/exchange.ts'
import { Budget } from '../pipeline/rate.ts'
import { Refusal } from '../pipeline/verdicts.ts'
import { TransportError, type Channel, type Transport } from '../transport.ts'
import { decodeSyncFrame, encodeSyncFrame, type BundleFrame, type SyncFrame } from './frames.ts'
import {
  PULL_ASKED_MAX,
  SYNC_ATTEST_COST_BYTES,
  SYNC_BYTES_PER_SECOND,
  SYNC_FRAMES_PER_SECOND,
  SYNC_FRAMES_WAITING_MAX,
  SYNC_IDS_PER_SECOND,
} from './limits.ts'

/** The protocol of sync and repair; each side writes on the channel that it opened. */
export const SYNC_PROTOCOL = '/ixj/sync/1'

/** Bundles that are read from history at once, to be sent. */
const SERVED_AT_ONCE = 32
/** Between two tries to open a channel, to send within the allowance, or to read on. */
const RETRY_MS = 250

/** A bundle as it is sent. */
export interface ServedBundle extends Pick<BundleFrame, 'bytes' | 'attest'> {
  /** Its id, in hex. */
  readonly id: string
}

/** What a link asks of its node. */
export interface LinkContext {
  readonly clock: Clock
  readonly transport: Transport
  /** Those of these bundles that are here, in their order, as they are sent. Never rejects. */
  read(topic: Name, ids: readonly Uint8Array[]): Promise<readonly ServedBundle[]>
  /** How many ids a frame has one look at. */
  cost(frame: SyncFrame): number
  /** A frame of the neighbour. @throws TrustError, Refusal */
  take(neighbour: Exchange, frame: SyncFrame): Promise<void>
  /** What no honest node sends. */
  fault(neighbour: Exchange, cause: unknown): void
  /** Something for this neighbour was left out. */
  shed(neighbour: Exchange, cause: unknown): void
}

/** Sync with one neighbour: a bounded queue of its own, and so many bytes a second. */
export class Link {
  readonly neighbour: Exchange
  readonly #context: LinkContext
  readonly #waiting: SyncFrame[] = []
  /** Ids that the neighbour asked for, by topic, in the order in which it asked. */
  readonly #asked: { readonly topic: Name; ids: readonly Uint8Array[] }[] = []
  readonly #allowance: Budget
  readonly #frames: Budget
  readonly #ids: Budget
  #channel: Channel | undefined
  #reading: Channel | undefined
  #isSending = false
  #isClosed = false
  #cancelRetry: (() => void) | undefined

  constructor(neighbour: Exchange, context: LinkContext) {
    this.neighbour = neighbour
    this.#context = context
    const now = context.clock.now()
    this.#allowance = new Budget(SYNC_BYTES_PER_SECOND, now)
    this.#frames = new Budget(SYNC_FRAMES_PER_SECOND, now)
    this.#ids = new Budget(SYNC_IDS_PER_SECOND, now)
  }

  /** Says something, soon; what is too much is left out, and said again by a later round. */
  say(frame: SyncFrame): void {
    if (this.#waiting.length >= SYNC_FRAMES_WAITING_MAX) {
      const limit = `${SYNC_FRAMES_WAITING_MAX} frames wait already`
      const cause = new Refusal('rate', `Cannot say ${frame.kind}: ${limit}`)
      this.#context.shed(this.neighbour, cause)
      return
    }
    this.#waiting.push(frame)
    void this.#send()
  }

  /** Sends these bundles of a topic, in this order, when there is room. @throws Refusal `rate` past the limit */
  serve(topic: Name, ids: readonly Uint8Array[]): void {
    const waiting = this.#asked.reduce((sum, each) => sum + each.ids.length, 0)
    if (waiting + ids.length > PULL_ASKED_MAX) {
      const limit = `${waiting} wait, limit ${PULL_ASKED_MAX}`
      throw new Refusal('rate', `Cannot give ${ids.length} more bundles of ${topic}: ${limit}`)
    }
    this.#asked.push({ topic, ids })
    void this.#send()
  }

  /** Reads what the neighbour says on a channel that it opened; one at a time. */
  attach(channel: Channel): void {
    void this.#reading?.close()
    this.#reading = channel
    void this.#read(channel)
  }

  /** Ends both directions. */
  close(): void {
    this.#isClosed = true
    this.#cancelRetry?.()
    this.#asked.length = 0
    this.#waiting.length = 0
    void this.#channel?.close()
    void this.#reading?.close()
  }

  async #send(): Promise<void> {
    if (this.#isSending || this.#isClosed || this.#cancelRetry !== undefined) return
    this.#isSending = true
    try {
      while (!this.#isClosed && (this.#waiting.length > 0 || this.#asked.length > 0)) {
        const frame = this.#waiting.shift()
        if (frame !== undefined) await this.#write(frame)
        else await this.#serveNext()
      }
    } catch (cause) {
      if (!(cause instanceof TransportError)) throw cause
      // The other side may be behind by a moment, or not speak this at all: later, and anew.
      this.#channel = undefined
      this.#waiting.length = 0
      this.#asked.length = 0
      this.#context.shed(this.neighbour, cause)
      this.#retryLater()
    } finally {
      this.#isSending = false
    }
  }

  async #serveNext(): Promise<void> {
    const next = this.#asked[0]
    if (next === undefined) return
    const { topic } = next
    const some = next.ids.slice(0, SERVED_AT_ONCE)
    const found = await this.#context.read(topic, some)
    const given = new Set(found.map(({ id }) => id))
    const gone = some.filter((id) => !given.has(toHex(id))).toSorted(compareBytes)
    if (gone.length > 0) await this.#write({ kind: 'gone', topic, ids: gone })
    for (const { bytes, attest } of found) await this.#write({ kind: 'bundle', bytes, attest })
    next.ids = next.ids.slice(SERVED_AT_ONCE)
    if (next.ids.length === 0) this.#asked.shift()
  }

  async #write(frame: SyncFrame): Promise<void> {
    const bytes = encodeSyncFrame(frame)
    const isAttested = frame.kind === 'bundle' && frame.attest !== null
    await this.#allow(bytes.length + (isAttested ? SYNC_ATTEST_COST_BYTES : 0))
    if (this.#isClosed) return
    const { transport } = this.#context
    this.#channel ??= await transport.openChannel(this.neighbour.peer, SYNC_PROTOCOL)
    await this.#channel.send(bytes)
  }

  /** "Sync has its own budget, so that repair never starves live traffic." */
  async #allow(bytes: number): Promise<void> {
    const { clock } = this.#context
    while (!this.#isClosed && !this.#allowance.take(bytes, clock.now())) await this.#pause()
  }

  #retryLater(): void {
    const { clock } = this.#context
    this.#cancelRetry = clock.at(clock.now() + RETRY_MS, () => {
      this.#cancelRetry = undefined
      void this.#send()
    })
  }

  async #read(channel: Channel): Promise<void> {
    try {
      for await (const bytes of channel.frames()) {
        if (!this.#isRead(channel)) return
        await this.#take(bytes, channel)
      }
    } catch (cause) {
      // The connection has ended, which its node hears otherwise; or the frame was too large.
      if (!(cause instanceof TransportError)) throw cause
      if (cause.code === 'too-large') this.#context.fault(this.neighbour, cause)
    }
  }

  #isRead(channel: Channel): boolean {
    return this.#reading === channel && !this.#isClosed
  }

  async #take(bytes: Uint8Array, channel: Channel): Promise<void> {
    try {
      const frame = decodeSyncFrame(bytes)
      await this.#patience(frame, channel)
      if (this.#isRead(channel)) await this.#context.take(this.neighbour, frame)
    } catch (cause) {
      this.#context.fault(this.neighbour, cause)
    }
  }

  /** Bundles were asked for one by one; everything else costs work that nobody asked for. */
  async #patience(frame: SyncFrame, channel: Channel): Promise<void> {
    if (frame.kind === 'bundle') return
    const { clock } = this.#context
    const ids = Math.min(SYNC_IDS_PER_SECOND, this.#context.cost(frame))
    const hasRoom = () => {
      const now = clock.now()
      return this.#ids.has(ids, now) && this.#frames.take(1, now)
    }
    // Read no further, it is told by its own full buffers.
    while (this.#isRead(channel) && !hasRoom()) await this.#pause()
    this.#ids.take(ids, clock.now())
  }

  #pause(): Promise<void> {
    const { clock } = this.#context
    return new Promise((resolve) => void clock.at(clock.now() + RETRY_MS, resolve))
  }
}
