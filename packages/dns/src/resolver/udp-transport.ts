import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { DnsError } from '../proof.ts'
import { onAbort, openDeadline } from './deadline.ts'
import { UDP_JUNK_MAX, UDP_MS_MAX, UDP_RETRANSMIT_MS } from './limits.ts'
import { StreamTransport } from './stream-transport.ts'
import { fitOf, isTruncated, type Transport } from './transport.ts'
import { openTcp, type Place } from './tcp-socket.ts'

/** What a resolver saw of packets that answered nothing. */
export interface UdpCounts {
  /** Datagrams from the server's address that answer no query. */
  junk: number
  /** Queries that were put again over TCP: cut off, doubtful, or too much junk. */
  overTcp: number
}

/**
 * Asks over UDP, and over TCP what does not fit or looks odd (RFC 7766 section 5). Every query has
 * a socket of its own: its port is chance that a spoofer has to guess (RFC 5452 section 9.2), and
 * it is connected, so the system lets through what comes from the server's address and port alone.
 */
export class UdpTransport implements Transport {
  readonly label: string
  readonly #place: Place
  readonly #counts: UdpCounts
  readonly #tcp: StreamTransport

  constructor(place: Place, counts: UdpCounts) {
    this.#place = place
    this.#counts = counts
    this.label = `${place.address} port ${place.port}`
    this.#tcp = new StreamTransport(`${this.label} over TCP`, () => openTcp(place))
  }

  async ask(query: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    signal.throwIfAborted()
    const packet = await this.#askOverUdp(query, signal)
    if (packet !== undefined && !isTruncated(packet)) return packet
    this.#counts.overTcp++
    return await this.#tcp.ask(query, signal)
  }

  /** The answer, or undefined where TCP has to be asked. */
  async #askOverUdp(query: Uint8Array, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const { address, port } = this.#place
    const silent = () =>
      new DnsError('unreachable', `Cannot reach ${this.label}: no answer in ${UDP_MS_MAX} ms`)
    using deadline = openDeadline(signal, { ms: UDP_MS_MAX, reason: silent })
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
    const detach: (() => void)[] = []
    try {
      return await new Promise<Uint8Array | undefined>((resolve, reject) => {
        const fail = (cause: Error) =>
          reject(
            new DnsError('unreachable', `Cannot reach ${this.label}: ${cause.message}`, { cause }),
          )
        detach.push(onAbort(deadline.signal, () => reject(deadline.signal.reason as Error)))
        socket.on('error', fail)
        socket.on('message', this.#receiver(query, resolve))
        socket.once('connect', () => {
          if (deadline.signal.aborted) return
          socket.send(query)
          const again = setTimeout(() => socket.send(query), UDP_RETRANSMIT_MS)
          detach.push(() => clearTimeout(again))
        })
        // Without a callback, which would be called for a failure too: a referral may name an
        // address that nothing can be sent to, and to send there all the same throws past us.
        socket.connect(port, address)
      })
    } finally {
      for (const undo of detach) undo()
      socket.close()
    }
  }

  #receiver(query: Uint8Array, resolve: (packet: Uint8Array | undefined) => void) {
    let junk = 0
    return (packet: Uint8Array) => {
      const fit = fitOf(query, packet)
      if (fit === 'answer') return resolve(Uint8Array.from(packet))
      this.#counts.junk++
      // A flood of guesses, or a guessed id: what a spoofer can win over UDP he cannot over TCP.
      if (fit === 'doubtful' || ++junk >= UDP_JUNK_MAX) resolve(undefined)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tcp[Symbol.asyncDispose]()
  }
}
