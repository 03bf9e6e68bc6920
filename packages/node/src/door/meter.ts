/**
 * What came in a second: it may go over once, and has to be made good before more is read. A clock
 * that runs back makes nothing good.
 */
export class Meter {
  readonly #perSecond: number
  #left: number
  #at: number

  constructor(perSecond: number, now: number) {
    this.#perSecond = perSecond
    this.#left = perSecond
    this.#at = now
  }

  /** Whether more came than may. */
  get isOver(): boolean {
    return this.#left < 0
  }

  take(count: number, now: number): void {
    const elapsed = Math.max(0, now - this.#at)
    this.#left = Math.min(this.#perSecond, this.#left + (elapsed * this.#perSecond) / 1_000) - count
    this.#at = Math.max(this.#at, now)
  }
}
