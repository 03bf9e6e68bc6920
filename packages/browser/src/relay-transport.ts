import type { Clock, Peer, Receiver } from '@ixj/agent'
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
export class RelayTransport extends SocketTransport {
  readonly overRelays = true
  readonly #connections: readonly RelayConnection[]
  readonly #watchers = new Set<() => void>()

  /** Use {@link openRelayTransport}. */
  constructor(options: RelayTransportOptions) {
    const { clock, hash, protocols = PAGE_PROTOCOLS_DEFAULT, signer } = options
    super({ peer: pagePeer(signer.publicKey), clock, hash, protocols })
    const WebSocket = options.WebSocket ?? globalThis.WebSocket
    this.#connections = options.relays.map(
      (relay) =>
        new RelayConnection(relay, {
          WebSocket,
          origin: options.origin,
          identity: options,
          subprotocol: RELAY_SUBPROTOCOL,
          join: (login, port) => this.join(login, port, true),
          has: (peer) => this.has(peer),
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
  override attach(receiver: Receiver): void {
    super.attach(receiver)
    for (const connection of this.#connections) connection.callNow()
  }

  override admit(peer: Peer): void {
    super.admit(peer)
    for (const connection of this.#connections) connection.admitted(peer)
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#connections) connection.close(cutOf('closed'))
    await super[Symbol.asyncDispose]()
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
