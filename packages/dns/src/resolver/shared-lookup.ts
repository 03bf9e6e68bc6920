import { onAbort } from './deadline.ts'

/** One piece of work that several wait for; it ends early when nobody does any more. */
export class SharedLookup<Result> {
  readonly #controller = new AbortController()
  readonly #result: Promise<Result>
  #waiting = 0

  constructor(work: (signal: AbortSignal) => Promise<Result>) {
    this.#result = work(this.#controller.signal)
    // Whoever waits has it too; with nobody left, nobody needs to know.
    this.#result.catch(() => undefined)
  }

  /** Nobody waits any more, so its result may be that it was ended. */
  get isAbandoned(): boolean {
    return this.#controller.signal.aborted
  }

  /** Resolves to the result. @throws the reason of `signal`, which leaves the others waiting */
  async wait(signal: AbortSignal | undefined): Promise<Result> {
    this.#waiting++
    let detach = () => {}
    try {
      if (signal === undefined) return await this.#result
      return await Promise.race([
        this.#result,
        new Promise<never>((_resolve, reject) => {
          detach = onAbort(signal, () => reject(signal.reason as Error))
        }),
      ])
    } finally {
      detach()
      if (--this.#waiting === 0) void this.end(new Error('Nobody waits for this lookup any more'))
    }
  }

  /** Ends the work; resolves when it has ended. */
  async end(reason: Error): Promise<void> {
    this.#controller.abort(reason)
    await this.#result.catch(() => undefined)
  }
}
