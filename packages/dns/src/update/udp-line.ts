import { createSocket, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { UDP_LINE_IDLE_MS } from './limits.ts'
import type { Primary } from './primary.ts'

/** Who waits for packets on a line. */
export interface LineListener {
  /** The id of the message whose answer it waits for. */
  readonly id: number
  /** A packet with that id. */
  packet(bytes: Uint8Array): void
  /** A packet that is nobody's. */
  junk(): void
  /** The line can carry nothing any more. */
  failed(): void
}

/**
 * A connected socket to one primary, for all messages that are under way, and for a moment longer:
 * opening one costs as much as the message. Answers carry signatures, so nothing rests on a port
 * that nobody guesses.
 */
export class UdpLine {
  readonly #socket: Socket
  readonly #listeners = new Set<LineListener>()
  readonly #closed: () => void
  readonly #connected: Promise<void>
  #idle: NodeJS.Timeout | undefined
  #isOver = false

  /** Use {@link lineTo}. */
  constructor({ server }: Primary, closed: () => void) {
    const { address, port } = server
    const family = isIPv6(address) ? 6 : 4
    this.#closed = closed
    this.#socket = createSocket({
      type: family === 6 ? 'udp6' : 'udp4',
      lookup: (host, _options, found) => found(null, host, family),
    })
    this.#socket.on('message', (packet) => this.#take(packet))
    this.#socket.on('error', () => this.#fail())
    // Connected: the system drops packets from elsewhere, and says when nobody listens.
    this.#connected = new Promise((resolve) => this.#socket.once('connect', resolve))
    // Without a callback: a failure is an error of the socket, and never looks like a connection.
    this.#socket.connect(port, address)
  }

  /** Whether it has failed or was closed. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** Hears packets from now on; the returned function stops that. */
  listen(listener: LineListener): () => void {
    clearTimeout(this.#idle)
    this.#socket.ref()
    this.#listeners.add(listener)
    return () => {
      if (!this.#listeners.delete(listener) || this.#listeners.size > 0 || this.#isOver) return
      // An idle socket keeps no process alive.
      this.#socket.unref()
      this.#idle = setTimeout(() => this.#close(), UDP_LINE_IDLE_MS).unref()
    }
  }

  /** Sends bytes as soon as the socket is there. */
  async send(bytes: Uint8Array): Promise<void> {
    await this.#connected
    if (!this.#isOver) this.#socket.send(bytes)
  }

  #take(packet: Uint8Array): void {
    const id = packet.length < 2 ? -1 : (packet[0]! << 8) | packet[1]!
    const addressees = [...this.#listeners].filter((listener) => listener.id === id)
    for (const listener of addressees) listener.packet(Uint8Array.from(packet))
    if (addressees.length === 0) for (const listener of this.#listeners) listener.junk()
  }

  #fail(): void {
    const listeners = [...this.#listeners]
    this.#close()
    for (const listener of listeners) listener.failed()
  }

  #close(): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#idle)
    this.#socket.close()
    this.#closed()
  }
}

const lines = new WeakMap<Primary, UdpLine>()

/** The line to a primary, which is open while something is under way, and a moment longer. */
export function lineTo(primary: Primary): UdpLine {
  const known = lines.get(primary)
  if (known !== undefined && !known.isOver) return known
  const line: UdpLine = new UdpLine(primary, () => {
    if (lines.get(primary) === line) lines.delete(primary)
  })
  lines.set(primary, line)
  return line
}
