import { DECISIONS_MAX } from '../limits.ts'
import type { Decision } from '../pipeline/decision.ts'
import type { Code } from '../pipeline/verdicts.ts'
import { Queue } from '../queue.ts'

/** What a node decided: counted, and told to whoever listens. */
export class DecisionLog {
  /** Decisions so far, by code; `accepted` for those that passed. */
  readonly counts = new Map<Code | 'accepted', number>()
  readonly #readers = new Set<Queue<Decision>>()

  /** Decisions from now on. A slow reader loses the oldest. */
  decisions(
    options: { readonly queueMax?: number; readonly signal?: AbortSignal } = {},
  ): Queue<Decision> {
    const queue: Queue<Decision> = new Queue(options.queueMax ?? DECISIONS_MAX, {
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      onClose: () => void this.#readers.delete(queue),
    })
    this.#readers.add(queue)
    return queue
  }

  /** Counts a decision and tells it to whoever listens. */
  record(decision: Decision): void {
    const code = decision.code ?? 'accepted'
    this.counts.set(code, (this.counts.get(code) ?? 0) + 1)
    for (const reader of this.#readers) reader.push(decision)
  }

  /** Readers end. */
  close(): void {
    for (const reader of this.#readers) reader.close()
  }
}
