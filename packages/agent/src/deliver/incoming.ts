import {
  DELIVER_ACKNOWLEDGE_BYTES,
  DELIVER_ACKNOWLEDGE_MS,
  DELIVER_WINDOW_BUNDLES_MAX,
  DELIVER_WINDOW_BYTES_MAX,
} from '../limits.ts'
import type { Channel } from '../transport.ts'
import { encodeAcknowledgement, type NotAccepted } from './acknowledgement.ts'

/** One bundle of the stream; its code is undefined while it is decided about, null if it passed. */
interface Outcome {
  readonly bytes: number
  code: string | null | undefined
}

/** What a stream asks of its owner. */
export interface IncomingHooks {
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
  /** Tells what is decided at once, and not later; undefined while nothing is to be told later. */
  #tellNow: (() => void) | undefined
  #wake: (() => void) | undefined
  #ended = false

  constructor(channel: Channel, hooks: IncomingHooks) {
    this.#channel = channel
    this.#hooks = hooks
    void this.#run()
  }

  /** Ends the stream. */
  close(): void {
    this.#end()
  }

  /** Something goes to the neighbour anyway: what is decided goes along, and wakes it once. */
  goesAlong(): void {
    this.#tellNow?.()
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
    this.#outcomes.push(outcome)
    this.#bytes += bytes.length
    void this.#decide(bytes, outcome)
  }

  async #decide(bytes: Uint8Array, outcome: Outcome): Promise<void> {
    outcome.code = await this.#hooks.take(bytes)
    this.#untoldBytes += bytes.length
    if (this.#untoldBytes >= DELIVER_ACKNOWLEDGE_BYTES) this.#tellNow?.()
    if (this.#telling) return
    this.#telling = true
    // An answer to what it brought goes first, and others share the acknowledgement.
    const tell = () => {
      this.#tellNow = undefined
      void this.#tell()
    }
    const cancel = this.#hooks.later(DELIVER_ACKNOWLEDGE_MS, tell)
    this.#tellNow = () => {
      cancel()
      tell()
    }
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
    this.#wakeUp()
    void this.#channel.close()
    this.#hooks.ended(cause)
  }
}
