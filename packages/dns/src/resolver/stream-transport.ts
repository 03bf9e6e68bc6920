import type { Socket } from 'node:net'
import { DnsError } from '../proof.ts'
import { onAbort, openDeadline } from './deadline.ts'
import { IDLE_MS, STREAM_JUNK_MAX, STREAM_MS_MAX, STREAM_QUERIES_MAX } from './limits.ts'
import type { Transport } from './transport.ts'

/**
 * Asks over one TCP or TLS connection, many queries at once, each message behind its length (RFC
 * 7766, RFC 7858). The connection is opened when it is needed and closed when it is idle.
 */
export class StreamTransport implements Transport {
  readonly label: string
  readonly #open: () => Socket
  #connection: Connection | undefined
  #closed = false

  constructor(label: string, open: () => Socket) {
    this.label = label
    this.#open = open
  }

  async ask(query: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    signal.throwIfAborted()
    const silent = () =>
      new DnsError('unreachable', `Cannot reach ${this.label}: no answer in ${STREAM_MS_MAX} ms`)
    using deadline = openDeadline(signal, { ms: STREAM_MS_MAX, reason: silent })
    const used = this.#connection
    const reused = used !== undefined && !used.ended
    try {
      return await this.#current().ask(query, deadline.signal)
    } catch (cause) {
      // A server may end an idle connection just when it is used again (RFC 7766 section 6.2.4).
      if (!reused || deadline.signal.aborted || !used.ended) throw cause
      return await this.#current().ask(query, deadline.signal)
    }
  }

  #current(): Connection {
    if (this.#closed) throw new DnsError('unreachable', `Cannot ask ${this.label}: it is closed`)
    if (this.#connection === undefined || this.#connection.ended) {
      this.#connection = new Connection(this.#open(), this.label)
    }
    return this.#connection
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    await this.#connection?.end()
  }
}

interface Waiting {
  readonly resolve: (answer: Uint8Array) => void
  readonly reject: (cause: Error) => void
}

/** One connection, and who waits on it, by the id that the query has there. */
class Connection {
  ended = false
  readonly #socket: Socket
  readonly #label: string
  readonly #waiting = new Map<number, Waiting>()
  readonly #gone: Promise<void>
  #received: Buffer = Buffer.alloc(0)
  #nextId = 0
  #givenUp = 0
  #junk = 0

  constructor(socket: Socket, label: string) {
    this.#socket = socket
    this.#label = label
    socket.setTimeout(IDLE_MS, () => this.#fail('it is idle'))
    socket.on('data', (part) => this.#take(part))
    socket.on('error', (cause) => this.#fail(cause.message, cause))
    socket.on('end', () => this.#fail('it ended the connection'))
    this.#gone = new Promise((resolve) => {
      socket.on('close', () => {
        this.#fail('the connection is closed')
        resolve()
      })
    })
  }

  async ask(query: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    if (this.#waiting.size >= STREAM_QUERIES_MAX) {
      const message = `Cannot ask ${this.#label}: ${STREAM_QUERIES_MAX} queries wait, the limit`
      throw new DnsError('unreachable', message)
    }
    const id = this.#freeId()
    let detach = () => {}
    try {
      const answer = await new Promise<Uint8Array>((resolve, reject) => {
        this.#waiting.set(id, { resolve, reject })
        detach = onAbort(signal, () => {
          this.#givenUp++
          reject(signal.reason as Error)
        })
        this.#socket.ref()
        this.#send(query, id)
      })
      answer.set(query.subarray(0, 2))
      return answer
    } finally {
      detach()
      this.#waiting.delete(id)
      // An idle connection keeps no process alive.
      if (this.#waiting.size === 0) this.#socket.unref()
    }
  }

  /** Ids count up: on one connection they keep answers apart, they hide nothing. */
  #freeId(): number {
    while (this.#waiting.has(this.#nextId)) this.#nextId = (this.#nextId + 1) & 0xffff
    const id = this.#nextId
    this.#nextId = (id + 1) & 0xffff
    return id
  }

  #send(query: Uint8Array, id: number): void {
    // Length and message in one write (RFC 7766 section 8).
    const frame = Buffer.alloc(query.length + 2)
    frame.writeUInt16BE(query.length)
    frame.set(query, 2)
    frame.writeUInt16BE(id, 2)
    this.#socket.write(frame)
  }

  #take(part: Buffer): void {
    this.#received = this.#received.length === 0 ? part : Buffer.concat([this.#received, part])
    while (!this.ended && this.#received.length >= 2) {
      const end = 2 + this.#received.readUInt16BE(0)
      if (this.#received.length < end) return
      this.#answer(Uint8Array.from(this.#received.subarray(2, end)))
      this.#received = this.#received.subarray(end)
    }
  }

  #answer(message: Uint8Array): void {
    const id = message.length < 12 ? undefined : (message[0]! << 8) | message[1]!
    const waiting = id === undefined ? undefined : this.#waiting.get(id)
    if (waiting !== undefined) return waiting.resolve(message)
    // A query that was given up may still be answered; more than that is a flood.
    if (this.#givenUp > 0) this.#givenUp--
    else if (++this.#junk > STREAM_JUNK_MAX) this.#fail(`${this.#junk} answers to no query`)
  }

  #fail(reason: string, cause?: Error): void {
    if (this.ended) return
    this.ended = true
    const message = `Cannot reach ${this.#label}: ${reason}`
    const error = new DnsError('unreachable', message, cause === undefined ? {} : { cause })
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#socket.destroy()
  }

  async end(): Promise<void> {
    this.#fail('it is closed')
    await this.#gone
  }
}
