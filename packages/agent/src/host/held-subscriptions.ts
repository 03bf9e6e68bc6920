import type { Clock } from '../clock.ts'
import { PROOF_WAIT_MS } from '../limits.ts'

/**
 * Subscriptions that wait for their right; the transport bounds them. A right often comes just after
 * the subscription; only one that stays without is told.
 */
export class HeldSubscriptions {
  readonly #clock: Clock
  readonly #held = new Set<() => void>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Runs `tell` when the time for its right is over. */
  add(tell: () => void): void {
    const cancel = this.#clock.at(this.#clock.now() + PROOF_WAIT_MS, () => {
      this.#held.delete(cancel)
      tell()
    })
    this.#held.add(cancel)
  }

  /** Tells of none any more. */
  close(): void {
    for (const cancel of this.#held) cancel()
    this.#held.clear()
  }
}
