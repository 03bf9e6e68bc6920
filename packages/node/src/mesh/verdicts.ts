import {
  type Clock,
  PENDING_VERDICT_BYTES_MAX,
  type Receiver,
  type Verdict,
  VERDICT_MS_MAX,
} from '@ixj/agent'
import { contain } from './contain.ts'
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
      this.#report(message, 'ignore')
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
      this.#report(message, verdict)
    }
    const cancel = this.#clock.at(this.#clock.now() + VERDICT_MS_MAX, () => {
      this.#counts.verdictLate++
      settle('ignore')
    })
    this.#timers.add(cancel)
    void contain(this.#counts, async () => settle(await this.#judge(neighbour, message)))
  }

  /** Leaves every message that waits without an answer. */
  end(): void {
    for (const cancel of this.#timers) cancel()
    this.#timers.clear()
  }

  async #judge(neighbour: Neighbour, message: PendingMessage): Promise<Verdict> {
    try {
      return await this.#receiver().message(message.topic, message.bytes, neighbour.peer)
    } catch {
      // A receiver that fails is a bug of ours, so the neighbour must not pay for it.
      this.#counts.verdictFailed++
      return 'ignore'
    }
  }

  /** gossipsub may fail on a verdict, and asks for it in a listener, or hears it from a timer. */
  #report(message: PendingMessage, verdict: Verdict): void {
    void contain(this.#counts, () => message.report(verdict))
  }
}
