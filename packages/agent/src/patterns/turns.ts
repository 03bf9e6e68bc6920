interface Waiting {
  readonly priority: number
  readonly run: () => Promise<void>
  readonly done: () => void
}

/** Runs one after the other: of those that wait the highest priority first, else in their order. */
export class Turns {
  readonly #waiting: Waiting[] = []
  #running: Promise<void> | undefined

  /** Resolves when it was its turn and it has ended; `run` must not reject. */
  take(priority: number, run: () => Promise<void>): Promise<void> {
    return new Promise((done) => {
      const place = this.#waiting.findLastIndex((each) => each.priority >= priority)
      this.#waiting.splice(place + 1, 0, { priority, run, done })
      this.#running ??= this.#runAll()
    })
  }

  /** Resolves when nothing runs or waits. */
  async idle(): Promise<void> {
    await this.#running
  }

  async #runAll(): Promise<void> {
    // What is asked for in one go is put in order before any of it begins.
    await Promise.resolve()
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      await next.run()
      next.done()
    }
    this.#running = undefined
  }
}
