import { DELIVER_WINDOW_BUNDLES_MAX, DELIVER_WINDOW_BYTES_MAX } from '../limits.ts'
import type { Channel } from '../transport.ts'
import { encodeAcknowledgement, type NotAccepted } from './acknowledgement.ts'
import {
  DELIVER_ACKNOWLEDGE_BYTES,
  DELIVER_ACKNOWLEDGE_LONE_MS,
  DELIVER_ACKNOWLEDGE_MS,
  DELIVER_LONE_MS,
} from './limits.ts'

/** One bundle of the stream; its code is undefined while it is decided about, null if it passed. */
interface Outcome {
  readonly bytes: number
  code: string | null | undefined
}

/** What a stream asks of its owner. */
export interface IncomingHooks {
  now(): number
  /** Calls `run` that much later, unless what it returns is called before. */
  later(ms: number, run: () => void): () => void
  /** Decides about a bundle; null if it was accepted, else the code. Never rejects. */
  take(bytes: Uint8Array): Promise<string | null>
  /** Resolves when the neighbour may be read on: at once unless it brought too much that was refused. */
  patience(): Promise<void> | undefined
  /** The stream has ended; a cause tells that its bytes were none that an honest node sends. */
  ended(cause?: unknown): void
}

/**
 * The receiving end of one direct stream. Bundles are decided about in their order, several at once;
 * what is decided is acknowledged as soon as all before it is. A neighbour that sends more than the
 * window, or does not read what is acknowledged, is not read on.
 */
export class Incoming {
  readonly #channel: Channel
  readonly #hooks: IncomingHooks
  /** Those after the last that was acknowledged, by place. */
  readonly #outcomes: Outcome[] = []
  #bytes = 0
  /** Of those that are decided, about as many as wait to be told. */
  #untoldBytes = 0
  /** The last place for which an acknowledgement was sent. */
  #through = 0
  #telling = false
  /** When what is decided will be told; undefined while nothing is to be told later. */
  #later: { readonly at: number; readonly cancel: () => void } | undefined
  /** When the last bundle came. */
  #cameAt = Infinity
  #wake: (() => void) | undefined
  #ended = false

  constructor(channel: Channel, hooks: IncomingHooks) {
    this.#channel = channel
    this.#hooks = hooks
    void this.#run()
  }

  /** Tells what is decided, and ends the stream. */
  close(): void {
    this.goesAlong()
    this.#end()
  }

  /** Something goes to the neighbour anyway: what is decided goes along, and wakes it once. */
  goesAlong(): void {
    if (this.#later === undefined) return
    this.#later.cancel()
    this.#startTelling()
  }

  async #run(): Promise<void> {
    try {
      for await (const bytes of this.#channel.frames()) {
        if (this.#ended) return
        this.#take(bytes)
        while (!this.#hasRoom() && !this.#ended) {
          await new Promise<void>((wake) => (this.#wake = wake))
        }
        const patience = this.#hooks.patience()
        if (patience !== undefined) await patience
      }
      this.#end()
    } catch (cause) {
      this.#end(cause)
    }
  }

  #take(bytes: Uint8Array): void {
    const outcome: Outcome = { bytes: bytes.length, code: undefined }
    const now = this.#hooks.now()
    // The first of a stream is not: nobody knows what follows, and who has just come may be leaving.
    const isLone = now - this.#cameAt >= DELIVER_LONE_MS
    this.#cameAt = now
    this.#outcomes.push(outcome)
    this.#bytes += bytes.length
    void this.#decide(bytes, outcome, isLone)
  }

  async #decide(bytes: Uint8Array, outcome: Outcome, isLone: boolean): Promise<void> {
    const code = await this.#hooks.take(bytes)
    outcome.code = code
    this.#untoldBytes += bytes.length
    if (this.#untoldBytes >= DELIVER_ACKNOWLEDGE_BYTES) this.goesAlong()
    // Nobody waits for word of a lone one that passed: it wakes the sender with others, or an answer.
    const isEarly = code !== null || !isLone
    this.#tellIn(isEarly ? DELIVER_ACKNOWLEDGE_MS : DELIVER_ACKNOWLEDGE_LONE_MS)
  }

  /** Tells what is decided that much later, unless it is told before. */
  #tellIn(ms: number): void {
    const at = this.#hooks.now() + ms
    if (this.#telling || this.#ended || (this.#later?.at ?? Infinity) <= at) return
    this.#later?.cancel()
    // An answer to what it brought goes first, and others share the acknowledgement.
    this.#later = { at, cancel: this.#hooks.later(ms, () => this.#startTelling()) }
  }

  #startTelling(): void {
    this.#later = undefined
    this.#telling = true
    void this.#tell()
  }

  #hasRoom(): boolean {
    return (
      this.#outcomes.length < DELIVER_WINDOW_BUNDLES_MAX && this.#bytes < DELIVER_WINDOW_BYTES_MAX
    )
  }

  /** Acknowledges what is decided; what is decided meanwhile shares the next acknowledgement. */
  async #tell(): Promise<void> {
    try {
      for (let count = this.#decided(); count > 0 && !this.#ended; count = this.#decided()) {
        await this.#acknowledge(count)
      }
    } catch (cause) {
      this.#end(cause)
    } finally {
      this.#telling = false
    }
  }

  async #acknowledge(count: number): Promise<void> {
    const told = this.#outcomes.slice(0, count)
    this.#untoldBytes = 0
    const refused: NotAccepted[] = []
    for (const [index, { code }] of told.entries()) {
      if (typeof code === 'string') refused.push({ place: this.#through + index + 1, code })
    }
    this.#through += count
    await this.#channel.send(encodeAcknowledgement({ through: this.#through, refused }))
    // Only now: who does not read acknowledgements is not read either.
    this.#outcomes.splice(0, count)
    for (const { bytes } of told) this.#bytes -= bytes
    this.#wakeUp()
  }

  /** How many of the first are decided. */
  #decided(): number {
    const open = this.#outcomes.findIndex(({ code }) => code === undefined)
    return open === -1 ? this.#outcomes.length : open
  }

  #wakeUp(): void {
    this.#wake?.()
    this.#wake = undefined
  }

  #end(cause?: unknown): void {
    if (this.#ended) return
    this.#ended = true
    this.#later?.cancel()
    this.#later = undefined
    this.#wakeUp()
    void this.#channel.close()
    this.#hooks.ended(cause)
  }
}
