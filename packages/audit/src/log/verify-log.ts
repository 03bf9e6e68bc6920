import { equalBytes, type Sha256, TrustError } from '@ixj/trust'
import { AuditError } from '../audit-error.ts'
import { MerkleTree } from '../merkle/tree.ts'
import { type CheckpointTrust, openCheckpoint, type SignedCheckpoint } from '../note/checkpoint.ts'
import { type AuditRecord, decodeRecord } from '../record.ts'
import { splitCheckpointList } from './checkpoint-list.ts'
import { FaultList, type LogFault } from './fault-list.ts'
import { FrameReader, type Frame, isWhole } from './frame.ts'

/** What a log's files hold. */
export interface LogBytes {
  /** The file of records, in pieces of any size, read after the checkpoints. */
  readonly records: AsyncIterable<Uint8Array>
  /** The file of checkpoints. */
  readonly checkpoints: Uint8Array
  /** Checkpoints of this log that the verifier saw before, or got from others: their notes. */
  readonly seen?: readonly string[]
}

/** What a whole log was found to be. */
export interface LogReport {
  /** Whole records. */
  readonly size: number
  /** How many of them a checkpoint covers that holds. */
  readonly covered: number
  /** How many checkpoints of the log hold. */
  readonly checkpoints: number
  /** The log's newest checkpoint that holds. */
  readonly latest: SignedCheckpoint | null
  /** Bytes at the end of the two files that are no whole record or note: a write was broken off. */
  readonly unfinished: number
  /** None: every record that is covered is the one that was signed. */
  readonly faults: readonly LogFault[]
}

/** What is told about each whole record on the way. */
export type OnRecord = (record: AuditRecord, index: number) => void

/**
 * Checks a log from its first record to its last against every checkpoint that its key signed:
 * flipped bits, cuts, records put in, taken out, changed or moved, forks, and what is older than a
 * checkpoint that was seen. The key is the verifier's, never one that the log brings. One record is
 * in memory at a time; each costs two to three hashes, each checkpoint one signature check.
 */
export async function verifyLog(
  log: LogBytes,
  trust: CheckpointTrust,
  onRecord: OnRecord = () => {},
): Promise<LogReport> {
  const listed = splitCheckpointList(log.checkpoints)
  const notes = listed.map(({ text }) => text)
  const rest = log.checkpoints.length - (listed.at(-1)?.end ?? 0)
  const own = await openAll(notes, trust, (index) => `checkpoint ${index + 1} of ${notes.length}`)
  const seen = await openAll(log.seen ?? [], trust, () => 'a checkpoint that was seen')
  const heads = [
    ...own.opened.map((head) => ({ head, seen: false })),
    ...seen.opened.map((head) => ({ head, seen: true })),
  ].toSorted((left, right) => left.head.size - right.head.size)
  const check = new RecordCheck(heads, trust.hash, onRecord)
  await check.readAll(log.records)
  const latest = own.opened.reduce<SignedCheckpoint | null>(
    (best, each) => (best === null || each.size >= best.size ? each : best),
    null,
  )
  return {
    size: check.size,
    covered: check.covered,
    checkpoints: own.opened.length,
    latest,
    unfinished: check.unfinished + rest,
    faults: [
      ...own.faults,
      ...seen.faults,
      ...orderFaults(own.opened),
      ...seenFaults(latest, seen.opened),
      ...check.faults(),
    ],
  }
}

interface Head {
  readonly head: SignedCheckpoint
  readonly seen: boolean
}

async function openAll(
  notes: readonly string[],
  trust: CheckpointTrust,
  nameOf: (index: number) => string,
): Promise<{ readonly opened: readonly SignedCheckpoint[]; readonly faults: readonly LogFault[] }> {
  const opened: SignedCheckpoint[] = []
  const faults = new FaultList()
  for (const [index, note] of notes.entries()) {
    try {
      opened.push(await openCheckpoint(note, trust))
    } catch (cause) {
      if (!(cause instanceof AuditError)) throw cause
      const from = opened.at(-1)?.size ?? 0
      const message = `${nameOf(index)}, after record ${from}: ${cause.message}`
      faults.add({ code: cause.code, from, to: from, message })
    }
  }
  return { opened, faults: faults.all }
}

/** "A log MUST NOT sign any checkpoint which is inconsistent with any it previously signed." */
function orderFaults(opened: readonly SignedCheckpoint[]): LogFault[] {
  return opened.flatMap((next, index) => {
    const before = opened[index - 1]
    if (before === undefined || before.size <= next.size) return []
    const message = `a checkpoint of ${next.size} records stands after one of ${before.size}`
    return [{ code: 'rollback' as const, from: next.size, to: before.size - 1, message }]
  })
}

function seenFaults(
  latest: SignedCheckpoint | null,
  seen: readonly SignedCheckpoint[],
): LogFault[] {
  const most = largest(seen)
  const size = latest?.size ?? 0
  if (most <= size) return []
  const message = `its checkpoints end at ${size} records, and one of ${most} was seen`
  return [{ code: 'rollback', from: size, to: most - 1, message }]
}

