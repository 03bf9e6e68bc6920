import type { Clock } from '../clock.ts'

/** So long is worked before timers run: who sets a register 50 times a second has 20 ms. */
export const SLICE_MS = 4
/** What has waited so long is done before anything else: where there is too much, all of it is late alike. */
export const SLICE_WAIT_MS = 20

/** One piece of work. */
export interface Piece<Result> {
  /** It has to wait: takes a place for it; the function gives it back. */
  enter(): () => void
  work(): Promise<Result>
}

/**
 * Gives what comes in its turn piece by piece: after {@link SLICE_MS} of work, the next piece begins
 * when whatever else is due in the program has run. Else a pile of messages holds up every timer, and
 * what an application does by its own clock comes late, though there is time for all of it. Where there
 * is none, what came in goes first: what waits would only grow old.
 */
export class Slices {
  readonly #clock: Clock
  readonly #waiting: { readonly since: number; readonly go: () => void }[] = []
  /** When the slice under way began; undefined between two. */
  #since: number | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Does a piece when its turn has come, in the order in which they came. @throws what the piece throws */
  async take<Result>(piece: Piece<Result>): Promise<Result> {
    if (this.#waiting.length > 0 || this.#isSpent()) {
      const leave = piece.enter()
      const since = this.#clock.now()
      await new Promise<void>((go) => this.#waiting.push({ since, go }))
      leave()
    }
    this.#begin()
    try {
      return await piece.work()
    } finally {
      if (!this.#isSpent()) this.#waiting.shift()?.go()
    }
  }

  #isSpent(): boolean {
    const now = this.#clock.now()
    if (this.#since === undefined || now - this.#since < SLICE_MS) return false
    const [oldest] = this.#waiting
    return oldest === undefined || now - oldest.since < SLICE_WAIT_MS
  }

  /** A slice ends when the program comes to its timers; one of those that wait begins the next. */
  #begin(): void {
    if (this.#since !== undefined) return
    this.#since = this.#clock.now()
    this.#clock.at(this.#since, () => {
      this.#since = undefined
      const next = this.#waiting.shift()
      if (next === undefined) return
      this.#begin()
      next.go()
    })
  }
}
