import {
  type Clock,
  PENDING_VERDICT_BYTES_MAX,
  type Receiver,
  type Verdict,
  VERDICT_MS_MAX,
} from '@ixj/agent'
import type { MeshCounts } from './counts.ts'
import type { Neighbour } from './neighbour.ts'

/** A message that gossipsub took and waits to be told about. */
export interface PendingMessage {
  readonly topic: string
  readonly bytes: Uint8Array
  /** Tells gossipsub; called exactly once. */
  readonly report: (verdict: Verdict) => void
}

/** Asks the receiver about messages, bounded in time and in bytes for each neighbour. */
export class Verdicts {
  readonly #clock: Clock
  readonly #counts: MeshCounts
  readonly #receiver: () => Receiver
  /** The timer of every message that waits. */
  readonly #timers = new Set<() => void>()

  constructor(clock: Clock, counts: MeshCounts, receiver: () => Receiver) {
    this.#clock = clock
    this.#counts = counts
    this.#receiver = receiver
  }

  ask(neighbour: Neighbour, message: PendingMessage): void {
    const bytes = message.bytes.length
    if (neighbour.pendingBytes + bytes > PENDING_VERDICT_BYTES_MAX) {
      this.#counts.shed++
      message.report('ignore')
      return
    }
    neighbour.pendingBytes += bytes
    let open = true
    const settle = (verdict: Verdict): void => {
      if (!open) return
      open = false
      cancel()
      this.#timers.delete(cancel)
      neighbour.pendingBytes -= bytes
      message.report(verdict)
    }
    const cancel = this.#clock.at(this.#clock.now() + VERDICT_MS_MAX, () => {
      this.#counts.verdictLate++
      settle('ignore')
    })
    this.#timers.add(cancel)
    this.#judge(neighbour, message).then(settle, () => {
      // A receiver that fails is a bug of ours, so the neighbour must not pay for it.
      this.#counts.verdictFailed++
      settle('ignore')
    })
  }

  /** Leaves every message that waits without an answer. */
  end(): void {
    for (const cancel of this.#timers) cancel()
    this.#timers.clear()
  }

  /** Asynchronous, so that a receiver that throws before its first promise is caught as well. */
  async #judge(neighbour: Neighbour, message: PendingMessage): Promise<Verdict> {
    return this.#receiver().message(message.topic, message.bytes, neighbour.peer)
  }
}
