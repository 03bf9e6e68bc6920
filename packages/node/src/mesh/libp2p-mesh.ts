import {
  type Channel,
  type Clock,
  MESSAGE_BYTES_MAX,
  type Peer,
  type Receiver,
  TOPIC_BUDGET_BYTES,
  TOPIC_ENTRY_BYTES,
  TransportError,
} from '@ixj/agent'
import type { Connection, Libp2p } from '@libp2p/interface'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { contain } from './contain.ts'
import { emptyCounts, type MeshCounts } from './counts.ts'
import { Departed } from './departed.ts'
import { Doors } from './doors.ts'
import { guardReceiver } from './guarded-receiver.ts'
import { type Keeper, openKeeper } from './keeper.ts'
import { LearnedPeers } from './learned-peers.ts'
import type { Mesh, MeshOptions } from './mesh-port.ts'
import type { Neighbour } from './neighbour.ts'
import { Neighbours } from './neighbours.ts'
import { Pulse } from './pulse.ts'
import { Router } from './router.ts'
import { systemClock } from '../system-clock.ts'
import { formatWireTopic } from './wire-topic.ts'

/** The mesh over one libp2p node; `openMesh` makes it, starts it and hands it out. */
export class Libp2pMesh implements Mesh {
  readonly counts: MeshCounts = emptyCounts()
  readonly router: Router
  readonly #clock: Clock
  readonly #random: () => number
  readonly #keepers = new Set<Keeper>()
  readonly #learned: LearnedPeers | undefined
  #libp2p: Libp2p | undefined
  #neighbours: Neighbours | undefined
  #doors: Doors | undefined
  #departed: Departed | undefined
  #pulse: Pulse | undefined
  #receiver: Receiver | undefined
  #topicBytes = 0
  #closed = false
  #closing: Promise<void> | undefined

