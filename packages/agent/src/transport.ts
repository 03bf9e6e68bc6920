import type { Name } from '@ixj/names'

/** What a carrier is told to do with a message: pass it on, drop it, or drop it and blame its neighbour. */
export type Verdict = 'accept' | 'ignore' | 'reject'

/**
 * A neighbour as the transport proved it: a libp2p peer id in text form, a label in memory.
 * It says who carries bytes, never who said them.
 */
export type Peer = string

/** Failures of a transport, each with one remedy. */
export type TransportCode =
  /** The transport, or the connection to this peer, has ended. */
  | 'closed'
  /** The frame or message is larger than the limit. */
  | 'too-large'
  /** No connection to this peer exists. */
  | 'no-peer'
  /** The other side did not take the protocol or the connection. */
  | 'refused'
  /** One more topic would pass what a neighbour can track; see pitfall "topic budget" in docs. */
  | 'topic-budget'
  /** Neighbours exist, and none of them could be handed the message: their buffers are full. */
  | 'backpressure'

/** A transport failed; `code` says how. */
export class TransportError extends Error {
  override readonly name = 'TransportError'
  readonly code: TransportCode

  constructor(code: TransportCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/**
 * Whole frames, both ways, in order, between two neighbours.
 * A frame is 1 to {@link CHANNEL_FRAME_BYTES_MAX} bytes.
 */
export interface Channel {
  /**
   * Resolves when the frame is in the transport's bounded buffer; waits while that is full.
   * @throws TransportError `closed`, `too-large`
   */
  send(frame: Uint8Array): Promise<void>
  /**
   * The frames of the other side. Ends when either side closes. Read it once.
   * @throws TransportError `closed` when the connection broke, `too-large` when the other side
   * announced a frame over the limit (the channel is ended then)
   */
  frames(): AsyncIterable<Uint8Array>
  /** Ends both directions. Calling it twice is fine; it never rejects. */
  close(): Promise<void>
}

/** What a transport tells its one owner. No call may throw; a promise that rejects is a bug. */
export interface Receiver {
  /** A connection stands; nothing but channels works on it until {@link Transport.admit}. */
  connected(peer: Peer, initiator: boolean): void
  /** The last connection to this peer has ended. */
  disconnected(peer: Peer): void
  /** The other side opened a channel. */
  channel(peer: Peer, protocol: string, channel: Channel): void
  /** A message on a topic that was joined. The transport waits for the verdict (at most 5 s). */
  message(topic: string, bytes: Uint8Array, from: Peer): Promise<Verdict>
  /**
   * A neighbour began, or ceased, to be one that {@link Transport.publish} would reach.
   * `disconnected` ends all of a neighbour's subscriptions without a call for each.
   */
  subscriptionChanged(peer: Peer, topic: string, subscribed: boolean): void
  /** A neighbour asked for a topic without having shown a right; nothing of it is sent there. */
  subscriptionHeld(peer: Peer, topic: string): void
}

/** Who the other side of a connection is, as far as it has proved a key of its name's. */
export interface Proved {
  readonly name: Name
  readonly key: Uint8Array
}

/**
 * Carries bytes between neighbours: one contract for libp2p, for memory, later for a relay.
 * Topics are names; a transport adds its own prefix on the wire.
 * Two gates: nothing of gossip passes to or from a peer before `admit`, and a peer receives a
 * topic only after `allow`. A subscription that came too early is kept and honoured later.
 * Our own subscriptions are told to a peer only after `announce` or `allow`. Rights are kept for
 * a connection: they may be given before `admit`, and end when the last connection ends.
 */
export interface Transport extends AsyncDisposable {
  /** Who this side is to its neighbours. */
  readonly peer: Peer
  /** Whether all neighbours are relays, which carry what is open here; default: they are nodes. */
  readonly overRelays?: boolean
  /**
   * Whether a neighbour is a page, for which this node carries topics and passes bundles on. Absent:
   * there are none.
   */
  isPage?(peer: Peer): boolean
  /** Who pays for what a page takes: its address, which it may share. Absent: each page for itself. */
  payer?(peer: Peer): string
  /** Groups that this node carries for all pages together; default `CARRIED_GROUPS_MAX`. */
  readonly carriedGroupsMax?: number
  /** Who this side is to that neighbour, where that differs from {@link Transport.peer}. */
  peerFor?(peer: Peer): Peer
  /**
   * The name that the other side said, and the key that it proved, before hello, which has to prove
   * both. Undefined where the connection proved a key that is no name's.
   */
  proved?(peer: Peer): Proved | undefined
  /** Sets the owner. Called exactly once, before any connection is made. */
  attach(receiver: Receiver): void
  /**
   * Opens a channel to a connected peer, admitted or not.
   * @throws TransportError `no-peer`, `refused`, `closed`
   */
  openChannel(
    peer: Peer,
    protocol: string,
    options?: { readonly signal?: AbortSignal },
  ): Promise<Channel>
  /**
   * Lets gossip flow to and from this peer; ends with its connection. A connection that is not
   * admitted within {@link ADMISSION_MS_MAX} is closed; before that only the hello channel works.
   */
  admit(peer: Peer): void
  /** Ends every connection to this peer; it never rejects. */
  disconnect(peer: Peer): Promise<void>
  /**
   * Joins a topic: its messages reach the receiver from now on.
   * @throws TransportError `topic-budget`
   */
  subscribe(topic: string): Promise<void>
  /** Leaves a topic. */
  unsubscribe(topic: string): Promise<void>
  /** This peer has shown its right to receive the topic. Includes {@link Transport.announce}. */
  allow(peer: Peer, topic: string): void
  /**
   * This peer may be told that we are subscribed to the topic, now or later, so that it can send
   * there; it receives nothing of it. Without this, or `allow`, it never learns the topic's name.
   */
  announce(peer: Peer, topic: string): void
  /**
   * This peer's rights on the topic, to receive it and to know of it, have ended: it is told that
   * we left, if it had been told that we are there, and gets no further byte of the topic.
   * Its subscription is kept as one that came too early.
   */
  disallow(peer: Peer, topic: string): void
  /**
   * Whether much of what went before still waits for most of those whom {@link Transport.publish}
   * reaches: what is added would be lost to some. Absent: it never does.
   */
  isCrowded?(topic: string): boolean
  /** Neighbours that a publish on this topic would reach now: admitted, allowed, subscribed. */
  subscribers(topic: string): readonly Peer[]
  /**
   * Hands a message to the topic's neighbours; resolves to how many took it (0: there is none).
   * The same bytes again are handed over again; neighbours that saw them within
   * {@link SEEN_MS} drop them.
   * @throws TransportError `closed`, `too-large`, `backpressure`
   */
  publish(topic: string, bytes: Uint8Array): Promise<number>
}

/** A frame holds one bundle at its largest (design limit 65 KiB) and its length. */
export const CHANNEL_FRAME_BYTES_MAX = 66 * 1024

/** A message on a topic: header 4 KiB + messages 60 KiB + signature and tree 1 KiB + framing. */
export const MESSAGE_BYTES_MAX = 66 * 1024

/** The one protocol whose channels work before a peer is admitted: hello is what admits it. */
export const HELLO_PROTOCOL = '/ixj/hello/1'

/** A connection that nobody admitted ends after this: hello takes two round trips and a proof. */
export const ADMISSION_MS_MAX = 10_000

/** Gossip that arrives before admission is held this long; a slow proof takes 2 s, twice over. */
export const HELD_GOSSIP_MS_MAX = 5_000

/** Subscriptions without a right that are kept for a peer; the size of one RPC of them. */
export const HELD_SUBSCRIPTIONS_MAX = 128

/** A receiver answers within this, or its answer is "ignore": carriers cache a message no longer. */
export const VERDICT_MS_MAX = 5_000

/** A message seen again within this is dropped unread: longer than carriers cache it, for memory. */
export const SEEN_MS = 15_000

/** Messages of one neighbour that wait for their verdicts, in bytes: a slow receiver sheds. */
export const PENDING_VERDICT_BYTES_MAX = 4 * 1024 * 1024

/** Bytes that may wait for one neighbour; past that it takes no message (`backpressure`). */
export const OUTBOUND_BYTES_MAX = 4 * 1024 * 1024

/** What a neighbour charges for each topic, beside the length of its name on the wire. */
export const TOPIC_ENTRY_BYTES = 1024

/**
 * What all our topics may cost together. A gossipsub neighbour silently forgets topics past 1 MiB
 * for each peer, so we stop before: about 920 topics, 760 of the longest names.
 */
export const TOPIC_BUDGET_BYTES = 960 * 1024
