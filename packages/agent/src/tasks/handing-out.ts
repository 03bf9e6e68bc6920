import type { TaskTurn } from '../pipeline/task-turn.ts'
import { Queue } from '../queue.ts'

interface Waiting<Item> {
  readonly item: Item
  /** Undefined where the item is of another class than task. */
  readonly turn: TaskTurn | undefined
}

/**
 * What waits for a handler. When there is too much, the oldest goes: a task is handed out again
 * later, and of everything else whoever put it here is told.
 */
export class HandingOut<Item> {
  readonly #queue: Queue<Waiting<Item>>

  /** `lost` hears of items that are no tasks. */
  constructor(max: number, lost: (item: Item) => void = () => {}) {
    const onLost = ({ item, turn }: Waiting<Item>) => {
      if (turn === undefined) lost(item)
      else turn.postpone()
    }
    this.#queue = new Queue(max, { onLost })
  }

  push(item: Item, turn: TaskTurn | undefined): void {
    this.#queue.push({ item, turn })
  }

  /** What comes, and what waits; not those tasks that ended while they waited. */
  async *read(signal: AbortSignal | undefined): AsyncGenerator<Item, void, undefined> {
    for await (const { item, turn } of this.#queue.until(signal)) {
      if (turn?.isCurrent() !== false) yield item
    }
  }

  /** Nothing comes any more; what waits can still be read. */
  close(): void {
    this.#queue.close()
  }
}
