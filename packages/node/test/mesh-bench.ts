import { yamux } from '@chainsafe/libp2p-yamux'
import { type Channel, HELLO_PROTOCOL, type Peer, type Receiver, type Verdict } from '@ixj/agent'
import { type GossipSub, gossipsub, type GossipsubOpts } from '@libp2p/gossipsub'
import { RPC } from '@libp2p/gossipsub/message'
import { identify } from '@libp2p/identify'
import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { ManualClock } from '../../agent/src/manual-clock.ts'
import { type Mesh, type MeshOptions, openMesh } from '../src/mesh.ts'

/** The gossip protocol that our nodes speak. */
export const MESHSUB = '/meshsub/1.2.0'

/** An RPC with nothing in it. */
export const emptyRpc: RPC = { subscriptions: [], messages: [] }

/** The topic string on the wire. */
export function wire(topic: string): string {
  return `/ixj/1/${topic}`
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** Wakes tests when something has happened. */
class Watch {
  #next = Promise.withResolvers<void>()

  changed(): void {
    this.#next.resolve()
    this.#next = Promise.withResolvers()
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await this.#next.promise
  }
}

/** A mesh under attack, with what its receiver was told. Its hello channels echo. */
export interface Victim extends AsyncDisposable {
  readonly mesh: Mesh
  readonly told: Told
}

/** A receiver that writes down what it is told, and judges by `verdict`. */
export class Told implements Receiver {
  readonly #watch: Watch
  readonly connections: { readonly peer: Peer; readonly initiator: boolean }[] = []
  readonly disconnections: Peer[] = []
  readonly messages: { readonly topic: string; readonly text: string }[] = []
  readonly changes: string[] = []
  readonly held: string[] = []
  verdict: (text: string) => Verdict | Promise<Verdict> = () => 'accept'

  constructor(watch: Watch) {
    this.#watch = watch
  }

  connected(peer: Peer, initiator: boolean): void {
    this.connections.push({ peer, initiator })
    this.#watch.changed()
  }

  disconnected(peer: Peer): void {
    this.disconnections.push(peer)
    this.#watch.changed()
  }

  channel(_peer: Peer, _protocol: string, channel: Channel): void {
    void echo(channel)
  }

  message(topic: string, bytes: Uint8Array): Promise<Verdict> {
    const text = new TextDecoder().decode(bytes)
    this.messages.push({ topic, text })
    this.#watch.changed()
    // A receiver that throws at once must not harm the transport either.
    return Promise.resolve(this.verdict(text))
  }

  subscriptionChanged(peer: Peer, topic: string, subscribed: boolean): void {
    this.changes.push(`${subscribed ? '+' : '-'} ${topic} ${peer}`)
    this.#watch.changed()
  }

  subscriptionHeld(peer: Peer, topic: string): void {
    this.held.push(`${topic} ${peer}`)
    this.#watch.changed()
  }

  texts(): readonly string[] {
    return this.messages.map((message) => message.text)
  }
}

async function echo(channel: Channel): Promise<void> {
  try {
    for await (const frame of channel.frames()) await channel.send(frame)
  } catch (error) {
    // The attacker may break the connection in the middle; that is no fault of the victim.
    if (!(error instanceof Error) || error.name !== 'TransportError') throw error
  }
}

/** Nodes of one test; all are closed with it. */
export class MeshBench implements AsyncDisposable {
  readonly clock = new ManualClock({
    now: Date.now(),
    settle: () => new Promise((done) => setImmediate(done)),
  })
  readonly #watch = new Watch()
  readonly #opened: AsyncDisposable[] = []

  /** Resolves when the condition holds; looks whenever a node of the test was told something. */
  until(condition: () => boolean): Promise<void> {
    return this.#watch.until(condition)
  }

  async victim(options: Partial<MeshOptions> = {}): Promise<Victim> {
    const told = new Told(this.#watch)
    const listen = ['/ip4/127.0.0.1/tcp/0']
    const mesh = await openMesh({ listen, clock: this.clock, random: () => 0.5, ...options })
    mesh.attach(told)
    const victim = { mesh, told, [Symbol.asyncDispose]: () => mesh[Symbol.asyncDispose]() }
    this.#opened.push(victim)
    return victim
  }

  /** A peer that does as it likes on the wire. */
  async raw(options: { readonly privateKeySeed?: number } = {}): Promise<Raw> {
    const node = await createLibp2p({
      ...base,
      // It wants to see what it is told, not to take part.
      connectionMonitor: { enabled: false },
      ...options,
    })
    const raw = new Raw(node, this.#watch)
    await raw.listen()
    this.#opened.push(raw)
    return raw
  }

  /** A node with gossipsub as it comes: what we would be without the cures. */
  async plain(options: Partial<GossipsubOpts> = {}): Promise<Plain> {
    const node = await createLibp2p({
      ...base,
      services: { identify: identify(), gossip: gossipsub(options) },
      connectionManager: { inboundConnectionThreshold: 100 },
    })
    const plain = new Plain(node as Libp2p<{ gossip: GossipSub }>, this.#watch)
    this.#opened.push(plain)
    return plain
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of this.#opened.reverse()) await node[Symbol.asyncDispose]()
  }
}

const base = {
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
}

/** A libp2p node with gossipsub's defaults. */
export class Plain implements AsyncDisposable {
  readonly node: Libp2p<{ gossip: GossipSub }>
  readonly messages: { readonly topic: string; readonly text: string }[] = []

  constructor(node: Libp2p<{ gossip: GossipSub }>, watch: Watch) {
    this.node = node
    this.gossip.addEventListener('message', ({ detail }) => {
      this.messages.push({ topic: detail.topic, text: new TextDecoder().decode(detail.data) })
      watch.changed()
    })
    this.gossip.addEventListener('subscription-change', () => watch.changed())
  }

  get gossip(): GossipSub {
    return this.node.services.gossip
  }

  get peer(): Peer {
    return this.node.peerId.toString()
  }

  get addresses(): readonly string[] {
    return this.node.getMultiaddrs().map((address) => address.toString())
  }

  score(peer: Peer): number {
    const internals = this.gossip as unknown as {
      score: { scoreCache: Map<string, unknown> }
      getScore(peer: string): number
    }
    internals.score.scoreCache.clear()
    return internals.getScore(peer)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.node.stop()
  }
}

/** A libp2p node without gossipsub, that writes RPCs by hand and keeps those that it gets. */
export class Raw implements AsyncDisposable {
  readonly node: Libp2p
  readonly received: RPC[] = []
  /** Gossip streams that others opened to it. */
  readonly inbound: Stream[] = []
  readonly #watch: Watch
  /** Whether it reads what it gets. */
  reads = true

  constructor(node: Libp2p, watch: Watch) {
    this.node = node
    this.#watch = watch
    node.addEventListener('connection:open', () => watch.changed())
    node.addEventListener('connection:close', () => watch.changed())
  }

  get peer(): Peer {
    return this.node.peerId.toString()
  }

  get address(): string {
    const [address] = this.node.getMultiaddrs()
    if (address === undefined) throw new Error('It listens nowhere')
    return address.toString()
  }

  async listen(): Promise<void> {
    await this.node.handle(MESHSUB, (stream) => {
      this.inbound.push(stream)
      this.#watch.changed()
      if (!this.reads) stream.pause()
      readFrames(stream, (frame) => {
        this.received.push(RPC.decode(frame))
        this.#watch.changed()
      })
    })
    // Somebody must answer, or no connection of ours to it would have a channel.
    await this.node.handle(HELLO_PROTOCOL, (stream) => {
      stream.addEventListener('message', ({ data }) => void stream.send(data))
    })
  }

  async dial(addresses: readonly string[]): Promise<Connection> {
    const [address] = addresses
    if (address === undefined) throw new Error('The other side listens nowhere')
    return this.node.dial(multiaddr(address))
  }

  /** A second connection beside the first, as after a loss that only this side noticed. */
  async dialAgain(addresses: readonly string[]): Promise<Connection> {
    const [address] = addresses
    return this.node.dial(multiaddr(address ?? ''), { force: true })
  }

  /** Wakes the test: something has happened to this peer. */
  note(): void {
    this.#watch.changed()
  }

  /** Every topic that it was told of in any way. */
  topics(): ReadonlySet<string> {
    return new Set(
      this.received.flatMap(({ subscriptions, messages, control }) => [
        ...subscriptions.map(({ topic }) => topic ?? ''),
        ...messages.map(({ topic }) => topic),
        ...(control?.ihave ?? []).map(({ topicID }) => topicID ?? ''),
        ...(control?.graft ?? []).map(({ topicID }) => topicID ?? ''),
        ...(control?.prune ?? []).map(({ topicID }) => topicID ?? ''),
      ]),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.node.stop()
  }
}

/** Opens a gossip stream. */
export async function openGossip(connection: Connection): Promise<Stream> {
  return connection.newStream(MESHSUB)
}

export function sendRpc(stream: Stream, rpc: Partial<RPC>): void {
  stream.send(frameOf(RPC.encode({ ...emptyRpc, ...rpc })))
}

/** A message for gossip by hand. */
export function messageOn(topic: string, text: string): Partial<RPC> {
  return { messages: [{ topic: wire(topic), data: bytesOf(text) }] }
}

/** Whatever either side sent to the other before this has been dealt with after it. */
export async function roundTrip(connection: Connection): Promise<void> {
  const stream = await connection.newStream(HELLO_PROTOCOL)
  const { promise, resolve } = Promise.withResolvers<void>()
  readFrames(stream, () => resolve())
  stream.send(frameOf(bytesOf('ping')))
  await promise
  stream.abort(new Error('done'))
}

function frameOf(bytes: Uint8Array): Uint8Array {
  const prefix: number[] = []
  for (let rest = bytes.length; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) {
      prefix.push(rest)
      return Uint8Array.from([...prefix, ...bytes])
    }
    prefix.push((rest % 128) | 128)
  }
}

function readFrames(stream: Stream, onFrame: (frame: Uint8Array) => void): void {
  let unread = Buffer.alloc(0)
  stream.addEventListener('message', ({ data }) => {
    unread = Buffer.concat([unread, data.subarray()])
    for (;;) {
      const end = unread.findIndex((byte) => byte < 128)
      if (end < 0) return
      const length = unread
        .subarray(0, end + 1)
        .reduce((sum, byte, place) => sum + (byte & 127) * 128 ** place, 0)
      if (unread.length < end + 1 + length) return
      onFrame(unread.subarray(end + 1, end + 1 + length))
      unread = unread.subarray(end + 1 + length)
    }
  })
}
