import {
  type Channel,
  type Peer,
  type Proved,
  type Receiver,
  type Transport,
  TransportError,
  type Verdict,
} from '@ixj/agent'
import { isPagePeer, type SocketTransport } from '@ixj/agent/relay'

/** Messages of one side that the other did not take, by why. */
export interface PassedCounts {
  /** Nobody there had room: repair brings them. */
  backpressure: number
  /** That side had ended. */
  closed: number
}

/**
 * A node's mesh and its door as one transport: pages are neighbours like any other. What is accepted
 * from one side goes on to the other.
 */
export class JoinedTransport implements Transport {
  readonly peer: Peer
  readonly #mesh: Transport
  readonly #door: SocketTransport
  /** What could not be passed on. */
  readonly counts: PassedCounts = { backpressure: 0, closed: 0 }

  constructor(mesh: Transport, door: SocketTransport) {
    this.peer = mesh.peer
    this.#mesh = mesh
    this.#door = door
  }

  isPage(peer: Peer): boolean {
    return isPagePeer(peer)
  }

  payer(peer: Peer): string {
    return isPagePeer(peer) ? this.#door.payer(peer) : peer
  }

  get carriedGroupsMax(): number {
    return this.#door.carriedGroupsMax
  }

  peerFor(peer: Peer): Peer {
    return this.#of(peer).peer
  }

  proved(peer: Peer): Proved | undefined {
    return this.#of(peer).proved?.(peer)
  }

  attach(receiver: Receiver): void {
    this.#mesh.attach(this.#passing(receiver, this.#door))
    this.#door.attach(this.#passing(receiver, this.#mesh))
  }

  openChannel(
    peer: Peer,
    protocol: string,
    options?: { readonly signal?: AbortSignal },
  ): Promise<Channel> {
    return this.#of(peer).openChannel(peer, protocol, options)
  }

  admit(peer: Peer): void {
    this.#of(peer).admit(peer)
  }

  disconnect(peer: Peer): Promise<void> {
    return this.#of(peer).disconnect(peer)
  }

  async subscribe(topic: string): Promise<void> {
    await this.#mesh.subscribe(topic)
    await this.#door.subscribe(topic)
  }

  async unsubscribe(topic: string): Promise<void> {
    await this.#door.unsubscribe(topic)
    await this.#mesh.unsubscribe(topic)
  }

  allow(peer: Peer, topic: string): void {
    this.#of(peer).allow(peer, topic)
  }

  announce(peer: Peer, topic: string): void {
    this.#of(peer).announce(peer, topic)
  }

  disallow(peer: Peer, topic: string): void {
    this.#of(peer).disallow(peer, topic)
  }

  /** Pages take little: those who take long are cut. */
  isCrowded(topic: string): boolean {
    return this.#mesh.isCrowded?.(topic) ?? false
  }

  subscribers(topic: string): readonly Peer[] {
    return [...this.#mesh.subscribers(topic), ...this.#door.subscribers(topic)]
  }

  async publish(topic: string, bytes: Uint8Array): Promise<number> {
    const sides = await Promise.allSettled([
      this.#mesh.publish(topic, bytes),
      this.#door.publish(topic, bytes),
    ])
    const taken = sides.reduce(
      (sum, side) => sum + (side.status === 'fulfilled' ? side.value : 0),
      0,
    )
    // One side's full buffers are no failure while the other has somebody who took it.
    if (taken > 0) return taken
    for (const side of sides) if (side.status === 'rejected') throw side.reason
    return 0
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#door[Symbol.asyncDispose]()
    await this.#mesh[Symbol.asyncDispose]()
  }

  #of(peer: Peer): Transport {
    return isPagePeer(peer) ? this.#door : this.#mesh
  }

  #passing(receiver: Receiver, other: Transport): Receiver {
    return {
      connected: (peer, initiator) => receiver.connected(peer, initiator),
      disconnected: (peer) => receiver.disconnected(peer),
      channel: (peer, protocol, channel) => receiver.channel(peer, protocol, channel),
      subscriptionChanged: (peer, topic, subscribed) =>
        receiver.subscriptionChanged(peer, topic, subscribed),
      subscriptionHeld: (peer, topic) => receiver.subscriptionHeld(peer, topic),
      message: async (topic, bytes, from): Promise<Verdict> => {
        const verdict = await receiver.message(topic, bytes, from)
        if (verdict === 'accept') void this.#pass(other, topic, bytes)
        return verdict
      },
    }
  }

  async #pass(other: Transport, topic: string, bytes: Uint8Array): Promise<void> {
    try {
      if (other.subscribers(topic).length > 0) await other.publish(topic, bytes)
    } catch (cause) {
      if (!(cause instanceof TransportError)) throw cause
      this.counts[cause.code === 'closed' ? 'closed' : 'backpressure'] += 1
    }
  }
}
