import type { Clock } from '@ixj/agent'

/**
 * The clock of one machine over true time: it may be off, run too fast or too slow, and be set anew.
 * A call that waits goes by elapsed time, as timers of an operating system do. When the machine
 * crashes, its calls are never made.
 */
export class NodeClock implements Clock {
  readonly #truth: Clock
  /** Ms that it gains in a ms of true time. */
  readonly #drift: number
  readonly #since: number
  #aheadMs: number
  #stopped = false

  constructor(truth: Clock, options: { readonly aheadMs: number; readonly driftPpm: number }) {
    this.#truth = truth
    this.#since = truth.now()
    this.#aheadMs = options.aheadMs
    this.#drift = options.driftPpm / 1_000_000
  }

  now(): number {
    const now = this.#truth.now()
    return Math.floor(now + this.#aheadMs + this.#drift * (now - this.#since))
  }

  at(time: number, run: () => void): () => void {
    const waitMs = Math.max(0, time - this.now()) / (1 + this.#drift)
    return this.#truth.at(this.#truth.now() + Math.ceil(waitMs), () => {
      if (!this.#stopped) run()
    })
  }

  /** How far ahead of true time it is, in ms; negative: behind. */
  get aheadMs(): number {
    return this.now() - this.#truth.now()
  }

  /** Somebody sets it. */
  jump(ms: number): void {
    this.#aheadMs += ms
  }

  /** The machine has crashed. */
  stop(): void {
    this.#stopped = true
  }
}