/** Follows the records, and compares their root with every checkpoint's on the way. */
class RecordCheck {
  readonly #heads: readonly Head[]
  readonly #hash: Sha256
  readonly #onRecord: OnRecord
  readonly #tree: MerkleTree
  readonly #reader = new FrameReader()
  readonly #found = new FaultList()
  readonly #wrong: Head[] = []
  #next = 0
  #matched = 0
  #stopped = false

  constructor(heads: readonly Head[], hash: Sha256, onRecord: OnRecord) {
    this.#heads = heads
    this.#hash = hash
    this.#onRecord = onRecord
    this.#tree = new MerkleTree(hash)
  }

  get size(): number {
    return this.#tree.size
  }

  get covered(): number {
    return this.#matched
  }

  get unfinished(): number {
    return this.#reader.unfinished
  }

  async readAll(pieces: AsyncIterable<Uint8Array>): Promise<void> {
    this.#compare()
    try {
      for await (const piece of pieces) {
        for (const frame of this.#reader.push(piece)) this.#take(frame)
      }
    } catch (cause) {
      // The length of a record is wrong, so nobody can say where the next one begins.
      if (!(cause instanceof AuditError) || cause.code !== 'flipped') throw cause
      this.#stopped = true
      const last = Math.max(this.size, this.#most(this.#heads) - 1)
      const message = `record ${this.size}: ${cause.message}; nothing after it can be read`
      this.#found.add({ code: 'flipped', from: this.size, to: last, message })
    }
  }

  /** What was found, in the order of the records. */
  faults(): readonly LogFault[] {
    const found = [...this.#found.all, ...this.#rootFaults(), ...this.#endFaults()]
    return found.toSorted((left, right) => left.from - right.from)
  }

  #take(frame: Frame): void {
    const index = this.size
    if (isWhole(frame, this.#hash)) this.#read(frame.record, index)
    else {
      const message = `record ${index}: its bytes do not have the hash that stands with them`
      this.#found.add({ code: 'flipped', from: index, to: index, message })
    }
    this.#tree.append(frame.leaf)
    this.#compare()
  }

  #read(bytes: Uint8Array, index: number): void {
    let record: AuditRecord
    try {
      record = decodeRecord(bytes)
    } catch (cause) {
      if (!(cause instanceof TrustError)) throw cause
      const message = `record ${index}: ${cause.message}`
      this.#found.add({ code: 'form', from: index, to: index, message })
      return
    }
    this.#onRecord(record, index)
  }

  /** Compares the checkpoints of just this size. */
  #compare(): void {
    let root: Uint8Array | undefined
    for (; this.#heads[this.#next]?.head.size === this.size; this.#next++) {
      const each = this.#heads[this.#next]!
      root ??= this.#tree.root()
      if (equalBytes(root, each.head.root)) this.#matched = each.head.size
      else this.#wrong.push(each)
    }
  }

  /** Roots that were signed and are not those of the records. */
  #rootFaults(): LogFault[] {
    const isFork = (head: SignedCheckpoint): boolean =>
      // A later root holds, or another of the same size: then this one is of another history.
      head.size <= this.#matched ||
      this.#heads.some(
        (other) => other.head.size === head.size && !equalBytes(other.head.root, head.root),
      )
    const forks = this.#wrong.filter(({ head }) => isFork(head))
    const altered = this.#wrong.find(({ head }) => !isFork(head))
    return [
      ...forks.map(({ head, seen }): LogFault => {
        const which = seen ? 'a checkpoint that was seen' : 'a checkpoint'
        const message = `${which} of ${head.size} records signs another history than the log's`
        return { code: 'fork', from: 0, to: head.size - 1, message }
      }),
      ...(altered === undefined ? [] : [this.#alteredFault(altered)]),
    ]
  }

  #alteredFault({ head, seen }: Head): LogFault {
    const from = this.#matched
    const signed = `root that was signed at ${head.size}${seen ? ', which was seen' : ''}`
    const message = `records ${from} to ${head.size - 1} do not give the ${signed}`
    return { code: 'altered', from, to: head.size - 1, message }
  }

  #endFaults(): LogFault[] {
    if (this.#stopped) return []
    const own = this.#most(this.#heads.filter(({ seen }) => !seen))
    const all = this.#most(this.#heads)
    if (all <= this.size) return []
    const code = own > this.size ? 'cut' : 'rollback'
    const message = `the log ends after ${this.size} records, and ${all} were signed`
    return [{ code, from: this.size, to: all - 1, message }]
  }

  #most(heads: readonly Head[]): number {
    return largest(heads.map(({ head }) => head))
  }
}

/** Records of the largest; a list is too long for the arguments of one call. */
function largest(checkpoints: readonly SignedCheckpoint[]): number {
  return checkpoints.reduce((most, { size }) => Math.max(most, size), 0)
}
