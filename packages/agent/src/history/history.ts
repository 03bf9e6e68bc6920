import type { Name } from '@ixj/names'
import { SKEW_MS, toHex, type Sha256 } from '@ixj/trust'
import type { Bundle } from '../bundles/bundle.ts'
import type { Place } from '../pipeline/replay-stream.ts'
import { fairShare } from './fair-share.ts'
import {
  isSentHere,
  type EvidenceRow,
  type HistoryRow,
  type HistoryRows,
  type KeptClass,
  type Origin,
} from './history-rows.ts'
import {
  EVIDENCE_KEPT_MAX,
  HISTORY_BYTES_MAX,
  HISTORY_LET_GO_MAX,
  HISTORY_ROOM,
  HISTORY_TOPIC_BYTES_MAX,
} from './limits.ts'
import {
  bySending,
  KEPT_MS,
  TopicIndex,
  type BucketSummary,
  type Head,
  type IdRange,
} from './topic-index.ts'

/** A kept bundle with its bytes. */
export interface KeptBundle {
  readonly row: HistoryRow
  readonly bytes: Uint8Array
}

/** Ids of one bucket, from one to another, both included. */
export interface IdStretch extends IdRange {
  readonly topic: Name
  readonly class: KeptClass
  readonly bucket: number
}

/** How much a history may hold. */
export interface HistoryLimits {
  readonly topicBytesMax: number
  readonly bytesMax: number
}

const LIMITS_DEFAULT: HistoryLimits = {
  topicBytesMax: HISTORY_TOPIC_BYTES_MAX,
  bytesMax: HISTORY_BYTES_MAX,
}

/**
 * The event and task bundles that a node has accepted, and those that its agents sent: what it
 * repairs others with, and what `messages({ history })` shows. Kept by age; and by size, where a
 * full topic costs its loudest senders their oldest, and full room its largest topics theirs, so
 * that nobody's flood pushes out what others said. The rows belong to whoever opened them.
 */
export class History {
  readonly #rows: HistoryRows
  readonly #hash: Sha256
  readonly #limits: HistoryLimits
  readonly #topics = new Map<Name, TopicIndex>()
  readonly #byId = new Map<string, HistoryRow>()
  /** Ids of what had to make room, the oldest first. */
  readonly #letGo = new Set<string>()
  #evidence: readonly EvidenceRow[] = []
  #bytes = 0

  private constructor(rows: HistoryRows, hash: Sha256, limits: HistoryLimits) {
    this.#rows = rows
    this.#hash = hash
    this.#limits = limits
  }

  /** Reads what is there from before, and forgets what has ended. */
  static async open(
    rows: HistoryRows,
    options: { readonly hash: Sha256; readonly now: number; readonly limits?: HistoryLimits },
  ): Promise<History> {
    const history = new History(rows, options.hash, options.limits ?? LIMITS_DEFAULT)
    for (const row of await rows.load()) history.#enter(row, toHex(row.id))
    history.#evidence = await rows.evidence()
    history.sweep(options.now)
    return history
  }

  /**
   * Keeps a bundle of class event or task; resolves when it would survive a crash. It is there at
   * once; a copy is kept once, but one that was carried gives way to the same opened. A bundle that cannot be stored is not there.
   * @throws AgentError `not-stored`
   */
  async add(
    { header, id, idText, bytes }: Bundle,
    {
      isAwaited = true,
      ...how
    }: Pick<HistoryRow, 'verifiedAt' | 'onBehalfOf'> & {
      readonly origin: Origin
      /** Whether anybody waits until it is stored. */
      readonly isAwaited?: boolean
    },
  ): Promise<void> {
    const known = this.#byId.get(idText)
    if (header.class === 'state' || (known !== undefined && known.origin !== 'carried')) return
    if (known !== undefined) this.#forget([known])
    const { topic, class: kept, sender, key, epoch, first, count, sentAt } = header
    const place = { topic, class: kept, sender, key, epoch, first, count, sentAt }
    const row: HistoryRow = { id, ...place, ...how, length: bytes.length }
    this.#enter(row, idText)
    const stored = this.#rows.put(row, bytes, { isAwaited })
    this.#makeRoom(topic)
    try {
      await stored
    } catch (cause) {
      this.#forget([row])
      throw cause
    }
  }

