import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { HistoryRow } from '@ixj/agent'
import { decode, encode, TrustError, type Value } from '@ixj/trust'
import { JOURNALED_FILE_BYTES_MAX } from './limits.ts'

/** A bundle that was stored, as it is read again. */
export interface JournaledBundle {
  readonly row: HistoryRow
  readonly bytes: Uint8Array
}

const FILE_NAMES = ['journal-1', 'journal-2'] as const
const LENGTH_BYTES = 4
/** Room for the row beside its bundle: its names at their longest, and some. */
const RECORD_BYTES_MAX = 64 * 1024

interface JournalFile {
  readonly path: string
  handle: number | undefined
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
      // It goes with the next commit, which holds what was in it.
      this.#files[index]!.bytes = length
    }
    return found.flatMap(readBundles)
  }

  /** Writes a bundle down; gives a copy of it. Throws what the system says: then nothing of it is there. */
  append(place: number, row: HistoryRow, bytes: Uint8Array): Uint8Array {
    const file = this.#files[this.#written]
    if (file.bytes > JOURNALED_FILE_BYTES_MAX) {
      throw new Error(`${file.bytes} bytes wait in ${file.path}, limit ${JOURNALED_FILE_BYTES_MAX}`)
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
        // Where that goes on, the file is full at some time, and whoever puts a bundle is told.
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
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + record.length)
  frame.writeUInt32BE(record.length)
  frame.set(record, LENGTH_BYTES)
  return frame
}

/** The bundles of a file, up to a record that is not whole: after a power cut it may be anything. */
function readBundles(file: Buffer): readonly JournaledBundle[] {
  const bundles: JournaledBundle[] = []
  let start = 0
  while (start + LENGTH_BYTES <= file.length) {
    const end = start + LENGTH_BYTES + file.readUInt32BE(start)
    const bundle =
      end > file.length ? undefined : bundleOf(file.subarray(start + LENGTH_BYTES, end))
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
