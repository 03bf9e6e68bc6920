import { yamux } from '@chainsafe/libp2p-yamux'
import { HELLO_PROTOCOL, type Peer } from '@ixj/agent'
import { type GossipSub, gossipsub, type GossipsubOpts } from '@libp2p/gossipsub'
import { RPC } from '@libp2p/gossipsub/message'
import { identify } from '@libp2p/identify'
import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { messageId } from '../src/mesh/wire-topic.ts'
import { bytesOf, type MeshBench, type Victim, type Watch, wire } from './mesh-bench.ts'

/** Control that says nothing. */
const none = { ihave: [], iwant: [], graft: [], prune: [], idontwant: [] }

/** The gossip protocol that our nodes speak. */
const MESHSUB = '/meshsub/1.2.0'

const base = {
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
}

/** Opens a node with gossipsub's defaults, but for the options given. */
export async function openPlain(watch: Watch, options: Partial<GossipsubOpts>): Promise<Plain> {
  const node = await createLibp2p({
    ...base,
    services: { identify: identify(), gossip: gossipsub(options) },
    connectionManager: { inboundConnectionThreshold: 100 },
  })
  return new Plain(node, watch)
}

/** Opens a node without gossipsub. */
export async function openRaw(watch: Watch): Promise<Raw> {
  // It wants to see what it is told, not to take part.
  const raw = new Raw(await createLibp2p({ ...base, connectionMonitor: { enabled: false } }), watch)
  await raw.listen()
  return raw
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

  /** What it holds against a peer, now. */
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

  /** Takes gossip and hello. */
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

  /** Connects to a node by its first address. */
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

/** Sends an RPC as it is. */
export function sendRpc(stream: Stream, rpc: Partial<RPC>): void {
  stream.send(frameOf(RPC.encode({ subscriptions: [], messages: [], ...rpc })))
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

/** Bytes after their length as an unsigned varint. */
export function frameOf(bytes: Uint8Array): Uint8Array {
  const prefix: number[] = []
  for (let rest = bytes.length; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) {
      prefix.push(rest)
      return Uint8Array.from([...prefix, ...bytes])
    }
    prefix.push((rest % 128) | 128)
  }
}

/** Calls for each frame that a stream brings. */
export function readFrames(stream: Stream, onFrame: (frame: Uint8Array) => void): void {
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

/** A victim that has joined a topic and admitted a raw peer, which may send by hand. */
export async function besiege(
  bench: MeshBench,
  topic: string,
): Promise<{ victim: Victim; raw: Raw; gossip: Stream }> {
  const [victim, raw] = [await bench.victim(), await bench.raw()]
  await victim.mesh.subscribe(topic)
  const connection = await raw.dial(victim.mesh.addresses)
  await bench.until(() => victim.told.connections.length === 1)
  victim.mesh.admit(raw.peer)
  return { victim, raw, gossip: await openGossip(connection) }
}

/** Waits until the victim has dealt with all that the raw peer sent. */
export async function roundTripTo(victim: Victim, raw: Raw): Promise<void> {
  const [connection] = raw.node
    .getConnections()
    .filter(({ remotePeer }) => remotePeer.toString() === victim.mesh.peer)
  if (connection === undefined) throw new Error('It is not connected')
  await roundTrip(connection)
}

/** A peer that the victim forwards messages of the topic to. */
export async function openMember(bench: MeshBench, victim: Victim, topic: string) {
  const raw = await bench.raw()
  const connection = await raw.dial(victim.mesh.addresses)
  await bench.until(() => victim.told.connections.some(({ peer }) => peer === raw.peer))
  victim.mesh.admit(raw.peer)
  victim.mesh.allow(raw.peer, topic)
  const gossip = await openGossip(connection)
  sendRpc(gossip, {
    subscriptions: [{ topic: wire(topic), subscribe: true }],
    control: { ...none, graft: [{ topicID: wire(topic) }] },
  })
  await bench.until(() => victim.mesh.subscribers(topic).includes(raw.peer))
  const says = (texts: readonly string[]): void => {
    const messageIDs = texts.map((text) => messageId(topic, bytesOf(text)))
    sendRpc(gossip, { control: { ...none, idontwant: [{ messageIDs }] } })
  }
  const brings = (text: string): void => sendRpc(gossip, messageOn(topic, text))
  const offers = (messageIDs: Uint8Array[]): void =>
    sendRpc(gossip, { control: { ...none, ihave: [{ topicID: wire(topic), messageIDs }] } })
  return { raw, says, brings, offers }
}
