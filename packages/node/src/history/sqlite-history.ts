import { closeSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { AgentError, type EvidenceRow, type HistoryRow, type HistoryRows } from '@ixj/agent'
import { toHex } from '@ixj/trust'
import { makeFolder } from '../home/file.ts'
import { HomeError } from '../home/home-error.ts'
import { BundleJournal, type JournaledBundle } from './bundle-journal.ts'
import type { HistoryChange, PlacedRow, StagedRow } from './history-questions.ts'
import { HistoryThread } from './history-thread.ts'
import {
  HISTORY_GATHER_MS,
  HISTORY_JOURNALED_BYTES_MAX,
  HISTORY_QUEUED_BYTES_MAX,
  HISTORY_RETRY_MS,
  HISTORY_STAGED_BYTES,
} from './limits.ts'

/** A bundle that waits for a commit. */
interface Put extends PlacedRow {
  readonly bytes: Uint8Array
  /** It is stored already: a commit that fails is not the end of it. */
  readonly isJournaled: boolean
}

/** What waits for the next commit, and who waits for it. */
interface Batch {
  readonly change: {
    /** By place, in rising order: one may be removed before its commit begins. */
    puts: Map<number, Put>
    readonly removes: number[]
    readonly evidence: EvidenceRow[]
  }
  readonly stored: PromiseWithResolvers<void>
}

/**
 * Opens a history in an SQLite file, mode 0600, in a thread of its own, with a journal beside it for
 * what is small and waited for. One commit is under way at a time; what comes meanwhile goes with the
 * next. What is committed or in the journal survives a crash, and within half a second a power cut. A
 * commit that fails is told to all whose bundles were in it, and the next one is tried anew; what is
 * in the journal goes with it.
 * @throws HomeError `file`
 */
export async function openSqliteHistory(path: string): Promise<HistoryRows> {
  await makeFolder(dirname(path))
  try {
    closeSync(openSync(path, 'a', 0o600))
  } catch (cause) {
    throw unusable(path, cause)
  }
  const thread = new HistoryThread(path)
  const history = new SqliteHistory(thread, new BundleJournal(dirname(path)))
  try {
    await history.open()
    return history
  } catch (cause) {
    await thread.end()
    throw unusable(path, cause)
  }
}

function unusable(path: string, cause: unknown): HomeError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  const remedy = 'moved away, it is begun anew'
  return new HomeError('file', `Cannot open the history in ${path}: ${reason}; ${remedy}`, {
    cause,
  })
}

class SqliteHistory implements HistoryRows {
  readonly #thread: HistoryThread
  readonly #journal: BundleJournal
  /** Where bundles lie, by id. */
  readonly #places = new Map<string, number>()
  /** Bundles whose commit has not ended: they can be read from here. */
  readonly #unstored = new Map<string, Uint8Array>()
  /** In the hands of the thread while a commit is under way; one is at a time. */
  #staged: SharedArrayBuffer | undefined
  /** Places whose removal failed. */
  #unremoved: readonly number[] = []
  #rows: readonly HistoryRow[] = []
  #evidence: readonly EvidenceRow[] = []
  #last = 0
  #next: Batch = emptyBatch()
  #queuedBytes = 0
  #writing: Promise<void> | undefined
  /** Whether anybody waits for what is queued. */
  #isAwaited = false
  /** Ends the pause before a commit. */
  #wake: (() => void) | undefined
  #isClosing = false

  constructor(thread: HistoryThread, journal: BundleJournal) {
    this.#thread = thread
    this.#journal = journal
  }

