import type { Name } from '@ixj/names'
import {
  decode,
  encode,
  readArray,
  readBytes,
  readBytesUpTo,
  readInteger,
  readList,
  readName,
  readOneOf,
  readOptional,
  readSortedSet,
  TrustError,
  type Field,
  type Value,
} from '@ixj/trust'
import { checkVersion, VERSION } from '../bundles/version.ts'
import type { KeptClass } from '../history/history-rows.ts'
import type { BucketSummary } from '../history/topic-index.ts'
import { CHANNEL_FRAME_BYTES_MAX, MESSAGE_BYTES_MAX } from '../transport.ts'
import { ATTEST_BYTES_MAX, BUCKETS_MAX, SYNC_IDS_MAX } from './limits.ts'

/** A stretch of buckets of one topic and class; both ends belong to it. */
export interface Range {
  readonly topic: Name
  readonly class: KeptClass
  readonly from: number
  readonly to: number
}

/** What neighbours tell each other on `/ixj/sync/1`; docs/protocol.md, "Sync". */
export type SyncFrame =
  /** The hash over all buckets that I have in this range. */
  | ({ readonly kind: 'summary'; readonly digest: Uint8Array } & Range)
  /** The buckets that I have in it. */
  | BucketsFrame
  /** What I have of one bucket between two ids. */
  | IdsFrame
  /** I have these of a topic; you may lack them. */
  | { readonly kind: 'offer'; readonly topic: Name; readonly ids: readonly Uint8Array[] }
  /** Send me these of a topic. */
  | { readonly kind: 'pull'; readonly topic: Name; readonly ids: readonly Uint8Array[] }
  /** These that you asked for are not here. */
  | { readonly kind: 'gone'; readonly topic: Name; readonly ids: readonly Uint8Array[] }
  /** One that you asked for. */
  | BundleFrame

/** Every frame but a bundle names its topic. */
export type TopicFrame = Exclude<SyncFrame, BundleFrame>

/** All buckets that a node has in a range. */
export interface BucketsFrame extends Range {
  readonly kind: 'buckets'
  /** Rising; those that hold nothing are left out. */
  readonly buckets: readonly BucketSummary[]
}

/** The ids of one bucket from one to another. */
export interface IdsFrame {
  readonly kind: 'ids'
  readonly topic: Name
  readonly class: KeptClass
  readonly bucket: number
  /** Both ends belong to the stretch; 32 bytes. */
  readonly from: Uint8Array
  readonly to: Uint8Array
  /** A set. */
  readonly ids: readonly Uint8Array[]
}

/** A bundle, and what a keeper of history says of it. */
export interface BundleFrame {
  readonly kind: 'bundle'
  readonly bytes: Uint8Array
  /** An encoded attestation. */
  readonly attest: Uint8Array | null
}

/** The bytes of a frame. @throws TrustError `too-large` */
export function encodeSyncFrame(frame: SyncFrame): Uint8Array {
  return encode([VERSION, frame.kind, ...fieldsOf(frame)], { bytesMax: CHANNEL_FRAME_BYTES_MAX })
}

function fieldsOf(frame: SyncFrame): readonly Value[] {
  switch (frame.kind) {
    case 'summary':
      return [frame.topic, frame.class, frame.from, frame.to, frame.digest]
    case 'buckets': {
      const { topic, class: kept, from, to, buckets } = frame
      return [topic, kept, from, to, bucketFields(buckets)]
    }
    case 'ids':
      return [frame.topic, frame.class, frame.bucket, frame.from, frame.to, frame.ids]
    case 'offer':
    case 'pull':
    case 'gone':
      return [frame.topic, frame.ids]
    case 'bundle':
      return [frame.bytes, frame.attest]
  }
}

/** Buckets as they are told, and hashed for a summary. */
export function bucketFields(buckets: readonly BucketSummary[]): Value {
  return buckets.map(({ bucket, count, digest }) => [bucket, count, digest])
}

