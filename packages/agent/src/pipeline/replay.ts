import {
  EQUIVOCATORS_MAX,
  REPLAY_BUNDLES_MAX,
  REPLAY_EPOCHS_MAX,
  REPLAY_HOLES_MAX,
  REPLAY_LANES_MAX,
  REPLAY_WINDOW,
} from '../limits.ts'
import { Refusal } from './verdicts.ts'

/** The places that one bundle takes in a stream. */
export interface Place {
  /** (topic, sender, key, class) as one text. */
  readonly lane: string
  readonly epoch: number
  /** Lane and epoch: the stream, as one text. */
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

interface Stream {
  readonly epoch: number
  readonly stream: string
  /** Sorted by their first; they do not overlap. */
  readonly places: Place[]
  /** Places below are taken or given up, but for the holes: the window has moved past them. */
  floor: number
  /** Places below the floor that nothing ever took, rising: repair may still bring them. */
  readonly holes: Hole[]
}

/** A stretch of places; `end` is one past its last. */
interface Hole {
  readonly first: number
  readonly end: number
}

interface Lane {
  /** The newest epochs, the newest first. */
  readonly streams: Stream[]
  /** Epochs at or below are over. */
  over: number
  /** When no copy of anything that it ever took can pass the lifespan check any more. */
  until: number
}

/**
 * Which bundles were accepted, by stream. Read before a signature is checked, written only after
 * all checks: junk cannot fill it, and cannot suppress the truth. Of each sender, topic and class
 * it follows the newest epochs, and in each a window of bundles, and the gaps that the window has
 * moved past: a sender that opens epochs without end wears out its own room and nobody else's.
 */
export class ReplayTable {
  readonly #lanes = new Map<string, Lane>()
  readonly #equivocators = new Map<string, Evidence>()
  readonly #ended: (stream: string) => void
  #bundles = 0

  /** `ended` hears of streams that a newer epoch has replaced. */
  constructor(ended: (stream: string) => void = () => {}) {
    this.#ended = ended
  }

  /** Bundles remembered. */
  get size(): number {
    return this.#bundles
  }

