import { forgetOldest, type PublishedKey } from '@ixj/trust'
import { CHAIN_CACHE_MAX } from '../limits.ts'

/** What passed, and how long that counts. */
interface Passed<T> {
  readonly value: T
  readonly until: number
  /** Keys in DNS that it rests on. */
  readonly rests: readonly PublishedKey[]
}

/** What is kept, and since which state of trust. */
interface Entry extends Passed<unknown> {
  readonly generation: number
}

/**
 * Results of chain checks, each kept until the earliest end of its links, until DNS takes back a key
 * that it rests on, or until anchors or revocations change. Only what passed is kept: a refusal may be
 * cured by the next statement.
 */
export class ChainCache {
  readonly #isOutvoted: (key: PublishedKey) => boolean
  readonly #generation: () => number
  readonly #entries = new Map<string, Entry>()

  constructor(isOutvoted: (key: PublishedKey) => boolean, generation: () => number) {
    this.#isOutvoted = isOutvoted
    this.#generation = generation
  }

  /** The kept result, or that of `check`, kept until its `until`. What `check` throws is not kept. */
  through<T>(key: string, now: number, check: () => Passed<T>): T {
    const entry = this.#entries.get(key)
    const isCurrent = entry !== undefined && entry.generation === this.#generation()
    if (isCurrent && entry.until >= now && !entry.rests.some(this.#isOutvoted)) {
      return entry.value as T
    }
    const passed = check()
    this.#put(key, passed)
    return passed.value
  }

  /**
   * Keeps that something passed, the oldest going when there are too many. It says nothing of
   * trust, and outlives its changes.
   */
  keep(key: string, until: number): void {
    this.#put(key, { value: undefined, until, rests: [] })
  }

  /** Whether a result stands for this key now. */
  has(key: string, now: number): boolean {
    const entry = this.#entries.get(key)
    return entry !== undefined && entry.until >= now
  }

  /** Forgets what has ended. Looks at each. */
  sweep(now: number): void {
    for (const [key, { until }] of this.#entries) {
      if (until < now) this.#entries.delete(key)
    }
  }

  #put(key: string, passed: Passed<unknown>): void {
    this.#entries.delete(key)
    this.#entries.set(key, { ...passed, generation: this.#generation() })
    forgetOldest(this.#entries, CHAIN_CACHE_MAX)
  }
}
