/** Counts what happens, second by second, for the last so many seconds. */
export class RateMeter {
  readonly #counts: number[]
  #second = 0

  constructor(seconds: number) {
    this.#counts = Array.from({ length: seconds }, () => 0)
  }

  /** One more, at this time in ms. */
  add(now: number): void {
    this.#advance(now)
    this.#counts[this.#second % this.#counts.length]! += 1
  }

  /** The seconds that are over, the oldest first. */
  series(now: number): readonly number[] {
    this.#advance(now)
    const { length } = this.#counts
    return Array.from({ length: length - 1 }, (_, index) => {
      return this.#counts[(this.#second + 1 + index) % length]!
    })
  }

  /** How many a second, over the last five seconds. */
  perSecond(now: number): number {
    const last = this.series(now).slice(-5)
    return last.reduce((sum, count) => sum + count, 0) / last.length
  }

  #advance(now: number): void {
    const second = Math.floor(now / 1_000)
    const { length } = this.#counts
    const passed = this.#second === 0 ? length : second - this.#second
    for (let step = 0; step < Math.min(passed, length); step++) {
      this.#counts[(second - step) % length] = 0
    }
    if (passed > 0) this.#second = second
  }
}
