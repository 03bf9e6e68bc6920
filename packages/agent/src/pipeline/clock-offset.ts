import { SKEW_MS } from '@ixj/trust'

/** Arrivals older than this no longer speak for a sender's clock. */
const WINDOW_MS = 300_000
/** Two buckets a window: the older is dropped whole, so memory does not grow with traffic. */
const BUCKET_MS = WINDOW_MS / 2
/** Keys whose clocks are followed; beyond, the least recently heard is forgotten. */
const KEYS_MAX = 65_536

interface Estimate {
  bucket: number
  current: number
  previous: number
}

/**
 * How far each sender's clock stands behind ours: the smallest arrival − sentAt of 5 minutes,
 * within ± 60 s (docs/protocol.md, "Time"). The smallest, since delay only ever adds.
 */
export class ClockOffsets {
  readonly #estimates = new Map<string, Estimate>()

  /** The offset in ms that a message with this sentAt, arriving now, may be judged by. */
  offset(key: string, sentAt: number, now: number): number {
    const sample = now - sentAt
    const estimate = this.#estimates.get(key)
    const bucket = Math.floor(now / BUCKET_MS)
    let smallest = sample
    if (estimate !== undefined && bucket - estimate.bucket <= 1) {
      smallest = Math.min(smallest, estimate.current)
      if (bucket === estimate.bucket) smallest = Math.min(smallest, estimate.previous)
    }
    return Math.max(-SKEW_MS, Math.min(SKEW_MS, smallest))
  }

  /** Learns from a bundle whose signature held: junk must not move a clock. */
  learn(key: string, sentAt: number, now: number): void {
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
    if (this.#estimates.size > KEYS_MAX) {
      const oldest = this.#estimates.keys().next()
      if (oldest.done !== true) this.#estimates.delete(oldest.value)
    }
  }
}
