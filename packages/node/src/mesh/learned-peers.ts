import { type Clock, type Peer, TransportError } from '@ixj/agent'
import { contain } from './contain.ts'
import type { MeshCounts } from './counts.ts'
import type { Keeper } from './keeper.ts'
import { LEARNED_MAX, LEARNED_MS_MAX } from './limits.ts'

/** A peer that was admitted, where it was dialled. */
export interface LearnedPeer {
  readonly peer: Peer
  /** A multiaddr that ends in the peer's id, so that nobody else will do. */
  readonly address: string
  /** When it was last admitted there, in ms since the Unix epoch. */
  readonly at: number
}

/** Where learned peers are kept between runs: at most {@link LEARNED_MAX}. */
export interface LearnedStore {
  load(): Promise<readonly LearnedPeer[]>
  save(peers: readonly LearnedPeer[]): Promise<void>
}

/** What remembering peers needs of the mesh. */
export interface LearnedHost {
  readonly clock: Clock
  readonly counts: MeshCounts
  readonly store: LearnedStore
  /** Dials for ever. @throws TransportError `refused` if it is no address */
  keep(address: string): Keeper
  /** Where the peer was dialled, if it was, and if it is admitted. */
  addressOf(peer: Peer): string | undefined
}

/**
 * Peers that were found while the node ran, kept over restarts: a node that comes back while the
 * servers that named them are out of reach still finds its neighbours. When there are too many, the
 * one that was reached the longest ago goes.
 */
export class LearnedPeers {
  readonly #host: LearnedHost
  /** The one that was reached the longest ago first. */
  readonly #peers = new Map<Peer, LearnedPeer>()
  /** Those of the last run, dialled until somebody here dials them himself. */
  readonly #redialled = new Map<Peer, Keeper>()
  /** Who wants a peer: keepers that have reached one. */
  readonly #wanted = new Map<object, Peer>()
  #saved: Promise<void> = Promise.resolve()
  #closed = false

  constructor(host: LearnedHost) {
    this.#host = host
  }

  /** Reads what the last run left. */
  async load(): Promise<void> {
    const oldest = this.#host.clock.now() - LEARNED_MS_MAX
    const found = (await this.#host.store.load()).filter(({ at }) => at >= oldest)
    for (const one of found.toSorted((a, b) => a.at - b.at).slice(-LEARNED_MAX)) {
      this.#peers.set(one.peer, one)
    }
  }

  /** Begins to dial what was read. */
  begin(): void {
    for (const { peer, address } of this.#peers.values()) {
      try {
        this.#redialled.set(peer, this.#host.keep(address))
      } catch (cause) {
        if (!(cause instanceof TransportError)) throw cause
        this.#host.counts.learnedUnkept++
        this.#peers.delete(peer)
      }
    }
  }

  /** A keeper has reached a peer that is to be remembered. */
  reached(by: object, peer: Peer): void {
    if (this.#closed) return
    this.#wanted.set(by, peer)
    this.#letGo(peer)
    this.admitted(peer)
  }

  /** The keeper has been disposed of: nobody wants the peer any more, unless another one does. */
  left(by: object): void {
    const peer = this.#wanted.get(by)
    this.#wanted.delete(by)
    if (this.#closed || peer === undefined || this.#isWanted(peer)) return
    if (this.#peers.delete(peer)) this.#save()
  }

  /** The peer has been admitted; it is remembered if somebody wants it, or wanted it before. */
  admitted(peer: Peer): void {
    if (this.#closed || !(this.#isWanted(peer) || this.#peers.has(peer))) return
    const address = this.#host.addressOf(peer)
    if (address === undefined) return
    this.#peers.delete(peer)
    this.#peers.set(peer, { peer, address, at: this.#host.clock.now() })
    for (const oldest of this.#peers.keys()) {
      if (this.#peers.size <= LEARNED_MAX) break
      this.#peers.delete(oldest)
      this.#letGo(oldest)
    }
    this.#save()
  }

  /** Changes nothing any more; resolves when all has been written. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#saved
  }

  #isWanted(peer: Peer): boolean {
    return [...this.#wanted.values()].includes(peer)
  }

  #letGo(peer: Peer): void {
    const keeper = this.#redialled.get(peer)
    this.#redialled.delete(peer)
    if (keeper !== undefined) {
      void contain(this.#host.counts, () => keeper[Symbol.asyncDispose]())
    }
  }

  #save(): void {
    const { store, counts } = this.#host
    const before = this.#saved
    this.#saved = (async () => {
      await before
      // The newest state, however many asked for it meanwhile.
      await store.save([...this.#peers.values()])
    })().catch(() => void counts.learnedUnkept++)
  }
}
