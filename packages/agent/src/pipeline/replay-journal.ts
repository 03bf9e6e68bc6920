import type { Place } from './replay.ts'

/**
 * Which places were taken, over restarts: without it, whoever kept a bundle could bring it again to a
 * node that has just been opened. All of it belongs to one node.
 */
export interface ReplayJournal {
  /** The places that were taken and may not be forgotten yet, in their order; called once, first. */
  load(now: number): Promise<readonly Place[]>
  /**
   * Writes down that a place is taken, before its bundle is delivered: when this returns, a crash of
   * the process does not lose it. With `gathered`, several are written together some milliseconds
   * later, and those that could not be are told by the next call.
   * @throws AgentError `not-stored`
   */
  append(place: Place, options?: { readonly gathered?: boolean }): void
}

/** Remembers nothing: for nodes that never open twice. */
export const NO_JOURNAL: ReplayJournal = { load: async () => [], append: () => {} }

/** A journal in memory: a node that opens again with it knows what it took. */
export function memoryJournal(): ReplayJournal {
  let places: Place[] = []
  let sweepAt = SWEEP_PLACES
  return {
    load: async (now) => {
      places = places.filter(({ forgetAt }) => forgetAt >= now)
      return [...places]
    },
    append: (place) => {
      places.push(place)
      if (places.length < sweepAt) return
      // Its own times tell how far the clock is at least.
      const newest = places.reduce((time, { forgetAt }) => Math.max(time, forgetAt), 0)
      places = places.filter(({ forgetAt }) => forgetAt >= newest - FORGET_MS)
      sweepAt = places.length + SWEEP_PLACES
    },
  }
}

/** So many places are written before those are looked for that have ended. */
const SWEEP_PLACES = 65_536
/** An hour's lifespan and the skew, twice: nothing that may still be copied is older than that. */
const FORGET_MS = 2 * 3_720_000
