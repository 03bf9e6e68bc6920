import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv6 } from 'node:net'
import type { PacketHandler } from './packet-handler.ts'

/** What may wait in the kernel while a write to the disk holds us up. */
const RECEIVE_BUFFER_BYTES = 1_048_576

/** Where packets come in. */
export interface ListenerOptions {
  readonly address: string
  readonly port: number
  readonly handler: PacketHandler
  /** Whether limits against forged addresses apply. */
  readonly guarded: boolean
}

/** Answers over UDP until disposed of. */
export class UdpListener implements AsyncDisposable {
  readonly #socket: Socket
  readonly #options: ListenerOptions
  #isClosed = false

  private constructor(socket: Socket, options: ListenerOptions) {
    this.#socket = socket
    this.#options = options
    socket.on('message', (packet, from) => this.#answer(packet, from))
    // What cannot be sent is lost, as UDP may lose anything; the socket stays.
    socket.on('error', () => undefined)
  }

  /** Rejects with the system's error if the port is taken. */
  static async open(options: ListenerOptions): Promise<UdpListener> {
    const family = isIPv6(options.address) ? 6 : 4
    const socket = createSocket({
      type: family === 6 ? 'udp6' : 'udp4',
      ipv6Only: family === 6,
      recvBufferSize: RECEIVE_BUFFER_BYTES,
      // Addresses of senders are no names: nothing is to be looked up for them.
      lookup: (address, _, found) => found(null, address, family),
    })
    try {
      const listening = once(socket, 'listening')
      socket.bind(options.port, options.address)
      await listening
    } catch (cause) {
      socket.close()
      throw cause
    }
    return new UdpListener(socket, options)
  }

  #answer(packet: Uint8Array, { address, port }: RemoteInfo): void {
    const { handler, guarded } = this.#options
    const reply = handler.handle(packet, { transport: 'udp', address, guarded })
    if (reply instanceof Uint8Array) this.#send(reply, port, address)
    else if (reply instanceof Promise) void reply.then((bytes) => this.#send(bytes, port, address))
  }

  #send(bytes: Uint8Array, port: number, address: string): void {
    // Port 0 cannot be answered: nobody sends from it.
    if (this.#isClosed || port === 0) return
    this.#socket.send(bytes, port, address, () => undefined)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    const closed = once(this.#socket, 'close')
    this.#socket.close()
    await closed
  }
}
