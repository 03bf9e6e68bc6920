import { QUEUE_MAX } from '../limits.ts'
import { Queue } from '../queue.ts'

/** Several readers of one source, each with its own bounded queue; slow ones harm only themselves. */
export class Readers<T> {
  readonly #backlog: Queue<T>
  readonly #open = new Set<Queue<T>>()
  #first = true
  #closed = false

  /** Until the first reader comes, that many items wait for it. */
  constructor(backlogMax: number) {
    this.#backlog = new Queue(backlogMax)
  }

  /** A reader of everything from now on; the first one also of what came before. */
  open(options: { readonly queueMax?: number; readonly signal?: AbortSignal } = {}): Queue<T> {
    const { queueMax = QUEUE_MAX, signal } = options
    const reader: Queue<T> = new Queue(queueMax, {
      ...(signal === undefined ? {} : { signal }),
      onClose: () => void this.#open.delete(reader),
    })
    if (this.#closed) {
      reader.close()
      return reader
    }
    this.#open.add(reader)
    if (this.#first) {
      this.#first = false
      for (const item of this.#backlog.drain()) reader.push(item)
    }
    return reader
  }

  /** Gives an item to every reader. */
  push(item: T): void {
    if (this.#first) this.#backlog.push(item)
    for (const reader of this.#open) reader.push(item)
  }

  /** Ends every reader; what waits can still be read. */
  close(): void {
    this.#closed = true
    this.#backlog.close()
    for (const reader of this.#open) reader.close()
  }
}
