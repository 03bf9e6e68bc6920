import { REPLAY_HOLES_MAX } from '../limits.ts'

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

/** What is remembered of one stream: the last bundles, and the gaps below them. */
export interface Stream {
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

/** The hole that a place lies in, whole; -1 if none. */
export function holeFor({ holes }: Stream, { first, count }: Place): number {
  return holes.findIndex((hole) => hole.first <= first && first + count <= hole.end)
}

/** Takes places out of a hole; what is left on both sides stays. */
export function fill({ holes }: Stream, index: number, { first, count }: Place): void {
  const hole = holes[index]
  if (hole === undefined) return
  const left = [
    { first: hole.first, end: first },
    { first: first + count, end: hole.end },
  ]
  holes.splice(index, 1, ...left.filter((part) => part.first < part.end))
}

/** Forgets the lowest bundles; what nothing took below the new floor is a hole. Gives how many went. */
export function forget(stream: Stream, count: number): number {
  const gone = stream.places.splice(0, count)
  for (const { first, count: taken } of gone) {
    if (first > stream.floor) stream.holes.push({ first: stream.floor, end: first })
    stream.floor = first + taken
  }
  const tooMany = stream.holes.length - REPLAY_HOLES_MAX
  if (tooMany > 0) stream.holes.splice(0, tooMany)
  return gone.length
}

/** The place that meets this one. Places do not overlap, so only two neighbours can. */
export function overlapping(places: readonly Place[], place: Place): Place | undefined {
  const index = indexAfter(places, place.first)
  const before = places[index - 1]
  if (before !== undefined && before.first + before.count > place.first) return before
  const after = places[index]
  if (after !== undefined && place.first + place.count > after.first) return after
  return undefined
}

/** Where a place that begins there belongs. */
export function indexAfter(places: readonly Place[], first: number): number {
  let low = 0
  let high = places.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (places[middle]!.first <= first) low = middle + 1
    else high = middle
  }
  return low
}
