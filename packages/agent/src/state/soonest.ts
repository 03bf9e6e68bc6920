import type { Clock } from '../clock.ts'

/** Between two calls, at least: who looks at all of a table cannot be made to look without end. */
const GAP_MS = 20

/**
 * One appointment for many deadlines: the earliest; whoever is called looks at all again. It may be
 * called {@link GAP_MS} late.
 */
export class Soonest {
  readonly #clock: Clock
  readonly #run: () => void
  #due = Infinity
  #ranAt = -Infinity
  #cancel: (() => void) | undefined

  constructor(clock: Clock, run: () => void) {
    this.#clock = clock
    this.#run = run
  }

  /** Runs at this time, or so soon after as it may. */
  by(time: number): void {
    const due = Math.ceil(Math.max(time, this.#ranAt + GAP_MS))
    if (due >= this.#due) return
    this.#cancel?.()
    this.#due = due
    this.#cancel = this.#clock.at(this.#due, () => {
      this.#cancel = undefined
      this.#due = Infinity
      this.#ranAt = this.#clock.now()
      this.#run()
    })
  }

  /** Runs no more until it is asked again. */
  close(): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#due = Infinity
  }
}