  /**
   * Whether a bundle is kept, or was and had to make room: it is not missed, though neighbours that
   * have more room, or made it later, still list it.
   */
  knows(idText: string): boolean {
    return this.#byId.has(idText) || this.#letGo.has(idText)
  }

  /** Whether a bundle is kept for others alone. */
  carries(idText: string): boolean {
    return this.#byId.get(idText)?.origin === 'carried'
  }

  /** Bytes of all that is kept. */
  get bytes(): number {
    return this.#bytes
  }

  /** Topics of which anything is kept. */
  topics(): readonly Name[] {
    return [...this.#topics.keys()]
  }

  /** What is there of a topic and class, by bucket, rising; the two ends belong to it. */
  buckets(topic: Name, kept: KeptClass, from: number, to: number): readonly BucketSummary[] {
    return this.#topics.get(topic)?.buckets(kept, from, to, this.#hash) ?? []
  }

  /** The ids of one bucket, rising bytewise. */
  ids(topic: Name, kept: KeptClass, bucket: number): readonly Uint8Array[] {
    return this.#topics.get(topic)?.ids(kept, bucket) ?? []
  }

  /** The ids of a stretch of one bucket, rising bytewise. */
  between({ topic, class: kept, bucket, ...range }: IdStretch): readonly Uint8Array[] {
    return this.#topics.get(topic)?.between(kept, bucket, range) ?? []
  }

  /** How many ids have to be looked at for that. */
  lookedAt({ topic, class: kept, bucket, ...range }: IdStretch): number {
    return this.#topics.get(topic)?.lookedAt(kept, bucket, range) ?? 0
  }

  /** Ids of what agents here sent to a topic, in the order of sending; `since` when, in ms. */
  ownIds(topic: Name, since = -Infinity): readonly Uint8Array[] {
    const rows = this.#topics.get(topic)?.rows() ?? []
    return rows.filter((row) => isSentHere(row) && row.sentAt >= since).map(({ id }) => id)
  }

  /**
   * Inboxes elsewhere to which agents here sent events, the longest ago first: whether all of that
   * came is not known over a restart. Tasks are sent again by themselves.
   */
  sentInboxes(): readonly Name[] {
    const topics = new Set<Name>()
    for (const { topic, origin, class: kept } of [...this.#byId.values()].toSorted(bySending)) {
      if (origin !== 'sent' || kept !== 'event') continue
      topics.delete(topic)
      topics.add(topic)
    }
    return [...topics]
  }

  /** Streams that agents of this node write to a topic, the longest silent first. */
  ownHeads(topic: Name): readonly Head[] {
    return this.#topics.get(topic)?.ownHeads() ?? []
  }

  /** One past the highest place that is known of a stream; 0 where nothing is. */
  next(topic: Name, stream: Omit<Head, 'next'>): number {
    return this.#topics.get(topic)?.next(stream) ?? 0
  }

  /** The rows of those of these bundles of a topic that are here, in the order of sending. */
  find(topic: Name, ids: readonly Uint8Array[]): readonly HistoryRow[] {
    const rows = ids.flatMap((id) => {
      const row = this.#byId.get(toHex(id))
      return row?.topic === topic ? [row] : []
    })
    return rows.toSorted(bySending)
  }

  /** All rows of a topic, in the order of sending. */
  rows(topic: Name): readonly HistoryRow[] {
    return this.#topics.get(topic)?.rows() ?? []
  }

  /** These bundles with their bytes; those that have gone meanwhile are left out. */
  async read(rows: readonly HistoryRow[]): Promise<readonly KeptBundle[]> {
    const found = await this.#rows.read(rows.map(({ id }) => id))
    return rows.flatMap((row, index) => {
      const bytes = found[index]
      return bytes === undefined ? [] : [{ row, bytes }]
    })
  }

  /** The places of bundles that were delivered here, as far as they are kept; the oldest first. */
  places(): readonly Place[] {
    return [...this.#byId.values()]
      .filter(({ origin }) => origin === 'live')
      .toSorted(bySending)
      .map(placeOf)
  }

  /** What convicts keys, over restarts. */
  get evidence(): readonly EvidenceRow[] {
    return this.#evidence
  }

  /**
   * Keeps both bundles of an equivocation, the first of each key; the first bundle is read from here.
   * @throws AgentError `not-stored`
   */
  async convict(evidence: Omit<EvidenceRow, 'bundles'>, second: Uint8Array): Promise<void> {
    const isKnown = this.#evidence.some(({ key }) => key === evidence.key)
    if (isKnown || this.#evidence.length >= EVIDENCE_KEPT_MAX) return
    const row = this.#byId.get(evidence.ids[0])
    const [first] = row === undefined ? [] : await this.#rows.read([row.id])
    const kept: EvidenceRow = { ...evidence, bundles: [first ?? null, second] }
    this.#evidence = [...this.#evidence, kept]
    await this.#rows.putEvidence(kept)
  }

  /** Forgets what was sent too long ago. */
  sweep(now: number): void {
    for (const [topic, index] of this.#topics) {
      this.#forget(index.ended(now, SKEW_MS))
      if (index.bytes === 0) this.#topics.delete(topic)
    }
  }

  #enter(row: HistoryRow, idText: string): void {
    let index = this.#topics.get(row.topic)
    if (index === undefined) {
      index = new TopicIndex()
      this.#topics.set(row.topic, index)
    }
    const before = index.bytes
    index.add(row, idText)
    this.#bytes += index.bytes - before
    this.#byId.set(idText, row)
  }

  #makeRoom(topic: Name): void {
    const { topicBytesMax, bytesMax } = this.#limits
    const index = this.#topics.get(topic)
    if (index !== undefined && index.bytes > topicBytesMax) {
      this.#letGoOf(index.beyond(topicBytesMax - topicBytesMax / HISTORY_ROOM))
    }
    if (this.#bytes <= bytesMax) return
    const indexes = [...this.#topics.values()]
    const sizes = indexes.map(({ bytes }) => bytes)
    const share = fairShare(sizes, bytesMax - bytesMax / HISTORY_ROOM)
    for (const each of indexes) if (each.bytes > share) this.#letGoOf(each.beyond(share))
  }

  /** What was carried may be brought again: it has not been delivered. */
  #letGoOf(rows: readonly HistoryRow[]): void {
    for (const { id, origin } of rows) if (origin !== 'carried') this.#letGo.add(toHex(id))
    for (const idText of this.#letGo) {
      if (this.#letGo.size <= HISTORY_LET_GO_MAX) break
      this.#letGo.delete(idText)
    }
    this.#forget(rows)
  }

  #forget(rows: readonly HistoryRow[]): void {
    if (rows.length === 0) return
    for (const row of rows) {
      const index = this.#topics.get(row.topic)
      if (index === undefined) continue
      const before = index.bytes
      index.remove(row)
      this.#bytes += index.bytes - before
      this.#byId.delete(toHex(row.id))
    }
    this.#rows.remove(rows.map(({ id }) => id))
  }
}

/** Its lifespan is not known without its bytes; none is longer than what is kept. */
function placeOf({ id, topic, sender, key, ...row }: HistoryRow): Place {
  const keyText = toHex(key)
  const lane = `${topic}|${sender}|${keyText}|${row.class}`
  const { epoch, first, count, sentAt } = row
  const forgetAt = sentAt + KEPT_MS[row.class] + SKEW_MS
  const stream = `${lane}|${epoch}`
  return { lane, epoch, stream, key: keyText, first, count, id: toHex(id), forgetAt }
}
