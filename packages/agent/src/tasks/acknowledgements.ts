import type { Name } from '@ixj/names'
import { reasonOf } from '../abort-reason.ts'
import { AgentError } from '../agent-error.ts'
import { Queue } from '../queue.ts'

/**
 * Who has acknowledged a task. Iterate it for the names as they come; it ends when all have, when the
 * task's lifespan ends, or when its sender is closed. Then `missing` names the others.
 */
export class Acknowledgements implements AsyncIterable<Name> {
  /** Names that the task is for, frozen when it was sent. */
  readonly expected: readonly Name[]
  readonly #missing: Set<Name>
  readonly #queue: Queue<Name>
  readonly #over = Promise.withResolvers<void>()
  #ended = false

  /** Made by whoever sends a task. */
  constructor(expected: readonly Name[]) {
    this.expected = expected
    this.#missing = new Set(expected)
    this.#queue = new Queue(Math.max(1, expected.length))
    if (expected.length === 0) this.end()
  }

  /** Names that have not acknowledged it. */
  get missing(): readonly Name[] {
    return [...this.#missing]
  }

  /** Whether none is waited for any more. */
  get ended(): boolean {
    return this.#ended
  }

  /**
   * Resolves when all have acknowledged it.
   * @throws AgentError `unacknowledged` with `missing`; the signal's reason
   */
  async all(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    const { signal } = options
    signal?.throwIfAborted()
    const aborted = Promise.withResolvers<never>()
    const abort = () => aborted.reject(reasonOf(signal))
    signal?.addEventListener('abort', abort, { once: true })
    try {
      await Promise.race([this.#over.promise, aborted.promise])
    } finally {
      signal?.removeEventListener('abort', abort)
    }
    if (this.#missing.size === 0) return
    const names = this.missing
    throw new AgentError(
      'unacknowledged',
      `${names.length} of ${this.expected.length} have not acknowledged the task: ${names.join(', ')}`,
      { missing: names },
    )
  }

  /** One more has acknowledged it. */
  add(name: Name): void {
    if (this.#ended || !this.#missing.delete(name)) return
    this.#queue.push(name)
    if (this.#missing.size === 0) this.end()
  }

  /** Nobody is waited for any more. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#queue.close()
    this.#over.resolve()
  }

  [Symbol.asyncIterator](): AsyncIterator<Name, undefined> {
    return this.#queue[Symbol.asyncIterator]()
  }
}
