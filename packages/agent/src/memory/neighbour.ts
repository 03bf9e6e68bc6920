import { HELD_SUBSCRIPTIONS_MAX, type Peer } from '../transport.ts'
import type { MemoryChannel } from './channel.ts'
import type { MemoryPipe } from './link.ts'

/** A message as it travels: `id` covers topic and bytes, so that neither can stand for another. */
export interface MemoryMessage {
  readonly id: string
  readonly topic: string
  readonly bytes: Uint8Array
}

/** What gossip between two nodes in memory consists of. */
export type MemoryRpc =
  | { readonly kind: 'subscribe' | 'unsubscribe'; readonly topic: string }
  | { readonly kind: 'message'; readonly message: MemoryMessage }

/** A connection as one of its two nodes sees it. */
export interface NeighbourLink {
  readonly out: MemoryPipe
  /** Puts gossip under way to the neighbour. */
  send(rpc: MemoryRpc): void
  /** Asks the neighbour, when the request arrives there, to take a channel. */
  offer(protocol: string, near: MemoryChannel, answer: (taken: boolean) => void): void
  /** Ends the connection for both. */
  end(): void
}

/** What one node keeps of one neighbour, from connection to disconnection. */
export class Neighbour {
  readonly peer: Peer
  readonly link: NeighbourLink
  admitted = false
  /** Called when the connection ends: timers to cancel, openings to fail. */
  readonly onEnd = new Set<() => void>()
  /** Gossip that came before admission, with what frees its room at the sender. */
  readonly heldGossip: { readonly rpc: MemoryRpc; readonly release: () => void }[] = []
  readonly channels = new Set<MemoryChannel>()
  /** Topics that this peer may receive. */
  readonly allowed = new Set<string>()
  /** Topics that this peer may know us to be subscribed to. */
  readonly announced = new Set<string>()
  /** Topics that it was told we are subscribed to. */
  readonly told = new Set<string>()
  /** Topics that it subscribed to, with a right. */
  readonly subscribed = new Set<string>()
  /** Topics that it subscribed to, without a right so far. */
  readonly heldSubscriptions = new Set<string>()
  /** Bytes that wait for a verdict. */
  pendingBytes = 0

  constructor(peer: Peer, link: NeighbourLink) {
    this.peer = peer
    this.link = link
  }

  /** Whether one more subscription without a right can be kept. */
  get canHold(): boolean {
    return this.heldSubscriptions.size < HELD_SUBSCRIPTIONS_MAX
  }
}