/** Reads a frame. @throws TrustError `encoding`, `form`, `name`, `too-large`, `unsupported` */
export function decodeSyncFrame(bytes: Uint8Array): SyncFrame {
  const value = decode(bytes, { bytesMax: CHANNEL_FRAME_BYTES_MAX })
  checkVersion(value, 'frame')
  const kind = (value as readonly Value[])[1]
  switch (kind) {
    case 'summary': {
      const fields = readArray(value, 'summary', 7)
      return { kind, ...readRange(fields), digest: readBytes(fields[6], 'digest of summary') }
    }
    case 'buckets': {
      const fields = readArray(value, 'buckets', 7)
      const range = readRange(fields)
      return { kind, ...range, buckets: readBuckets(fields[6], range) }
    }
    case 'ids':
      return readIdsFrame(readArray(value, 'ids', 8))
    case 'offer':
    case 'pull':
    case 'gone': {
      const [, , topic, ids] = readArray(value, kind, 4)
      return { kind, topic: readName(topic, `topic of ${kind}`), ids: readIds(ids, 1) }
    }
    case 'bundle': {
      const [, , bundle, attest] = readArray(value, 'bundle frame', 4)
      return {
        kind,
        bytes: readBytesUpTo(bundle, 'bundle', MESSAGE_BYTES_MAX),
        attest: readOptional(attest, 'attestation', (field, what) =>
          readBytesUpTo(field, what, ATTEST_BYTES_MAX),
        ),
      }
    }
    default:
      throw new TrustError('unsupported', 'Cannot read frame of sync: its kind is not known')
  }
}

function readRange(fields: readonly Value[]): Range {
  const topic = readName(fields[2], 'topic of range')
  const kept = readClass(fields[3])
  const from = readBucket(fields[4], 'first bucket')
  const to = readBucket(fields[5], 'last bucket')
  if (from > to || to - from >= BUCKETS_MAX) {
    const limit = `the last is not before the first, and there are at most ${BUCKETS_MAX}`
    throw new TrustError('form', `Cannot read buckets ${from} to ${to}: ${limit}`)
  }
  return { topic, class: kept, from, to }
}

function readBuckets(field: Field, { from, to }: Range): readonly BucketSummary[] {
  const buckets = readList(field, 'buckets', {
    itemsMax: BUCKETS_MAX,
    item: (item, what) => {
      const [bucket, count, digest] = readArray(item, what, 3)
      return {
        bucket: readInteger(bucket, `number of ${what}`, { min: from, max: to }),
        count: readInteger(count, `count of ${what}`, { min: 1, max: 2 ** 32 }),
        digest: readBytes(digest, `digest of ${what}`),
      }
    },
  })
  const rising = buckets.every(
    ({ bucket }, index) => index === 0 || bucket > (buckets[index - 1]?.bucket ?? -1),
  )
  if (rising) return buckets
  throw new TrustError('form', 'Cannot read buckets: their numbers do not rise')
}

function readIdsFrame(fields: readonly Value[]): IdsFrame {
  return {
    kind: 'ids',
    topic: readName(fields[2], 'topic of ids'),
    class: readClass(fields[3]),
    bucket: readBucket(fields[4], 'bucket of ids'),
    from: readBytes(fields[5], 'first id'),
    to: readBytes(fields[6], 'last id'),
    ids: readIds(fields[7], 0),
  }
}

function readIds(field: Field, itemsMin: number): readonly Uint8Array[] {
  return readSortedSet(field, 'ids', {
    itemsMin,
    itemsMax: SYNC_IDS_MAX,
    item: readBytes,
  })
}

function readClass(field: Field): KeptClass {
  return readOneOf(field, 'class', ['event', 'task'])
}

/** Times are at most 2^53 − 1, so their buckets are below this. */
function readBucket(field: Field, what: string): number {
  return readInteger(field, what, { min: 0, max: 2 ** 50 })
}
