import type { Sha256 } from '@ixj/trust'
import type { Clock } from '../clock.ts'
import {
  ADMISSION_MS_MAX,
  type Channel,
  HELD_GOSSIP_MS_MAX,
  HELLO_PROTOCOL,
  MESSAGE_BYTES_MAX,
  OUTBOUND_BYTES_MAX,
  type Peer,
  type Receiver,
  TOPIC_BUDGET_BYTES,
  TOPIC_ENTRY_BYTES,
  type Transport,
  TransportError,
} from '../transport.ts'
import { type Cut, cutOf } from './cut.ts'
import { SOCKET_HELD_BYTES_MAX } from './limits.ts'
import { type SocketCounts, SocketGossip } from './socket-gossip.ts'
import { type GossipFrame, SocketLink, type SocketPort } from './socket-link.ts'
import { SocketNeighbour } from './socket-neighbour.ts'

/** How a transport over sockets is opened. */
export interface SocketTransportOptions {
  readonly peer: Peer
  readonly clock: Clock
  readonly hash: Sha256
  /** The closed list of channels that may be opened to us. */
  readonly protocols: readonly string[]
  /** A socket that is not admitted within this is cut; default {@link ADMISSION_MS_MAX}. */
  readonly admissionMs?: number
  /** Bytes that may wait for one neighbour; default {@link OUTBOUND_BYTES_MAX}. */
  readonly waitingBytesMax?: number
  /** Whether a neighbour for which more waits is cut, as a relay does; default: it is waited for. */
  readonly cutsBacklog?: boolean
}

/** What a socket is handed over as after login. */
export interface SocketSession {
  /** One binary frame has arrived. */
  receive(frame: Uint8Array): void
  /** Whether hello has admitted it. */
  readonly isAdmitted: boolean
  /** The socket has ended, whoever ended it. */
  ended(): void
}

/** What a topic's name is preceded by elsewhere: it counts against the budget. */
const WIRE_PREFIX_BYTES = '/ixj/1/'.length

/** A transport whose neighbours are WebSockets that have logged in: of a page, or of a relay's door. */
export class SocketTransport implements Transport {
  readonly peer: Peer
  readonly #options: SocketTransportOptions
  readonly #neighbours = new Map<Peer, SocketNeighbour>()
  readonly #gossip: SocketGossip
  #topicBytes = 0
  #receiver: Receiver | undefined
  #closed = false

