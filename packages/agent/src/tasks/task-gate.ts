import type { Bundle } from '../bundles/bundle.ts'
import type { MessagePart } from '../bundles/message.ts'
import type { HostPart } from '../host/host-part.ts'
import type { Sink, Topics } from '../host/topics.ts'
import type { Carrier, TaskBooks } from '../pipeline/context.ts'
import { Refusal } from '../pipeline/verdicts.ts'

/** What became of the tasks of a node's agents. */
export interface TaskCounts {
  /** Received, and neither done nor given up. */
  open: number
  /** Acknowledged by agents here, and given up: too many handlers failed, or the lifespan ended. */
  lost: number
  /** Sent by agents here, and not acknowledged by all within the lifespan. */
  unacknowledged: number
}

interface Sweepable {
  sweep(now: number): void
}

/** For what is looked at and handed to nobody. */
export const NO_TASKS: TaskBooks = {
  prepare: async () => {},
  isLacked: () => true,
  checkEarly: () => {},
  reserve: () => [],
}

/**
 * What the pipeline asks about a task: its agents remember what they have, over restarts, until no
 * copy of it can pass the lifespan check.
 */
export class TaskGate implements HostPart, TaskBooks {
  readonly #topics: Topics
  readonly #books = new Set<Sweepable>()
  readonly counts: TaskCounts = { open: 0, lost: 0, unacknowledged: 0 }

  constructor(topics: Topics) {
    this.#topics = topics
  }

  /** An agent has begun to remember tasks; the returned function ends that. */
  enlist(book: Sweepable): () => void {
    this.#books.add(book)
    return () => void this.#books.delete(book)
  }

  /** What has ended is forgotten. */
  sweep(now: number): void {
    for (const book of this.#books) book.sweep(now)
  }

  /** Whether an agent here that is to have the task does not have it yet. */
  isLacked(bundle: Bundle): boolean {
    return this.#lacking(bundle).length > 0
  }

  /**
   * Read before a signature is checked.
   * @throws Refusal `duplicate` if all have it; `table-full` if nobody who lacks it has room
   */
  checkEarly(bundle: Bundle): void {
    const lacking = this.#lacking(bundle)
    const taking = this.#taking(bundle)
    if (taking.length === 0 || lacking.some((sink) => sink.tasks?.hasRoom(bundle))) return
    if (lacking.length === 0) {
      throw new Refusal('duplicate', `Cannot accept task ${bundle.idText.slice(0, 16)}… twice`)
    }
    const names = lacking.map(({ agent }) => agent).join(', ')
    throw new Refusal('table-full', `Cannot take another task of ${bundle.header.sender}: ${names}`)
  }

  /**
   * Keeps the task's place with everybody here who lacks it and has room, when all else has passed.
   * @throws Refusal `duplicate`, `table-full`
   */
  reserve(bundle: Bundle, part: MessagePart, { again }: Carrier): readonly Sink[] {
    if (again !== undefined) {
      return this.#taking(bundle).filter(({ tasks }) => tasks === again.tasks)
    }
    this.checkEarly(bundle)
    return this.#lacking(bundle).filter((sink) => sink.tasks?.reserve(bundle, part.id))
  }

  /** Whoever is to have it gets ready to keep it. @throws Refusal `own-fault` */
  async prepare(bundle: Bundle): Promise<void> {
    for (const { tasks } of this.#taking(bundle)) await tasks?.prepare?.()
  }

  /** A copy came of what is here: whoever has it may have to acknowledge it again. */
  copy(bundle: Bundle): void {
    for (const sink of this.#taking(bundle)) sink.tasks?.copy(bundle)
  }

  #taking({ header }: Bundle): readonly Sink[] {
    return this.#topics.audience(header).filter(({ tasks }) => tasks !== undefined)
  }

  #lacking(bundle: Bundle): readonly Sink[] {
    return this.#taking(bundle).filter(({ tasks }) => tasks?.has(bundle) === false)
  }
}
