import { QUEUE_MAX } from '../limits.ts'
import { Queue } from '../queue.ts'

/** How a reader reads. */
export interface ReadOptions<T> {
  readonly queueMax?: number
  readonly signal?: AbortSignal
  /** What came before: it is read first, and what comes as history later is read too. */
  readonly history?: Promise<readonly T[]>
}

/** Several readers of one source, each with its own bounded queue; slow ones harm only themselves. */
export class Readers<T extends { readonly id: Uint8Array }> {
  readonly #backlog: Queue<T>
  readonly #open = new Set<Queue<T>>()
  /** Those that asked for history. */
  readonly #remembering = new Set<Queue<T>>()
  #first = true
  #closed = false

  /** Until the first reader comes, that many items wait for it. */
  constructor(backlogMax: number) {
    this.#backlog = new Queue(backlogMax)
  }

  /** A reader of everything from now on; the first one also of what came before. */
  open(options: ReadOptions<T> = {}): Queue<T> {
    const { queueMax = QUEUE_MAX, signal, history } = options
    const reader: Queue<T> = new Queue(queueMax, {
      ...(signal === undefined ? {} : { signal }),
      onClose: () => {
        this.#open.delete(reader)
        this.#remembering.delete(reader)
      },
    })
    if (this.#closed) {
      reader.close()
      return reader
    }
    this.#open.add(reader)
    if (history !== undefined) void this.#remember(reader, history)
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

  /** Gives an item that came as history alone to those who asked for that. */
  remember(item: T): void {
    for (const reader of this.#remembering) reader.push(item)
  }

  /** Ends every reader; what waits can still be read. */
  close(): void {
    this.#closed = true
    this.#backlog.close()
    for (const reader of this.#open) reader.close()
  }

  /** What came meanwhile, as it was sent, stands for itself; history has the rest. */
  async #remember(reader: Queue<T>, history: Promise<readonly T[]>): Promise<void> {
    this.#remembering.add(reader)
    reader.hold()
    const items = await history
    reader.release((waiting) => {
      const here = new Set(waiting.map(textOf))
      return items.filter((item) => !here.has(textOf(item)))
    })
  }
}

function textOf({ id }: { readonly id: Uint8Array }): string {
  return id.join(' ')
}
