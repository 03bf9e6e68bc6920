import { CHANNEL_FRAME_BYTES_MAX, type Channel, TransportError } from '@ixj/agent'
import { concatBytes } from '@ixj/trust'
import type { Stream } from '@libp2p/interface'
import { setImmediate } from 'node:timers/promises'
import { Uint8ArrayList } from 'uint8arraylist'
import { CLOSE_MS_MAX, FRAMES_IN_TURN_MAX, FRAMES_TOGETHER_BYTES_MAX } from './limits.ts'
import { spareWindowUpdates } from './window-updates.ts'

/** A frame's length as an unsigned varint: 66 KiB needs 3 bytes, more announce too much. */
const LENGTH_BYTES_MAX = 3
/** Pieces of one frame that are kept apart: one byte in each would cost a hundred times its size. */
const PIECES_MAX = 64

/** A frame that waits for its turn, and who waits for it. */
interface WaitingFrame {
  readonly frame: Uint8Array
  resolve(): void
  reject(cause: unknown): void
}

/**
 * Frames over one libp2p stream, each after its length as an unsigned varint. Nothing is read
 * ahead of the consumer but one yamux window, and nothing is written ahead but one frame, or the
 * small ones that were given in one turn: these are one frame of yamux, and of noise.
 */
export class StreamChannel implements Channel {
  readonly #stream: Stream
  /** Bytes that were read and not yet handed out: in their pieces, for each copy costs a pass. */
  readonly #unread = new Uint8ArrayList()
  #pieces = 0
  /** In the order in which they were given. */
  #waiting: WaitingFrame[] = []
  /** Settles when nothing waits any more; undefined where nothing does. */
  #writing: Promise<void> | undefined
  #closed = false
  /** Whether an end of the readable side is in order: the other side, or this one, ended it. */
  #endExpected = false
  #failure: unknown
  #read = false
  #wakeReader = Promise.withResolvers<void>()
  #wakeWriter = Promise.withResolvers<void>()

  constructor(stream: Stream) {
    this.#stream = stream
    spareWindowUpdates(stream)
    // Unread data must stay at the other side: libp2p would gather 4 MiB and then reset the stream.
    stream.pause()
    const wake = (): void => this.#wakeReader.resolve()
    stream.addEventListener('message', (event) => {
      const { data } = event
      for (const piece of data instanceof Uint8Array ? [data] : data) this.#append(piece)
      wake()
    })
    stream.addEventListener('end', wake)
    stream.addEventListener('close', wake)
    stream.addEventListener('drain', () => this.#wakeWriter.resolve())
    stream.addEventListener('close', () => this.#wakeWriter.resolve())
    // The other side has ended; this side does so too, without discarding what is still unread.
    stream.addEventListener('remoteCloseWrite', () => this.#otherEnded())
    if (stream.remoteWriteStatus === 'closed') this.#otherEnded()
  }

  /** Bytes that the stream has not been able to send. */
  get waitingBytes(): number {
    return this.#stream.writeBufferLength
  }

  async send(frame: Uint8Array): Promise<void> {
    if (frame.length === 0) throw new RangeError('Cannot send a frame of 0 bytes: the least is 1')
    if (frame.length > CHANNEL_FRAME_BYTES_MAX) {
      throw new TransportError(
        'too-large',
        `Cannot send a frame of ${frame.length} bytes: the limit is ${CHANNEL_FRAME_BYTES_MAX}`,
      )
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#waiting.push({ frame, resolve, reject })
    this.#writing ??= this.#writeAll()
    await promise
  }

  async *frames(): AsyncGenerator<Uint8Array> {
    if (this.#read) throw new Error('The frames of a channel can be read only once')
    this.#read = true
    let handedOut = 0
    for (;;) {
      const frame = this.#takeFrame()
      if (frame === undefined) {
        if (await this.#readMore()) continue
        return
      }
      yield frame
      handedOut += 1
      // Else a thousand small frames that came at once are worked through before any timer, any
      // acknowledgement and any other neighbour has its turn.
      if (handedOut % FRAMES_IN_TURN_MAX === 0) await setImmediate()
    }
  }

  async close(): Promise<void> {
    this.#endExpected = true
    await this.#writing
    await this.#closeWrite()
    this.#unread.consume(this.#unread.length)
    await this.#stream.closeRead()
    this.#wakeReader.resolve()
  }

  /** Ends the channel at once, because its connection must end. */
  abort(reason: string): void {
    this.#closed = true
    this.#stream.abort(new TransportError('closed', reason))
  }

  #append(bytes: Uint8Array): void {
    if (this.#unread.length === 0) this.#pieces = 0
    this.#pieces += 1
    this.#unread.append(bytes)
    if (this.#pieces < PIECES_MAX) return
    const joined = this.#unread.slice()
    this.#unread.consume(joined.length)
    this.#unread.append(joined)
    this.#pieces = 1
  }

  /** Hands over all that waits, in its order. Never rejects: each failure concerns its own caller. */
  async #writeAll(): Promise<void> {
    // Whoever has something to send in this turn comes first: it goes along.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const some = this.#waiting.splice(0, togetherOf(this.#waiting))
      try {
        await this.#write(some)
        for (const waiting of some) waiting.resolve()
      } catch (cause) {
        for (const waiting of some) waiting.reject(cause)
      }
    }
    this.#writing = undefined
  }

  async #write(frames: readonly WaitingFrame[]): Promise<void> {
    try {
      if (this.#stream.writableNeedsDrain) await this.#drained()
      if (!this.#closed) {
        // libp2p has another version of lists, whose objects it tells by the same symbol.
        this.#stream.send(encodeFrames(frames) as Uint8Array)
        return
      }
    } catch (cause) {
      throw new TransportError('closed', 'Cannot send a frame: the connection has ended', { cause })
    }
    throw new TransportError('closed', 'Cannot send a frame: the channel has ended')
  }

  /** Waits for room. The stream's own `onDrain()` waits once: its promise stays resolved for ever. */
  async #drained(): Promise<void> {
    const stream = this.#stream
    while (!this.#closed && stream.writableNeedsDrain && stream.writeStatus === 'writable') {
      this.#wakeWriter = Promise.withResolvers()
      await this.#wakeWriter.promise
    }
  }

  #otherEnded(): void {
    this.#endExpected = true
    this.#wakeReader.resolve()
    void this.#closeWrite()
  }

  async #closeWrite(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#wakeWriter.resolve()
    try {
      await this.#stream.close({ signal: AbortSignal.timeout(CLOSE_MS_MAX) })
    } catch (cause) {
      // It could not hand over what it held: the other side does not read, or has gone.
      this.#stream.abort(new TransportError('closed', 'The channel did not end in time', { cause }))
    }
  }

  /** The next frame, if all of it has been read. */
  #takeFrame(): Uint8Array | undefined {
    let length = 0
    for (let place = 0; place < this.#unread.length; place++) {
      const byte = this.#unread.get(place)
      length += (byte & 0x7f) * 2 ** (7 * place)
      if (length > CHANNEL_FRAME_BYTES_MAX || place >= LENGTH_BYTES_MAX) throw this.#tooLarge()
      if (byte >= 0x80) continue
      // One encoding for each length: a last byte of 0 adds nothing to it.
      if (byte === 0 && place > 0) {
        this.abort('A length that is not in its shortest form arrived')
        throw new TransportError('closed', 'The other side sent a length not in its shortest form')
      }
      if (length === 0) {
        this.abort('A frame of 0 bytes arrived')
        throw new TransportError('closed', 'The other side sent a frame of 0 bytes')
      }
      const end = place + 1 + length
      if (this.#unread.length < end) return undefined
      const frame = this.#part(place + 1, end)
      this.#unread.consume(end)
      return frame
    }
    return undefined
  }

  /** What is most of what came in one piece is that piece; a copy keeps no more alive than itself. */
  #part(start: number, end: number): Uint8Array {
    const part = this.#unread.subarray(start, end)
    return part.length * 2 >= part.buffer.byteLength ? part : this.#unread.slice(start, end)
  }

  #tooLarge(): TransportError {
    this.abort('A frame over the limit was announced')
    return new TransportError(
      'too-large',
      `The other side announced a frame over the limit of ${CHANNEL_FRAME_BYTES_MAX} bytes`,
    )
  }

