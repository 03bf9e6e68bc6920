import { poolLabel } from '@ixj/names'
import {
  EQUIVOCATORS_MAX,
  REPLAY_BUNDLES_MAX,
  REPLAY_CROWDS_MAX,
  REPLAY_EPOCHS_MAX,
  REPLAY_FAMILY_LANES_MAX,
  REPLAY_LANES_MAX,
  REPLAY_WINDOW,
} from '../limits.ts'
import { ReplayCrowd, roomOf } from './replay-crowd.ts'
import {
  fill,
  forget,
  holeFor,
  indexAfter,
  overlapping,
  type Place,
  type Stream,
} from './replay-stream.ts'
import { Refusal } from './verdicts.ts'

export type { Place } from './replay-stream.ts'

/** Two validly signed bundles for the same places of one stream. */
export interface Evidence {
  readonly key: string
  readonly stream: string
  readonly ids: readonly [string, string]
}

interface Lane {
  /** The newest epochs, the newest first. */
  readonly streams: Stream[]
  /** Epochs at or below are over. */
  over: number
  /** When no copy of anything that it ever took can pass the lifespan check any more. */
  until: number
  /** Whose share of the table it takes. */
  readonly parent: string
}

/**
 * Which bundles were accepted, by stream. Read before a signature is checked, written only after
 * all checks: junk cannot fill it, and cannot suppress the truth. Of each sender, topic and class
 * it follows the newest epochs, and in each a window of bundles, and the gaps that the window has
 * moved past: a sender that opens epochs without end wears out its own room and nobody else's. So
 * does a parent that bears children without end, and a node with a pool: they share a {@link ReplayCrowd}.
 */
export class ReplayTable {
  readonly #lanes = new Map<string, Lane>()
  /** Lanes of each parent's children: one name may fill a part of the table, and no more. */
  readonly #families = new Map<string, number>()
  readonly #crowds = new Map<string, ReplayCrowd>()
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
    const stream = this.#followed(place)
    if (stream === undefined) return
    if (overlapping(stream.places, place)?.id === place.id) throw duplicate(place)
    if (place.first < stream.floor && holeFor(stream, place) === -1) {
      throw new Refusal(
        'out-of-window',
        `Cannot accept place ${place.first}: the window begins at ${stream.floor}`,
      )
    }
  }

  /** The stream of a place; undefined where it would be a new one. */
  #followed(place: Place): Stream | undefined {
    const lane = this.#lanes.get(place.lane)
    if (lane !== undefined) {
      checkEpoch(lane, place)
      return lane.streams.find((each) => each.epoch === place.epoch)
    }
    const { room, parent } = roomOf(place)
    const crowd = this.#crowds.get(room)
    // As long as anything is remembered of the room, who has no lane is followed there.
    if (crowd !== undefined) return crowd.find(place)
    const isFull = this.#isCrowded(parent)
      ? this.#crowds.size >= REPLAY_CROWDS_MAX
      : this.#lanes.size >= REPLAY_LANES_MAX
    if (!isFull) return undefined
    throw new Refusal(
      'table-full',
      `Cannot follow another sender: the limit is ${REPLAY_LANES_MAX}`,
    )
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
    this.#trim(stream)
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
      if (lane.until < now) this.#forgetLane(key, lane)
    }
    for (const [key, crowd] of this.#crowds) {
      this.#bundles -= crowd.sweep(now)
      if (crowd.isOver(now)) this.#crowds.delete(key)
    }
  }

  #forgetLane(key: string, { parent, streams }: Lane): void {
    this.#lanes.delete(key)
    for (const { places } of streams) this.#bundles -= places.length
    const left = (this.#families.get(parent) ?? 1) - 1
    if (left > 0) this.#families.set(parent, left)
    else this.#families.delete(parent)
  }

  /** Whether further names of this parent share a room. A pool's always do. */
  #isCrowded(parent: string): boolean {
    return (
      parent.startsWith(`${poolLabel}.`) ||
      (this.#families.get(parent) ?? 0) >= REPLAY_FAMILY_LANES_MAX
    )
  }

  #stream(place: Place): Stream {
    let lane = this.#lanes.get(place.lane)
    if (lane === undefined) {
      const { room, parent } = roomOf(place)
      const isShared = this.#crowds.has(room) || this.#isCrowded(parent)
      if (isShared) return this.#crowdStream(room, place)
      lane = { streams: [], over: -1, until: place.forgetAt, parent }
      this.#lanes.set(place.lane, lane)
      this.#families.set(parent, (this.#families.get(parent) ?? 0) + 1)
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

  #crowdStream(key: string, place: Place): Stream {
    const crowd = this.#crowds.get(key) ?? new ReplayCrowd()
    this.#crowds.set(key, crowd)
    const stream = crowd.open(place)
    // A full crowd, or a full table, costs the crowd that fills it.
    while (crowd.isFull || (crowd.size > 1 && this.#bundles > REPLAY_BUNDLES_MAX)) {
      const gone = crowd.evict()
      this.#bundles -= gone.places.length
      this.#ended(gone.stream)
    }
    return stream
  }

  #trim(stream: Stream): void {
    const full = this.#bundles > REPLAY_BUNDLES_MAX && stream.places.length > 1
    // A full table costs the one who fills it: its own oldest places go, nobody else's.
    if (full || stream.places.length > REPLAY_WINDOW) this.#forget(stream, 1)
  }

  #forget(stream: Stream, count: number): void {
    this.#bundles -= forget(stream, count)
  }
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
