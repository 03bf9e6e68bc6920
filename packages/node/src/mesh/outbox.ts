import type { Clock, Peer } from '@ixj/agent'
import { concatBytes } from '@ixj/trust'
import type { RPC } from '@libp2p/gossipsub/message'
import { Uint8ArrayList } from 'uint8arraylist'
import type { MeshCounts } from './counts.ts'
import type { GossipInternals } from './internals.ts'
import { CROWDED_BYTES, OUTBOUND_MESSAGES_BYTES_MAX, STALLED_MS_MAX } from './limits.ts'
import type { Neighbour } from './neighbour.ts'
import { frameOfMessage } from './message-frame.ts'
import { filterOutbound, splitRpc } from './outbound-rpc.ts'

/** Shorter messages cost less to copy than to send in pieces. */
const PIECES_BYTES_MIN = 4_096

/** What the outbox needs of the mesh. */
export interface OutboxHost {
  readonly clock: Clock
  readonly counts: MeshCounts
  /** The neighbour takes nothing any more. */
  broken(neighbour: Neighbour, reason: Error): void
}

/** The one way out for gossip: filtered by rights, split to what is taken, bounded in bytes. */
export class Outbox {
  readonly #host: OutboxHost
  readonly #gossip: GossipInternals
  /** gossipsub's own method, before it was replaced by this. */
  readonly #send: GossipInternals['sendRpc']
  /** Messages as they go to every neighbour: a stream takes a list's parts and leaves it whole. */
  readonly #frames = new WeakMap<RPC.Message, Uint8Array | Uint8ArrayList>()

  constructor(host: OutboxHost, gossip: GossipInternals) {
    this.#host = host
    this.#gossip = gossip
    this.#send = gossip.sendRpc.bind(gossip)
  }

  /** Returns whether all of it was taken that the neighbour may get. */
  send(neighbour: Neighbour, rpc: RPC): boolean {
    const all = takePending(this.#gossip, neighbour.peer, rpc)
    const parts = splitRpc(filterOutbound(all, neighbour.rights))
    // Whoever sends messages counts on them: having none that may be sent is no success.
    let sent = rpc.messages.length === 0 || parts.some(({ messages }) => messages.length > 0)
    for (const part of parts) {
      if (part.messages.length > 0 && !this.#hasRoom(neighbour)) sent = false
      else if (!this.#sendPart(neighbour, part)) sent = false
    }
    return sent
  }

  /** gossipsub would encode a message anew for each neighbour, and copy it each time. */
  #sendPart({ peer, gossipOut }: Neighbour, part: RPC): boolean {
    const [message] = part.messages
    if (message === undefined || gossipOut === undefined) return this.#send(peer, part)
    if (!this.#gossip.streamsOutbound.has(peer)) return false
    try {
      // libp2p has another version of lists, whose objects it tells by the same symbol.
      gossipOut.send(this.#framed(message) as Uint8Array)
      return true
    } catch {
      // As gossipsub does: a stream that has ended is told of by its own events.
      return false
    }
  }

  #framed(message: RPC.Message): Uint8Array | Uint8ArrayList {
    let frame = this.#frames.get(message)
    if (frame === undefined) {
      const pieces = frameOfMessage(message)
      const isLarge = (message.data?.length ?? 0) >= PIECES_BYTES_MIN
      frame = isLarge ? new Uint8ArrayList(...pieces) : concatBytes(...pieces)
      this.#frames.set(message, frame)
    }
    return frame
  }

  /**
   * Whether the neighbour takes one more message. The limit is ours, below the one at which libp2p
   * aborts the stream for good (pitfall 9): a neighbour that is only slow must be able to recover.
   */
  #hasRoom(neighbour: Neighbour): boolean {
    if (!isFull(neighbour)) {
      neighbour.endStall?.()
      return true
    }
    this.#host.counts.backpressure++
    if (neighbour.endStall === undefined) this.#watch(neighbour)
    return false
  }

  /** Cuts a neighbour that takes nothing: only its own reading makes room again. */
  #watch(neighbour: Neighbour): void {
    const { clock, counts } = this.#host
    const cancel = clock.at(clock.now() + STALLED_MS_MAX, () => {
      neighbour.endStall?.()
      if (!isFull(neighbour)) return
      counts.stalled++
      this.#host.broken(neighbour, new Error('It has taken nothing for too long'))
    })
    neighbour.endStall = () => {
      cancel()
      neighbour.onEnd.delete(cancel)
      neighbour.endStall = undefined
    }
    neighbour.onEnd.add(cancel)
  }
}

/** Whether so much waits for a neighbour that publishers wait where most are like it. */
export function isBehind({ gossipOut }: Neighbour): boolean {
  return (gossipOut?.writeBufferLength ?? 0) > CROWDED_BYTES
}

function isFull({ gossipOut }: Neighbour): boolean {
  return (gossipOut?.writeBufferLength ?? 0) > OUTBOUND_MESSAGES_BYTES_MAX
}

/**
 * The RPC together with what gossipsub would add to it while sending: taken out here, so that it
 * passes the filter as well.
 */
function takePending(gossip: GossipInternals, peer: Peer, rpc: RPC): RPC {
  const control = gossip.control.get(peer)
  const ihave = gossip.gossip.get(peer)
  if (control === undefined && ihave === undefined) return rpc
  gossip.control.delete(peer)
  gossip.gossip.delete(peer)
  const own = rpc.control
  return {
    subscriptions: rpc.subscriptions,
    messages: rpc.messages,
    control: {
      ihave: [...(own?.ihave ?? []), ...(ihave ?? [])],
      iwant: own?.iwant ?? [],
      graft: [...(own?.graft ?? []), ...(control?.graft ?? [])],
      prune: [...(own?.prune ?? []), ...(control?.prune ?? [])],
      idontwant: own?.idontwant ?? [],
    },
  }
}