  /** Waits for bytes; false when the other side, or this one, has ended in good order. */
  async #readMore(): Promise<boolean> {
    const stream = this.#stream
    const before = this.#unread.length
    this.#resume()
    while (this.#unread.length === before) {
      if (stream.status === 'aborted' || stream.status === 'reset') {
        throw new TransportError('closed', 'The connection has ended', { cause: this.#failure })
      }
      if (stream.readableEnded || stream.readStatus === 'closed') return this.#ended()
      await this.#wakeReader.promise
      this.#wakeReader = Promise.withResolvers()
    }
    if (stream.readStatus === 'readable') stream.pause()
    return true
  }

  #resume(): void {
    if (this.#stream.readStatus !== 'paused') return
    try {
      this.#stream.resume()
    } catch (cause) {
      // What had arrived was handed over before this failed to ask a closed connection for more.
      this.#failure = cause
    }
  }

  #ended(): false {
    if (this.#endExpected && this.#unread.length === 0) return false
    const what = this.#endExpected
      ? 'The channel ended in the middle of a frame'
      : 'Connection lost'
    throw new TransportError('closed', what, { cause: this.#failure })
  }
}

/** How many of the first are handed to the stream together: more than one where all are small. */
function togetherOf(waiting: readonly WaitingFrame[]): number {
  let bytes = 0
  const end = waiting.findIndex(({ frame }) => (bytes += frame.length) > FRAMES_TOGETHER_BYTES_MAX)
  return end === -1 ? waiting.length : Math.max(1, end)
}

/** Each frame after its length: small ones in one piece, for each piece is encrypted by itself. */
function encodeFrames(frames: readonly WaitingFrame[]): Uint8Array | Uint8ArrayList {
  const pieces = frames.flatMap(({ frame }) => [encodeLength(frame.length), frame])
  const bytes = new Uint8ArrayList(...pieces)
  return bytes.length > FRAMES_TOGETHER_BYTES_MAX ? bytes : concatBytes(...pieces)
}

function encodeLength(length: number): Uint8Array {
  const bytes: number[] = []
  for (let rest = length; ; rest >>>= 7) {
    if (rest < 0x80) return Uint8Array.from([...bytes, rest])
    bytes.push((rest & 0x7f) | 0x80)
  }
}
