import { AgentError, type ReplayJournal } from '@ixj/agent'
import { BrowserError } from '../browser-error.ts'
import type { Database } from './database.ts'
import { PAGE_PLACES_MAX, PAGE_PLACES_SWEPT } from './limits.ts'

type Place = Parameters<ReplayJournal['append']>[0]

/**
 * Which places were taken, over reloads of the page. IndexedDB has no write that waits for nothing:
 * a place is handed over before its bundle is delivered, and is safe some milliseconds later. A crash
 * within them forgets a place of class `state`; events and tasks are known by the history too.
 */
export class DatabaseJournal implements ReplayJournal {
  readonly #database: Database
  #waiting: Place[] = []
  #writing: Promise<void> | undefined
  #fault: BrowserError | undefined
  #sinceSweep = 0

  constructor(database: Database) {
    this.#database = database
  }

  async load(now: number): Promise<readonly Place[]> {
    await this.#sweep(now)
    return await this.#database.read<Place[]>('places', (places) => places.getAll())
  }

  /** @throws AgentError `not-stored` while an earlier place could not be written; that is tried again */
  append(place: Place): void {
    const fault = this.#fault
    // What is not taken now must not be found taken later.
    if (fault === undefined) this.#waiting.push(place)
    this.#writing ??= this.#write()
    if (fault === undefined) return
    const message = `Cannot remember a bundle: ${fault.message}`
    throw new AgentError('not-stored', message, { cause: fault })
  }

  /** Resolves when all places that were appended are written, or could not be. */
  async settled(): Promise<void> {
    await this.#writing
  }

  async #write(): Promise<void> {
    // What is appended within one turn of the loop goes into one transaction.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const places = this.#waiting.splice(0)
      try {
        await this.#database.write(['places'], (open) => {
          for (const place of places) open('places').add(place)
        })
        this.#fault = undefined
        this.#sinceSweep += places.length
        const newest = places.reduce((time, { forgetAt }) => Math.max(time, forgetAt), 0)
        if (this.#sinceSweep >= PAGE_PLACES_SWEPT) await this.#sweep(newest - FORGET_MS)
      } catch (cause) {
        if (!(cause instanceof BrowserError)) throw cause
        this.#fault = cause
        // They are tried again when the next place comes; until they are written, none is taken.
        this.#waiting.unshift(...places)
        break
      }
    }
    this.#writing = undefined
  }

  /** Places that have ended are forgotten, and the first to end where there are too many. */
  async #sweep(now: number): Promise<void> {
    this.#sinceSweep = 0
    await this.#database.write(['places'], (open) => {
      const places = open('places')
      const ended = places.index('forgetAt').openKeyCursor(IDBKeyRange.upperBound(now, true))
      ended.addEventListener('success', () => {
        if (ended.result === null) return
        places.delete(ended.result.primaryKey)
        ended.result.continue()
      })
      const counting = places.count()
      counting.addEventListener('success', () => {
        let over = counting.result - PAGE_PLACES_MAX
        if (over <= 0) return
        const first = places.index('forgetAt').openKeyCursor()
        first.addEventListener('success', () => {
          if (first.result === null || over-- <= 0) return
          places.delete(first.result.primaryKey)
          first.result.continue()
        })
      })
    })
  }
}

/** An hour's lifespan and the skew, twice: nothing that may still be copied is older than that. */
const FORGET_MS = 2 * 3_720_000
