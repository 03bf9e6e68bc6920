import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import {
  AuditError,
  type AuditRecord,
  decodeRecord,
  FrameReader,
  isWhole,
  Leaves,
  NOTE_BYTES_MAX,
  splitCheckpointList,
} from '@ixj/audit'
import { HomeError } from '../home/home-error.ts'
import { openChangeLock } from '../home/name-lock.ts'
import { makeFolder, OTHERS_MAY_WRITE, readBounded, replaceFile } from '../home/file.ts'
import {
  CHECKPOINTS_BYTES_MAX,
  COSIGNED_BYTES_MAX,
  COSIGNED_MAX,
  LOG_READ_BYTES,
} from './limits.ts'
import type { Home } from '../home/home.ts'
import { nodeSha256 } from '../node-keys.ts'

/** A record with its place in its log. */
export interface ReadRecord {
  /** From 0. */
  readonly index: number
  readonly bytes: Uint8Array
  readonly record: AuditRecord
}

/** The folder of a log, of this home or copied from another, for reading alone. */
export interface LogFolder {
  readonly folder: string
  /** The file of records, in pieces. @throws AuditError `absent`; HomeError `file` */
  pieces(): AsyncGenerator<Uint8Array, void>
  /** Every whole record; checks nothing of them. @throws AuditError `absent`, `flipped`; TrustError */
  records(): AsyncGenerator<ReadRecord, void>
  /** The hashes of the records, each of which is its record's own. @throws AuditError `absent`, `flipped` */
  leaves(): Promise<Leaves>
  /** The newest checkpoints, up to {@link CHECKPOINTS_BYTES_MAX}. @throws HomeError `file` */
  checkpoints(): Promise<Uint8Array>
  /** Notes that witnesses have cosigned, the oldest first. @throws HomeError `too-large`, `file` */
  cosigned(): Promise<readonly string[]>
  /** Keeps a note that a witness has cosigned. @throws HomeError `file` */
  keepCosigned(note: string): Promise<void>
}

/** Reads the log in a folder; a node may write it meanwhile. */
export function openLogFolder(folder: string): LogFolder {
  return new DiskLogFolder(folder)
}

class DiskLogFolder implements LogFolder {
  readonly folder: string

  constructor(folder: string) {
    this.folder = folder
  }

  async *pieces(): AsyncGenerator<Uint8Array, void> {
    const path = join(this.folder, 'records')
    const stream = createReadStream(path, { highWaterMark: LOG_READ_BYTES })
    try {
      for await (const piece of stream) yield piece as Uint8Array
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException
      if (typeof code !== 'string') throw cause
      if (code === 'ENOENT') {
        throw new AuditError('absent', `Cannot read the log: there is no ${path}`, { cause })
      }
      throw new HomeError('file', `Cannot read ${path}: ${code}`, { cause })
    }
  }

  async *records(): AsyncGenerator<ReadRecord, void> {
    const reader = new FrameReader()
    let index = 0
    for await (const piece of this.pieces()) {
      for (const { record: bytes } of reader.push(piece)) {
        yield { index, bytes, record: decodeRecord(bytes) }
        index += 1
      }
    }
  }

  async leaves(): Promise<Leaves> {
    const reader = new FrameReader()
    const leaves = new Leaves()
    for await (const piece of this.pieces()) {
      for (const frame of reader.push(piece)) {
        if (!isWhole(frame, nodeSha256)) {
          const reason = 'its bytes do not have the hash that stands with them'
          throw new AuditError('flipped', `Cannot take record ${leaves.size}: ${reason}`)
        }
        leaves.push(frame.leaf)
      }
    }
    return leaves
  }

  async checkpoints(): Promise<Uint8Array> {
    const path = join(this.folder, 'checkpoints')
    const rules = { bytesMax: CHECKPOINTS_BYTES_MAX, forbidden: OTHERS_MAY_WRITE, last: true }
    const bytes = (await readBounded(path, rules)) ?? new Uint8Array()
    if (bytes.length < CHECKPOINTS_BYTES_MAX) return bytes
    // The first note may have begun before.
    const [first] = splitCheckpointList(bytes.subarray(0, 2 * NOTE_BYTES_MAX))
    return bytes.subarray(first?.end ?? 0)
  }

  async cosigned(): Promise<readonly string[]> {
    const rules = { bytesMax: COSIGNED_BYTES_MAX, forbidden: OTHERS_MAY_WRITE }
    const bytes = await readBounded(join(this.folder, 'cosigned'), rules)
    return splitCheckpointList(bytes ?? new Uint8Array()).map(({ text }) => text)
  }

  async keepCosigned(note: string): Promise<void> {
    const notes = [...(await this.cosigned()), note].slice(-COSIGNED_MAX)
    await replaceFile(join(this.folder, 'cosigned'), notes.join(''))
  }
}

/** Keeps two processes from being one witness at a time. @throws HomeError `in-use`, `file` */
export async function lockWitness(home: Home): Promise<AsyncDisposable> {
  const folder = join(home.folder, 'locks')
  await makeFolder(folder)
  return await openChangeLock(folder, 'audit-witness')
}
