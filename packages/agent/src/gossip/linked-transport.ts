import type { Clock } from '../clock.ts'
import {
  ADMISSION_MS_MAX,
  type Channel,
  HELD_GOSSIP_MS_MAX,
  MESSAGE_BYTES_MAX,
  type Peer,
  type Receiver,
  TOPIC_BUDGET_BYTES,
  TOPIC_ENTRY_BYTES,
  type Transport,
  TransportError,
} from '../transport.ts'
import { Gossip, type GossipCounts } from './gossip.ts'
import type { GossipFrame, GossipMessage, Link, LinkEnd } from './link.ts'
import { LinkedNeighbour } from './linked-neighbour.ts'

/** What a transport over links is made of. */
export interface LinkedTransportOptions {
  readonly peer: Peer
  readonly clock: Clock
  /** What separates one message from every other: covers its topic and all bytes. */
  readonly idOf: (topic: string, bytes: Uint8Array) => string
  /** A connection that is not admitted within this is ended; default {@link ADMISSION_MS_MAX}. */
  readonly admissionMs?: number
  /** Bytes of gossip that are held for a neighbour until it is admitted. */
  readonly heldBytesMax: number
  /** Rejected messages of a connection after which it is ended; default: it goes on. */
  readonly rejectedMax?: number
  /** Whether a neighbour for which too much waits is cut off; default: it is waited for. */
  readonly cutsBacklog?: boolean
}

/** How gossip arrives. */
export interface Arrival {
  readonly bytes: number
  /** Called when it waits here no longer. */
  readonly release?: () => void
}

/** What a topic's name is preceded by on libp2p's wire: it counts against the budget. */
const WIRE_PREFIX_BYTES = '/ixj/1/'.length

/** The contract of `Transport` over links: whoever extends it brings the links. */
export abstract class LinkedTransport<L extends Link> implements Transport {
  readonly peer: Peer
  protected readonly neighbours = new Map<Peer, LinkedNeighbour<L>>()
  readonly #options: LinkedTransportOptions
  readonly #gossip: Gossip
  #topicBytes = 0
  #receiver: Receiver | undefined
  #closed = false

