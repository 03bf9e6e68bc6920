import type { Identity, Peer, Receiver, Verdict } from '@ixj/agent'
import type { MemoryNode } from '@ixj/agent/memory'
import { nodeSha256 } from '@ixj/node'
import { concatBytes, decodeStatement, utf8Bytes } from '@ixj/trust'
import { grantsOf, provingStatements } from '../../packages/agent/src/host/identity.ts'
import { DELIVER_PROTOCOL } from '../../packages/agent/src/deliver/deliver.ts'
import { COMBINE_PROTOCOL } from '../../packages/agent/src/combine/originals.ts'
import { STATE_PROTOCOL } from '../../packages/agent/src/state/snapshots.ts'
import { decodeFrame, encodeFrame, type Frame } from '../../packages/agent/src/neighbours/frames.ts'
import {
  initiateHello,
  respondHello,
  type HelloContext,
} from '../../packages/agent/src/neighbours/hello.ts'
import { ZoneKeyBook } from '../../packages/agent/src/neighbours/zone-keys.ts'
import { PROOF_PROTOCOL } from '../../packages/agent/src/neighbours/greetings.ts'
import { HELLO_PROTOCOL, type Channel } from '../../packages/agent/src/transport.ts'
import { type MadeBundle, type MadeProof, proofOf } from './made-bundle.ts'
import {
  decodeSyncFrame,
  encodeSyncFrame,
  type SyncFrame,
} from '../../packages/agent/src/sync/frames.ts'
import { SYNC_PROTOCOL } from '../../packages/agent/src/sync/link.ts'
import { trustBooks } from './trust-books.ts'
import { name, ownAnchor, type World } from './world.ts'

interface Link {
  readonly session: Uint8Array
  readonly channel: Channel
}

/**
 * A node that a test drives by hand: it greets as every node does, and then says what the test
 * wants, true or not. It notes everything that reaches it.
 */
export class RawNode implements Receiver {
  readonly world: World
  readonly identity: Identity
  readonly transport: MemoryNode
  /** Messages that came on topics. */
  readonly heard: { readonly topic: string; readonly bytes: Uint8Array; readonly from: Peer }[] = []
  /** Frames that came on the exchange. */
  readonly frames: Frame[] = []
  /** Frames that came on sync. */
  readonly synced: SyncFrame[] = []
  /** Topics to which a neighbour said that it is subscribed. */
  readonly told = new Set<string>()
  /** Frames of hellos, as this side sent and got them. */
  readonly helloFrames = { sent: [] as Uint8Array[], got: [] as Uint8Array[] }
  /** Hellos that failed on this side. */
  readonly failures: unknown[] = []
  /** What it answers to messages. */
  verdict: Verdict = 'ignore'
  /** What its hellos bring of statuses. */
  statuses: readonly Uint8Array[] = []
  /** What it does with a direct stream; unless told otherwise it takes none. */
  direct = (channel: Channel): void => void channel.close()
  /** What it does when it is asked for registers; unless told otherwise it gives none. */
  askedForState = (channel: Channel): void => void channel.close()
  /** What it does when it is asked for originals; unless told otherwise it gives none. */
  askedForOriginals = (channel: Channel): void => void channel.close()
  /** Whether it says hello by itself. */
  greets = true
  readonly #links = new Map<Peer, Link>()
  readonly #syncs = new Map<Peer, Channel>()
  readonly #sessions = new Map<Peer, Uint8Array>()
  readonly #hello: HelloContext

