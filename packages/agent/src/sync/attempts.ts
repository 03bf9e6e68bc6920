import { forgetOldest } from '@ixj/trust'
import type { Clock } from '../clock.ts'
import { SYNC_LIST_MS, SYNC_LIST_MS_MAX, SYNC_LISTS_KEPT_MAX } from './limits.ts'

interface Attempt {
  readonly at: number
  readonly waitMs: number
}

/**
 * How often each bucket is listed for one neighbour. Two nodes may differ for good: one has forgotten
 * what the other keeps, or its policy refused it. So each list that brings nothing makes the next
 * wait twice as long.
 */
export class Attempts {
  readonly #clock: Clock
  readonly #attempts = new Map<string, Attempt>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Whether it is time for another list; it counts as made then. */
  take(what: string): boolean {
    const now = this.#clock.now()
    const before = this.#attempts.get(what)
    if (before !== undefined && now < before.at + before.waitMs) return false
    const waitMs = Math.min(SYNC_LIST_MS_MAX, 2 * (before?.waitMs ?? SYNC_LIST_MS / 2))
    this.#attempts.delete(what)
    this.#attempts.set(what, { at: now, waitMs })
    forgetOldest(this.#attempts, SYNC_LISTS_KEPT_MAX)
    return true
  }

  /** Something came of all that begins like this: the next lists need not wait. */
  worked(prefix: string): void {
    for (const what of this.#attempts.keys()) {
      if (what.startsWith(prefix)) this.#attempts.delete(what)
    }
  }
}
