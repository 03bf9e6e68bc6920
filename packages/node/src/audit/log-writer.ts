import {
  AuditError,
  type CheckpointTrust,
  encodeFrame,
  formatSignedCheckpoint,
  leafHash,
  type MerkleTree,
  signCheckpoint,
  type SignedCheckpoint,
} from '@ixj/audit'
import { concatBytes, type Signer, utf8Bytes } from '@ixj/trust'
import type { LogFile, LogFiles } from './log-files.ts'
import { type Recovered, recoverLog } from './recovery.ts'

/** What a log is written with. */
export interface LogWriterOptions extends CheckpointTrust {
  readonly files: LogFiles
  /** The key that was made for this log alone. */
  readonly signer: Signer
}

/**
 * Writes a log's files. One call at a time; the tree grows only by what is safe from a power cut.
 * After a call was rejected, nothing but {@link LogWriter.reopen} is called.
 */
export class LogWriter implements AsyncDisposable {
  readonly #options: LogWriterOptions
  #records: LogFile
  #checkpoints: LogFile
  #recordsEnd: number
  #checkpointsEnd: number
  #latest: SignedCheckpoint | null
  readonly #tree: MerkleTree

  /** Use {@link openLogWriter}. */
  constructor(
    options: LogWriterOptions,
    files: { readonly records: LogFile; readonly checkpoints: LogFile },
    recovered: Recovered,
  ) {
    this.#options = options
    this.#records = files.records
    this.#checkpoints = files.checkpoints
    this.#recordsEnd = recovered.recordsEnd
    this.#checkpointsEnd = recovered.checkpointsEnd
    this.#latest = recovered.latest
    this.#tree = recovered.tree
  }

  /** Records that are safe. */
  get size(): number {
    return this.#tree.size
  }

  /** The newest checkpoint; null: there is none yet. */
  get latest(): SignedCheckpoint | null {
    return this.#latest
  }

  /** Writes encoded records; resolves when they would survive a power cut. */
  async write(records: readonly Uint8Array[]): Promise<void> {
    const { hash } = this.#options
    const leaves = records.map((record) => leafHash(record, hash))
    const frames = records.map((record, index) => encodeFrame(record, leaves[index]!))
    const bytes = concatBytes(...frames)
    await this.#records.write(this.#recordsEnd, bytes)
    await this.#records.sync()
    this.#recordsEnd += bytes.length
    for (const leaf of leaves) this.#tree.append(leaf)
  }

  /**
   * Signs a checkpoint over all records that are safe, and writes it. So a power cut never takes the
   * log back behind what it signed.
   */
  async checkpoint(): Promise<SignedCheckpoint> {
    const { key, signer, hash } = this.#options
    const { size } = this
    if (this.#latest !== null && this.#latest.size === size) return this.#latest
    const head = { origin: key.name, size, root: this.#tree.root() }
    const signed = await signCheckpoint(head, { signer, hash })
    const bytes = utf8Bytes(formatSignedCheckpoint(signed))
    await this.#checkpoints.write(this.#checkpointsEnd, bytes)
    await this.#checkpoints.sync()
    this.#checkpointsEnd += bytes.length
    this.#latest = signed
    return signed
  }

  /**
   * Opens the files anew after a failure, and cuts off what was not acknowledged: after a sync that
   * failed, nobody knows what of it is on the disk.
   * @throws AuditError `cut` if the files have become shorter
   */
  async reopen(): Promise<void> {
    await this[Symbol.asyncDispose]()
    const { records, checkpoints } = await openFiles(this.#options.files)
    this.#records = records
    this.#checkpoints = checkpoints
    await cutBack(records, this.#recordsEnd)
    await cutBack(checkpoints, this.#checkpointsEnd)
  }

  /** Closes the files; what was not acknowledged may be there or not. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled([this.#records.close(), this.#checkpoints.close()])
  }
}

/**
 * Opens a log's files and finds where it goes on. Reads all records once.
 * @throws AuditError as {@link recoverLog}; what the system says
 */
export async function openLogWriter(options: LogWriterOptions): Promise<LogWriter> {
  const files = await openFiles(options.files)
  try {
    return new LogWriter(options, files, await recoverLog(files, options))
  } catch (cause) {
    await Promise.allSettled([files.records.close(), files.checkpoints.close()])
    throw cause
  }
}

async function openFiles(
  files: LogFiles,
): Promise<{ readonly records: LogFile; readonly checkpoints: LogFile }> {
  const records = await files.open('records')
  try {
    return { records, checkpoints: await files.open('checkpoints') }
  } catch (cause) {
    await records.close()
    throw cause
  }
}

async function cutBack(file: LogFile, end: number): Promise<void> {
  const size = await file.size()
  if (size < end) {
    const reason = `a file has ${size} bytes, and ${end} were written`
    throw new AuditError('cut', `Cannot go on with the audit log: ${reason}`)
  }
  await file.truncate(end)
  await file.sync()
}