  constructor(options: LinkedTransportOptions) {
    const { peer, clock, idOf } = options
    this.peer = peer
    this.#options = options
    this.#gossip = new Gossip({
      clock,
      idOf,
      neighbours: this.neighbours,
      receiver: () => this.owner(),
      blame: (neighbour) => this.blamed(neighbour),
      overfull: ({ link }) => {
        if (options.cutsBacklog === true) link.end('backlog')
      },
    })
  }

  /** What was refused or thrown away, by reason. */
  get counts(): Readonly<GossipCounts> {
    return this.#gossip.counts
  }

  /** How many rejected messages this neighbour brought over the connection that it has. */
  blame(peer: Peer): number {
    return this.neighbours.get(peer)?.rejected ?? 0
  }

  attach(receiver: Receiver): void {
    if (this.#receiver !== undefined) throw new Error(`"${this.peer}" already has its receiver`)
    this.#receiver = receiver
  }

  async openChannel(
    peer: Peer,
    protocol: string,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<Channel> {
    options.signal?.throwIfAborted()
    this.throwIfClosed()
    const neighbour = this.neighbours.get(peer)
    if (neighbour === undefined) {
      throw new TransportError('no-peer', `Cannot open "${protocol}": "${peer}" is not connected`)
    }
    return await neighbour.link.openChannel(protocol, options.signal)
  }

  admit(peer: Peer): void {
    const neighbour = this.neighbours.get(peer)
    if (neighbour === undefined || neighbour.admitted) return
    neighbour.admitted = true
    neighbour.stopWaiting()
    this.#gossip.admitted(neighbour)
  }

  async disconnect(peer: Peer): Promise<void> {
    this.neighbours.get(peer)?.link.end('closed')
  }

  async subscribe(topic: string): Promise<void> {
    this.throwIfClosed()
    const { topics } = this.#gossip
    if (topics.has(topic)) return
    const bytes = this.#topicBytes + costOf(topic)
    if (bytes > TOPIC_BUDGET_BYTES) {
      throw new TransportError(
        'topic-budget',
        `Cannot join "${topic}": ${topics.size} topics would cost ${bytes} bytes at each ` +
          `neighbour, the limit is ${TOPIC_BUDGET_BYTES}`,
      )
    }
    this.#topicBytes = bytes
    this.#gossip.subscribe(topic)
  }

  async unsubscribe(topic: string): Promise<void> {
    this.throwIfClosed()
    if (!this.#gossip.topics.has(topic)) return
    this.#topicBytes -= costOf(topic)
    this.#gossip.unsubscribe(topic)
  }

  allow(peer: Peer, topic: string): void {
    const neighbour = this.neighbours.get(peer)
    if (neighbour !== undefined) this.#gossip.allow(neighbour, topic)
  }

  announce(peer: Peer, topic: string): void {
    const neighbour = this.neighbours.get(peer)
    if (neighbour !== undefined) this.#gossip.announce(neighbour, topic)
  }

  disallow(peer: Peer, topic: string): void {
    const neighbour = this.neighbours.get(peer)
    if (neighbour !== undefined) this.#gossip.disallow(neighbour, topic)
  }

  subscribers(topic: string): readonly Peer[] {
    return this.#gossip.subscribers(topic).map(({ peer }) => peer)
  }

  async publish(topic: string, bytes: Uint8Array): Promise<number> {
    this.throwIfClosed()
    checkMessageSize(topic, bytes)
    return this.#gossip.publish(topic, bytes)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const neighbour of this.neighbours.values()) {
      neighbour.link.end('closed')
      this.left(neighbour)
    }
  }

  /** A connection stands. One that the peer had before has ended, or ends now. */
  protected meet(peer: Peer, link: L, initiator: boolean): LinkedNeighbour<L> {
    const old = this.neighbours.get(peer)
    if (old !== undefined) {
      old.link.end('replaced')
      this.left(old)
    }
    const neighbour = new LinkedNeighbour(peer, link)
    this.neighbours.set(peer, neighbour)
    this.#endLater(neighbour, this.#options.admissionMs ?? ADMISSION_MS_MAX, 'not-admitted')
    this.owner().connected(peer, initiator)
    return neighbour
  }

  /** A connection has ended. */
  left(neighbour: LinkedNeighbour<L>): void {
    if (this.neighbours.get(neighbour.peer) !== neighbour) return
    this.neighbours.delete(neighbour.peer)
    neighbour.stopWaiting()
    neighbour.link.finish()
    this.#gossip.left(neighbour)
    if (!this.#closed) this.owner().disconnected(neighbour.peer)
  }

  /** Gossip has arrived. Before admission it is held: the neighbour may be admitted any moment. */
  heard(neighbour: LinkedNeighbour<L>, frame: GossipFrame, { bytes, release }: Arrival): void {
    if (neighbour.admitted) {
      release?.()
      this.#gossip.receive(neighbour, frame)
      return
    }
    const { heldBytesMax } = this.#options
    if (neighbour.heldBytes + bytes > heldBytesMax) {
      return neighbour.link.end('held', `more than ${heldBytesMax} bytes`)
    }
    if (neighbour.held.length === 0) this.#endLater(neighbour, HELD_GOSSIP_MS_MAX, 'held')
    neighbour.heldBytes += bytes
    neighbour.held.push({ frame, bytes, release })
  }

  /** Hands a message to a neighbour whatever it has joined; whether there was room. */
  protected hand(neighbour: LinkedNeighbour<L>, message: GossipMessage): boolean {
    return this.#gossip.hand(neighbour, message)
  }

  /** A message that this neighbour brought was rejected. */
  protected blamed(neighbour: LinkedNeighbour): void {
    neighbour.rejected += 1
    const { rejectedMax = Infinity } = this.#options
    if (neighbour.rejected <= rejectedMax) return
    neighbour.link.end('blamed', `${neighbour.rejected} messages were rejected`)
  }

  protected owner(): Receiver {
    if (this.#receiver !== undefined) return this.#receiver
    throw new Error(`"${this.peer}" was connected before a receiver was attached`)
  }

  protected throwIfClosed(): void {
    if (this.#closed) throw new TransportError('closed', `The transport "${this.peer}" has ended`)
  }

  #endLater(neighbour: LinkedNeighbour<L>, ms: number, why: LinkEnd): void {
    const { clock } = this.#options
    const end = () => neighbour.link.end(why, `for more than ${ms} ms`)
    neighbour.cancels.push(clock.at(clock.now() + ms, end))
  }
}

/** Whether a message may travel at all; both sides of a hop would refuse a larger one. */
export function checkMessageSize(topic: string, bytes: Uint8Array): void {
  if (bytes.length <= MESSAGE_BYTES_MAX) return
  throw new TransportError(
    'too-large',
    `Cannot publish ${bytes.length} bytes on "${topic}": the limit is ${MESSAGE_BYTES_MAX}`,
  )
}

function costOf(topic: string): number {
  return TOPIC_ENTRY_BYTES + WIRE_PREFIX_BYTES + topic.length
}
