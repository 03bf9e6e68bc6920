import { HELD_SUBSCRIPTIONS_MAX, type Peer } from '../transport.ts'
import type { GossipFrame, SocketLink } from './socket-link.ts'

/** What one side keeps of a neighbour on a socket, from login to its end. */
export class SocketNeighbour {
  readonly peer: Peer
  readonly link: SocketLink
  admitted = false
  /** Timers to cancel when the socket ends. */
  readonly onEnd = new Set<() => void>()
  /** Gossip that came before admission. */
  readonly heldGossip: { readonly frame: GossipFrame; readonly bytes: number }[] = []
  heldBytes = 0
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
  /** Messages that it brought and that were rejected. */
  rejected = 0

  constructor(peer: Peer, link: SocketLink) {
    this.peer = peer
    this.link = link
  }

  /** Whether one more subscription without a right can be kept. */
  get canHold(): boolean {
    return this.heldSubscriptions.size < HELD_SUBSCRIPTIONS_MAX
  }
}
