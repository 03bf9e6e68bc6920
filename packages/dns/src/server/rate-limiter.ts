import { isIPv4 } from 'node:net'
import { senderData } from './address-data.ts'
import { RATE_BUCKETS, RATE_BURST, RATE_PER_SECOND, RATE_SLIP } from './limits.ts'

/** What to do with an answer over UDP: send it, send it cut off so that TCP is tried, or nothing. */
export type Limited = 'send' | 'cut' | 'drop'

/** How many answers a network gets. */
export interface RateLimiterOptions {
  readonly perSecond?: number
  readonly burst?: number
  /** Makes it unforeseeable which networks share a counter; 4 bytes are taken. */
  readonly random: (length: number) => Uint8Array
}

/**
 * Holds back answers over UDP to networks that seem to ask too much: the address may be forged, and
 * the owner of it would get them all. Its size is fixed; networks are /24 and /56.
 */
export class RateLimiter {
  /** For each bucket, when its budget will be whole again, ms: the generic cell rate algorithm. */
  readonly #wholeAt = new Float64Array(RATE_BUCKETS)
  readonly #seed: number
  readonly #costMs: number
  readonly #burstMs: number
  #held = 0

  constructor(options: RateLimiterOptions) {
    const [first = 0, second = 0, third = 0, fourth = 0] = options.random(4)
    this.#seed = (first << 24) | (second << 16) | (third << 8) | fourth
    this.#costMs = 1_000 / (options.perSecond ?? RATE_PER_SECOND)
    this.#burstMs = (options.burst ?? RATE_BURST) * this.#costMs
  }

  /** Counts one answer to an address. */
  take(address: string, now: number): Limited {
    const bucket = this.#bucketOf(address)
    const wholeAt = Math.max(this.#wholeAt[bucket]!, now)
    // A clock that was set back must not lock anyone out for long.
    if (wholeAt - now > 2 * this.#burstMs) this.#wholeAt[bucket] = now
    else if (wholeAt - now + this.#costMs <= this.#burstMs) {
      this.#wholeAt[bucket] = wholeAt + this.#costMs
      return 'send'
    }
    this.#held++
    return this.#held % RATE_SLIP === 0 ? 'cut' : 'drop'
  }

  #bucketOf(address: string): number {
    const bytes = senderData(address)
    const length = isIPv4(address) ? 3 : 7
    let hash = this.#seed
    for (let index = 0; index < length; index++) {
      hash = Math.imul(hash ^ bytes[index]!, 0x5bd1e995)
      hash ^= hash >>> 15
    }
    return (hash >>> 0) % RATE_BUCKETS
  }
}
