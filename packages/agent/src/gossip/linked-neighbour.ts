import { HELD_SUBSCRIPTIONS_MAX, type Peer } from '../transport.ts'
import type { GossipFrame, Link } from './link.ts'

/** How a topic stands with a neighbour; each is a bit, since a relay has thousands of neighbours. */
const STANDS = {
  /** The neighbour may receive it. */
  allowed: 1,
  /** It may know that we are subscribed to it. */
  announced: 2,
  /** It was told that we are. */
  told: 4,
  /** It has subscribed, with a right. */
  subscribed: 8,
  /** It has subscribed, without a right so far. */
  held: 16,
} as const

/** How a topic stands with a neighbour. */
export type TopicStand = keyof typeof STANDS

/** Gossip that came before admission. */
export interface HeldGossip {
  readonly frame: GossipFrame
  readonly bytes: number
  /** Called when it waits no longer. */
  readonly release: (() => void) | undefined
}

/** What one side keeps of a neighbour, from connection to disconnection. */
export class LinkedNeighbour<L extends Link = Link> {
  readonly peer: Peer
  readonly link: L
  admitted = false
  /** Gossip that came before admission. */
  held: HeldGossip[] = []
  heldBytes = 0
  /** Bytes that wait for a verdict. */
  pendingBytes = 0
  /** Messages that it brought over this connection and that were rejected. */
  rejected = 0
  /** Cancels the end of its time before admission, and of what is held. */
  readonly cancels: (() => void)[] = []
  readonly #topics = new Map<string, number>()
  #heldCount = 0

  constructor(peer: Peer, link: L) {
    this.peer = peer
    this.link = link
  }

  /** Whether one more subscription without a right can be kept. */
  get canHold(): boolean {
    return this.#heldCount < HELD_SUBSCRIPTIONS_MAX
  }

  is(stand: TopicStand, topic: string): boolean {
    return ((this.#topics.get(topic) ?? 0) & STANDS[stand]) !== 0
  }

  /** Topics that stand so. */
  topics(stand: TopicStand): readonly string[] {
    return [...this.#topics.keys()].filter((topic) => this.is(stand, topic))
  }

  set(stand: TopicStand, topic: string): void {
    if (this.is(stand, topic)) return
    if (stand === 'held') this.#heldCount += 1
    this.#topics.set(topic, (this.#topics.get(topic) ?? 0) | STANDS[stand])
  }

  /** Whether it stood so before. */
  unset(stand: TopicStand, topic: string): boolean {
    if (!this.is(stand, topic)) return false
    if (stand === 'held') this.#heldCount -= 1
    const left = (this.#topics.get(topic) ?? 0) & ~STANDS[stand]
    if (left === 0) this.#topics.delete(topic)
    else this.#topics.set(topic, left)
    return true
  }

  /** Nothing waits for admission any more. */
  stopWaiting(): void {
    for (const cancel of this.cancels.splice(0)) cancel()
  }
}
