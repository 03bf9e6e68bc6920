import { closeSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { AgentError, type EvidenceRow, type HistoryRow, type HistoryRows } from '@ixj/agent'
import { toHex } from '@ixj/trust'
import { makeFolder } from '../home/file.ts'
import { HomeError } from '../home/home-error.ts'
import type {
  HistoryAnswer,
  HistoryChange,
  HistoryQuestion,
  PlacedRow,
  StagedRow,
} from './history-questions.ts'
import { HISTORY_GATHER_MS, HISTORY_QUEUED_BYTES_MAX, HISTORY_STAGED_BYTES } from './limits.ts'

/** What waits for the next commit, and who waits for it. */
interface Batch {
  readonly change: {
    readonly puts: (PlacedRow & { readonly bytes: Uint8Array })[]
    readonly removes: number[]
    readonly evidence: EvidenceRow[]
  }
  bytes: number
  readonly stored: PromiseWithResolvers<void>
}

// Run from source, the file of the thread has the ending of sources.
const WORKER = new URL(
  import.meta.url.endsWith('.ts') ? './history-worker.ts' : './history-worker.js',
  import.meta.url,
)

/**
 * Opens a history in an SQLite file, mode 0600, in a thread of its own. One commit is under way at a
 * time; what comes meanwhile goes with the next. What is committed survives a crash, and within
 * half a second a power cut. A commit that fails is told to all whose bundles were in it,
 * and the next one is tried anew.
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
  const history = new SqliteHistory(thread)
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
  /** Where bundles lie, by id. */
  readonly #places = new Map<string, number>()
  /** Bundles whose commit has not ended: they can be read from here. */
  readonly #unstored = new Map<string, Uint8Array>()
  /** In the hands of the thread while a commit is under way; one is at a time. */
  #staged: SharedArrayBuffer | undefined
  /** Places whose removal failed. */
  readonly #unremoved: number[] = []
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

  constructor(thread: HistoryThread) {
    this.#thread = thread
  }

  async open(): Promise<void> {
    const rows = (await this.#thread.ask({ kind: 'load' })) as readonly PlacedRow[]
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
    bytes: Uint8Array,
    options: { readonly isAwaited?: boolean } = {},
  ): Promise<void> {
    if (this.#queuedBytes + bytes.length > HISTORY_QUEUED_BYTES_MAX) {
      const reason = `${this.#queuedBytes} bytes wait for the disk, limit ${HISTORY_QUEUED_BYTES_MAX}`
      return Promise.reject(new AgentError('not-stored', `Cannot keep a bundle: ${reason}`))
    }
    const idText = toHex(row.id)
    const place = (this.#last += 1)
    this.#places.set(idText, place)
    this.#unstored.set(idText, bytes)
    this.#queuedBytes += bytes.length
    const batch = this.#next
    batch.bytes += bytes.length
    batch.change.puts.push({ place, row, bytes })
    if (options.isAwaited !== false) this.#hurry()
    this.#writeSoon()
    return batch.stored.promise
  }

  remove(ids: readonly Uint8Array[]): void {
    for (const id of ids) {
      const idText = toHex(id)
      const place = this.#places.get(idText)
      if (place === undefined) continue
      this.#places.delete(idText)
      const { puts, removes } = this.#next.change
      // What no commit has begun with needs none to go; whoever waits for it is not kept waiting.
      const waiting = puts.findIndex((each) => each.place === place)
      if (waiting === -1) removes.push(place)
      else {
        puts.splice(waiting, 1)
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
    this.#hurry()
    while (this.#writing !== undefined) await this.#writing
    await this.#thread.end()
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
  async #pause(): Promise<void> {
    if (!this.#isAwaited) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, HISTORY_GATHER_MS)
      this.#wake = resolve
      await promise
      clearTimeout(timer)
      this.#wake = undefined
    }
    await new Promise((resolve) => setImmediate(resolve))
  }

  async #write(): Promise<void> {
    await this.#pause()
    while (!isEmpty(this.#next)) {
      const batch = this.#next
      this.#next = emptyBatch()
      this.#isAwaited = false
      await this.#commit(batch)
    }
    this.#writing = undefined
  }

  async #commit({ change, bytes, stored }: Batch): Promise<void> {
    change.removes.push(...this.#unremoved.splice(0))
    try {
      await this.#thread.ask({ kind: 'write', ...change, ...this.#stage(change.puts) })
      stored.resolve()
    } catch (cause) {
      // What was to go goes with the next commit; nobody else remembers it.
      this.#unremoved.push(...change.removes)
      stored.reject(notStored('keep bundles', cause))
    }
    this.#queuedBytes -= bytes
    for (const { row } of change.puts) this.#unstored.delete(toHex(row.id))
  }

  /**
   * Copies bundles to where the thread reads them, once: a message to it would be copied twice, each
   * time into new memory, which costs this thread's collector as much as all else that it does.
   */
  #stage(puts: Batch['change']['puts']): Pick<HistoryChange, 'puts' | 'staged'> {
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
  return { change: { puts: [], removes: [], evidence: [] }, bytes: 0, stored }
}

function isEmpty({ change }: Pick<Batch, 'change'>): boolean {
  return change.puts.length + change.removes.length + change.evidence.length === 0
}

function notStored(tried: string, cause: unknown): AgentError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new AgentError('not-stored', `Cannot ${tried}: ${reason}`, { cause })
}

type Asked<Question> = Question extends unknown ? Omit<Question, 'number'> : never

/** The thread that has the file: questions are answered in their order. */
class HistoryThread {
  readonly #worker: Worker
  readonly #asked = new Map<number, PromiseWithResolvers<unknown>>()
  readonly #exited: Promise<void>
  #failure: Error | undefined
  #number = 0

  constructor(path: string) {
    this.#worker = new Worker(WORKER, { workerData: path, execArgv: [] })
    this.#worker.on('message', (answer: HistoryAnswer) => this.#take(answer))
    this.#worker.on('error', (cause) => this.#fail(cause))
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#fail(new Error('its thread has ended'))
        resolve()
      })
    })
  }

  async ask(question: Asked<HistoryQuestion>): Promise<unknown> {
    if (this.#failure !== undefined) throw this.#failure
    const number = (this.#number += 1)
    const answer = Promise.withResolvers<unknown>()
    this.#worker.postMessage({ ...question, number }, [])
    this.#asked.set(number, answer)
    return await answer.promise
  }

  /** Ends the thread when it has answered what was asked. */
  async end(): Promise<void> {
    await this.ask({ kind: 'close' }).catch(() => 'it has ended by itself, or does below')
    await this.#worker.terminate()
    await this.#exited
  }

  #take(answer: HistoryAnswer): void {
    const asked = this.#asked.get(answer.number)
    this.#asked.delete(answer.number)
    if ('failure' in answer) asked?.reject(new Error(answer.failure))
    else asked?.resolve(answer.value)
  }

  #fail(cause: Error): void {
    this.#failure ??= cause
    for (const asked of this.#asked.values()) asked.reject(this.#failure)
    this.#asked.clear()
  }
}
