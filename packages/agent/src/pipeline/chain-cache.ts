import { CHAIN_CACHE_MAX } from '../limits.ts'

interface Entry {
  readonly value: unknown
  readonly until: number
  readonly generation: number
}

/**
 * Results of chain checks, each kept until the earliest end of its links or until a trust decision
 * changes (`generation`). Only what passed is kept: a refusal may be cured by the next statement.
 */
export class ChainCache {
  readonly #entries = new Map<string, Entry>()
  #generation = 0

  /** Every result so far is void: anchors, policy, status or revocations changed. */
  raise(): void {
    this.#generation += 1
    this.#entries.clear()
  }

  /** The kept result, or that of `check`, kept until its `until`. What `check` throws is not kept. */
  through<T>(
    key: string,
    now: number,
    check: () => { readonly value: T; readonly until: number },
  ): T {
    const entry = this.#entries.get(key)
    if (entry !== undefined && entry.until >= now && entry.generation === this.#generation) {
      return entry.value as T
    }
    const { value, until } = check()
    this.#entries.delete(key)
    this.#entries.set(key, { value, until, generation: this.#generation })
    if (this.#entries.size > CHAIN_CACHE_MAX) {
      const oldest = this.#entries.keys().next()
      if (oldest.done !== true) this.#entries.delete(oldest.value)
    }
    return value
  }

  /** Whether a result stands for this key now. */
  has(key: string, now: number): boolean {
    const entry = this.#entries.get(key)
    return entry !== undefined && entry.until >= now
  }
}
