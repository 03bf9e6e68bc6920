import type { Channel } from '../transport.ts'

/** A message on its way. */
export interface GossipMessage {
  readonly kind: 'message'
  readonly topic: string
  readonly bytes: Uint8Array
  /** Covers topic and bytes, so that neither can stand for another; made once. */
  id?: string
  /** As a link encodes it: once for all neighbours. */
  encoded?: Uint8Array
}

/** That the other side has joined, or left, a topic. */
export interface GossipWish {
  readonly kind: 'subscribe' | 'unsubscribe'
  readonly topic: string
}

/** What gossip between two neighbours consists of. */
export type GossipFrame = GossipMessage | GossipWish

/** Why gossip ends a link. */
export type LinkEnd = 'backlog' | 'blamed' | 'closed' | 'held' | 'not-admitted' | 'replaced'

/** A connection as one of its two sides sees it. */
export interface Link {
  /** Tells the other side what we have joined or left. */
  tell(wish: GossipWish): void
  /** Sends a message; false if too much waits already. */
  hand(message: GossipMessage): boolean
  /** @throws TransportError `refused`, `closed`; the signal's reason */
  openChannel(protocol: string, signal?: AbortSignal): Promise<Channel>
  /** Ends the connection for both sides; `detail` goes on with the sentence that says why. */
  end(why: LinkEnd, detail?: string): void
  /** The connection has ended: so has everything on it. */
  finish(): void
}
