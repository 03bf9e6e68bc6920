import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import type { ServerCounters } from './counters.ts'
import {
  CONNECTIONS_MAX,
  CONNECTIONS_PER_ADDRESS_MAX,
  IDLE_MS_MAX,
  PIPELINED_MAX,
  UNREAD_BYTES_MAX,
} from './limits.ts'
import type { PacketHandler, PacketSource, Reply } from './packet-handler.ts'
import type { ListenerOptions } from './udp-listener.ts'

/** Bounds of what strangers may hold open. */
export interface TcpLimits {
  readonly connectionsMax?: number
  readonly connectionsPerAddressMax?: number
  readonly idleMs?: number
}

/** Where connections come in. */
export interface TcpListenerOptions extends ListenerOptions, TcpLimits {
  readonly counters: ServerCounters
}

/** Answers over TCP (RFC 7766) until disposed of: messages of a connection are worked on at once. */
export class TcpListener implements AsyncDisposable {
  readonly #server: Server
  readonly #options: TcpListenerOptions
  readonly #sockets = new Set<Socket>()
  readonly #byAddress = new Map<string, number>()

  private constructor(server: Server, options: TcpListenerOptions) {
    this.#server = server
    this.#options = options
    server.on('connection', (socket) => this.#take(socket))
    // Too many open files: those who wait are served when others leave.
    server.on('error', () => undefined)
  }

  /** Rejects with the system's error if the port is taken. */
  static async open(options: TcpListenerOptions): Promise<TcpListener> {
    const server = createServer({ noDelay: true })
    server.listen({ port: options.port, host: options.address, ipv6Only: true })
    await once(server, 'listening')
    return new TcpListener(server, options)
  }

  get port(): number {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('A server without a port')
    return address.port
  }

  #take(socket: Socket): void {
    const { counters, guarded, handler } = this.#options
    const address = socket.remoteAddress
    const open = this.#byAddress.get(address ?? '') ?? 0
    const isTooMany =
      this.#sockets.size >= (this.#options.connectionsMax ?? CONNECTIONS_MAX) ||
      open >= (this.#options.connectionsPerAddressMax ?? CONNECTIONS_PER_ADDRESS_MAX)
    if (address === undefined || isTooMany) {
      counters.connectionsCut++
      socket.destroy()
      return
    }
    this.#sockets.add(socket)
    this.#byAddress.set(address, open + 1)
    socket.once('close', () => {
      this.#sockets.delete(socket)
      const left = this.#byAddress.get(address)! - 1
      if (left > 0) this.#byAddress.set(address, left)
      else this.#byAddress.delete(address)
    })
    const source: PacketSource = { transport: 'tcp', address, guarded }
    const idleMs = this.#options.idleMs ?? IDLE_MS_MAX
    serve(socket, { handler, source, idleMs, cut: () => counters.connectionsCut++ })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }
}

interface Serving {
  readonly handler: PacketHandler
  readonly source: PacketSource
  readonly idleMs: number
  /** Called when the peer is cut off for what it does. */
  readonly cut: () => void
}

/** Answers the messages of one connection until either side ends it. */
function serve(socket: Socket, { handler, source, idleMs, cut }: Serving): void {
  let parts: Buffer[] = []
  let held = 0
  let needed = 2
  let working = 0
  const destroy = () => {
    cut()
    socket.destroy()
  }
  // It counts whole messages, not bytes: a byte now and then does not hold a connection open.
  const idle = setTimeout(destroy, idleMs)
  socket.on('error', () => socket.destroy())
  socket.once('close', () => clearTimeout(idle))

  const write = (message: Uint8Array): boolean => {
    if (socket.destroyed) return false
    const length = Uint8Array.of(message.length >> 8, message.length)
    socket.cork()
    socket.write(length)
    const isFree = socket.write(message)
    socket.uncork()
    return isFree
  }
  const stream = async (messages: AsyncIterable<Uint8Array>): Promise<void> => {
    for await (const message of messages) {
      if (!write(message) && !socket.destroyed) {
        // A reader that takes nothing is cut by the timer, which ends the wait.
        await drained(socket)
      }
      if (socket.destroyed) return
      idle.refresh()
    }
  }
  const send = (reply: Reply): void => {
    if (reply === undefined) return
    if (reply instanceof Uint8Array) {
      write(reply)
      if (socket.writableLength > UNREAD_BYTES_MAX) destroy()
      return
    }
    if (++working >= PIPELINED_MAX) socket.pause()
    const work = reply instanceof Promise ? reply.then(send) : stream(reply)
    void work.catch(destroy).finally(() => {
      if (working-- >= PIPELINED_MAX) socket.resume()
    })
  }
  socket.on('data', (part: Buffer) => {
    parts.push(part)
    held += part.length
    if (held < needed) return
    const bytes = parts.length === 1 ? part : Buffer.concat(parts, held)
    let offset = 0
    for (;;) {
      const left = bytes.length - offset
      needed = left < 2 ? 2 : 2 + bytes.readUInt16BE(offset)
      if (left < needed || socket.destroyed) break
      idle.refresh()
      send(handler.handle(bytes.subarray(offset + 2, offset + needed), source))
      offset += needed
    }
    parts = offset < bytes.length ? [bytes.subarray(offset)] : []
    held = bytes.length - offset
  })
}

/** Resolves when what was written has gone out, or never will. */
function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.off('drain', done)
      socket.off('close', done)
      resolve()
    }
    socket.on('drain', done)
    socket.on('close', done)
  })
}
