import type { Channel, Peer, Receiver, Verdict } from '@ixj/agent'
import type { GossipsubOpts } from '@libp2p/gossipsub'
import { ManualClock } from '../../agent/src/manual-clock.ts'
import { FORWARD_MS_MAX } from '../src/mesh/limits.ts'
import { type Mesh, type MeshOptions, openMesh } from '../src/mesh.ts'
import { openPlain, openRaw, type Plain, type Raw } from './mesh-attackers.ts'

/** The topic string on the wire. */
export function wire(topic: string): string {
  return `/ixj/1/${topic}`
}

/** UTF-8. */
export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** Wakes tests when something has happened. */
export class Watch {
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

  /** Gives nodes the time after which they pass on what they have accepted. */
  async passOn(): Promise<void> {
    await this.clock.advance(FORWARD_MS_MAX)
  }

  async victim(options: Partial<MeshOptions> = {}): Promise<Victim> {
    const told = new Told(this.#watch)
    const listen = ['/ip4/127.0.0.1/tcp/0']
    const mesh = await openMesh({ listen, clock: this.clock, random: () => 0.5, ...options })
    mesh.attach(told)
    return this.#keep({ mesh, told, [Symbol.asyncDispose]: () => mesh[Symbol.asyncDispose]() })
  }

  /** A mesh that nobody owns yet. */
  async unattached(): Promise<Mesh> {
    return this.#keep(await openMesh({ listen: ['/ip4/127.0.0.1/tcp/0'], clock: this.clock }))
  }

  /** A peer that does as it likes on the wire. */
  async raw(): Promise<Raw> {
    return this.#keep(await openRaw(this.#watch))
  }

  /** A node with gossipsub as it comes: what we would be without the cures. */
  async plain(options: Partial<GossipsubOpts> = {}): Promise<Plain> {
    return this.#keep(await openPlain(this.#watch, options))
  }

  #keep<T extends AsyncDisposable>(node: T): T {
    this.#opened.push(node)
    return node
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of this.#opened.toReversed()) await node[Symbol.asyncDispose]()
  }
}
