import {
  ADMISSION_MS_MAX,
  type Channel,
  HELD_GOSSIP_MS_MAX,
  HELLO_PROTOCOL,
  type Peer,
  type Receiver,
  TOPIC_BUDGET_BYTES,
  TOPIC_ENTRY_BYTES,
  type Transport,
  TransportError,
} from '../transport.ts'
import { MemoryChannel } from './channel.ts'
import { checkMessageSize, type MemoryCounts, MemoryGossip } from './gossip.ts'
import type { MemoryConditions } from './link.ts'
import { type MemoryRpc, Neighbour, type NeighbourLink } from './neighbour.ts'

/** Channels between two neighbours that may be open at once, whoever opened them. */
export const MEMORY_CHANNELS_MAX = 64

/** What a topic's name is preceded by on the wire: it counts against the budget. */
const WIRE_PREFIX_BYTES = '/ixj/1/'.length

/** What a node needs of its network. */
export interface MemoryWorld {
  readonly conditions: MemoryConditions
  /** Connects two nodes by their labels. */
  connect(from: Peer, to: Peer): void
  /** This node has ended. */
  remove(node: MemoryNode): void
}

/** One node of a memory network. */
export class MemoryNode implements Transport {
  readonly peer: Peer
  readonly #world: MemoryWorld
  readonly #protocols: readonly string[]
  readonly #neighbours = new Map<Peer, Neighbour>()
  readonly #gossip: MemoryGossip
  #topicBytes = 0
  #receiver: Receiver | undefined
  #closed = false

