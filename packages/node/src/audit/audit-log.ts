import type { AuditEvent, AuditLog, Clock } from '@ixj/agent'
import {
  AuditError,
  type AuditRecord,
  type GapRecord,
  REASON_BYTES_MAX,
  RecordEncoder,
  type SignedCheckpoint,
} from '@ixj/audit'
import {
  CHECKPOINT_MS,
  CHECKPOINT_RECORDS_MAX,
  LOG_BATCH_BYTES_MAX,
  LOG_GATHER_MS,
  LOG_QUEUE_BYTES_MAX,
  LOG_RETRY_MS,
} from './limits.ts'
import { type LogWriter, type LogWriterOptions, openLogWriter } from './log-writer.ts'

/** How an audit log is opened. */
export interface AuditLogOptions extends LogWriterOptions {
  readonly clock: Clock
}

/** A record on its way; who waits for it is told. */
interface Entry {
  readonly bytes: Uint8Array
  readonly settle?: (cause: Error | null) => void
}

interface Fault {
  readonly cause: AuditError
  readonly since: number
  /** Records that are missing since. */
  lost: number
  /** How many of them a gap tells of already. */
  told: number
}

/**
 * An audit log in files. Records are written and synced in groups, by the system's own threads: what
 * somebody waits for at once when nothing is being written, else with the next group; what nobody
 * waits for goes along, or alone after {@link LOG_GATHER_MS}. While
 * the log cannot be written it tries again every {@link LOG_RETRY_MS}; the first record afterwards
 * is the gap, and those that had come before the failure follow it.
 */
export class FileAuditLog implements AuditLog, AsyncDisposable {
  readonly #writer: LogWriter
  readonly #clock: Clock
  readonly #encoder = new RecordEncoder()
  readonly #listeners = new Set<(event: AuditEvent) => void>()
  #queue: Entry[] = []
  #queuedBytes = 0
  #fault: Fault | null = null
  #running: Promise<void> | undefined
  #cancelGather: (() => void) | undefined
  #cancelRetry: (() => void) | undefined
  #cancelCheckpoint: (() => void) | undefined
  #checkpointDue = false
  #closed = false

  /** Use {@link openAuditLog}. */
  constructor(writer: LogWriter, clock: Clock) {
    this.#writer = writer
    this.#clock = clock
    this.#planCheckpoint()
  }

  get fault(): Error | null {
    return this.#fault?.cause ?? null
  }

  /** Records that are safe from a power cut. */
  get size(): number {
    return this.#writer.size
  }

  /** The newest checkpoint; null: there is none yet. */
  get latest(): SignedCheckpoint | null {
    return this.#writer.latest
  }