  /** What is known against keys that signed two bundles for the same places. */
  get evidence(): readonly Evidence[] {
    return [...this.#equivocators.values()]
  }

  /**
   * Refuses copies, what the window has moved past, and bundles of keys that were caught.
   * @throws Refusal `duplicate`, `out-of-window`, `equivocator`, `table-full`
   */
  checkEarly(place: Place): void {
    this.checkKey(place)
    const lane = this.#lanes.get(place.lane)
    if (lane === undefined) {
      if (this.#lanes.size < REPLAY_LANES_MAX) return
      throw new Refusal(
        'table-full',
        `Cannot follow another sender: the limit is ${REPLAY_LANES_MAX}`,
      )
    }
    checkEpoch(lane, place)
    const stream = lane.streams.find((each) => each.epoch === place.epoch)
    if (stream === undefined) return
    if (overlapping(stream.places, place)?.id === place.id) throw duplicate(place)
    if (place.first < stream.floor && holeFor(stream, place) === -1) {
      throw new Refusal(
        'out-of-window',
        `Cannot accept place ${place.first}: the window begins at ${stream.floor}`,
      )
    }
  }

  /** Refuses keys that were caught. @throws Refusal `equivocator` */
  checkKey({ key }: Place): void {
    if (!this.#equivocators.has(key)) return
    throw new Refusal('equivocator', `Cannot accept bundle: key ${key} signed two for one place`)
  }

  /** Whether it is known that this key signed two bundles for one place. */
  evidenceOf(key: string): Evidence | undefined {
    return this.#equivocators.get(key)
  }

  /** Refuses a key from now on, by evidence of before. */
  convict(evidence: Evidence): void {
    if (this.#equivocators.size < EQUIVOCATORS_MAX) this.#equivocators.set(evidence.key, evidence)
  }

  /**
   * Takes the places for a bundle that passed every check.
   * @throws Refusal `duplicate` if a copy was faster, `equivocation` if another bundle is there,
   * `out-of-window` if newer epochs were
   */
  write(place: Place): void {
    const stream = this.#stream(place)
    const { places } = stream
    const other = overlapping(places, place)
    if (other !== undefined) {
      if (other.id === place.id) throw duplicate(place)
      const { key, stream: name } = place
      this.convict({ key, stream: name, ids: [other.id, place.id] })
      throw new Refusal(
        'equivocation',
        `Cannot accept bundle ${place.id}: ${other.id} holds places ${other.first} to ${other.first + other.count - 1} of its stream`,
      )
    }
    if (place.first < stream.floor) {
      // Below the window its holes remember what is taken; a place there needs no entry.
      const hole = holeFor(stream, place)
      if (hole === -1) throw duplicate(place)
      fill(stream, hole, place)
      return
    }
    places.splice(indexAfter(places, place.first), 0, place)
    this.#bundles += 1
    this.#trim(place)
  }

  /** Takes places as they were taken before a restart; what does not fit has no more to say. */
  restore(place: Place): void {
    try {
      const { places } = this.#stream(place)
      if (overlapping(places, place) === undefined) this.write(place)
    } catch (cause) {
      // Its epoch is over, or its window has moved on: it is refused without an entry.
      if (!(cause instanceof Refusal)) throw cause
    }
  }

  /** Gives places back that were taken just now: their bundle is not accepted after all. */
  release(place: Place): void {
    const { places, holes, floor } = this.#stream(place)
    const index = places.indexOf(place)
    if (index !== -1) {
      places.splice(index, 1)
      this.#bundles -= 1
    } else if (place.first < floor) {
      holes.push({ first: place.first, end: place.first + place.count })
    }
  }

  /** Forgets what the lifespan check refuses by itself. Looks at each stream once. */
  sweep(now: number): void {
    for (const [key, lane] of this.#lanes) {
      for (const stream of lane.streams) {
        // Nearly sorted by time too: the first that stays ends the look.
        let over = 0
        while (over < stream.places.length && stream.places[over]!.forgetAt < now) over += 1
        if (over > 0) this.#forget(stream, over)
      }
      // Not when its places are gone: epochs and places that it moved past may live longer.
      if (lane.until < now) this.#lanes.delete(key)
    }
  }

  #stream(place: Place): Stream {
    let lane = this.#lanes.get(place.lane)
    if (lane === undefined) {
      lane = { streams: [], over: -1, until: place.forgetAt }
      this.#lanes.set(place.lane, lane)
    }
    lane.until = Math.max(lane.until, place.forgetAt)
    const known = lane.streams.find((each) => each.epoch === place.epoch)
    if (known !== undefined) return known
    checkEpoch(lane, place)
    const { epoch, stream: name } = place
    const stream: Stream = { epoch, stream: name, places: [], floor: 1, holes: [] }
    lane.streams.push(stream)
    lane.streams.sort((left, right) => right.epoch - left.epoch)
    const ended = lane.streams.length > REPLAY_EPOCHS_MAX ? lane.streams.pop() : undefined
    if (ended !== undefined) {
      lane.over = ended.epoch
      this.#bundles -= ended.places.length
      this.#ended(ended.stream)
    }
    return stream
  }

  #trim(place: Place): void {
    const stream = this.#stream(place)
    const full = this.#bundles > REPLAY_BUNDLES_MAX && stream.places.length > 1
    // A full table costs the one who fills it: its own oldest places go, nobody else's.
    if (full || stream.places.length > REPLAY_WINDOW) this.#forget(stream, 1)
  }

  #forget(stream: Stream, count: number): void {
    const gone = stream.places.splice(0, count)
    for (const { first, count: taken } of gone) {
      if (first > stream.floor) stream.holes.push({ first: stream.floor, end: first })
      stream.floor = first + taken
    }
    const tooMany = stream.holes.length - REPLAY_HOLES_MAX
    if (tooMany > 0) stream.holes.splice(0, tooMany)
    this.#bundles -= gone.length
  }
}

/** The hole that a place lies in, whole; -1 if none. */
function holeFor({ holes }: Stream, { first, count }: Place): number {
  return holes.findIndex((hole) => hole.first <= first && first + count <= hole.end)
}

/** Takes places out of a hole; what is left on both sides stays. */
function fill({ holes }: Stream, index: number, { first, count }: Place): void {
  const hole = holes[index]
  if (hole === undefined) return
  const left = [
    { first: hole.first, end: first },
    { first: first + count, end: hole.end },
  ]
  holes.splice(index, 1, ...left.filter((part) => part.first < part.end))
}

/** So many newer epochs of the sender are open, or were. */
function checkEpoch(lane: Lane, { epoch }: Place): void {
  const known = lane.streams.some((stream) => stream.epoch === epoch)
  const isFull = lane.streams.length >= REPLAY_EPOCHS_MAX
  const older = isFull && lane.streams.every((stream) => stream.epoch > epoch)
  if (known || (epoch > lane.over && !older)) return
  const reason = `${REPLAY_EPOCHS_MAX} newer are open`
  throw new Refusal('out-of-window', `Cannot accept bundle of epoch ${epoch}: ${reason}`)
}

function duplicate(place: Place): Refusal {
  return new Refusal('duplicate', `Cannot accept bundle ${place.id.slice(0, 16)}… twice`)
}

// Places do not overlap, so only two neighbours can meet a new one.
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
