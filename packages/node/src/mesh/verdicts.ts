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

/** A message that waits, and until when. */
interface Waiting {
  readonly dueAt: number
  settle(verdict: Verdict): void
}

/** Asks the receiver about messages, bounded in time and in bytes for each neighbour. */
export class Verdicts {
  readonly #clock: Clock
  readonly #counts: MeshCounts
  readonly #receiver: () => Receiver
  /** The oldest first. */
  readonly #waiting = new Set<Waiting>()
  /** One timer for all: to set and clear one for each took longer than all else here. */
  #cancel: (() => void) | undefined

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
    const waiting: Waiting = {
      dueAt: this.#clock.now() + VERDICT_MS_MAX,
      settle: (verdict) => {
        if (!this.#waiting.delete(waiting)) return
        neighbour.pendingBytes -= bytes
        this.#report(message, verdict)
      },
    }
    this.#waiting.add(waiting)
    this.#arm(waiting)
    void contain(this.#counts, async () => waiting.settle(await this.#judge(neighbour, message)))
  }

  /** Leaves every message that waits without an answer. */
  end(): void {
    this.#cancel?.()
    this.#waiting.clear()
  }

  #arm({ dueAt }: Waiting): void {
    this.#cancel ??= this.#clock.at(dueAt, () => {
      this.#cancel = undefined
      this.#endLate()
    })
  }

  #endLate(): void {
    const now = this.#clock.now()
    for (const waiting of this.#waiting) {
      // What is due later than a verdict takes waits since before the clock was set back.
      if (waiting.dueAt > now && waiting.dueAt <= now + VERDICT_MS_MAX) {
        this.#arm(waiting)
        return
      }
      this.#counts.verdictLate++
      waiting.settle('ignore')
    }
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
