import {
  AuditError,
  checkCosigned,
  checkProof,
  type CheckpointTrust,
  decodeRecord,
  formatProof,
  inclusionProof,
  type NoteKey,
  parseCheckpoint,
  parseNote,
  parseProof,
  splitCheckpointList,
} from '@ixj/audit'
import { type LogFolder, nodeSha256, type ReadRecord } from '@ixj/node/home'
import { toHex } from '@ixj/trust'

/** A proof as it was made. */
export interface MadeProof {
  readonly index: number
  /** Records under the checkpoint. */
  readonly size: number
  /** C2SP tlog-proof. */
  readonly text: string
}

/**
 * Proves that a record stands in a log: by its number, or by the beginning of the id of the bundle,
 * statement or approval that it is about. Reads the whole log once.
 * @throws AuditError `absent`, `not-covered`; AuditError `form` for an id that several have
 */
export async function proveRecord(log: LogFolder, wanted: string): Promise<MadeProof> {
  const checkpoint = await largestCheckpoint(log)
  const { index, bytes: record } = await findRecord(log, wanted)
  if (checkpoint === undefined || index >= checkpoint.size) {
    const covered = `checkpoints cover ${checkpoint?.size ?? 0} records yet`
    throw new AuditError('not-covered', `Cannot prove record ${index}: ${covered}`)
  }
  const { size, note } = checkpoint
  const hashes = inclusionProof(await log.leaves(), { index, size, hash: nodeSha256 })
  return { index, size, text: formatProof({ index, record, hashes, checkpoint: note }) }
}

/**
 * Reads a proof and checks it; every one of the witnesses has to have cosigned its checkpoint.
 * @throws AuditError; TrustError
 */
export async function readProof(
  text: string,
  trust: CheckpointTrust,
  witnesses: readonly NoteKey[],
): Promise<{ readonly read: ReadRecord; readonly size: number }> {
  const proof = parseProof(text)
  const checkpoint = await checkProof(proof, trust)
  for (const key of witnesses) await checkCosigned(checkpoint, key, trust)
  const { index, record: bytes } = proof
  return { read: { index, bytes, record: decodeRecord(bytes) }, size: checkpoint.size }
}

async function findRecord(log: LogFolder, wanted: string): Promise<ReadRecord> {
  const isNumber = /^\d{1,15}$/.test(wanted)
  let found: ReadRecord | undefined
  for await (const read of log.records()) {
    const matches = isNumber ? read.index === Number(wanted) : idOf(read).startsWith(wanted)
    if (!matches) continue
    if (found !== undefined) {
      const both = `${found.index} and ${read.index}`
      throw new AuditError('form', `Cannot choose a record: ${both} have ids that begin so`)
    }
    found = read
    if (isNumber) return read
  }
  if (found !== undefined) return found
  throw new AuditError('absent', `Cannot prove ${wanted}: no record has this number or id`)
}

/** The id of what a record is about, in hexadecimal; empty where there is none. */
export function idOf({ record }: ReadRecord): string {
  return 'id' in record && record.id !== null ? toHex(record.id) : ''
}

/** Witnessed ones first where they cover as much: they are worth more to a stranger. */
async function largestCheckpoint(
  log: LogFolder,
): Promise<{ readonly size: number; readonly note: string } | undefined> {
  const own = splitCheckpointList(await log.checkpoints()).at(-1)?.text
  const notes = [...(own === undefined ? [] : [own]), ...(await log.cosigned())]
  return notes
    .map((note) => ({ size: parseCheckpoint(parseNote(note).text).size, note }))
    .reduce<{ size: number; note: string } | undefined>(
      (best, each) => (best === undefined || each.size >= best.size ? each : best),
      undefined,
    )
}
