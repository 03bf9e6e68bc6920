import { readBody } from './body.ts'
import { receiversOf, sendersOf, type AgentNumber, type Run } from './cast.ts'

/** What one process received of a run. */
export interface Tallied {
  readonly received: number
  readonly lost: number
  readonly duplicated: number
  /** Messages of another run, or for nobody here. */
  readonly stray: number
  /** When the last one came, in ms since the Unix epoch, with fractions. */
  readonly lastAt: number
  /** How long each took since it was due, in a run that has a pace. */
  readonly delaysMs: readonly number[]
}

/** Nothing came for so long, in which repair has had its time: what has not come is lost. */
const STALLED_MS = 10_000

/** Milliseconds since the Unix epoch, with fractions; the same clock in all processes. */
export function preciseNow(): number {
  return performance.timeOrigin + performance.now()
}

/** Counts every message of a run for every agent of a process: one bit for each. */
export class Tally {
  readonly #run: Run
  readonly #expected: number
  readonly #seen = new Map<AgentNumber, Map<AgentNumber, Uint8Array>>()
  #received = 0
  #duplicated = 0
  #stray = 0
  readonly #delaysMs: number[] = []
  #lastAt = preciseNow()
  readonly #complete = Promise.withResolvers<void>()

  constructor(run: Run, here: readonly AgentNumber[]) {
    this.#run = run
    let streams = 0
    for (const sender of sendersOf(run)) {
      for (const receiver of receiversOf(run, sender)) {
        if (!here.includes(receiver)) continue
        const seen = this.#seen.get(receiver) ?? new Map<AgentNumber, Uint8Array>()
        this.#seen.set(receiver, seen.set(sender, new Uint8Array((run.count >> 3) + 1)))
        streams += 1
      }
    }
    this.#expected = streams * run.count
    if (this.#expected === 0) this.#complete.resolve()
  }

  /** A message has come. */
  take(receiver: AgentNumber, body: Uint8Array): void {
    const { run, sender, index, dueAt } = readBody(body)
    const seen = this.#seen.get(receiver)?.get(sender)
    if (run !== this.#run.number || seen === undefined || index >= this.#run.count) {
      this.#stray += 1
      return
    }
    const place = index >> 3
    const bit = 1 << (index & 7)
    if ((seen[place]! & bit) !== 0) {
      this.#duplicated += 1
      return
    }
    seen[place]! |= bit
    this.#received += 1
    if (dueAt > 0) this.#delaysMs.push(preciseNow() - dueAt)
    if (this.#received === this.#expected) {
      this.#lastAt = preciseNow()
      this.#complete.resolve()
    }
  }

  /** Resolves when all has come, or nothing more comes. */
  async end(): Promise<Tallied> {
    let before = -1
    const timer = setInterval(() => {
      if (this.#received !== before) {
        before = this.#received
        this.#lastAt = preciseNow()
      } else this.#complete.resolve()
    }, STALLED_MS)
    await this.#complete.promise
    clearInterval(timer)
    return {
      received: this.#received,
      lost: this.#expected - this.#received,
      duplicated: this.#duplicated,
      stray: this.#stray,
      delaysMs: this.#delaysMs,
      lastAt: this.#expected === 0 ? 0 : this.#lastAt,
    }
  }
}
