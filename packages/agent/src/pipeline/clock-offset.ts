import type { Name } from '@ixj/names'
import { forgetOldest, SKEW_MS } from '@ixj/trust'

/** Arrivals older than this no longer speak for a sender's clock. */
const WINDOW_MS = 300_000
/** Two buckets a window: the older is dropped whole, so memory does not grow with traffic. */
const BUCKET_MS = WINDOW_MS / 2
/** Keys whose clocks are followed; beyond, the least recently heard is forgotten. */
const KEYS_MAX = 65_536
/** Nodes whose round trips are remembered; beyond, the one measured longest ago is forgotten. */
const NODES_MAX = 4_096
/** A round trip older than this no longer speaks for a node's clock: clocks are set. */
const ROUND_TRIP_MS = 60_000
/** How far two clocks may drift apart in a second of that, in ms: 200 parts in a million. */
const DRIFT = 0.0002

/** How far another clock stands behind ours, in ms: at least `low`, at most `high`. */
export interface OffsetRange {
  readonly low: number
  readonly high: number
}

/** Another signed a time between two moments of ours. */
export interface RoundTrip {
  /** ms since the Unix epoch by our clock: what it answers was sent, and its answer came. */
  readonly from: number
  readonly to: number
  /** By its clock. */
  readonly signedAt: number
}

/** Whose clock it is. */
export interface ClockOwner {
  /** The key that signed, in hex. */
  readonly key: string
  /** The node that the signer is on, where that is known. */
  readonly node: Name | undefined
}

interface Estimate {
  bucket: number
  current: number
  previous: number
}

interface Measured extends OffsetRange {
  readonly at: number
}

/** Nothing is known of a clock but that its messages are not refused. */
const UNKNOWN: OffsetRange = { low: -SKEW_MS, high: SKEW_MS }

/**
 * How far other clocks stand behind ours (docs/protocol.md, "Time"): by the last round trip with
 * the sender's node, which bounds it on both sides; else by the smallest arrival − sentAt of 5
 * minutes, which only says how much it may be at most, since delay only ever adds. Always within
 * ± 60 s, so that whatever a sender says of its time moves its own messages by no more than that.
 */
export class ClockOffsets {
  readonly #own: Name
  readonly #estimates = new Map<string, Estimate>()
  readonly #roundTrips = new Map<Name, Measured>()

  constructor(own: Name) {
    this.#own = own
  }

  /** What is known now. */
  range({ key, node }: ClockOwner, now: number): OffsetRange {
    if (node === this.#own) return { low: 0, high: 0 }
    const measured = node === undefined ? undefined : this.#measured(node, now)
    if (measured !== undefined) return measured
    const smallest = this.#smallest(key, now)
    return smallest === undefined ? UNKNOWN : { low: -SKEW_MS, high: clamp(smallest) }
  }

  /** What is known when a message with this sentAt arrives now, and counts itself. */
  rangeAt(owner: ClockOwner, sentAt: number, now: number): OffsetRange {
    const { low, high } = this.range(owner, now)
    // It cannot have been sent after it came: a clock that was set back is behind by less.
    const most = clamp(Math.min(high, now - sentAt))
    return { low: Math.min(low, most), high: most }
  }

  /** Forgets the clocks of keys that were not heard for so long that nothing is known of them. */
  sweep(now: number): void {
    const bucket = Math.floor(now / BUCKET_MS)
    // The longest unheard stands first.
    for (const [key, estimate] of this.#estimates) {
      if (bucket - estimate.bucket <= 1) return
      this.#estimates.delete(key)
    }
  }

  /** The most that is known of a clock; 0 where nothing is, for it is no measure of its messages. */
  known(owner: ClockOwner, now: number): number {
    const { high } = this.range(owner, now)
    return this.#isKnown(owner, now) ? high : 0
  }

  /** Learns from a bundle whose signature held: junk must not move a clock. */
  learn({ key, node }: ClockOwner, sentAt: number, now: number): void {
    if (node === this.#own) return
    const sample = now - sentAt
    const bucket = Math.floor(now / BUCKET_MS)
    const estimate = this.#estimates.get(key)
    this.#estimates.delete(key)
    if (estimate === undefined || bucket - estimate.bucket > 1) {
      this.#estimates.set(key, { bucket, current: sample, previous: sample })
    } else if (bucket === estimate.bucket) {
      estimate.current = Math.min(estimate.current, sample)
      this.#estimates.set(key, estimate)
    } else {
      this.#estimates.set(key, { bucket, current: sample, previous: estimate.current })
    }
    forgetOldest(this.#estimates, KEYS_MAX)
  }

  /**
   * Learns from a round trip with a node that proved its name. The newest one counts: clocks are set,
   * and an older one says nothing of that. One that ends before it began says nothing.
   */
  measure(node: Name, trip: RoundTrip): void {
    const { from, to, signedAt } = trip
    if (from > to) return
    this.#roundTrips.delete(node)
    this.#roundTrips.set(node, { low: from - signedAt, high: to - signedAt, at: to })
    forgetOldest(this.#roundTrips, NODES_MAX)
  }

  #isKnown({ key, node }: ClockOwner, now: number): boolean {
    if (node === this.#own || this.#smallest(key, now) !== undefined) return true
    return node !== undefined && this.#measured(node, now) !== undefined
  }

  #measured(node: Name, now: number): OffsetRange | undefined {
    const trip = this.#roundTrips.get(node)
    if (trip === undefined) return undefined
    const elapsed = Math.abs(now - trip.at)
    if (elapsed > ROUND_TRIP_MS) return undefined
    const drift = Math.ceil(elapsed * DRIFT)
    return { low: clamp(trip.low - drift), high: clamp(trip.high + drift) }
  }

  #smallest(key: string, now: number): number | undefined {
    const estimate = this.#estimates.get(key)
    const bucket = Math.floor(now / BUCKET_MS)
    if (estimate === undefined || bucket - estimate.bucket > 1) return undefined
    return bucket === estimate.bucket
      ? Math.min(estimate.current, estimate.previous)
      : estimate.current
  }
}

function clamp(offset: number): number {
  return Math.max(-SKEW_MS, Math.min(SKEW_MS, offset))
}
