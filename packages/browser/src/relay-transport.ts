import { type Channel, type Clock, type Peer, type Receiver, type Transport } from '@ixj/agent'
import { cutOf, pagePeer, RELAY_SUBPROTOCOL, SocketTransport } from '@ixj/agent/relay'
import type { Name } from '@ixj/names'
import type { Random, Sha256, Signer, Verifier } from '@ixj/trust'
import { RelayConnection, type RelayState, type WebSocketClass } from './relay-connection.ts'

/** A relay that a page uses. */
export interface RelayAddress {
  /** Such as `wss://relay1.acme.example/ixj`. */
  readonly url: string
  /** The relay's name: whoever answers has to prove it. */
  readonly name: Name
}

/** How a page's transport is opened. */
export interface RelayTransportOptions {
  /** Two of them, so that the loss of one loses nothing. */
  readonly relays: readonly RelayAddress[]
  /** The page's own name, which its hello proves. */
  readonly name: Name
  readonly signer: Signer
  /** Where the page comes from, as `location.origin`; `none` where no origin is sent. */
  readonly origin: string
  readonly clock: Clock
  readonly random: Random
  readonly verifier: Verifier
  readonly hash: Sha256
  /** Default: {@link PAGE_PROTOCOLS_DEFAULT}. */
  readonly protocols?: readonly string[]
  /** Default: the platform's. */
  readonly WebSocket?: WebSocketClass
}

/** The protocols that relays may open channels of. */
export const PAGE_PROTOCOLS_DEFAULT: readonly string[] = [
  '/ixj/hello/1',
  '/ixj/proof/1',
  '/ixj/deliver/1',
  '/ixj/sync/1',
  '/ixj/state/1',
  '/ixj/combine/1',
]

/**
 * A page's transport: its neighbours are relays, reached by WebSocket and called again for ever. The
 * whole of a node runs on it, so a relay is believed no more than any neighbour.
 */
export class RelayTransport implements Transport {
  readonly peer: Peer
  readonly overRelays = true
  readonly #sockets: SocketTransport
  readonly #connections: readonly RelayConnection[]
  readonly #watchers = new Set<() => void>()

  /** Use {@link openRelayTransport}. */
  constructor(options: RelayTransportOptions) {
    const { clock, hash, protocols = PAGE_PROTOCOLS_DEFAULT, signer } = options
    this.peer = pagePeer(signer.publicKey)
    this.#sockets = new SocketTransport({ peer: this.peer, clock, hash, protocols })
    const WebSocket = options.WebSocket ?? globalThis.WebSocket
    this.#connections = options.relays.map(
      (relay) =>
        new RelayConnection(relay, {
          WebSocket,
          origin: options.origin,
          identity: options,
          subprotocol: RELAY_SUBPROTOCOL,
          join: (peer, port) => this.#sockets.join(peer, port, true),
          has: (peer) => this.#sockets.has(peer),
          changed: () => {
            for (const watcher of this.#watchers) watcher()
          },
        }),
    )
  }

  /** How it stands with each relay, in the order in which they were given. */
  get relays(): readonly RelayState[] {
    return this.#connections.map((connection) => connection.state)
  }

  /** What gossip refused or dropped, by reason. */
  get counts(): SocketTransport['counts'] {
    return this.#sockets.counts
  }

  /** Calls back whenever {@link relays} has changed; gives what ends that. */
  onChange(changed: () => void): () => void {
    this.#watchers.add(changed)
    return () => this.#watchers.delete(changed)
  }

  /** Calls relays that are not connected now, without waiting: the page is online again. */
  callNow(): void {
    for (const connection of this.#connections) connection.callNow()
  }

  /** Begins to call the relays. */
  attach(receiver: Receiver): void {
    this.#sockets.attach(receiver)
    for (const connection of this.#connections) connection.callNow()
  }

  openChannel(
    peer: Peer,
    protocol: string,
    options?: { readonly signal?: AbortSignal },
  ): Promise<Channel> {
    return this.#sockets.openChannel(peer, protocol, options)
  }

  admit(peer: Peer): void {
    this.#sockets.admit(peer)
    for (const connection of this.#connections) connection.admitted(peer)
  }

  disconnect(peer: Peer): Promise<void> {
    return this.#sockets.disconnect(peer)
  }

  subscribe(topic: string): Promise<void> {
    return this.#sockets.subscribe(topic)
  }

  unsubscribe(topic: string): Promise<void> {
    return this.#sockets.unsubscribe(topic)
  }

  allow(peer: Peer, topic: string): void {
    this.#sockets.allow(peer, topic)
  }

  announce(peer: Peer, topic: string): void {
    this.#sockets.announce(peer, topic)
  }

  disallow(peer: Peer, topic: string): void {
    this.#sockets.disallow(peer, topic)
  }

  subscribers(topic: string): readonly Peer[] {
    return this.#sockets.subscribers(topic)
  }

  publish(topic: string, bytes: Uint8Array): Promise<number> {
    return this.#sockets.publish(topic, bytes)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#connections) connection.close(cutOf('closed'))
    await this.#sockets[Symbol.asyncDispose]()
    this.#watchers.clear()
  }
}

/**
 * Opens a page's transport. It calls its relays when a receiver is attached, and again whenever one
 * is lost, after {@link RELAY_RETRY_MS} to {@link RELAY_RETRY_MS_MAX}, by chance within that.
 */
export function openRelayTransport(options: RelayTransportOptions): RelayTransport {
  return new RelayTransport(options)
}
