import { poolOf } from '@ixj/names'
import type { Sha256 } from '@ixj/trust'
import { compareBytes, concatBytes, forgetOldest, toHex } from '@ixj/trust'
import { fairShare } from './fair-share.ts'
import { isSentHere, type HistoryRow, type KeptClass } from './history-rows.ts'
import {
  BUCKET_MS,
  HISTORY_ENTRY_BYTES,
  HISTORY_EVENT_MS,
  HISTORY_STREAMS_MAX,
  HISTORY_TASK_MS,
} from './limits.ts'

/** How long bundles of a class are kept, in ms since they were sent. */
export const KEPT_MS: Readonly<Record<KeptClass, number>> = {
  event: HISTORY_EVENT_MS,
  task: HISTORY_TASK_MS,
}

/** What two nodes compare of one stretch of sentAt: how many bundles, and the hash of their ids. */
export interface BucketSummary {
  /** sentAt divided by {@link BUCKET_MS}, rounded down. */
  readonly bucket: number
  readonly count: number
  /** SHA-256 of the ids, rising bytewise. */
  readonly digest: Uint8Array
}

/** From one id to another, both included; 32 bytes each. */
export interface IdRange {
  readonly from: Uint8Array
  readonly to: Uint8Array
}

/** How far a stream is known: one past its highest place. */
export interface Head {
  readonly key: Uint8Array
  readonly class: KeptClass
  readonly epoch: number
  readonly next: number
}

interface Bucket {
  readonly rows: Map<string, HistoryRow>
  /** The ids, rising, and their hash, until something changes. */
  sorted: readonly Uint8Array[] | undefined
  digest: Uint8Array | undefined
}

/** The bundles of one sender, the oldest first. */
interface Share {
  readonly rows: Map<string, HistoryRow>
  bytes: number
}

/** The bucket that a time belongs to. */
export function bucketOf(time: number): number {
  return Math.floor(time / BUCKET_MS)
}

/** What a kept bundle counts for. */
export function costOf({ length }: HistoryRow): number {
  return length + HISTORY_ENTRY_BYTES
}

/** Which bundles of one topic are kept: by bucket, to compare; by sender, so that each has its share. */
export class TopicIndex {
  readonly #buckets: Record<KeptClass, Map<number, Bucket>> = { event: new Map(), task: new Map() }
  readonly #shares = new Map<string, Share>()
  /** The longest silent stream first. */
  readonly #heads = new Map<string, Head & { readonly isOwn: boolean }>()
  #bytes = 0

  /** Bytes of all that is kept. */
  get bytes(): number {
    return this.#bytes
  }

  /** Enters a bundle that is not there, under its id in hexadecimal. */
  add(row: HistoryRow, idText: string): void {
    const bucket = this.#bucket(row.class, bucketOf(row.sentAt))
    bucket.rows.set(idText, row)
    changed(bucket)
    const sender = sharerOf(row)
    let share = this.#shares.get(sender)
    if (share === undefined) {
      share = { rows: new Map(), bytes: 0 }
      this.#shares.set(sender, share)
    }
    share.rows.set(idText, row)
    share.bytes += costOf(row)
    this.#bytes += costOf(row)
    this.#follow(row)
  }

  /** Takes a bundle out. */
  remove(row: HistoryRow): void {
    const idText = toHex(row.id)
    const number = bucketOf(row.sentAt)
    const bucket = this.#buckets[row.class].get(number)
    if (bucket?.rows.delete(idText) !== true) return
    changed(bucket)
    if (bucket.rows.size === 0) this.#buckets[row.class].delete(number)
    const sender = sharerOf(row)
    const share = this.#shares.get(sender)
    if (share === undefined) return
    share.rows.delete(idText)
    share.bytes -= costOf(row)
    this.#bytes -= costOf(row)
    if (share.rows.size === 0) this.#shares.delete(sender)
  }

