import { CHANNEL_FRAME_BYTES_MAX, type Channel, TransportError } from '../transport.ts'
import type { MemoryPipe } from './pipe.ts'

/** Bytes of frames under way or unread in one direction; as much as yamux gives a new stream. */
export const CHANNEL_WINDOW_BYTES = 256 * 1024

type End = { readonly error?: TransportError }

/** One end of a channel in memory. */
export class MemoryChannel implements Channel {
  readonly #out: MemoryPipe
  readonly #ended: () => void
  #other: MemoryChannel | undefined
  readonly #arrived: Uint8Array[] = []
  #end: End | undefined
  #closed = false
  #read = false
  #unreadBytes = 0
  #wakeReader = Promise.withResolvers<void>()
  /** Sends that wait for room, in order. */
  readonly #senders: { readonly bytes: number; readonly wake: () => void }[] = []

  constructor(out: MemoryPipe, ended: () => void) {
    this.#out = out
    this.#ended = ended
  }

  /** Joins two ends; neither may have carried anything. */
  static join(a: MemoryChannel, b: MemoryChannel): void {
    a.#other = b
    b.#other = a
  }

  async send(frame: Uint8Array): Promise<void> {
    if (frame.length === 0) throw new RangeError('Cannot send a frame of 0 bytes: the least is 1')
    if (frame.length > CHANNEL_FRAME_BYTES_MAX) {
      throw new TransportError(
        'too-large',
        `Cannot send a frame of ${frame.length} bytes: the limit is ${CHANNEL_FRAME_BYTES_MAX}`,
      )
    }
    // The caller may use its buffer again, even while this waits.
    const copy = frame.slice()
    await this.#room(frame.length)
    if (this.#closed)
      throw new TransportError('closed', 'Cannot send a frame: the channel has ended')
    this.#out.carry(0, () => this.#other?.receive(copy))
  }

  async *frames(): AsyncGenerator<Uint8Array> {
    if (this.#read) throw new Error('The frames of a channel can be read only once')
    this.#read = true
    for (;;) {
      const frame = this.#arrived.shift()
      if (frame !== undefined) {
        this.#other?.taken(frame.length)
        yield frame
      } else if (this.#end !== undefined) {
        if (this.#end.error !== undefined) throw this.#end.error
        return
      } else {
        await this.#wakeReader.promise
        this.#wakeReader = Promise.withResolvers()
      }
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#arrived.length = 0
    this.finish({})
    this.#out.carry(0, () => this.#other?.finish({}))
  }

  /** The other end, or the connection, has ended; what arrived before can still be read. */
  finish(end: End): void {
    this.#closed = true
    this.#end ??= end
    this.#ended()
    this.#wakeReader.resolve()
    for (const sender of this.#senders.splice(0)) sender.wake()
  }

  async #room(bytes: number): Promise<void> {
    // A send that finds room may still not overtake one that waits.
    if (this.#closed) return
    if (this.#senders.length === 0 && this.#unreadBytes + bytes <= CHANNEL_WINDOW_BYTES) {
      this.#unreadBytes += bytes
      return
    }
    await new Promise<void>((wake) => this.#senders.push({ bytes, wake }))
  }

  private receive(frame: Uint8Array): void {
    if (this.#end !== undefined) return
    this.#arrived.push(frame)
    this.#wakeReader.resolve()
  }

  private taken(bytes: number): void {
    this.#unreadBytes -= bytes
    for (let first = this.#senders[0]; first !== undefined; first = this.#senders[0]) {
      if (this.#unreadBytes + first.bytes > CHANNEL_WINDOW_BYTES) return
      this.#unreadBytes += first.bytes
      this.#senders.shift()
      first.wake()
    }
  }
}
