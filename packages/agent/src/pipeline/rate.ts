/**
 * A budget that refills evenly: `perSecond` at most at once, and in each second.
 * Time is an argument; a clock that runs back refills nothing.
 */
export class Budget {
  readonly #perSecond: number
  #left: number
  #at: number

  constructor(perSecond: number, now: number) {
    this.#perSecond = perSecond
    this.#left = perSecond
    this.#at = now
  }

  /** Whether that many are there. */
  has(count: number, now: number): boolean {
    const elapsed = Math.max(0, now - this.#at)
    this.#left = Math.min(this.#perSecond, this.#left + (elapsed * this.#perSecond) / 1_000)
    this.#at = Math.max(this.#at, now)
    return this.#left >= count
  }

  /** Takes that many if they are there. */
  take(count: number, now: number): boolean {
    if (!this.has(count, now)) return false
    this.#left -= count
    return true
  }
}
