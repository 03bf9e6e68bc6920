import type { Clock, Peer } from '@ixj/agent'
import { HAVE_SAMPLES_MAX } from './limits.ts'
import { textOfId } from './wire-topic.ts'

/** One message in so many is timed: by its id, so that all nodes time the same ones. */
const SAMPLE = 8

/** A message that is timed. */
interface Timed {
  readonly cameAt: number
  /** Neighbours that have said that they have it: each is timed once. */
  readonly saidBy: Set<Peer>
}

/** How long is waited at the least, before anything was learned too, and at the most. */
interface DelayBounds {
  readonly leastMs: number
  readonly mostMs: number
}

/** How late one neighbour says it. */
interface Lateness {
  mean: number
  deviation: number
}

/**
 * How long after this node its neighbours say that they have a message: learned from what they say,
 * as TCP learns when to send again, and for each by itself. Half of them are waited for, so that a
 * few that say everything late, or the same again and again, hold up nobody.
 */
export class HaveDelay {
  readonly #clock: Clock
  /** Sampled messages, the oldest first. */
  readonly #timed = new Map<string, Timed>()
  readonly #lateness = new Map<Peer, Lateness>()
  readonly #bounds: DelayBounds
  #ms: number

  constructor(clock: Clock, bounds: DelayBounds) {
    this.#clock = clock
    this.#bounds = bounds
    this.#ms = bounds.leastMs
  }

  /** After so long most of those who have a message have said so, in ms. */
  get ms(): number {
    return this.#ms
  }

  /** A message came here. */
  came(id: Uint8Array): void {
    if (!isSampled(id)) return
    this.#timed.set(textOfId(id), { cameAt: this.#clock.now(), saidBy: new Set() })
    const oldest = this.#timed.keys().next()
    if (this.#timed.size > HAVE_SAMPLES_MAX && oldest.done !== true)
      this.#timed.delete(oldest.value)
  }

  /** A neighbour says that it has a message; earlier than we do, that tells nothing. */
  said(peer: Peer, id: Uint8Array): void {
    if (!isSampled(id)) return
    const timed = this.#timed.get(textOfId(id))
    if (timed === undefined || timed.saidBy.has(peer)) return
    timed.saidBy.add(peer)
    const passed = this.#clock.now() - timed.cameAt
    const ms = Math.min(this.#bounds.mostMs, Math.max(0, passed))
    const lateness = this.#lateness.get(peer) ?? { mean: 0, deviation: 0 }
    lateness.deviation += (Math.abs(ms - lateness.mean) - lateness.deviation) / 16
    lateness.mean += (ms - lateness.mean) / 16
    this.#lateness.set(peer, lateness)
    this.#look()
  }

  /** A neighbour has gone: it is waited for no longer. */
  gone(peer: Peer): void {
    if (this.#lateness.delete(peer)) this.#look()
  }

  #look(): void {
    const each = [...this.#lateness.values()].map(({ mean, deviation }) => mean + 4 * deviation)
    const sorted = each.toSorted((left, right) => left - right)
    // Of two the one that is prompt.
    const middle = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0
    const { leastMs, mostMs } = this.#bounds
    this.#ms = Math.min(mostMs, Math.max(leastMs, middle))
  }
}

function isSampled(id: Uint8Array): boolean {
  return (id[0] ?? 0) % SAMPLE === 0
}
