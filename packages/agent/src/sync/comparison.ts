import type { Name } from '@ixj/names'
import { encode, equalBytes, forgetOldest, SKEW_MS, toHex, type Sha256 } from '@ixj/trust'
import type { Clock } from '../clock.ts'
import type { History } from '../history/history.ts'
import type { KeptClass } from '../history/history-rows.ts'
import { bucketOf, KEPT_MS, type BucketSummary } from '../history/topic-index.ts'
import { Refusal } from '../pipeline/verdicts.ts'
import type { Peer } from '../transport.ts'
import { Attempts } from './attempts.ts'
import {
  bucketFields,
  type BucketsFrame,
  type IdsFrame,
  type Range,
  type SyncFrame,
} from './frames.ts'
import {
  SYNC_AGAIN_MS,
  SYNC_ANSWER_MS,
  SYNC_IDS_MAX,
  SYNC_LISTS_KEPT_MAX,
  SYNC_SETTLED_MS,
} from './limits.ts'

const CLASSES: readonly KeptClass[] = ['event', 'task']
const ID_MIN = new Uint8Array(32)
const ID_MAX = new Uint8Array(32).fill(0xff)

/** Says something to one neighbour. */
export type Say = (frame: SyncFrame) => void

/** What is remembered of one neighbour: what it fills is its own. */
interface Compared {
  readonly attempts: Attempts
  /** When it was last answered, by what was asked. */
  readonly answered: Map<string, number>
  /** What one of both last said to have, and the other did not deny, by topic and class. */
  readonly agreed: Map<string, { readonly digest: Uint8Array; readonly at: number }>
}

/**
 * Two nodes find out what one of them lacks: first by one hash over all buckets, then by bucket, then
 * by the ids in those that differ. Each step answers the one before, and none goes back.
 */
export class Comparison {
  readonly #history: History
  readonly #clock: Clock
  readonly #hash: Sha256
  readonly #compared = new Map<Peer, Compared>()

  constructor(context: {
    readonly history: History
    readonly clock: Clock
    readonly hash: Sha256
  }) {
    this.#history = context.history
    this.#clock = context.clock
    this.#hash = context.hash
  }

  /**
   * Begins; `settled` leaves out what may still be under way, and what is as it was when one of both
   * last said so: who has something new begins.
   */
  begin(topic: Name, options: { readonly settled: boolean; readonly peer: Peer }, say: Say): void {
    const now = this.#clock.now()
    const { agreed } = this.#of(options.peer)
    const to = options.settled ? bucketOf(now - SYNC_SETTLED_MS) - 1 : bucketOf(now + SKEW_MS)
    for (const kept of CLASSES) {
      const range = { topic, class: kept, from: bucketOf(now - KEPT_MS[kept]) + 1, to }
      const digest = this.#digestOf(this.#buckets(range))
      const what = `${topic}|${kept}`
      const before = agreed.get(what)
      const age = now - (before?.at ?? -Infinity)
      const isSaid = age >= 0 && age < SYNC_AGAIN_MS && equalBytes(before!.digest, digest)
      if (options.settled && isSaid) continue
      put(agreed, what, { digest, at: now })
      say({ kind: 'summary', ...range, digest })
    }
  }

