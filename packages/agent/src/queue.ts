import { AgentError } from './agent-error.ts'

/** Places of items that have gone, before the others are moved up. */
const SPENT_MAX = 64

/**
 * A bounded line between one producer and one reader. When it is full the oldest item is dropped
 * and counted: a slow reader harms itself alone and can read in `lost` how much it missed.
 */
export class Queue<T> implements AsyncIterable<T>, AsyncDisposable {
  #max: number
  #items: T[] = []
  /** Where the oldest item stands: moving all that wait for each that goes would cost with them. */
  #first = 0
  #isHeld = false
  #waiting: ((result: IteratorResult<T, undefined>) => void) | undefined
  #closed = false
  #lost = 0
  #onClose: (() => void) | undefined
  readonly #onLost: ((item: T) => void) | undefined

  /** `onLost` is told of each item that had to go for a newer one. */
  constructor(
    max: number,
    options: {
      readonly signal?: AbortSignal
      readonly onClose?: () => void
      readonly onLost?: (item: T) => void
    } = {},
  ) {
    if (!Number.isSafeInteger(max) || max < 1) {
      throw new AgentError('argument', `Cannot make a queue of ${max} items: the least is 1`)
    }
    this.#max = max
    this.#onClose = options.onClose
    this.#onLost = options.onLost
    if (options.signal?.aborted === true) this.close()
    else options.signal?.addEventListener('abort', () => this.close(), { once: true })
  }

  /** Items dropped because the reader was too slow. */
  get lost(): number {
    return this.#lost
  }

  /** Items that wait. */
  get size(): number {
    return this.#items.length - this.#first
  }

  /** Adds an item; false when an older one had to go for it, or the queue is closed. */
  push(item: T): boolean {
    if (this.#closed) return false
    if (this.#waiting !== undefined && !this.#isHeld) {
      this.#wake({ done: false, value: item })
      return true
    }
    this.#items.push(item)
    if (this.size <= this.#max) return true
    const oldest = this.#shift()
    this.#lost += 1
    this.#onLost?.(oldest)
    return false
  }

  /** Items can be read only after {@link release}: what stands before them is on its way. */
  hold(): void {
    this.#isHeld = true
  }

  /**
   * Puts items before all that wait, and lets them be read; `before` is told what waits. They count
   * against no limit: whoever asked for them said how many.
   */
  release(before: (waiting: readonly T[]) => readonly T[]): void {
    if (!this.#isHeld) return
    this.#isHeld = false
    const waiting = this.drain()
    const items = [...before(waiting), ...waiting]
    this.#max += items.length - waiting.length
    this.#items = items
    this.#first = 0
    if (this.#waiting === undefined || items.length === 0) return
    this.#wake({ done: false, value: this.#shift() })
  }

  /** Takes out everything that waits. */
  drain(): T[] {
    const items = this.#items.slice(this.#first)
    this.#items = []
    this.#first = 0
    return items
  }

  /** Ends the queue: what waits can still be read. Closing twice is fine. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#isHeld = false
    this.#onClose?.()
    this.#wake({ done: true, value: undefined })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  /**
   * The next item, waiting for it. Ends (`done`) when the queue is closed or the signal aborted;
   * an aborted wait takes no item.
   * @throws AgentError `argument` if somebody waits already: a queue has one reader
   */
  take(signal?: AbortSignal): Promise<IteratorResult<T, undefined>> {
    const end = { done: true, value: undefined } as const
    if (signal?.aborted === true) return Promise.resolve(end)
    if (!this.#isHeld && this.size > 0)
      return Promise.resolve({ done: false, value: this.#shift() })
    if (this.#closed) return Promise.resolve(end)
    if (this.#waiting !== undefined) {
      const reason = 'Cannot read a queue twice at once: it has one reader'
      return Promise.reject(new AgentError('argument', reason))
    }
    return new Promise((resolve) => {
      this.#waiting = resolve
      if (signal === undefined) return
      const abort = () => this.#wake(end)
      signal.addEventListener('abort', abort, { once: true })
      this.#waiting = (result) => {
        signal.removeEventListener('abort', abort)
        resolve(result)
      }
    })
  }

  #wake(result: IteratorResult<T, undefined>): void {
    const wake = this.#waiting
    this.#waiting = undefined
    wake?.(result)
  }

  /** Takes out the oldest of some. */
  #shift(): T {
    const item = this.#items[this.#first]!
    this.#first += 1
    const isEmpty = this.#first === this.#items.length
    if (isEmpty || (this.#first >= SPENT_MAX && this.#first * 2 >= this.#items.length)) {
      this.#items = this.#items.slice(this.#first)
      this.#first = 0
    }
    return item
  }

  /** Reads until the signal is aborted or the queue closed; the queue itself stays open. */
  async *until(signal: AbortSignal | undefined): AsyncGenerator<T, void, undefined> {
    for (;;) {
      const next = await this.take(signal)
      if (next.done === true) return
      yield next.value
    }
  }

  /**
   * Reads all that waits at once, in arrays of at least one: for who reads faster than one by one.
   * Who stops reading closes the queue, as one by one.
   */
  async *batches(): AsyncGenerator<readonly T[], void, undefined> {
    try {
      for (;;) {
        const next = await this.take()
        if (next.done === true) return
        // What else came before this was looked at.
        yield this.#isHeld ? [next.value] : [next.value, ...this.drain()]
      }
    } finally {
      this.close()
    }
  }

  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    return {
      next: () => this.take(),
      return: async () => {
        this.close()
        return { done: true, value: undefined }
      },
    }
  }
}
