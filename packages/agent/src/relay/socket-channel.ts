import { CHANNEL_FRAME_BYTES_MAX, type Channel, TransportError } from '../transport.ts'
import { SOCKET_CREDIT_BYTES, SOCKET_WINDOW_BYTES } from './limits.ts'
import type { SocketFrame } from './socket-frames.ts'

/** What a channel needs of the socket that it runs on. */
export interface ChannelSocket {
  /** Whether the socket takes more: what waits unsent has a limit. */
  hasRoom(): boolean
  /** Calls {@link SocketChannel.pump} when it may have room again. */
  waitForRoom(channel: SocketChannel): void
  send(frame: SocketFrame): void
  /** The channel has ended on this side. */
  ended(channel: SocketChannel): void
}

interface Waiting {
  readonly bytes: Uint8Array
  readonly sent: () => void
  readonly failed: (cause: TransportError) => void
}

/** One end of a channel on a socket: frames in order, at most a window of them unread. */
export class SocketChannel implements Channel {
  readonly id: number
  readonly #socket: ChannelSocket
  readonly #arrived: Uint8Array[] = []
  readonly #waiting: Waiting[] = []
  /** Bytes that the other side lets us send. */
  #credit = SOCKET_WINDOW_BYTES
  /** Bytes that we let the other side send. */
  #window = SOCKET_WINDOW_BYTES
  /** Bytes that were read, and not told yet. */
  #untold = 0
  #end: { readonly error?: TransportError } | undefined
  #isRead = false
  /** Who waits for the next frame. */
  #reader: Pick<PromiseWithResolvers<FrameResult>, 'resolve' | 'reject'> | undefined

  constructor(id: number, socket: ChannelSocket) {
    this.id = id
    this.#socket = socket
  }

  async send(frame: Uint8Array): Promise<void> {
    if (frame.length === 0) throw new RangeError('Cannot send a frame of 0 bytes: the least is 1')
    if (frame.length > CHANNEL_FRAME_BYTES_MAX) {
      const limit = `the limit is ${CHANNEL_FRAME_BYTES_MAX}`
      throw new TransportError(
        'too-large',
        `Cannot send a frame of ${frame.length} bytes: ${limit}`,
      )
    }
    if (this.#end !== undefined) throw hasEnded()
    if (this.#waiting.length === 0 && this.#mayPass(frame)) {
      this.#pass(frame)
      return
    }
    await new Promise<void>((sent, failed) => {
      // The caller may use its buffer again while this waits.
      this.#waiting.push({ bytes: frame.slice(), sent, failed })
      this.pump()
    })
  }

  frames(): AsyncIterable<Uint8Array> {
    if (this.#isRead) throw new Error('The frames of a channel can be read only once')
    this.#isRead = true
    return new Frames(() => this.#next())
  }

  /** The next frame, or the end, when there is one. */
  #next(): Promise<FrameResult> {
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject }
      this.#wakeReader()
    })
  }

  async close(): Promise<void> {
    if (this.#end !== undefined) return
    this.#arrived.length = 0
    this.#socket.send({ kind: 'close', channel: this.id })
    this.finish({})
  }

  /** The other side, or the socket, has ended it; what arrived before can still be read. */
  finish(end: { readonly error?: TransportError }): void {
    if (this.#end !== undefined) return
    this.#end = end
    this.#socket.ended(this)
    this.#wakeReader()
    for (const { failed } of this.#waiting.splice(0)) failed(hasEnded())
  }

  /** A frame has arrived; false if it is more than the window allows, which no honest side sends. */
  arrived(bytes: Uint8Array): boolean {
    if (bytes.length > this.#window) return false
    this.#window -= bytes.length
    this.#arrived.push(bytes)
    this.#wakeReader()
    return true
  }

  /** The other side has read; false if it was more than was sent. */
  wasRead(count: number): boolean {
    if (this.#credit + count > SOCKET_WINDOW_BYTES) return false
    this.#credit += count
    this.pump()
    return true
  }

  /** Sends what waits, as far as there is room. */
  pump(): void {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      if (!this.#mayPass(first.bytes)) return
      this.#waiting.shift()
      this.#pass(first.bytes)
      first.sent()
    }
  }

  #mayPass(frame: Uint8Array): boolean {
    if (frame.length > this.#credit) return false
    if (this.#socket.hasRoom()) return true
    this.#socket.waitForRoom(this)
    return false
  }

  #pass(bytes: Uint8Array): void {
    this.#credit -= bytes.length
    this.#socket.send({ kind: 'data', channel: this.id, bytes })
  }

  #tellRead(count: number): void {
    this.#untold += count
    if (this.#untold < SOCKET_CREDIT_BYTES || this.#end !== undefined) return
    this.#window += this.#untold
    this.#socket.send({ kind: 'read', channel: this.id, count: this.#untold })
    this.#untold = 0
  }

  #wakeReader(): void {
    const reader = this.#reader
    const frame = reader === undefined ? undefined : this.#arrived.shift()
    if (reader === undefined || (frame === undefined && this.#end === undefined)) return
    this.#reader = undefined
    if (frame !== undefined) {
      this.#tellRead(frame.length)
      reader.resolve({ done: false, value: frame })
    } else if (this.#end?.error !== undefined) reader.reject(this.#end.error)
    else reader.resolve({ done: true, value: undefined })
  }
}

type FrameResult = IteratorResult<Uint8Array, undefined>

/** By hand: a generator that waits takes some 500 bytes more, and a relay has three for each page. */
class Frames implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #take: () => Promise<FrameResult>
  #isOver = false

  constructor(take: () => Promise<FrameResult>) {
    this.#take = take
  }

  next(): Promise<FrameResult> {
    return this.#isOver ? this.return() : this.#take()
  }

  async return(): Promise<FrameResult> {
    this.#isOver = true
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}

function hasEnded(): TransportError {
  return new TransportError('closed', 'Cannot send a frame: the channel has ended')
}