  append(record: AuditRecord): void {
    if (this.#fault !== null) this.#fault.lost += 1
    else if (!this.#closed) this.#push({ bytes: this.#encoder.encode(record) })
  }

  appendSafely(record: AuditRecord): Promise<void> {
    if (this.#closed) {
      return Promise.reject(new AuditError('closed', 'Cannot record: the audit log is closed'))
    }
    if (this.#fault !== null) return Promise.reject(this.#fault.cause)
    const bytes = this.#encoder.encode(record)
    return new Promise((resolve, reject) => {
      const settle = (cause: Error | null): void => (cause === null ? resolve() : reject(cause))
      this.#push({ bytes, settle })
    })
  }

  watch(listener: (event: AuditEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Signs a checkpoint over what is safe by now; nothing happens while the log cannot be written. */
  async checkpoint(): Promise<void> {
    if (this.#fault !== null || this.#closed) return
    this.#checkpointDue = true
    this.#start()
    await this.#running
  }

  /** Writes what waits, signs a last checkpoint, and closes the files. Twice is fine. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#cancelGather?.()
    this.#cancelRetry?.()
    this.#cancelCheckpoint?.()
    await this.#running
    // A log that cannot be written is given one last chance; who watches it was told long ago.
    if (this.#fault !== null) await this.#recover()
    this.#checkpointDue = true
    if (this.#fault === null) await this.#run()
    await this.#writer[Symbol.asyncDispose]()
  }

  #push(entry: Entry): void {
    this.#queue.push(entry)
    this.#queuedBytes += entry.bytes.length
    if (this.#queuedBytes > LOG_QUEUE_BYTES_MAX) {
      const limit = `${this.#queuedBytes} bytes wait, limit ${LOG_QUEUE_BYTES_MAX}`
      this.#fail(new AuditError('unwritable', `Cannot write the audit log: ${limit}`))
    }
    // Those before it that somebody waits for are being written.
    const isUrgent = entry.settle !== undefined || this.#queuedBytes > LOG_BATCH_BYTES_MAX
    if (isUrgent) this.#start()
    else this.#startLater()
  }

  /** When others have had time to come. */
  #startLater(): void {
    if (this.#running !== undefined || this.#closed) return
    this.#cancelGather ??= this.#clock.at(this.#clock.now() + LOG_GATHER_MS, () => this.#start())
  }

  /** Whether somebody waits for what is queued, or much has come. */
  #isUrgent(): boolean {
    if (this.#checkpointDue || this.#queuedBytes > LOG_BATCH_BYTES_MAX) return true
    // What came before a failure is written before its gap, and all before the log is closed.
    if (this.#queue.length > 0 && (this.#closed || this.#fault !== null)) return true
    return this.#queue.some(({ settle }) => settle !== undefined)
  }

  #start(): void {
    if (this.#running !== undefined || this.#closed) return
    this.#cancelGather?.()
    this.#cancelGather = undefined
    this.#work(this.#run())
  }

  /** One piece of work at a time; what came while it was ending starts the next. */
  #work(work: Promise<void>): void {
    this.#running = work.finally(() => {
      this.#running = undefined
      if (this.#fault !== null) return
      if (this.#isUrgent()) this.#start()
      else if (this.#queue.length > 0) this.#startLater()
    })
  }

  /** Writes what waits, and on until nobody waits for more. Never throws. */
  async #run(): Promise<void> {
    // What is recorded in one go belongs to one group.
    await Promise.resolve()
    do {
      let group = this.#takeGroup()
      try {
        if (group.length > 0) await this.#writer.write(group.map(({ bytes }) => bytes))
        for (const { settle } of group) settle?.(null)
        group = []
        await this.#checkpointIfDue()
      } catch (cause) {
        this.#failWith(cause, group)
        return
      }
    } while (this.#isUrgent())
    if (this.#fault !== null) await this.#recover()
  }

  #takeGroup(): readonly Entry[] {
    let bytes = 0
    let count = 0
    for (const entry of this.#queue) {
      bytes += entry.bytes.length
      if (count > 0 && bytes > LOG_BATCH_BYTES_MAX) break
      count += 1
      this.#queuedBytes -= entry.bytes.length
    }
    return this.#queue.splice(0, count)
  }

  /** What was not acknowledged is kept, but for what somebody waits for: that has not happened. */
  #failWith(cause: unknown, group: readonly Entry[]): void {
    const all = [...group, ...this.#queue]
    const reason = cause instanceof Error ? cause.message : String(cause)
    const message = `Cannot write the audit log: ${reason.slice(0, 200)}`
    this.#fail(new AuditError('unwritable', message, { cause }))
    for (const { settle } of all) settle?.(this.#fault!.cause)
    this.#queue = all.filter(({ settle }) => settle === undefined)
    this.#queuedBytes = this.#queue.reduce((sum, { bytes }) => sum + bytes.length, 0)
    this.#checkpointDue = false
    this.#retryLater()
  }

  #fail(cause: AuditError): void {
    if (this.#fault !== null) return
    this.#fault = { cause, since: this.#clock.now(), lost: 0, told: 0 }
    this.#tell({ kind: 'failed', cause })
  }

  #retryLater(): void {
    this.#cancelRetry?.()
    if (this.#closed) return
    this.#cancelRetry = this.#clock.at(this.#clock.now() + LOG_RETRY_MS, () => {
      if (this.#running !== undefined || this.#closed) return
      this.#work(this.#recover())
    })
  }

  /** Opens the files anew and writes the gap and what was kept; later again if that fails too. */
  async #recover(): Promise<void> {
    const fault = this.#fault!
    try {
      await this.#writer.reopen()
      // What goes missing while one gap is being written stands in another.
      do {
        const { lost } = fault
        const gap = this.#encoder.encode(this.#gapOf(fault))
        await this.#writer.write([gap, ...this.#queue.map(({ bytes }) => bytes)])
        fault.told = lost
        this.#queue = []
        this.#queuedBytes = 0
      } while (fault.told !== fault.lost)
    } catch (cause) {
      if (!(cause instanceof Error)) throw cause
      this.#retryLater()
      return
    }
    this.#fault = null
    this.#tell({ kind: 'recovered', lost: fault.lost })
    this.#planCheckpoint()
  }

  #gapOf({ since, lost, told, cause }: Fault): GapRecord {
    const { code } = (cause.cause ?? {}) as { readonly code?: unknown }
    const reason = typeof code === 'string' ? code : cause.message
    return {
      kind: 'gap',
      at: this.#clock.now(),
      since,
      lost: lost - told,
      reason: reason.slice(0, Math.floor(REASON_BYTES_MAX / 3)).toWellFormed(),
    }
  }

  async #checkpointIfDue(): Promise<void> {
    const uncovered = this.size - (this.latest?.size ?? 0)
    if (uncovered === 0) this.#checkpointDue = false
    else if (this.#checkpointDue || uncovered >= CHECKPOINT_RECORDS_MAX) {
      this.#checkpointDue = false
      await this.#writer.checkpoint()
    } else this.#planCheckpoint()
  }

  #planCheckpoint(): void {
    if (this.#cancelCheckpoint !== undefined || this.#closed) return
    if (this.size === (this.latest?.size ?? 0)) return
    this.#cancelCheckpoint = this.#clock.at(this.#clock.now() + CHECKPOINT_MS, () => {
      this.#cancelCheckpoint = undefined
      if (this.#fault !== null) return
      this.#checkpointDue = true
      this.#start()
    })
  }

  #tell(event: AuditEvent): void {
    for (const listener of this.#listeners) listener(event)
  }
}

/**
 * Opens an audit log, and goes on after its last whole record. Reads all records once.
 * @throws AuditError `cut`, `altered` if what its checkpoint covers is not there as it was signed:
 * the log was damaged or changed; what the system says
 */
export async function openAuditLog(options: AuditLogOptions): Promise<FileAuditLog> {
  return new FileAuditLog(await openLogWriter(options), options.clock)
}
