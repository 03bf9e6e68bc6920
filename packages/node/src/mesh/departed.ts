import type { Clock } from '@ixj/agent'
import type { PeerId } from '@libp2p/interface'
import { contain } from './contain.ts'
import type { MeshCounts } from './counts.ts'
import { CONNECTIONS_MAX, DEPARTED_MS } from './limits.ts'

/** What forgetting needs of libp2p. */
export interface DepartedHost {
  readonly clock: Clock
  readonly counts: MeshCounts
  isConnected(peer: PeerId): boolean
  /** Deletes what the peer store holds of the peer. */
  forget(peer: PeerId): Promise<void>
}

/**
 * Peers whose last connection has ended: libp2p's peer store keeps an entry for each for ever, and
 * whoever connects with ever new keys would fill the memory. Nothing needs the entries: keepers
 * dial by address, and gossipsub looks up only peers that it would exchange, which is off.
 */
export class Departed {
  readonly #host: DepartedHost
  readonly #peers = new Map<string, PeerId>()
  #cancel: (() => void) | undefined
  #ended = false

  constructor(host: DepartedHost) {
    this.#host = host
  }

  /**
   * The peer's last connection has ended. It is forgotten {@link DEPARTED_MS} later, since libp2p
   * may still write about it; at once when more have gone than can be connected.
   */
  add(peer: PeerId): void {
    if (this.#ended) return
    this.#peers.set(peer.toString(), peer)
    if (this.#peers.size >= CONNECTIONS_MAX) this.#forgetAll()
    const { clock } = this.#host
    this.#cancel ??= clock.at(clock.now() + DEPARTED_MS, () => this.#forgetAll())
  }

  /** Forgets nobody any more: this node is ending. */
  end(): void {
    this.#ended = true
    this.#peers.clear()
    this.#cancel?.()
  }

  #forgetAll(): void {
    this.#cancel?.()
    this.#cancel = undefined
    const host = this.#host
    for (const peer of this.#peers.values()) {
      if (!host.isConnected(peer)) void contain(host.counts, () => host.forget(peer))
    }
    this.#peers.clear()
  }
}
