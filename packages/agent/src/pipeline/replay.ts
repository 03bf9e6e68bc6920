import { EQUIVOCATORS_MAX, REPLAY_BUNDLES_MAX, REPLAY_STREAMS_MAX } from '../limits.ts'
import { Refusal } from './verdicts.ts'

/** The places that one bundle takes in a stream. */
export interface Place {
  /** (topic, sender, key, epoch, class) as one text. */
  readonly stream: string
  /** The sender's key in hex: what an equivocation is held against. */
  readonly key: string
  readonly first: number
  readonly count: number
  /** The bundle's id in hex. */
  readonly id: string
  /** When no copy of it can pass the lifespan check any more; it may be forgotten then. */
  readonly forgetAt: number
}

/** Two validly signed bundles for the same places of one stream. */
export interface Evidence {
  readonly key: string
  readonly stream: string
  readonly ids: readonly [string, string]
}

/**
 * Which bundles were accepted, by stream. Read before a signature is checked, written only after
 * all checks: junk cannot fill it, and cannot suppress the truth.
 */
export class ReplayTable {
  readonly #streams = new Map<string, Place[]>()
  readonly #equivocators = new Map<string, Evidence>()
  #bundles = 0

  /** Bundles remembered. */
  get size(): number {
    return this.#bundles
  }

  /** What is known against keys that signed two bundles for the same places. */
  get evidence(): readonly Evidence[] {
    return [...this.#equivocators.values()]
  }

  /**
   * Refuses copies, and bundles of keys that were caught.
   * @throws Refusal `duplicate`, `equivocator`, `table-full`
   */
  checkEarly(place: Place): void {
    if (this.#equivocators.has(place.key)) {
      throw new Refusal(
        'equivocator',
        `Cannot accept bundle: key ${place.key} signed two for one place`,
      )
    }
    const places = this.#streams.get(place.stream)
    if (places === undefined) {
      if (this.#streams.size >= REPLAY_STREAMS_MAX) {
        throw new Refusal(
          'table-full',
          `Cannot follow another stream: the limit is ${REPLAY_STREAMS_MAX}`,
        )
      }
    } else if (overlapping(places, place)?.id === place.id) {
      throw new Refusal('duplicate', `Cannot accept bundle ${place.id} twice`)
    }
    if (this.#bundles >= REPLAY_BUNDLES_MAX) {
      throw new Refusal(
        'table-full',
        `Cannot remember another bundle: the limit is ${REPLAY_BUNDLES_MAX}`,
      )
    }
  }

  /**
   * Takes the places for a bundle that passed every check.
   * @throws Refusal `duplicate` if a copy was faster, `equivocation` if another bundle is there
   */
  write(place: Place): void {
    let places = this.#streams.get(place.stream)
    if (places === undefined) {
      places = []
      this.#streams.set(place.stream, places)
    }
    const other = overlapping(places, place)
    if (other !== undefined) {
      if (other.id === place.id)
        throw new Refusal('duplicate', `Cannot accept bundle ${place.id} twice`)
      if (this.#equivocators.size < EQUIVOCATORS_MAX) {
        const { key, stream } = place
        this.#equivocators.set(key, { key, stream, ids: [other.id, place.id] })
      }
      throw new Refusal(
        'equivocation',
        `Cannot accept bundle ${place.id}: ${other.id} holds places ${other.first} to ${other.first + other.count - 1} of its stream`,
      )
    }
    places.splice(indexAfter(places, place.first), 0, place)
    this.#bundles += 1
  }

  /** Forgets what the lifespan check refuses by itself. */
  sweep(now: number): void {
    for (const [stream, places] of this.#streams) {
      const kept = places.filter((place) => place.forgetAt >= now)
      this.#bundles -= places.length - kept.length
      if (kept.length === 0) this.#streams.delete(stream)
      else if (kept.length < places.length) this.#streams.set(stream, kept)
    }
  }
}

// Places are sorted by their first and do not overlap, so only two neighbours can meet a new one.
function overlapping(places: readonly Place[], place: Place): Place | undefined {
  const index = indexAfter(places, place.first)
  const before = places[index - 1]
  if (before !== undefined && before.first + before.count > place.first) return before
  const after = places[index]
  if (after !== undefined && place.first + place.count > after.first) return after
  return undefined
}

function indexAfter(places: readonly Place[], first: number): number {
  let low = 0
  let high = places.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (places[middle]!.first <= first) low = middle + 1
    else high = middle
  }
  return low
}
