import { poolOf, type Name } from '@ixj/names'
import { REPLAY_CROWD_STREAMS_MAX } from '../limits.ts'
import type { Place, Stream } from './replay-stream.ts'
import { Refusal } from './verdicts.ts'

interface CrowdStream extends Stream {
  /** When no copy of anything that it took can pass the lifespan check any more. */
  until: number
}

/**
 * Many senders that share one room: the agents of a pool, or the children of one parent beyond its
 * share of lanes. Of them the streams are followed that were used last. One that goes takes its
 * epoch with it: what is not followed and is no newer is over, so nothing passes twice.
 */
export class ReplayCrowd {
  /** By their texts, the longest unused first. */
  readonly #streams = new Map<string, CrowdStream>()
  /** Stands before the longest unused: a new one would look past all that went, each time. */
  #oldest: Iterator<CrowdStream> | undefined
  #over = -1
  /** Until when bundles of streams that went could pass the lifespan check. */
  #goneUntil = 0

  /** How many streams are followed. */
  get size(): number {
    return this.#streams.size
  }

  /** Whether one has to go. */
  get isFull(): boolean {
    return this.#streams.size > REPLAY_CROWD_STREAMS_MAX
  }

  /** The stream of a place; undefined where it would be a new one. @throws Refusal `out-of-window` */
  find(place: Place): Stream | undefined {
    const stream = this.#streams.get(place.stream)
    if (stream === undefined) this.#checkOver(place)
    return stream
  }

  /** The stream of a place, as the one that was used last. @throws Refusal `out-of-window` */
  open(place: Place): Stream {
    const { stream: name, epoch, forgetAt } = place
    const known = this.#streams.get(name)
    if (known === undefined) this.#checkOver(place)
    const opened = known ?? {
      epoch,
      stream: name,
      places: [],
      floor: 1,
      holes: [],
      until: forgetAt,
    }
    opened.until = Math.max(opened.until, forgetAt)
    this.#streams.delete(name)
    this.#streams.set(name, opened)
    return opened
  }

  /** Follows the longest unused no more, nor any that is not followed and no newer. */
  evict(): Stream {
    this.#oldest ??= this.#streams.values()
    const { value: oldest, done } = this.#oldest.next()
    if (done === true) throw new Error('Nobody is in the crowd')
    this.#streams.delete(oldest.stream)
    this.#over = Math.max(this.#over, oldest.epoch)
    this.#goneUntil = Math.max(this.#goneUntil, oldest.until)
    return oldest
  }

  /** Forgets streams whose bundles the lifespan check refuses by itself; how many bundles went. */
  sweep(now: number): number {
    let bundles = 0
    // It holds on to what has gone since it was used.
    this.#oldest = undefined
    for (const [name, { until, places }] of this.#streams) {
      if (until >= now) continue
      this.#streams.delete(name)
      bundles += places.length
    }
    if (this.#goneUntil < now) this.#over = -1
    return bundles
  }

  /** Whether nothing is left to remember. */
  isOver(now: number): boolean {
    return this.#streams.size === 0 && this.#goneUntil < now
  }

  #checkOver({ epoch }: Place): void {
    if (epoch > this.#over) return
    const reason = `many senders share its room, which begins at ${this.#over + 1}`
    throw new Refusal('out-of-window', `Cannot accept bundle of epoch ${epoch}: ${reason}`)
  }
}

/** Where a sender is followed that has no lane of its own, and whose child it is. */
export function roomOf({ lane, key }: Place): { readonly room: string; readonly parent: string } {
  const [topic = '', sender = '', , messageClass = ''] = lane.split('|')
  const pool = poolOf(sender as Name)
  if (pool !== undefined) return { parent: pool, room: `${topic}|${pool}|${key}|${messageClass}` }
  const parent = sender.slice(sender.indexOf('.') + 1)
  return { parent, room: `${topic}|${parent}||${messageClass}` }
}
