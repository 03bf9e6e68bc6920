import type { Clock, Peer } from '@ixj/agent'
import type { RPC } from '@libp2p/gossipsub/message'
import { contain } from './contain.ts'
import type { MeshCounts } from './counts.ts'
import { ANEW_MS, HAVE_IDS, HAVE_LATE_IDS, HAVE_LATE_MS, HAVE_MS } from './limits.ts'

/** What telling needs of the mesh and of gossipsub. */
export interface TellingHost {
  readonly clock: Clock
  readonly counts: MeshCounts
  /** Whether messages of the topic go to this peer. */
  isMember(wire: string, peer: Peer): boolean
  /** Those to whom messages of any topic go. */
  members(): Iterable<Peer>
  sendRpc(peer: Peer, rpc: RPC): unknown
}

/** A message that this node has. */
export interface HeldMessage {
  readonly id: Uint8Array
  readonly wire: string
}

/** Makes a call at a time to come; undefined while there is none to make. */
type Cancel = (() => void) | undefined

/**
 * Tells neighbours what this node has, many ids in one IDONTWANT: soon to those who bring copies,
 * since they do not know it; late to all others, since a word to each of them for each message costs
 * more than the message. What is large is told to all soon, for they wait for it.
 */
export class Telling {
  readonly #host: TellingHost
  /** What each neighbour has not been told, the oldest first. */
  readonly #untold = new Map<Peer, HeldMessage[]>()
  /** Those who brought what was here already, since they were told something. */
  readonly #copying = new Set<Peer>()
  /** Whether all are told with those. */
  #isForAll = false
  /** When all were told that nothing is to be taken for granted. */
  #anewAt = -Infinity
  #isEnded = false
  #cancelAnew: Cancel
  #cancelSoon: Cancel
  #cancelLate: Cancel

  constructor(host: TellingHost) {
    this.#host = host
  }

  /** This node has a message that these may bring, or wait for the word not to. */
  came(message: HeldMessage, peers: Iterable<Peer>): void {
    for (const peer of peers) {
      let untold = this.#untold.get(peer)
      if (untold === undefined) this.#untold.set(peer, (untold = []))
      untold.push(message)
      const isCopying = this.#copying.has(peer)
      if (untold.length >= (isCopying ? HAVE_IDS : HAVE_LATE_IDS)) this.#tell(peer)
      else if (isCopying) this.#tellSoon()
    }
    const { clock } = this.#host
    this.#cancelLate ??= clock.at(clock.now() + HAVE_LATE_MS, () => this.#tellAll())
  }

  /** A neighbour brought a message that was here already. */
  copied(peer: Peer): void {
    this.#copying.add(peer)
    if (this.#untold.has(peer)) this.#tellSoon()
  }

  /** All wait for the word that something is here. */
  hurry(): void {
    this.#isForAll = true
    this.#tellSoon()
  }

  /** What comes here may come from others than before: all are told to take nothing for granted. */
  anew(): void {
    if (this.#isEnded) return
    const host = this.#host
    const { clock } = host
    // One that comes and goes cannot have it said all the time.
    const at = Math.max(clock.now() + HAVE_MS, Math.min(this.#anewAt, clock.now()) + ANEW_MS)
    this.#cancelAnew ??= clock.at(at, () => {
      this.#cancelAnew = undefined
      this.#anewAt = clock.now()
      for (const peer of host.members()) this.#say(peer, [])
    })
  }

  /** A neighbour has gone. */
  gone(peer: Peer): void {
    this.#untold.delete(peer)
    this.#copying.delete(peer)
  }

  /** Tells nothing more: this node is ending. */
  end(): void {
    this.#isEnded = true
    this.#cancelSoon?.()
    this.#cancelLate?.()
    this.#cancelAnew?.()
    this.#untold.clear()
  }

  #tellSoon(): void {
    const { clock } = this.#host
    this.#cancelSoon ??= clock.at(clock.now() + HAVE_MS, () => {
      this.#cancelSoon = undefined
      if (this.#isForAll) this.#tellAll()
      else for (const peer of this.#copying) this.#tell(peer)
    })
  }

  #tellAll(): void {
    this.#cancelLate?.()
    this.#cancelLate = undefined
    this.#isForAll = false
    for (const peer of this.#untold.keys()) this.#tell(peer)
  }

  #tell(peer: Peer): void {
    const host = this.#host
    const untold = this.#untold.get(peer)
    if (untold === undefined) return
    this.#untold.delete(peer)
    this.#copying.delete(peer)
    const messageIDs = untold.filter(({ wire }) => host.isMember(wire, peer)).map(({ id }) => id)
    if (messageIDs.length > 0) this.#say(peer, messageIDs)
  }

  /** Without ids: nothing is to be taken for granted of this node. */
  #say(peer: Peer, messageIDs: Uint8Array[]): void {
    const host = this.#host
    void contain(host.counts, () => host.sendRpc(peer, haveRpc(messageIDs)))
  }
}

function haveRpc(messageIDs: Uint8Array[]): RPC {
  const none = { ihave: [], iwant: [], graft: [], prune: [] }
  return { subscriptions: [], messages: [], control: { ...none, idontwant: [{ messageIDs }] } }
}
