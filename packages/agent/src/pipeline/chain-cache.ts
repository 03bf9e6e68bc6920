import { CHAIN_CACHE_MAX } from '../limits.ts'

interface Entry {
  readonly value: unknown
  readonly until: number
}

/**
 * Results of chain checks, each kept until the earliest end of its links; anchors do not
 * change while a host is open. Only what passed is kept: a refusal may be cured by the next statement.
 */
export class ChainCache {
  readonly #entries = new Map<string, Entry>()

  /** The kept result, or that of `check`, kept until its `until`. What `check` throws is not kept. */
  through<T>(
    key: string,
    now: number,
    check: () => { readonly value: T; readonly until: number },
  ): T {
    const entry = this.#entries.get(key)
    if (entry !== undefined && entry.until >= now) {
      return entry.value as T
    }
    const { value, until } = check()
    this.keep(key, until, value)
    return value
  }

  /** Keeps a result, the oldest going for it when there are too many. */
  keep(key: string, until: number, value?: unknown): void {
    this.#entries.delete(key)
    this.#entries.set(key, { value, until })
    if (this.#entries.size > CHAIN_CACHE_MAX) {
      const oldest = this.#entries.keys().next()
      if (oldest.done !== true) this.#entries.delete(oldest.value)
    }
  }

  /** Whether a result stands for this key now. */
  has(key: string, now: number): boolean {
    const entry = this.#entries.get(key)
    return entry !== undefined && entry.until >= now
  }
}
