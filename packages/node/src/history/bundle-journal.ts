import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import type { HistoryRow } from '@ixj/agent'
import { decode, encode, TrustError, type Value } from '@ixj/trust'
import { JOURNALED_FILE_BYTES_MAX } from './limits.ts'

/** A bundle that was stored, as it is read again. */
export interface JournaledBundle {
  readonly row: HistoryRow
  readonly bytes: Uint8Array
}

const FILE_NAMES = ['journal-1', 'journal-2'] as const
/** Before each record: its length, and the CRC-32 of its bytes. */
const HEAD_BYTES = 8
const SUM_START = 4
/** Room for the row beside its bundle: its names at their longest, and some. */
const RECORD_BYTES_MAX = 64 * 1024

interface JournalFile {
  readonly path: string
  handle: number | undefined
  /** Infinity where something in it may not be whole: nothing goes in behind that. */
  bytes: number
  /** Place of the last bundle in it. */
  last: number
}

/**
 * Small bundles that somebody waits for, until the tables have them: each is given to the system by
 * one call, so that it survives a crash of the process and no other thread is woken for it. Two files
 * in turn: one takes what comes while what is in the other is committed. Neither is synced.
 */
export class BundleJournal implements Disposable {
  readonly #files: readonly [JournalFile, JournalFile]
  #written: 0 | 1 = 0

  constructor(folder: string) {
    const [one, two] = FILE_NAMES.map((name) => ({
      path: join(folder, name),
      handle: undefined,
      bytes: 0,
      last: 0,
    }))
    this.#files = [one!, two!]
  }

  /** What an earlier process has left, in no order; called once, first. Throws what the system says. */
  async load(): Promise<readonly JournaledBundle[]> {
    const found = await Promise.all(this.#files.map(({ path }) => readIfThere(path)))
    for (const [index, { length }] of found.entries()) {
      // The next commit, which holds what was in it, empties it. What cannot be is written to no more:
      // a record that was cut off would hide those behind it.
      if (length > 0) this.#files[index]!.bytes = Infinity
    }
    return found.flatMap(readBundles)
  }

  /**
   * Writes a bundle down; gives a copy of it. Throws what the system says, and where the file takes no
   * more until a commit empties it: then nothing of the bundle is read again.
   */
  append(place: number, row: HistoryRow, bytes: Uint8Array): Uint8Array {
    const file = this.#files[this.#written]
    if (file.bytes > JOURNALED_FILE_BYTES_MAX) {
      throw new Error(`${file.path} takes no more until it is emptied`)
    }
    const frame = frameOf(row, bytes)
    const handle = (file.handle ??= openSync(file.path, 'a', 0o600))
    try {
      const written = writeSync(handle, frame)
      if (written < frame.length)
        throw new Error(`${written} of ${frame.length} bytes were written`)
    } catch (cause) {
      // A record that was cut off would hide those behind it: none goes in until it is cut away.
      const { bytes: whole } = file
      file.bytes = Infinity
      ftruncateSync(handle, whole)
      file.bytes = whole
      throw cause
    }
    file.bytes += frame.length
    file.last = place
    // It is the last of its record.
    const { buffer, byteOffset, length } = frame.subarray(frame.length - bytes.length)
    return new Uint8Array(buffer, byteOffset, length)
  }

  /** A commit begins: what is written down from now on goes into a file that it can leave alone. */
  turn(): void {
    const other = this.#written === 0 ? 1 : 0
    if (this.#files[other].bytes === 0) this.#written = other
  }

  /**
   * The tables have all bundles up to this place. A file that cannot be emptied is tried again when
   * they have more: what is in it is known to be in the tables, too.
   */
  committed(place: number): void {
    for (const file of this.#files) {
      if (file.bytes === 0 || file.last > place) continue
      try {
        file.handle ??= openSync(file.path, 'a', 0o600)
        ftruncateSync(file.handle, 0)
        file.bytes = 0
      } catch (cause) {
        // Where that goes on, the file is full at some time, and bundles wait for their commits.
        if (!(cause instanceof Error)) throw cause
      }
    }
  }

  [Symbol.dispose](): void {
    for (const file of this.#files) {
      if (file.handle !== undefined) closeSync(file.handle)
      file.handle = undefined
    }
  }
}

async function readIfThere(path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0)
    throw cause
  }
}

function frameOf(row: HistoryRow, bytes: Uint8Array): Buffer {
  const { id, topic, class: kept, sender, key, epoch, first, count } = row
  const { sentAt, verifiedAt, onBehalfOf, origin } = row
  const place = [id, topic, kept, sender, key, epoch, first, count]
  const record = encode([...place, sentAt, verifiedAt, onBehalfOf, origin, bytes], {
    bytesMax: RECORD_BYTES_MAX,
  })
  const frame = Buffer.allocUnsafe(HEAD_BYTES + record.length)
  frame.writeUInt32BE(record.length)
  frame.writeUInt32BE(crc32(record), SUM_START)
  frame.set(record, HEAD_BYTES)
  return frame
}

/** The bundles of a file, up to a record that is not whole: after a power cut it may be anything. */
function readBundles(file: Buffer): readonly JournaledBundle[] {
  const bundles: JournaledBundle[] = []
  let start = 0
  while (start + HEAD_BYTES <= file.length) {
    const end = start + HEAD_BYTES + file.readUInt32BE(start)
    const record = file.subarray(start + HEAD_BYTES, end)
    const isWhole = end <= file.length && crc32(record) === file.readUInt32BE(start + SUM_START)
    const bundle = isWhole ? bundleOf(record) : undefined
    if (bundle === undefined) break
    bundles.push(bundle)
    start = end
  }
  return bundles
}

function bundleOf(record: Uint8Array): JournaledBundle | undefined {
  let fields: Value
  try {
    fields = decode(record, { bytesMax: RECORD_BYTES_MAX })
  } catch (cause) {
    if (cause instanceof TrustError) return undefined
    throw cause
  }
  if (!Array.isArray(fields) || fields.length !== 13) return undefined
  const [id, topic, kept, sender, key, epoch, first, count, ...rest] = fields
  const [sentAt, verifiedAt, onBehalfOf, origin, bytes] = rest
  if (!(bytes instanceof Uint8Array)) return undefined
  const place = { id, topic, class: kept, sender, key, epoch, first, count }
  // Whole records are what this file's only writer wrote.
  const row = { ...place, sentAt, verifiedAt, onBehalfOf, origin, length: bytes.length }
  return { row: row as unknown as HistoryRow, bytes }
}
