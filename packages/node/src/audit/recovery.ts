import {
  AuditError,
  type CheckpointTrust,
  FrameReader,
  isWhole,
  MerkleTree,
  openCheckpoint,
  type SignedCheckpoint,
  splitCheckpointList,
} from '@ixj/audit'
import { equalBytes } from '@ixj/trust'
import { CHECKPOINTS_TAIL_BYTES, LOG_READ_BYTES } from './limits.ts'
import type { LogFile } from './log-files.ts'

/** Where a log goes on. */
export interface Recovered {
  readonly tree: MerkleTree
  /** Bytes of the file of records that are whole. */
  readonly recordsEnd: number
  /** Bytes of the file of checkpoints that are whole. */
  readonly checkpointsEnd: number
  readonly latest: SignedCheckpoint | null
}

/**
 * Finds where a log ends: at its last whole record. What stands behind it was never acknowledged, a
 * write that was broken off, and is cut off. What a checkpoint covers is never cut off: where that
 * is not whole, the log was damaged or changed, and a person has to look.
 * @throws AuditError `cut`, `altered`, `bad-signature` and as {@link openCheckpoint}; what the
 * system says
 */
export async function recoverLog(
  files: { readonly records: LogFile; readonly checkpoints: LogFile },
  trust: CheckpointTrust,
): Promise<Recovered> {
  const { latest, end } = await findLatest(files.checkpoints, trust)
  const tree = new MerkleTree(trust.hash)
  const recordsEnd = await readWhole(files.records, { tree, latest, trust })
  if (latest !== null && tree.size < latest.size) {
    const reason = `it ends after ${tree.size} whole records, and its checkpoint covers ${latest.size}`
    throw new AuditError('cut', `Cannot open the audit log: ${reason}`)
  }
  await cutAt(files.records, recordsEnd)
  await cutAt(files.checkpoints, end)
  return { tree, recordsEnd, checkpointsEnd: end, latest }
}

/** Follows the records until one is not whole; gives the bytes of those that are. */
async function readWhole(
  file: LogFile,
  follow: {
    readonly tree: MerkleTree
    readonly latest: SignedCheckpoint | null
    readonly trust: CheckpointTrust
  },
): Promise<number> {
  const { tree, latest, trust } = follow
  const reader = new FrameReader()
  let end = 0
  checkRoot(tree, latest)
  try {
    for await (const piece of piecesOf(file)) {
      for (const frame of reader.push(piece)) {
        if (!isWhole(frame, trust.hash)) return end
        tree.append(frame.leaf)
        end += frame.length
        checkRoot(tree, latest)
      }
    }
  } catch (cause) {
    if (!(cause instanceof AuditError) || cause.code !== 'flipped') throw cause
    // A length that no record has: here ends what is whole.
  }
  return end
}

function checkRoot(tree: MerkleTree, latest: SignedCheckpoint | null): void {
  if (latest === null || tree.size !== latest.size || equalBytes(tree.root(), latest.root)) return
  const reason = `its first ${latest.size} records are not those that its checkpoint signed`
  throw new AuditError('altered', `Cannot open the audit log: ${reason}`)
}

/**
 * The newest checkpoint. Its note may be torn, which the one before it cannot be. A note that has its
 * form is whole: that it is of another key, or its signature does not hold, is no torn write.
 */
async function findLatest(
  file: LogFile,
  trust: CheckpointTrust,
): Promise<{ readonly latest: SignedCheckpoint | null; readonly end: number }> {
  const size = await file.size()
  const start = Math.max(0, size - CHECKPOINTS_TAIL_BYTES)
  const notes = splitCheckpointList(await file.read(start, size - start))
  const [last, before] = notes.toReversed()
  // The first note may have begun before the part that was read; then there are many behind it.
  if (start > 0 && before === undefined) {
    const reason = `its file of checkpoints ends in ${CHECKPOINTS_TAIL_BYTES} bytes that are none`
    throw new AuditError('altered', `Cannot open the audit log: ${reason}`)
  }
  if (last === undefined) return { latest: null, end: 0 }
  try {
    return { latest: await openCheckpoint(last.text, trust), end: start + last.end }
  } catch (cause) {
    if (!(cause instanceof AuditError) || cause.code !== 'form') throw cause
    if (before === undefined) return { latest: null, end: 0 }
    return { latest: await openCheckpoint(before.text, trust), end: start + before.end }
  }
}

async function cutAt(file: LogFile, end: number): Promise<void> {
  if ((await file.size()) === end) return
  await file.truncate(end)
  await file.sync()
}

/** A file from its beginning to its end, in pieces. */
export async function* piecesOf(file: LogFile): AsyncGenerator<Uint8Array, void> {
  for (let offset = 0; ;) {
    const piece = await file.read(offset, LOG_READ_BYTES)
    if (piece.length === 0) return
    offset += piece.length
    yield piece
  }
}