  /** With `dnssec`, its hellos bring what that gives. */
  constructor(
    world: World,
    organisation: Identity,
    identity: Identity,
    label?: Peer,
    dnssec?: () => Uint8Array,
  ) {
    this.world = world
    this.identity = identity
    this.transport = world.network.open(label ?? identity.name)
    this.transport.attach(this)
    const statements = provingStatements(identity, [])
    this.#hello = {
      name: identity.name,
      signer: identity.signer,
      clock: world.clock,
      random: world.bytes,
      verifier: world.verifier,
      ...trustBooks([ownAnchor(organisation)], world),
      organisation: organisation.name,
      proof: () => ({
        bytes: proofOf(statements, dnssec?.()).bytes,
        envelopes: statements.map(({ envelope }) => envelope),
        statuses: this.statuses,
      }),
      zoneKeys: new ZoneKeyBook(undefined, world.clock, nodeSha256),
      hash: nodeSha256,
      measured: () => {},
      keep: async (envelope) => decodeStatement(envelope, nodeSha256),
    }
  }

  get peer(): Peer {
    return this.transport.peer
  }

  /** Connects and greets; time passes until both are through. */
  async meet(...peers: readonly Peer[]): Promise<this> {
    for (const peer of peers) this.transport.connect(peer)
    await this.world.pass(100)
    return this
  }

  /** Sends frames, or bytes that are none, on the exchange. */
  async say(peer: Peer, ...frames: readonly (Frame | Uint8Array)[]): Promise<void> {
    for (const frame of frames) {
      const bytes = frame instanceof Uint8Array ? frame : encodeFrame(frame)
      await this.#link(peer).channel.send(bytes)
    }
  }

  /** Tells a proof with all its statements. */
  async prove(peer: Peer, proof: MadeProof): Promise<void> {
    const envelopes = proof.statements.map(({ envelope }) => envelope)
    await this.say(peer, { kind: 'statements', envelopes }, { kind: 'proof', bytes: proof.bytes })
  }

  /** The mark of a topic on the connection to this neighbour. */
  mark(peer: Peer, topic: string): Uint8Array {
    const { session } = this.#link(peer)
    return nodeSha256(concatBytes(utf8Bytes('ixj/1/mark\0'), session, utf8Bytes(topic)))
  }

  /** Asks for an inbox, so that bundles can be published to it. */
  async reach(peer: Peer, topic: string): Promise<void> {
    this.transport.allow(peer, topic)
    await this.say(peer, { kind: 'want', mark: this.mark(peer, topic) })
    await this.world.pass(50)
  }

  /** Opens the inbox of the node's own name, and shows its right to it. */
  async openInbox(peer: Peer): Promise<void> {
    const topic = this.identity.name
    const proof = proofOf(provingStatements(this.identity, []))
    this.transport.allow(peer, topic)
    await this.transport.subscribe(topic)
    await this.prove(peer, proof)
    const rest = { agent: null, agentKey: null, subscribe: null, host: null, proof: proof.id }
    await this.say(peer, { kind: 'right', topic, of: 'inbox', carrier: topic, ...rest })
    await this.world.pass(50)
  }

  /** Joins a group under the node's own `subscribe` grant. */
  async join(peer: Peer, topic: string): Promise<void> {
    await this.showGroup(peer, topic)
    await this.world.pass(50)
  }

  /** Whether statements and rights can be told to this neighbour now. */
  hasExchange(peer: Peer): boolean {
    return this.#links.has(peer)
  }

  /** The same without waiting for anything. */
  async showGroup(peer: Peer, topic: string): Promise<void> {
    const grant = grantsOf(this.identity).find(({ statement }) =>
      statement.actions.includes('subscribe'),
    )
    const proof = proofOf(provingStatements(this.identity, grant === undefined ? [] : [grant]))
    await this.prove(peer, proof)
    await this.say(peer, {
      kind: 'right',
      topic: name(topic),
      of: 'group',
      carrier: name(topic),
      agent: this.identity.name,
      agentKey: this.identity.signer.publicKey,
      subscribe: grant?.id ?? null,
      host: null,
      proof: proof.id,
    })
    this.transport.allow(peer, topic)
    await this.transport.subscribe(topic)
  }

  /** Publishes a bundle with its proof told ahead; on its own topic unless told otherwise. */
  async give(peer: Peer, made: MadeBundle, on?: string): Promise<void> {
    await this.prove(peer, made.proof)
    await this.transport.publish(on ?? made.bundle.header.topic, made.bytes)
    await this.world.pass(20)
  }

  connected(peer: Peer, initiator: boolean): void {
    if (initiator && this.greets) void this.#greet(peer)
  }

  disconnected(peer: Peer): void {
    this.#links.delete(peer)
  }

  channel(peer: Peer, protocol: string, channel: Channel): void {
    if (protocol === DELIVER_PROTOCOL) this.direct(channel)
    else if (protocol === STATE_PROTOCOL) this.askedForState(channel)
    else if (protocol === COMBINE_PROTOCOL) this.askedForOriginals(channel)
    else if (protocol === SYNC_PROTOCOL) void this.#readSync(channel)
    else if (protocol !== HELLO_PROTOCOL) this.#attach(peer, channel)
    else if (this.greets) void this.#answer(peer, channel)
  }

  /** Sends frames of sync, or bytes that are none. */
  async sync(peer: Peer, ...frames: readonly (SyncFrame | Uint8Array)[]): Promise<void> {
    const channel = this.#syncs.get(peer) ?? (await this.transport.openChannel(peer, SYNC_PROTOCOL))
    this.#syncs.set(peer, channel)
    for (const frame of frames) {
      await channel.send(frame instanceof Uint8Array ? frame : encodeSyncFrame(frame))
    }
  }

  async message(topic: string, bytes: Uint8Array, from: Peer): Promise<Verdict> {
    this.heard.push({ topic, bytes, from })
    return this.verdict
  }

  subscriptionChanged(_peer: Peer, topic: string): void {
    this.told.add(topic)
  }

  subscriptionHeld(_peer: Peer, topic: string): void {
    this.told.add(topic)
  }

  async #greet(peer: Peer): Promise<void> {
    try {
      const opened = await this.transport.openChannel(peer, HELLO_PROTOCOL)
      const hello = this.#recorded(opened)
      const ends = { initiator: this.peer, responder: peer }
      const { session } = await initiateHello(hello, ends, this.#hello)
      await hello.close()
      this.transport.admit(peer)
      const channel = await this.transport.openChannel(peer, PROOF_PROTOCOL)
      this.#links.set(peer, { session, channel })
      void this.#read(channel)
    } catch (cause) {
      this.failures.push(cause)
    }
  }

  async #answer(peer: Peer, channel: Channel): Promise<void> {
    try {
      const ends = { initiator: peer, responder: this.peer }
      await respondHello(this.#recorded(channel), ends, this.#hello, ({ session }) => {
        this.#sessions.set(peer, session)
        this.transport.admit(peer)
      })
    } catch (cause) {
      this.failures.push(cause)
    }
  }

  #recorded(channel: Channel): Channel {
    const { sent, got } = this.helloFrames
    return {
      send: async (frame) => {
        sent.push(frame)
        await channel.send(frame)
      },
      frames: async function* () {
        for await (const frame of channel.frames()) {
          got.push(frame)
          yield frame
        }
      },
      close: () => channel.close(),
    }
  }

  #attach(peer: Peer, channel: Channel): void {
    const session = this.#sessions.get(peer)
    if (session === undefined) return
    this.#links.set(peer, { session, channel })
    void this.#read(channel)
  }

  async #readSync(channel: Channel): Promise<void> {
    try {
      for await (const bytes of channel.frames()) this.synced.push(decodeSyncFrame(bytes))
    } catch (cause) {
      this.failures.push(cause)
    }
  }

  async #read(channel: Channel): Promise<void> {
    try {
      for await (const bytes of channel.frames()) this.frames.push(decodeFrame(bytes))
    } catch (cause) {
      this.failures.push(cause)
    }
  }

  #link(peer: Peer): Link {
    const link = this.#links.get(peer)
    if (link === undefined) throw new Error(`${this.peer} has no exchange with ${peer}`)
    return link
  }
}
