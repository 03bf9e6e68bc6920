import type { Name } from '@ixj/names'
import { REFUSALS_PER_NEIGHBOUR_MAX, REFUSALS_PER_SECOND_MAX, REPEATS_KEYS_MAX } from './limits.ts'
import type { BundleRecord, RepeatsRecord } from './record.ts'

/** How long refusals are counted before the count is recorded. */
export const REPEATS_MS = 1_000

interface Repeats {
  readonly via: Name | null
  readonly code: string
  readonly sender: Name | null
  readonly topic: Name | null
  since: number
  count: number
}

/**
 * Keeps refusals from filling a log: of those that are alike, the first in each second is recorded
 * in full, and the others are counted. What is not signed is alike whatever name it claims, so that
 * names made up by the thousand fill nothing. Its memory is bounded by {@link REPEATS_KEYS_MAX}.
 */
export class RefusalCounts {
  readonly #seen = new Map<string, Repeats>()
  readonly #full = new Map<Name | null, number>()
  #fullInAll = 0

  /** Whether anything was refused since the last call of {@link end}. */
  get isEmpty(): boolean {
    return this.#seen.size === 0
  }

  /** Counts a refusal; true: record it in full. */
  take(record: BundleRecord & { readonly code: string }): boolean {
    const { at, via, code, topic } = record
    const sender = record.signed ? record.sender : null
    const key = `${code}|${via ?? ''}|${sender ?? ''}|${topic ?? ''}`
    const known = this.#seen.get(key)
    if (known !== undefined) {
      countIn(known, at)
      return false
    }
    if (this.#hasRoom(via) && this.#seen.size < REPEATS_KEYS_MAX) {
      this.#seen.set(key, { via, code, sender, topic, since: at, count: 0 })
      this.#full.set(via, (this.#full.get(via) ?? 0) + 1)
      this.#fullInAll += 1
      return true
    }
    // First by neighbour and code; when even those are many, by code alone: there are some 70.
    const ofNeighbour = `${code}|${via ?? ''}`
    const fits = this.#seen.has(ofNeighbour) || this.#seen.size < REPEATS_KEYS_MAX
    this.#countAs(fits ? ofNeighbour : code, { via: fits ? via : null, code, at })
    return false
  }

  /** The counts of the second that ends now; what was refused once has been recorded in full. */
  end(now: number): RepeatsRecord[] {
    const counted = [...this.#seen.values()].filter(({ count }) => count > 0)
    this.#seen.clear()
    this.#full.clear()
    this.#fullInAll = 0
    return counted.map((repeats) => ({ kind: 'repeats', at: now, ...repeats }))
  }

  #hasRoom(via: Name | null): boolean {
    const ofNeighbour = this.#full.get(via) ?? 0
    return ofNeighbour < REFUSALS_PER_NEIGHBOUR_MAX && this.#fullInAll < REFUSALS_PER_SECOND_MAX
  }

  #countAs(
    key: string,
    refusal: { readonly via: Name | null; readonly code: string; readonly at: number },
  ): void {
    const { via, code, at } = refusal
    let repeats = this.#seen.get(key)
    if (repeats === undefined) {
      repeats = { via, code, sender: null, topic: null, since: at, count: 0 }
      this.#seen.set(key, repeats)
    }
    countIn(repeats, at)
  }
}

function countIn(repeats: Repeats, at: number): void {
  if (repeats.count === 0) repeats.since = at
  repeats.count += 1
}