  constructor(options: SocketTransportOptions) {
    this.peer = options.peer
    this.#options = options
    this.#gossip = new SocketGossip({
      clock: options.clock,
      hash: options.hash,
      neighbours: this.#neighbours,
      cutsBacklog: options.cutsBacklog ?? false,
      receiver: () => this.#owner(),
    })
  }

  /** What was refused or thrown away, by reason. */
  get counts(): Readonly<SocketCounts> {
    return this.#gossip.counts
  }

  /** Sockets that have logged in. */
  get size(): number {
    return this.#neighbours.size
  }

  /** How many rejected messages this neighbour brought on the socket that it has. */
  blame(peer: Peer): number {
    return this.#neighbours.get(peer)?.rejected ?? 0
  }

  /** Whether a socket of this peer stands. */
  has(peer: Peer): boolean {
    return this.#neighbours.has(peer)
  }

  attach(receiver: Receiver): void {
    if (this.#receiver !== undefined) throw new Error(`"${this.peer}" already has its receiver`)
    this.#receiver = receiver
  }

  /**
   * A socket has logged in as this peer. One that it had before ends: its key was proved anew, so
   * it is the same side, which may have lost the old one without our knowing.
   * @throws TransportError `closed`
   */
  join(peer: Peer, port: SocketPort, called: boolean): SocketSession {
    this.#throwIfClosed()
    const old = this.#neighbours.get(peer)
    if (old !== undefined) {
      old.link.end(cutOf('replaced'))
      this.#left(old)
    }
    const { clock, waitingBytesMax = OUTBOUND_BYTES_MAX, protocols } = this.#options
    const link = new SocketLink(port, {
      clock,
      peer,
      called,
      waitingBytesMax,
      gossip: (frame, bytes) => this.#heard(neighbour, frame, bytes),
      takes: (protocol) =>
        protocols.includes(protocol) && (neighbour.admitted || protocol === HELLO_PROTOCOL),
      channel: (protocol, channel) => this.#owner().channel(peer, protocol, channel),
    })
    const neighbour = new SocketNeighbour(peer, link)
    this.#neighbours.set(peer, neighbour)
    this.#endUnless(() => neighbour.admitted, neighbour, {
      ms: this.#options.admissionMs ?? ADMISSION_MS_MAX,
      cut: cutOf('not-admitted'),
    })
    this.#owner().connected(peer, called)
    return {
      receive: (frame) => link.receive(frame),
      get isAdmitted() {
        return neighbour.admitted
      },
      ended: () => this.#left(neighbour),
    }
  }

  async openChannel(
    peer: Peer,
    protocol: string,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<Channel> {
    options.signal?.throwIfAborted()
    this.#throwIfClosed()
    const neighbour = this.#neighbours.get(peer)
    if (neighbour === undefined) {
      throw new TransportError('no-peer', `Cannot open "${protocol}": "${peer}" is not connected`)
    }
    return await neighbour.link.openChannel(protocol, options.signal)
  }

  admit(peer: Peer): void {
    const neighbour = this.#neighbours.get(peer)
    if (neighbour === undefined || neighbour.admitted) return
    neighbour.admitted = true
    this.#gossip.admitted(neighbour)
  }

  async disconnect(peer: Peer): Promise<void> {
    this.#neighbours.get(peer)?.link.end(cutOf('closed'))
  }

  async subscribe(topic: string): Promise<void> {
    this.#throwIfClosed()
    if (this.#gossip.topics.has(topic)) return
    const bytes = this.#topicBytes + costOf(topic)
    if (bytes > TOPIC_BUDGET_BYTES) {
      throw new TransportError(
        'topic-budget',
        `Cannot join "${topic}": ${this.#gossip.topics.size} topics would cost ${bytes} bytes at ` +
          `each neighbour, the limit is ${TOPIC_BUDGET_BYTES}`,
      )
    }
    this.#topicBytes = bytes
    this.#gossip.subscribe(topic)
  }

  async unsubscribe(topic: string): Promise<void> {
    this.#throwIfClosed()
    if (!this.#gossip.topics.has(topic)) return
    this.#topicBytes -= costOf(topic)
    this.#gossip.unsubscribe(topic)
  }

  allow(peer: Peer, topic: string): void {
    const neighbour = this.#neighbours.get(peer)
    if (neighbour !== undefined) this.#gossip.allow(neighbour, topic)
  }

  announce(peer: Peer, topic: string): void {
    const neighbour = this.#neighbours.get(peer)
    if (neighbour !== undefined) this.#gossip.announce(neighbour, topic)
  }

  disallow(peer: Peer, topic: string): void {
    const neighbour = this.#neighbours.get(peer)
    if (neighbour !== undefined) this.#gossip.disallow(neighbour, topic)
  }

  subscribers(topic: string): readonly Peer[] {
    return this.#gossip.subscribers(topic).map((neighbour) => neighbour.peer)
  }

  async publish(topic: string, bytes: Uint8Array): Promise<number> {
    this.#throwIfClosed()
    if (bytes.length > MESSAGE_BYTES_MAX) {
      throw new TransportError(
        'too-large',
        `Cannot publish ${bytes.length} bytes on "${topic}": the limit is ${MESSAGE_BYTES_MAX}`,
      )
    }
    return this.#gossip.publish(topic, bytes)
  }

  /** Ends every socket, and tells the other sides why. */
  endAll(cut: Cut): void {
    for (const { link } of this.#neighbours.values()) link.end(cut)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.endAll(cutOf('closed'))
    for (const neighbour of this.#neighbours.values()) this.#left(neighbour)
  }

  #left(neighbour: SocketNeighbour): void {
    if (this.#neighbours.get(neighbour.peer) !== neighbour) return
    this.#neighbours.delete(neighbour.peer)
    for (const end of neighbour.onEnd) end()
    neighbour.link.finish()
    if (!this.#closed) this.#owner().disconnected(neighbour.peer)
  }

  /** Before admission gossip is held: the neighbour may be admitted any moment. */
  #heard(neighbour: SocketNeighbour, frame: GossipFrame, bytes: number): void {
    if (neighbour.admitted) return this.#gossip.receive(neighbour, frame)
    if (neighbour.heldBytes + bytes > SOCKET_HELD_BYTES_MAX) {
      return neighbour.link.end(cutOf('held', `more than ${SOCKET_HELD_BYTES_MAX} bytes`))
    }
    if (neighbour.heldGossip.length === 0) {
      this.#endUnless(() => neighbour.admitted, neighbour, {
        ms: HELD_GOSSIP_MS_MAX,
        cut: cutOf('held', `for more than ${HELD_GOSSIP_MS_MAX} ms`),
      })
    }
    neighbour.heldBytes += bytes
    neighbour.heldGossip.push({ frame, bytes })
  }

  #endUnless(
    isFine: () => boolean,
    neighbour: SocketNeighbour,
    { ms, cut }: { readonly ms: number; readonly cut: Cut },
  ): void {
    const { clock } = this.#options
    const cancel = clock.at(clock.now() + ms, () => {
      neighbour.onEnd.delete(cancel)
      if (!isFine()) neighbour.link.end(cut)
    })
    neighbour.onEnd.add(cancel)
  }

  #owner(): Receiver {
    if (this.#receiver !== undefined) return this.#receiver
    throw new Error(`"${this.peer}" was connected before a receiver was attached`)
  }

  #throwIfClosed(): void {
    if (this.#closed) throw new TransportError('closed', `The transport "${this.peer}" has ended`)
  }
}

function costOf(topic: string): number {
  return TOPIC_ENTRY_BYTES + WIRE_PREFIX_BYTES + topic.length
}
