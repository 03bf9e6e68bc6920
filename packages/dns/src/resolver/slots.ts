import { onAbort } from './deadline.ts'

/** So many at the same time; the others wait, first come first served. */
export class Slots {
  readonly #waiting = new Set<() => void>()
  #free: number

  constructor(count: number) {
    this.#free = count
  }

  /** Does the work when its turn has come. @throws what the work does; the signal's reason */
  async run<Result>(signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
    signal.throwIfAborted()
    if (this.#free > 0) this.#free--
    else await this.#wait(signal)
    try {
      return await work()
    } finally {
      this.#release()
    }
  }

  /** A slot is handed on to the one who waits, so it is never free in between. */
  async #wait(signal: AbortSignal): Promise<void> {
    let detach = () => {}
    let turn = () => {}
    try {
      await new Promise<void>((resolve, reject) => {
        turn = resolve
        this.#waiting.add(turn)
        detach = onAbort(signal, () => {
          // At once: a slot handed to one that gave up would be lost.
          this.#waiting.delete(turn)
          reject(signal.reason as Error)
        })
      })
    } finally {
      detach()
    }
  }

  #release(): void {
    for (const turn of this.#waiting) {
      this.#waiting.delete(turn)
      return turn()
    }
    this.#free++
  }
}
