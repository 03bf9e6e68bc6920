import type { Clock, Peer } from '@ixj/agent'
import type { RPC } from '@libp2p/gossipsub/message'
import { contain } from './contain.ts'
import type { MeshCounts } from './counts.ts'
import type { GossipInternals } from './internals.ts'
import { OFFERED_IDS_MAX } from './limits.ts'

/** What asking needs of the mesh. */
export interface AskingHost {
  readonly clock: Clock
  readonly counts: MeshCounts
  /** How long is waited for what a neighbour offers, in ms. */
  readonly waitMs: number
}

/**
 * Asks neighbours for what they offer (IHAVE) and has not come here, and not at once: where much is
 * sent it is on its way, in the buffers between, and whoever asked for it would have it twice. What
 * has come by then is not asked for.
 */
export class Asking {
  readonly #host: AskingHost
  readonly #gossip: GossipInternals
  /** How many ids each neighbour offers that are waited for. */
  readonly #waiting = new Map<Peer, number>()
  readonly #cancels = new Set<() => void>()
  /** Whether gossipsub is to ask for what it is told of at this moment. */
  #isDue = false

  /** From now on gossipsub asks by this. */
  constructor(host: AskingHost, gossip: GossipInternals) {
    this.#host = host
    this.#gossip = gossip
    const ask = gossip.handleIHave.bind(gossip)
    gossip.handleIHave = (peer, offers) => {
      const unknown = this.#isDue ? offers : this.#unknown(offers)
      if (unknown.length === 0) return []
      // Past what is kept for one neighbour gossipsub's own limits hold.
      return this.#isDue || !this.#wait(peer, unknown) ? ask(peer, unknown) : []
    }
  }

  /** Asks for nothing more: this node is ending. */
  end(): void {
    for (const cancel of this.#cancels) cancel()
    this.#cancels.clear()
  }

  #unknown(offers: readonly RPC.ControlIHave[]): RPC.ControlIHave[] {
    const { seenCache } = this.#gossip
    return offers.flatMap((offer) => {
      const messageIDs = offer.messageIDs.filter(
        (id) => !seenCache.has(this.#gossip.msgIdToStrFn(id)),
      )
      return messageIDs.length === 0 ? [] : [{ ...offer, messageIDs }]
    })
  }

  #wait(peer: Peer, ihave: RPC.ControlIHave[]): boolean {
    const count = ihave.reduce((sum, { messageIDs }) => sum + messageIDs.length, 0)
    const waiting = this.#waiting.get(peer) ?? 0
    if (waiting + count > OFFERED_IDS_MAX) return false
    this.#waiting.set(peer, waiting + count)
    const { clock, counts } = this.#host
    const cancel = clock.at(clock.now() + this.#host.waitMs, () => {
      this.#cancels.delete(cancel)
      const rest = (this.#waiting.get(peer) ?? 0) - count
      if (rest > 0) this.#waiting.set(peer, rest)
      else this.#waiting.delete(peer)
      void contain(counts, () => this.#ask(peer, ihave))
    })
    this.#cancels.add(cancel)
    return true
  }

  /** Nothing is sent to a neighbour that has gone meanwhile. */
  async #ask(peer: Peer, ihave: RPC.ControlIHave[]): Promise<void> {
    const none = { iwant: [], graft: [], prune: [], idontwant: [] }
    this.#isDue = true
    // It asks before it waits for anything.
    const asked = this.#gossip.handleControlMessage(peer, { ...none, ihave })
    this.#isDue = false
    await asked
  }
}
