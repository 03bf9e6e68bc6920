import { closeSync, openSync, writeSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AgentError, type Clock, type ReplayJournal } from '@ixj/agent'
import { decode, encode, toHex, TrustError, type Value } from '@ixj/trust'
import { listFolder } from '../home/file-names.ts'
import { makeFolder, removeIfThere } from '../home/file.ts'
import { HomeError } from '../home/home-error.ts'
import {
  JOURNAL_FILE_BYTES,
  JOURNAL_FILES_MAX,
  JOURNAL_GATHER_MS,
  JOURNAL_GATHERED_MAX,
} from './limits.ts'

type Place = Parameters<ReplayJournal['append']>[0]

/** One file of the journal. */
interface JournalFile {
  readonly path: string
  /** When nothing in it has any more to say. */
  until: number
}

const LENGTH_BYTES = 2
const FILE_NAME = /^places-(\d{1,12})$/

/**
 * Opens a journal of places in a folder: small records behind each other, in files of some MiB that
 * are forgotten whole. A record is given to the system before its bundle is delivered, so a crash of
 * the process loses none. Nothing is synced here: a write waits for a sync of its file, and with it
 * everything that its thread does. After a power cut the history tells, which is synced.
 * @throws HomeError `file`
 */
export async function openPlaceJournal(
  folder: string,
  clock: Clock,
): Promise<ReplayJournal & AsyncDisposable> {
  await makeFolder(folder)
  const numbers = (await listFolder(folder))
    .flatMap((name) => FILE_NAME.exec(name)?.[1] ?? [])
    .map(Number)
    .toSorted((left, right) => left - right)
  return new PlaceJournal(folder, numbers, clock)
}

class PlaceJournal implements ReplayJournal, AsyncDisposable {
  readonly #folder: string
  readonly #clock: Clock
  /** Older ones, the oldest first, and the one that is written last. */
  readonly #files: JournalFile[]
  /** Lanes of the file that is written, by number: each stands in it once. */
  readonly #lanes = new Map<string, number>()
  #number: number
  #handle: number | undefined
  #bytes = 0
  /** What is written together soon. */
  readonly #gathered: Buffer[] = []
  #cancelGather: (() => void) | undefined
  /** Why those before were not written. */
  #failure: { readonly cause: unknown } | undefined
  #forgetting = Promise.resolve()

  constructor(folder: string, numbers: readonly number[], clock: Clock) {
    this.#folder = folder
    this.#clock = clock
    this.#files = numbers.map((number) => ({ path: this.#pathOf(number), until: 0 }))
    this.#number = numbers.at(-1) ?? 0
  }

  async load(now: number): Promise<readonly Place[]> {
    const places: Place[] = []
    for (const file of this.#files) {
      const read = readPlaces(await readFile(file.path))
      file.until = read.reduce((until, { forgetAt }) => Math.max(until, forgetAt), 0)
      for (const place of read) if (place.forgetAt >= now) places.push(place)
    }
    await this.#forget(now)
    return places
  }

  append(place: Place, { gathered = false }: { readonly gathered?: boolean } = {}): void {
    try {
      this.#tellFailure()
      this.#take(place)
      if (gathered) this.#writeSoon()
      else this.#write()
    } catch (cause) {
      // A record that was cut off hides those behind it: the next goes into a file of its own.
      this.#endFile()
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new AgentError('not-stored', `Cannot remember a bundle: ${reason}`, { cause })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#writeGathered()
    this.#endFile()
    await this.#forgetting
  }

  /** Makes the record of a place, which is written with the next. */
  #take(place: Place): void {
    const { lane, epoch, first, count, id, forgetAt } = place
    if (this.#bytes > JOURNAL_FILE_BYTES) {
      this.#write()
      this.#endFile()
      this.#forgetting = this.#forgetSoon(this.#forgetting)
    }
    this.#handle ??= this.#beginFile()
    let number = this.#lanes.get(lane)
    if (number === undefined) {
      number = this.#lanes.size
      this.#lanes.set(lane, number)
      this.#gather(frameOf([lane]))
    }
    this.#gather(frameOf([number, epoch, first, count, Buffer.from(id, 'hex'), forgetAt]))
    const file = this.#files.at(-1)
    if (file !== undefined) file.until = Math.max(file.until, forgetAt)
  }