  constructor(peer: Peer, world: MemoryWorld, protocols: readonly string[]) {
    this.peer = peer
    this.#world = world
    this.#protocols = protocols
    this.#gossip = new MemoryGossip({
      peer,
      conditions: world.conditions,
      neighbours: this.#neighbours,
      receiver: () => this.#owner(),
    })
  }

  /** What this node refused or threw away, by reason. */
  get counts(): Readonly<MemoryCounts> {
    return this.#gossip.counts
  }

  /** How many rejected messages this neighbour brought, over all its connections. */
  blame(peer: Peer): number {
    return this.#gossip.blame(peer)
  }

  /**
   * Connects to the node with this label; does nothing if a connection stands or is under way.
   * @throws TransportError `no-peer`, `closed`
   */
  connect(peer: Peer): void {
    this.#throwIfClosed()
    this.#world.connect(this.peer, peer)
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
    const { signal } = options
    signal?.throwIfAborted()
    this.#throwIfClosed()
    const neighbour = this.#neighbours.get(peer)
    if (neighbour === undefined) {
      throw new TransportError('no-peer', `Cannot open "${protocol}": "${peer}" is not connected`)
    }
    if (neighbour.channels.size >= MEMORY_CHANNELS_MAX) throw refusal(peer, protocol)
    const near = this.#newChannel(neighbour)
    const { promise, resolve, reject } = Promise.withResolvers<Channel>()
    const ended = (): void =>
      reject(new TransportError('closed', `Cannot open "${protocol}": "${peer}" has gone`))
    const aborted = (): void => {
      void near.close()
      reject(signal?.reason)
    }
    neighbour.onEnd.add(ended)
    signal?.addEventListener('abort', aborted, { once: true })
    neighbour.link.offer(protocol, near, (taken) => {
      if (taken) return resolve(near)
      near.finish({})
      reject(refusal(peer, protocol))
    })
    try {
      return await promise
    } finally {
      neighbour.onEnd.delete(ended)
      signal?.removeEventListener('abort', aborted)
    }
  }

  admit(peer: Peer): void {
    const neighbour = this.#neighbours.get(peer)
    if (neighbour === undefined || neighbour.admitted) return
    neighbour.admitted = true
    this.#gossip.admitted(neighbour)
  }

  async disconnect(peer: Peer): Promise<void> {
    this.#neighbours.get(peer)?.link.end()
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
    checkMessageSize(topic, bytes)
    return this.#gossip.publish(topic, bytes.slice())
  }

  /**
   * Sends a message to one neighbour whatever that has joined, as hostile nodes do; no honest node
   * has a use for it, so it is no part of `Transport`.
   * @throws TransportError `no-peer`, `too-large`, `backpressure`
   */
  push(peer: Peer, topic: string, bytes: Uint8Array): void {
    const neighbour = this.#neighbours.get(peer)
    if (neighbour === undefined) {
      throw new TransportError('no-peer', `Cannot push on "${topic}": "${peer}" is not connected`)
    }
    checkMessageSize(topic, bytes)
    if (this.#gossip.push(neighbour, topic, bytes.slice())) return
    throw new TransportError('backpressure', `Cannot push on "${topic}": no room for "${peer}"`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const neighbour of this.#neighbours.values()) {
      neighbour.link.end()
      this.left(neighbour)
    }
    this.#world.remove(this)
  }

  /** A connection stands, as the network tells it. */
  met(peer: Peer, link: NeighbourLink, initiator: boolean): Neighbour {
    const { clock } = this.#world.conditions
    const old = this.#neighbours.get(peer)
    // The news that the last connection ended is slower than a new connection.
    if (old !== undefined) this.left(old)
    const neighbour = new Neighbour(peer, link)
    this.#neighbours.set(peer, neighbour)
    const cancel = clock.at(clock.now() + ADMISSION_MS_MAX, () => {
      if (!neighbour.admitted) link.end()
    })
    neighbour.onEnd.add(cancel)
    this.#owner().connected(peer, initiator)
    return neighbour
  }

  /** A connection has ended, as the network tells it. */
  left(neighbour: Neighbour): void {
    if (this.#neighbours.get(neighbour.peer) !== neighbour) return
    this.#neighbours.delete(neighbour.peer)
    for (const end of neighbour.onEnd) end()
    const error = new TransportError('closed', `The connection to "${neighbour.peer}" has ended`)
    for (const channel of neighbour.channels) channel.finish({ error })
    if (!this.#closed) this.#owner().disconnected(neighbour.peer)
  }

  /** Gossip has arrived. Before admission it is held: the neighbour may be admitted any moment. */
  heard(neighbour: Neighbour, rpc: MemoryRpc, release: () => void): void {
    if (neighbour.admitted) {
      release()
      this.#gossip.receive(neighbour, rpc)
      return
    }
    if (neighbour.heldGossip.length === 0) {
      const { clock } = this.#world.conditions
      const cancel = clock.at(clock.now() + HELD_GOSSIP_MS_MAX, () => {
        if (!neighbour.admitted) neighbour.link.end()
      })
      neighbour.onEnd.add(cancel)
    }
    neighbour.heldGossip.push({ rpc, release })
  }

  /** A neighbour offers a channel; returns whether it was taken. */
  offered(neighbour: Neighbour, protocol: string, far: MemoryChannel): boolean {
    if (!this.#protocols.includes(protocol)) return false
    if (!neighbour.admitted && protocol !== HELLO_PROTOCOL) return false
    if (neighbour.channels.size >= MEMORY_CHANNELS_MAX) return false
    const near = this.#newChannel(neighbour)
    MemoryChannel.join(near, far)
    this.#owner().channel(neighbour.peer, protocol, near)
    return true
  }

  #newChannel(neighbour: Neighbour): MemoryChannel {
    const channel = new MemoryChannel(neighbour.link.out, () => neighbour.channels.delete(channel))
    neighbour.channels.add(channel)
    return channel
  }

  #owner(): Receiver {
    if (this.#receiver === undefined) {
      throw new Error(`"${this.peer}" was connected before a receiver was attached`)
    }
    return this.#receiver
  }

  #throwIfClosed(): void {
    if (this.#closed) throw new TransportError('closed', `The transport "${this.peer}" has ended`)
  }
}

function costOf(topic: string): number {
  return TOPIC_ENTRY_BYTES + WIRE_PREFIX_BYTES + topic.length
}

function refusal(peer: Peer, protocol: string): TransportError {
  return new TransportError('refused', `"${peer}" does not take a channel "${protocol}" now`)
}