  async open(): Promise<void> {
    let rows = (await this.#thread.ask({ kind: 'load' })) as readonly PlacedRow[]
    if (await this.#recover(rows)) {
      rows = (await this.#thread.ask({ kind: 'load' })) as readonly PlacedRow[]
    }
    this.#evidence = (await this.#thread.ask({ kind: 'evidence' })) as readonly EvidenceRow[]
    for (const { place, row } of rows) this.#places.set(toHex(row.id), place)
    this.#rows = rows.map(({ row }) => row)
    this.#last = rows.at(-1)?.place ?? 0
  }

  async load(): Promise<readonly HistoryRow[]> {
    const rows = this.#rows
    this.#rows = []
    return rows
  }

  put(
    row: HistoryRow,
    given: Uint8Array,
    options: { readonly isAwaited?: boolean } = {},
  ): Promise<void> {
    let bytes = given
    if (this.#queuedBytes + bytes.length > HISTORY_QUEUED_BYTES_MAX) {
      const reason = `${this.#queuedBytes} bytes wait for the disk, limit ${HISTORY_QUEUED_BYTES_MAX}`
      return Promise.reject(new AgentError('not-stored', `Cannot keep a bundle: ${reason}`))
    }
    const idText = toHex(row.id)
    const place = (this.#last += 1)
    const isAwaited = options.isAwaited !== false
    let isJournaled = isAwaited && bytes.length <= HISTORY_JOURNALED_BYTES_MAX
    if (isJournaled) {
      try {
        // Whoever is told that it is stored may use the memory again.
        bytes = this.#journal.append(place, row, bytes)
      } catch (cause) {
        // It waits for its commit, as a large one does: that empties the journal, or tells why not.
        if (!(cause instanceof Error)) throw cause
        isJournaled = false
      }
    }
    this.#places.set(idText, place)
    this.#unstored.set(idText, bytes)
    this.#queuedBytes += bytes.length
    const batch = this.#next
    batch.change.puts.set(place, { place, row, bytes, isJournaled })
    if (isAwaited && !isJournaled) this.#hurry()
    this.#writeSoon()
    return isJournaled ? Promise.resolve() : batch.stored.promise
  }

  remove(ids: readonly Uint8Array[]): void {
    for (const id of ids) {
      const idText = toHex(id)
      const place = this.#places.get(idText)
      if (place === undefined) continue
      this.#places.delete(idText)
      const { puts, removes } = this.#next.change
      // What no commit has begun with needs none to go; whoever waits for it is not kept waiting.
      const waiting = puts.get(place)
      if (waiting === undefined) removes.push(place)
      else {
        this.#queuedBytes -= waiting.bytes.length
        puts.delete(place)
        this.#unstored.delete(idText)
      }
    }
    this.#writeSoon()
  }

  async read(ids: readonly Uint8Array[]): Promise<readonly (Uint8Array | undefined)[]> {
    const known = ids.map((id) => this.#unstored.get(toHex(id)))
    const places = ids.map((id) => this.#places.get(toHex(id)) ?? -1)
    if (known.every((bytes) => bytes !== undefined)) return known
    try {
      const read = (await this.#thread.ask({ kind: 'read', places })) as typeof known
      return known.map((bytes, index) => bytes ?? read[index])
    } catch (cause) {
      throw notStored('read bundles that are kept', cause)
    }
  }

  putEvidence(evidence: EvidenceRow): Promise<void> {
    const batch = this.#next
    batch.change.evidence.push(evidence)
    this.#hurry()
    this.#writeSoon()
    return batch.stored.promise
  }

  async evidence(): Promise<readonly EvidenceRow[]> {
    return this.#evidence
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true
    this.#hurry()
    while (this.#writing !== undefined) await this.#writing
    await this.#thread.end()
    this.#journal[Symbol.dispose]()
  }

  #writeSoon(): void {
    this.#writing ??= this.#write()
  }

  /** What is queued now is waited for, or the file is about to be closed. */
  #hurry(): void {
    this.#isAwaited = true
    this.#wake?.()
  }

  /** What comes in this very turn goes with it, and where nobody waits, in some more. */
  async #pause(ms: number): Promise<void> {
    if (!this.#isAwaited) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, ms)
      this.#wake = resolve
      await promise
      clearTimeout(timer)
      this.#wake = undefined
    }
    await new Promise((resolve) => setImmediate(resolve))
  }

  async #write(): Promise<void> {
    let pauseMs = HISTORY_GATHER_MS
    while (!isEmpty(this.#next)) {
      await this.#pause(pauseMs)
      const batch = this.#next
      this.#next = emptyBatch()
      this.#isAwaited = false
      const isStored = await this.#commit(batch)
      if (!isStored && this.#isClosing && isInJournal(this.#next)) break
      pauseMs = isStored ? HISTORY_GATHER_MS : HISTORY_RETRY_MS
    }
    if (isEmpty(this.#next)) {
      // All of it was removed while the last commit went: nobody waits for that any longer.
      this.#next.stored.resolve()
      this.#next = emptyBatch()
    }
    this.#writing = undefined
  }

  /** Whether the tables have all of it now. Never throws. */
  async #commit({ change, stored }: Batch): Promise<boolean> {
    const puts = [...change.puts.values()]
    const removes = [...change.removes, ...this.#unremoved]
    this.#unremoved = []
    this.#journal.turn()
    const last = this.#last
    try {
      await this.#thread.ask({ kind: 'write', ...change, removes, ...this.#stage(puts) })
      stored.resolve()
    } catch (cause) {
      // What was to go goes with the next commit; nobody else remembers it.
      this.#unremoved = removes
      stored.reject(notStored('keep bundles', cause))
      // What is in the journal is stored all the same, unless it was removed meanwhile.
      const isLeft = ({ isJournaled, place, row }: Put) =>
        isJournaled && this.#places.get(toHex(row.id)) === place
      this.#settle(puts.filter((put) => !isLeft(put)))
      const next = this.#next.change
      const left = puts.filter(isLeft).map((put) => [put.place, put] as const)
      next.puts = new Map([...left, ...next.puts])
      return false
    }
    this.#settle(puts)
    this.#journal.committed(last)
    return true
  }

  /** These wait no longer. */
  #settle(puts: readonly Put[]): void {
    for (const { place, row, bytes } of puts) {
      this.#queuedBytes -= bytes.length
      const idText = toHex(row.id)
      if ((this.#places.get(idText) ?? place) === place) this.#unstored.delete(idText)
    }
  }

  /** Puts into the tables what a process before this one had in its journal alone; whether there was any. */
  async #recover(rows: readonly PlacedRow[]): Promise<boolean> {
    const known = new Set(rows.map(({ row }) => toHex(row.id)))
    const left = (await this.#journal.load()).filter(({ row }) => !known.has(toHex(row.id)))
    const last = rows.at(-1)?.place ?? 0
    const puts = left.map((each, index) => ({ ...each, place: last + 1 + index }))
    if (puts.length > 0) {
      const nothing = { removes: [], evidence: [] }
      await this.#thread.ask({ kind: 'write', ...nothing, ...this.#stage(puts) })
    }
    this.#journal.committed(Infinity)
    return puts.length > 0
  }

  /**
   * Copies bundles to where the thread reads them, once: a message to it would be copied twice, each
   * time into new memory, which costs this thread's collector as much as all else that it does.
   */
  #stage(puts: readonly (PlacedRow & JournaledBundle)[]): Pick<HistoryChange, 'puts' | 'staged'> {
    const length = puts.reduce((sum, { bytes }) => sum + bytes.length, 0)
    const isMuch = length > HISTORY_STAGED_BYTES
    const staged = isMuch
      ? new SharedArrayBuffer(length)
      : (this.#staged ??= new SharedArrayBuffer(HISTORY_STAGED_BYTES))
    const memory = new Uint8Array(staged)
    let end = 0
    const rows = puts.map(({ place, row, bytes }): StagedRow => {
      const start = end
      memory.set(bytes, start)
      end += bytes.length
      return { place, row, start, end }
    })
    return { puts: rows, staged }
  }
}

function emptyBatch(): Batch {
  const stored = Promise.withResolvers<void>()
  stored.promise.catch(() => 'each who waits for it is told; what is removed has nobody who waits')
  return { change: { puts: new Map(), removes: [], evidence: [] }, stored }
}

function isEmpty({ change }: Pick<Batch, 'change'>): boolean {
  return change.puts.size + change.removes.length + change.evidence.length === 0
}

/** Whether nobody waits for any of it: a later process finds it. */
function isInJournal({ change }: Batch): boolean {
  return (
    change.evidence.length === 0 &&
    [...change.puts.values()].every(({ isJournaled }) => isJournaled)
  )
}

function notStored(tried: string, cause: unknown): AgentError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new AgentError('not-stored', `Cannot ${tried}: ${reason}`, { cause })
}