  /**
   * Answers a summary that is not ours with our buckets.
   * @throws Refusal `rate` where the neighbour asks this again too soon: a digest costs a sort
   */
  summary(frame: Extract<SyncFrame, { readonly kind: 'summary' }>, peer: Peer, say: Say): void {
    const { topic, class: kept, from, to } = frame
    const compared = this.#of(peer)
    this.#checkPace(compared, `summary|${topic}|${kept}`)
    const buckets = this.#buckets(frame)
    const what = `${topic}|${kept}`
    if (equalBytes(this.#digestOf(buckets), frame.digest)) {
      put(compared.agreed, what, { digest: frame.digest, at: this.#clock.now() })
      return
    }
    compared.agreed.delete(what)
    say({ kind: 'buckets', topic, class: kept, from, to, buckets })
  }

  /**
   * Answers buckets with the ids in those that differ from ours, less and less often.
   * @throws Refusal `rate` as for a summary
   */
  buckets(frame: BucketsFrame, peer: Peer, say: Say): void {
    const { topic, class: kept } = frame
    const compared = this.#of(peer)
    compared.agreed.delete(`${topic}|${kept}`)
    this.#checkPace(compared, `buckets|${topic}|${kept}`)
    const ours = new Map(this.#buckets(frame).map((each) => [each.bucket, each]))
    const theirs = new Map(frame.buckets.map((each) => [each.bucket, each]))
    const now = this.#clock.now()
    const [first, last] = [bucketOf(now - KEPT_MS[kept] - SKEW_MS), bucketOf(now + SKEW_MS)]
    const numbers = [...new Set([...ours.keys(), ...theirs.keys()])].filter(
      // Nothing that anybody may have is in others.
      (bucket) => bucket >= first && bucket <= last,
    )
    for (const bucket of numbers.toSorted((left, right) => left - right)) {
      if (isSame(ours.get(bucket), theirs.get(bucket))) continue
      if (!compared.attempts.take(`${topic}|${kept}|${bucket}`)) continue
      for (const stretch of stretchesOf(this.#history.ids(topic, kept, bucket))) {
        say({ kind: 'ids', topic, class: kept, bucket, ...stretch })
      }
    }
  }

  /** What we have of a bucket, between the two ids, and the neighbour does not list. */
  extras(frame: IdsFrame): readonly Uint8Array[] {
    const listed = new Set(frame.ids.map(toHex))
    return this.#history.between(frame).filter((id) => !listed.has(toHex(id)))
  }

  /** Something came of comparing this topic: it is gone on with at once. */
  worked(topic: Name): void {
    for (const { attempts } of this.#compared.values()) attempts.worked(`${topic}|`)
  }

  /** A neighbour has gone, and what was remembered of it. */
  gone(peer: Peer): void {
    this.#compared.delete(peer)
  }

  #of(peer: Peer): Compared {
    let compared = this.#compared.get(peer)
    if (compared === undefined) {
      compared = { attempts: new Attempts(this.#clock), answered: new Map(), agreed: new Map() }
      this.#compared.set(peer, compared)
    }
    return compared
  }

  #checkPace({ answered }: Compared, what: string): void {
    const now = this.#clock.now()
    const before = answered.get(what)
    if (before !== undefined && now - before < SYNC_ANSWER_MS) {
      const limit = `${now - before} ms after the one before, limit ${SYNC_ANSWER_MS}`
      throw new Refusal('rate', `Cannot compare again ${limit}`)
    }
    put(answered, what, now)
  }

  #buckets({ topic, class: kept, from, to }: Range): readonly BucketSummary[] {
    return this.#history.buckets(topic, kept, from, to)
  }

  #digestOf(buckets: readonly BucketSummary[]): Uint8Array {
    return this.#hash(encode(bucketFields(buckets)))
  }
}

/** Notes something; the oldest go when there is too much. */
function put<Noted>(notes: Map<string, Noted>, what: string, noted: Noted): void {
  notes.delete(what)
  notes.set(what, noted)
  forgetOldest(notes, SYNC_LISTS_KEPT_MAX)
}

function isSame(one: BucketSummary | undefined, other: BucketSummary | undefined): boolean {
  if (one === undefined || other === undefined) return false
  return one.count === other.count && equalBytes(one.digest, other.digest)
}

/** Ids as they fit into frames: together the stretches cover all ids that there may be. */
function stretchesOf(ids: readonly Uint8Array[]): readonly Pick<IdsFrame, 'from' | 'to' | 'ids'>[] {
  const count = Math.max(1, Math.ceil(ids.length / SYNC_IDS_MAX))
  return Array.from({ length: count }, (_, index) => {
    const start = index * SYNC_IDS_MAX
    const some = ids.slice(start, start + SYNC_IDS_MAX)
    const isLast = index === count - 1
    return {
      from: index === 0 ? ID_MIN : (ids[start] ?? ID_MIN),
      to: isLast ? ID_MAX : (some.at(-1) ?? ID_MAX),
      ids: some,
    }
  })
}
