import { Appointments } from './appointments.ts'
import type { Clock } from './clock.ts'

/**
 * Microtask turns that the default `settle` gives between two calls. The longest chain of promises
 * that a bundle passes through (decode, proof, verdict, delivery) takes below 40.
 */
export const SETTLE_TURNS_DEFAULT = 128

/** Calls that one `runAll` makes at most: past that, something re-arms itself for ever. */
export const RUN_ALL_CALLS_MAX = 1_000_000

/**
 * A clock that moves only when told to: virtual time for tests and the simulator.
 * Calls due run one at a time, in the order of their times and, at equal times, in the order in
 * which they were asked for. Between two calls `settle` lets promise chains finish, so that what a
 * call started is done (or waits for a later time) before time moves on.
 */
export class ManualClock implements Clock {
  #now: number
  #order = 0
  readonly #settle: () => Promise<void>
  readonly #appointments = new Appointments()

  /**
   * `settle` defaults to {@link SETTLE_TURNS_DEFAULT} microtask turns: enough for promises alone.
   * Code under test that waits for real I/O or for WebCrypto needs one that lets the event loop
   * turn, under Node `() => new Promise((done) => setImmediate(done))`.
   */
  constructor(options: { readonly now?: number; readonly settle?: () => Promise<void> } = {}) {
    this.#now = options.now ?? 0
    this.#settle = options.settle ?? settleMicrotasks
  }

  now(): number {
    return this.#now
  }

  at(time: number, run: () => void): () => void {
    // NaN would break the order of the queue for everybody.
    if (Number.isNaN(time)) throw new RangeError('Cannot set a call for the time NaN')
    return this.#appointments.add({ time, order: this.#order++, run })
  }

  /** Calls that are still to come. */
  get pending(): number {
    return this.#appointments.size
  }

  /** The time of the next call, or undefined when none is set. */
  get next(): number | undefined {
    return this.#appointments.first?.time
  }

  /**
   * Moves `now()` forward by `ms`, and makes every call that falls due on the way at its own time,
   * those set by other calls included.
   */
  async advance(ms: number): Promise<void> {
    if (!(ms >= 0)) throw new RangeError(`Cannot move time by ${ms} ms: time only moves forward`)
    const end = this.#now + ms
    await this.#settle()
    while ((this.next ?? Infinity) <= end) await this.#runNext()
    this.#now = Math.max(this.#now, end)
  }

  /**
   * Makes calls until none is left; time jumps from one to the next. Resolves to how many it made.
   * Throws a plain Error past `callsMax` (default {@link RUN_ALL_CALLS_MAX}): a periodic call never
   * ends by itself.
   */
  async runAll(options: { readonly callsMax?: number } = {}): Promise<number> {
    const callsMax = options.callsMax ?? RUN_ALL_CALLS_MAX
    await this.#settle()
    for (let calls = 0; ; calls++) {
      if (this.pending === 0) return calls
      if (calls >= callsMax)
        throw new Error(`Calls still come after ${callsMax}: one re-arms itself`)
      await this.#runNext()
    }
  }

  async #runNext(): Promise<void> {
    const appointment = this.#appointments.take()
    if (appointment === undefined) return
    // A call set for the past is due at once; it must not turn time back.
    this.#now = Math.max(this.#now, appointment.time)
    appointment.run()
    await this.#settle()
  }
}

async function settleMicrotasks(): Promise<void> {
  for (let turn = 0; turn < SETTLE_TURNS_DEFAULT; turn++) await Promise.resolve()
}