  /** What has to go for all to fit: of each sender with more than its share, its oldest. */
  beyond(bytesMax: number): readonly HistoryRow[] {
    const shares = [...this.#shares.values()]
    const most = fairShare(
      shares.map((share) => share.bytes),
      bytesMax,
    )
    return shares.flatMap((share) => {
      const going: HistoryRow[] = []
      let left = share.bytes
      for (const row of share.rows.values()) {
        if (left <= most) break
        going.push(row)
        left -= costOf(row)
      }
      return going
    })
  }

  /** What was sent so long ago that it is kept no longer. */
  ended(now: number, keepMs: number): readonly HistoryRow[] {
    return (['event', 'task'] as const).flatMap((each) => {
      const end = bucketOf(now - KEPT_MS[each] - keepMs)
      return [...this.#buckets[each]].flatMap(([number, { rows }]) =>
        number < end ? [...rows.values()] : [],
      )
    })
  }

  /** Buckets from one to another, both included, that hold anything; rising. */
  buckets(kept: KeptClass, from: number, to: number, hash: Sha256): readonly BucketSummary[] {
    return [...this.#buckets[kept]]
      .filter(([number]) => number >= from && number <= to)
      .toSorted(([left], [right]) => left - right)
      .map(([number, bucket]) => {
        bucket.digest ??= hash(concatBytes(...idsOf(bucket)))
        return { bucket: number, count: bucket.rows.size, digest: bucket.digest }
      })
  }

  /** The ids of one bucket, rising bytewise. */
  ids(kept: KeptClass, bucket: number): readonly Uint8Array[] {
    const found = this.#buckets[kept].get(bucket)
    return found === undefined ? [] : idsOf(found)
  }

  /** Those of them from one id to another, both included. */
  between(kept: KeptClass, bucket: number, range: IdRange): readonly Uint8Array[] {
    const ids = this.ids(kept, bucket)
    const [start, end] = placesOf(ids, range)
    return ids.slice(start, end)
  }

  /** How many ids have to be looked at for that: all where they are not in order yet. */
  lookedAt(kept: KeptClass, bucket: number, range: IdRange): number {
    const found = this.#buckets[kept].get(bucket)
    if (found?.sorted === undefined) return found?.rows.size ?? 0
    const [start, end] = placesOf(found.sorted, range)
    return end - start
  }

  /** Everything that is kept, in the order in which it was sent. */
  rows(): readonly HistoryRow[] {
    return [...this.#shares.values()]
      .flatMap((share) => [...share.rows.values()])
      .toSorted(bySending)
  }

  /** Streams that agents of this node write, the longest silent first. */
  ownHeads(): readonly Head[] {
    return [...this.#heads.values()].filter(({ isOwn }) => isOwn)
  }

  /** One past the highest place that is known of a stream; 0 where nothing is. */
  next({ key, class: kept, epoch }: Omit<Head, 'next'>): number {
    return this.#heads.get(streamOf(key, kept, epoch))?.next ?? 0
  }

  #follow(row: HistoryRow): void {
    const { key, class: kept, epoch } = row
    const stream = streamOf(key, kept, epoch)
    const known = this.#heads.get(stream)
    const next = Math.max(known?.next ?? 0, row.first + row.count)
    const isOwn = isSentHere(row) || known?.isOwn === true
    this.#heads.delete(stream)
    this.#heads.set(stream, { key, class: kept, epoch, next, isOwn })
    forgetOldest(this.#heads, HISTORY_STREAMS_MAX)
  }

  #bucket(kept: KeptClass, number: number): Bucket {
    const known = this.#buckets[kept].get(number)
    if (known !== undefined) return known
    const bucket: Bucket = { rows: new Map(), sorted: undefined, digest: undefined }
    this.#buckets[kept].set(number, bucket)
    return bucket
  }
}

/** In the order in which they were sent; of one moment, by their places. */
export function bySending(left: HistoryRow, right: HistoryRow): number {
  return left.sentAt - right.sentAt || left.first - right.first || compareBytes(left.id, right.id)
}

function idsOf(bucket: Bucket): readonly Uint8Array[] {
  return (bucket.sorted ??= [...bucket.rows.values()].map(({ id }) => id).toSorted(compareBytes))
}

/** Where a stretch of rising ids begins, and one past its end. */
function placesOf(ids: readonly Uint8Array[], { from, to }: IdRange): readonly [number, number] {
  const start = firstPlace(ids, (id) => compareBytes(id, from) >= 0)
  return [
    start,
    Math.max(
      start,
      firstPlace(ids, (id) => compareBytes(id, to) > 0),
    ),
  ]
}

function firstPlace(ids: readonly Uint8Array[], isThere: (id: Uint8Array) => boolean): number {
  let low = 0
  let high = ids.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (isThere(ids[middle]!)) high = middle
    else low = middle + 1
  }
  return low
}

function changed(bucket: Bucket): void {
  bucket.sorted = undefined
  bucket.digest = undefined
}

/** Agents of a pool are one sender: their node has as many names of it as it likes. */
function sharerOf({ sender, key }: HistoryRow): string {
  return `${poolOf(sender) ?? sender}|${toHex(key)}`
}

function streamOf(key: Uint8Array, kept: KeptClass, epoch: number): string {
  return `${toHex(key)}|${kept}|${epoch}`
}
