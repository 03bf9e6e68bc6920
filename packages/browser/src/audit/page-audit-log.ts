import type { AuditEvent, AuditLog, Clock } from '@ixj/agent'
import {
  type AuditRecord,
  encodeFrame,
  encodeRecord,
  leafHash,
  type LogReport,
  MerkleTree,
  type NoteKey,
  type OnRecord,
  signCheckpoint,
  type SignedCheckpoint,
} from '@ixj/audit'
import type { Name } from '@ixj/names'
import { concatBytes, type GenerateKey, sha256, type Signer, type Verifier } from '@ixj/trust'
import { loadPart } from '../load-part.ts'
import {
  PAGE_CHECKPOINT_MS,
  PAGE_CHECKPOINT_RECORDS_MAX,
  PAGE_CHECKPOINTS_MAX,
  PAGE_LOG_BYTES_MAX,
} from './limits.ts'

/** What a page's log rests on. */
export interface PageAuditOptions {
  readonly clock: Clock
  readonly verifier: Verifier
  /** Makes the key that signs the log: it ends with the page. */
  readonly generateKey: GenerateKey
  /** Default {@link PAGE_LOG_BYTES_MAX}. */
  readonly bytesMax?: number
}

/** One log from its first record; when it is full, the next begins. */
interface Volume {
  readonly number: number
  readonly key: NoteKey
  readonly signer: Signer
  readonly tree: MerkleTree
  readonly frames: Uint8Array[]
  bytes: number
  checkpoints: SignedCheckpoint[]
}

/**
 * The audit log of a page: what it decided since it was opened, in memory, tamper-evident like a
 * node's. Its key was made for it and vouches to this page alone, since whoever holds the page's
 * memory holds both.
 */
export class PageAuditLog implements AuditLog, AsyncDisposable {
  readonly fault = null
  readonly #node: Name
  readonly #options: PageAuditOptions
  readonly #bytesMax: number
  readonly #listeners = new Set<(record: AuditRecord, index: number) => void>()
  #volume: Volume
  #dropped = 0
  #cancelCheckpoint: (() => void) | undefined
  #signing: Promise<void> = Promise.resolve()
  #nextKey: Signer | undefined
  #closed = false

  /** Use {@link openPageAuditLog}. */
  constructor(node: Name, signer: Signer, options: PageAuditOptions) {
    this.#node = node
    this.#options = options
    this.#bytesMax = options.bytesMax ?? PAGE_LOG_BYTES_MAX
    this.#volume = newVolume(node, 1, signer)
    this.#prepareKey()
  }

  /** Records of the log that is being written. */
  get size(): number {
    return this.#volume.tree.size
  }

  /** Records of full logs that are forgotten. */
  get dropped(): number {
    return this.#dropped
  }

  /** Checkpoints of the log that is being written, the oldest first. */
  get checkpoints(): readonly SignedCheckpoint[] {
    return this.#volume.checkpoints
  }

  append(record: AuditRecord): void {
    if (this.#closed) return
    const bytes = encodeRecord(record)
    if (this.#volume.bytes + bytes.length > this.#bytesMax) this.#turnOver()
    const volume = this.#volume
    const leaf = leafHash(bytes, sha256)
    const index = volume.tree.size
    volume.tree.append(leaf)
    const frame = encodeFrame(bytes, leaf)
    volume.frames.push(frame)
    volume.bytes += frame.length
    this.#checkpointSoon()
    for (const listener of this.#listeners) listener(record, index)
  }

  async appendSafely(record: AuditRecord): Promise<void> {
    this.append(record)
  }

  /** Memory does not fail: nothing happens that would have to be told. */
  watch(_listener: (event: AuditEvent) => void): () => void {
    return () => {}
  }

  /** Tells each record from now on, with its place in its log; gives the function that ends it. */
  follow(listener: (record: AuditRecord, index: number) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Signs a checkpoint over all records that are there. */
  async checkpoint(): Promise<void> {
    this.#cancelCheckpoint?.()
    this.#cancelCheckpoint = undefined
    this.#signing = this.#signing.then(() => this.#sign())
    await this.#signing
  }

  /** The log's file of records, as one node hands it to another. */
  records(): Uint8Array {
    return concatBytes(...this.#volume.frames)
  }

  /**
   * Checks a log's records against the checkpoints of this one, from the first to the last; default:
   * its own. The key is the one that was made here, never one that the records bring.
   * @throws BrowserError `unreachable` where the page cannot download what checks it
   */
  async verify(records: Uint8Array = this.records(), onRecord?: OnRecord): Promise<LogReport> {
    const { key, checkpoints } = this.#volume
    const { formatCheckpointList, verifyLog } = await loadPart('checks of logs', () => {
      return import('./verify-log.ts')
    })
    const pieces = (async function* () {
      yield records
    })()
    const log = { records: pieces, checkpoints: formatCheckpointList(checkpoints) }
    return await verifyLog(log, { key, verifier: this.#options.verifier, hash: sha256 }, onRecord)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    this.#cancelCheckpoint?.()
    this.#cancelCheckpoint = undefined
    await this.#signing
  }

  async #sign(): Promise<void> {
    const volume = this.#volume
    const { key, tree, signer } = volume
    if (tree.size === (volume.checkpoints.at(-1)?.size ?? 0)) return
    const head = { origin: key.name, size: tree.size, root: tree.root() }
    volume.checkpoints.push(await signCheckpoint(head, { signer, hash: sha256 }))
    if (volume.checkpoints.length > PAGE_CHECKPOINTS_MAX) {
      // Every other one: the whole log stays covered, only less finely.
      volume.checkpoints = volume.checkpoints.filter((_, index) => index % 2 === 1)
    }
  }

  #checkpointSoon(): void {
    const { tree, checkpoints } = this.#volume
    const uncovered = tree.size - (checkpoints.at(-1)?.size ?? 0)
    if (uncovered === PAGE_CHECKPOINT_RECORDS_MAX) void this.checkpoint()
    if (this.#cancelCheckpoint !== undefined) return
    const { clock } = this.#options
    this.#cancelCheckpoint = clock.at(clock.now() + PAGE_CHECKPOINT_MS, () => {
      void this.checkpoint()
    })
  }

  /** A key of its own for each log, so that no checkpoint of one can stand for the other. */
  #turnOver(): void {
    const { number, tree } = this.#volume
    this.#dropped += tree.size
    const signer = this.#nextKey ?? this.#volume.signer
    this.#volume = newVolume(this.#node, number + 1, signer)
    this.#nextKey = undefined
    this.#prepareKey()
  }

  #prepareKey(): void {
    // Without one the next log has the key of this one, under a name of its own.
    Promise.resolve(this.#options.generateKey()).then(
      (signer) => (this.#nextKey = signer),
      (cause: unknown) => console.warn(`The next log has no key of its own: ${String(cause)}`),
    )
  }
}

function newVolume(node: Name, number: number, signer: Signer): Volume {
  const name = `${node}/ixj/page-audit/${number}`
  const key: NoteKey = { name, use: 'note', publicKey: signer.publicKey }
  const tree = new MerkleTree(sha256)
  return { number, key, signer, tree, frames: [], bytes: 0, checkpoints: [] }
}

/** Opens the log of a page, empty. */
export async function openPageAuditLog(
  node: Name,
  options: PageAuditOptions,
): Promise<PageAuditLog> {
  return new PageAuditLog(node, await options.generateKey(), options)
}