  constructor(options: MeshOptions) {
    this.#clock = options.clock ?? systemClock
    this.#random = options.random ?? Math.random
    const { learned } = options
    if (learned !== undefined) {
      this.#learned = new LearnedPeers({
        clock: this.#clock,
        counts: this.counts,
        store: learned,
        keep: (address) => this.keepDialing(address),
        addressOf: (peer) => this.#addressOf(peer),
      })
    }
    this.router = new Router({
      clock: this.#clock,
      counts: this.counts,
      get: (peer) => this.#neighbours?.get(peer),
      values: () => this.#neighbours?.values() ?? [],
      receiver: () => this.#owner(),
      onStream: (stream, connection) => this.#doors?.onGossip(stream, connection),
      broken: (neighbour, reason) => this.#neighbours?.cut(neighbour, reason),
    })
  }

  async start(libp2p: Libp2p, protocols: readonly string[]): Promise<void> {
    this.#libp2p = libp2p
    const { counts, router } = this
    const neighbours = new Neighbours(this.peer, this.#clock, counts, {
      joined: ({ peer, connection }) => {
        pulse.begin(connection)
        this.#owner().connected(peer, connection.direction === 'outbound')
      },
      left: (neighbour) => {
        router.disconnect(neighbour)
        if (!this.#closed) this.#owner().disconnected(neighbour.peer)
      },
    })
    const pulse = new Pulse({
      clock: this.#clock,
      counts,
      values: () => neighbours.values(),
      silent: (neighbour, reason) => neighbours.cut(neighbour, reason),
    })
    this.#pulse = pulse
    this.#neighbours = neighbours
    const departed = new Departed({
      clock: this.#clock,
      counts,
      isConnected: (peer) => libp2p.getConnections(peer).length > 0,
      forget: (peer) => libp2p.peerStore.delete(peer),
    })
    this.#departed = departed
    libp2p.addEventListener(
      'connection:open',
      ({ detail }) =>
        void contain(
          counts,
          () => this.#opened(detail, neighbours),
          (cause) => detail.abort(new Error('It could not be taken', { cause })),
        ),
    )
    libp2p.addEventListener(
      'connection:close',
      ({ detail }) => void contain(counts, () => neighbours.closed(detail)),
    )
    libp2p.addEventListener(
      'peer:disconnect',
      ({ detail }) => void contain(counts, () => departed.add(detail)),
    )
    const receiver = (): Receiver => this.#owner()
    this.#doors = new Doors({ clock: this.#clock, counts, neighbours, router, receiver })
    await this.#learned?.load()
    await libp2p.start()
    for (const protocol of protocols) await this.#doors.open(libp2p, protocol)
  }

  get peer(): Peer {
    return this.#node().peerId.toString()
  }

  get addresses(): readonly string[] {
    return this.#node()
      .getMultiaddrs()
      .map((address) => address.toString())
  }

  get attached(): boolean {
    return this.#receiver !== undefined && !this.#closed
  }

  attach(receiver: Receiver): void {
    if (this.#receiver !== undefined) throw new Error('This mesh already has its receiver')
    this.#receiver = guardReceiver(receiver, this.counts)
    this.#learned?.begin()
  }

  async dial(address: string, options: { readonly signal?: AbortSignal } = {}): Promise<Peer> {
    const { signal } = options
    signal?.throwIfAborted()
    this.#throwIfClosed()
    this.#owner()
    const target = parseAddress(address)
    try {
      const connection = await this.#node().dial(target, signal === undefined ? {} : { signal })
      const peer = connection.remotePeer.toString()
      if (this.#neighbours?.get(peer) !== undefined) return peer
    } catch (cause) {
      signal?.throwIfAborted()
      throw new TransportError('refused', `Cannot connect to ${address}`, { cause })
    }
    throw new TransportError('refused', `Cannot connect to ${address}: it hung up at once`)
  }

  keepDialing(address: string, options: { readonly learn?: boolean } = {}): Keeper {
    this.#throwIfClosed()
    this.#owner()
    parseAddress(address)
    const learned = options.learn === true ? this.#learned : undefined
    const by = {}
    const keeper = openKeeper(address, {
      clock: this.#clock,
      random: this.#random,
      dial: async (target, dialing) => {
        const peer = await this.dial(target, dialing)
        learned?.reached(by, peer)
        return peer
      },
      gone: (peer, signal) => this.#gone(peer, signal),
      failed: () => void this.counts.dialsFailed++,
    })
    this.#keepers.add(keeper)
    return {
      address,
      [Symbol.asyncDispose]: async () => {
        await keeper[Symbol.asyncDispose]()
        this.#keepers.delete(keeper)
        learned?.left(by)
      },
    }
  }

  waitingBytes(): number {
    const waiting = [...(this.#neighbours?.values() ?? [])].map(
      ({ gossipOut, channels }) =>
        (gossipOut?.writeBufferLength ?? 0) +
        [...channels].reduce((sum, channel) => sum + channel.waitingBytes, 0),
    )
    return Math.max(0, ...waiting)
  }

  score(peer: Peer): number {
    return this.router.score(peer)
  }

  async openChannel(
    peer: Peer,
    protocol: string,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<Channel> {
    options.signal?.throwIfAborted()
    this.#throwIfClosed()
    const neighbour = this.#neighbours?.get(peer)
    if (neighbour === undefined || this.#doors === undefined) {
      throw new TransportError('no-peer', `Cannot open "${protocol}": ${peer} is not connected`)
    }
    return this.#doors.openChannel(neighbour, protocol, options.signal)
  }

  admit(peer: Peer): void {
    const neighbour = this.#neighbours?.get(peer)
    if (neighbour === undefined) return
    this.#doors?.admit(neighbour)
    this.#learned?.admitted(peer)
  }

  async disconnect(peer: Peer): Promise<void> {
    const neighbour = this.#neighbours?.get(peer)
    if (neighbour !== undefined) await this.#neighbours?.end(neighbour, 'We disconnected it')
  }

  async subscribe(topic: string): Promise<void> {
    this.#throwIfClosed()
    if (this.router.topics.has(topic)) return
    const bytes = this.#topicBytes + costOf(topic)
    if (bytes > TOPIC_BUDGET_BYTES) {
      throw new TransportError(
        'topic-budget',
        `Cannot join "${topic}": ${this.router.topics.size} topics would cost ${bytes} bytes at ` +
          `each neighbour, the limit is ${TOPIC_BUDGET_BYTES}`,
      )
    }
    this.#topicBytes = bytes
    this.router.subscribe(topic)
  }

  async unsubscribe(topic: string): Promise<void> {
    this.#throwIfClosed()
    if (!this.router.topics.has(topic)) return
    this.#topicBytes -= costOf(topic)
    this.router.unsubscribe(topic)
  }

  allow(peer: Peer, topic: string): void {
    const neighbour = this.#neighbours?.get(peer)
    if (neighbour !== undefined) this.router.allow(neighbour, topic)
  }

  announce(peer: Peer, topic: string): void {
    const neighbour = this.#neighbours?.get(peer)
    if (neighbour !== undefined) this.router.announce(neighbour, topic)
  }

  disallow(peer: Peer, topic: string): void {
    const neighbour = this.#neighbours?.get(peer)
    if (neighbour !== undefined) this.router.disallow(neighbour, topic)
  }

  isCrowded(topic: string): boolean {
    return this.router.isCrowded(topic)
  }

  subscribers(topic: string): readonly Peer[] {
    return this.router.subscribers(topic)
  }

  async publish(topic: string, bytes: Uint8Array): Promise<number> {
    this.#throwIfClosed()
    if (bytes.length > MESSAGE_BYTES_MAX) {
      throw new TransportError(
        'too-large',
        `Cannot publish ${bytes.length} bytes on "${topic}": the limit is ${MESSAGE_BYTES_MAX}`,
      )
    }
    // gossipsub keeps the bytes for some seconds; the caller may use its buffer again.
    return this.router.publish(topic, bytes.slice())
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#closed = true
    const learned = this.#learned?.close()
    const keepers = [...this.#keepers].map((keeper) => keeper[Symbol.asyncDispose]())
    await this.#untilRead()
    this.#neighbours?.abandon('This node has ended')
    this.#departed?.end()
    this.#pulse?.end()
    this.router.end()
    await Promise.all([learned, ...keepers])
    await this.#libp2p?.stop()
  }

  /**
   * libp2p resets a connection that has not ended after 500 ms, and what its other side had not read
   * by then is lost: so this node's last words wait for the slow.
   */
  async #untilRead(): Promise<void> {
    const neighbours = [...(this.#neighbours?.values() ?? [])].filter(({ admitted }) => admitted)
    const read = ({ connection }: Neighbour) => this.#pulse?.read(connection)
    await Promise.all(neighbours.map((neighbour) => contain(this.counts, () => read(neighbour))))
  }

  /** A peer whose score is too low is not even heard: hello would cost more than it is worth. */
  #opened(connection: Connection, neighbours: Neighbours): void {
    if (!this.router.isGraylisted(connection.remotePeer.toString())) {
      neighbours.opened(connection)
      return
    }
    this.counts.graylisted++
    connection.abort(new Error('It was blamed for too many messages'))
  }

  async #gone(peer: Peer, signal: AbortSignal): Promise<boolean> {
    const neighbour = this.#neighbours?.get(peer)
    if (neighbour === undefined) return false
    const { promise, resolve } = Promise.withResolvers<void>()
    neighbour.onEnd.add(resolve)
    signal.addEventListener('abort', () => resolve(), { once: true })
    await promise
    return neighbour.admitted
  }

  /** Where an admitted peer was dialled, with its id. */
  #addressOf(peer: Peer): string | undefined {
    const neighbour = this.#neighbours?.get(peer)
    if (neighbour?.admitted !== true || neighbour.connection.direction !== 'outbound') return
    const address = neighbour.connection.remoteAddr.toString()
    return address.includes('/p2p/') ? address : `${address}/p2p/${peer}`
  }

  #node(): Libp2p {
    if (this.#libp2p === undefined) throw new Error('This mesh has not been started')
    return this.#libp2p
  }

  #owner(): Receiver {
    if (this.#receiver === undefined) throw new Error('Attach a receiver before any connection')
    return this.#receiver
  }

  #throwIfClosed(): void {
    if (this.#closed) throw new TransportError('closed', 'The mesh has ended')
  }
}

function costOf(topic: string): number {
  return TOPIC_ENTRY_BYTES + formatWireTopic(topic).length
}

function parseAddress(address: string): Multiaddr {
  try {
    return multiaddr(address)
  } catch (cause) {
    throw new TransportError('refused', `Cannot dial "${address}": it is no multiaddr`, { cause })
  }
}
