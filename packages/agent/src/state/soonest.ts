import type { Clock } from '../clock.ts'

/** One appointment for many deadlines: the earliest; whoever is called looks at all again. */
export class Soonest {
  readonly #clock: Clock
  readonly #run: () => void
  #due = Infinity
  #cancel: (() => void) | undefined

  constructor(clock: Clock, run: () => void) {
    this.#clock = clock
    this.#run = run
  }

  /** Runs at this time at the latest. */
  by(time: number): void {
    if (time >= this.#due) return
    this.#cancel?.()
    this.#due = Math.ceil(time)
    this.#cancel = this.#clock.at(this.#due, () => {
      this.#cancel = undefined
      this.#due = Infinity
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