  #gather(frame: Buffer): void {
    this.#gathered.push(frame)
    this.#bytes += frame.length
  }

  #writeSoon(): void {
    if (this.#gathered.length >= JOURNAL_GATHERED_MAX) return this.#write()
    this.#cancelGather ??= this.#clock.at(this.#clock.now() + JOURNAL_GATHER_MS, () =>
      this.#writeGathered(),
    )
  }

  /** Nobody waits for these: the next call tells. */
  #writeGathered(): void {
    try {
      this.#write()
    } catch (cause) {
      this.#endFile()
      this.#failure = { cause }
    }
  }

  #tellFailure(): void {
    const failure = this.#failure
    this.#failure = undefined
    if (failure !== undefined) throw failure.cause
  }

  /** Writes all that was gathered. */
  #write(): void {
    this.#cancelGather?.()
    this.#cancelGather = undefined
    const frames = this.#gathered.splice(0)
    if (frames.length === 0 || this.#handle === undefined) return
    const bytes = Buffer.concat(frames)
    const written = writeSync(this.#handle, bytes)
    if (written < bytes.length) throw new Error(`${written} of ${bytes.length} bytes were written`)
  }

  #beginFile(): number {
    this.#number += 1
    const path = this.#pathOf(this.#number)
    const handle = openSync(path, 'ax', 0o600)
    this.#files.push({ path, until: 0 })
    return handle
  }

  #endFile(): void {
    if (this.#handle !== undefined) closeSync(this.#handle)
    this.#handle = undefined
    this.#gathered.length = 0
    this.#bytes = 0
    this.#lanes.clear()
  }

  #pathOf(number: number): string {
    return join(this.#folder, `places-${number}`)
  }

  /** One after the other; what cannot be removed is tried again when the next file is full. */
  async #forgetSoon(before: Promise<void>): Promise<void> {
    await before
    try {
      await this.#forget(this.#clock.now())
    } catch (cause) {
      // It takes room and nothing else: its places are read again, and have ended.
      if (!(cause instanceof HomeError)) throw cause
    }
  }

  /** Files in which everything has ended go, and the oldest where there are too many. */
  async #forget(now: number): Promise<void> {
    const written = this.#handle === undefined ? undefined : this.#files.at(-1)
    const going = this.#files.filter(
      (file, index) =>
        file !== written && (file.until < now || this.#files.length - index > JOURNAL_FILES_MAX),
    )
    let failure: { readonly cause: unknown } | undefined
    for (const file of going) {
      try {
        await removeIfThere(file.path)
        const index = this.#files.indexOf(file)
        if (index !== -1) this.#files.splice(index, 1)
      } catch (cause) {
        // The others go all the same.
        failure ??= { cause }
      }
    }
    if (failure !== undefined) throw failure.cause
  }
}

function frameOf(fields: readonly Value[]): Buffer {
  const bytes = encode(fields)
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + bytes.length)
  frame.writeUInt16BE(bytes.length)
  frame.set(bytes, LENGTH_BYTES)
  return frame
}

/** The places of a file, up to a record that is not whole: what is behind it was never written. */
function readPlaces(file: Buffer): readonly Place[] {
  const lanes: string[] = []
  const places: Place[] = []
  let start = 0
  while (start + LENGTH_BYTES <= file.length) {
    const end = start + LENGTH_BYTES + file.readUInt16BE(start)
    const fields =
      end > file.length ? undefined : readFields(file.subarray(start + LENGTH_BYTES, end))
    if (fields === undefined) break
    const [first] = fields
    if (typeof first === 'string') lanes.push(first)
    else places.push(placeOf(fields, lanes))
    start = end
  }
  return places
}

function readFields(bytes: Uint8Array): readonly Value[] | undefined {
  try {
    const value = decode(bytes)
    return Array.isArray(value) ? (value as readonly Value[]) : undefined
  } catch (cause) {
    if (cause instanceof TrustError) return undefined
    throw cause
  }
}

function placeOf(fields: readonly Value[], lanes: readonly string[]): Place {
  const [number, epoch, first, count, id, forgetAt] = fields
  const lane = lanes[Number(number)]
  const key = lane?.split('|')[2]
  if (lane === undefined || key === undefined || !(id instanceof Uint8Array)) {
    throw new HomeError('malformed', 'Cannot read a journal of places: a record is none')
  }
  return {
    lane,
    epoch: Number(epoch),
    stream: `${lane}|${Number(epoch)}`,
    key,
    first: Number(first),
    count: Number(count),
    id: toHex(id),
    forgetAt: Number(forgetAt),
  }
}
