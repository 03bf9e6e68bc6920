import { TrustError } from '@ixj/trust'
import { AuditError } from '../audit-error.ts'
import { NOTE_BYTES_MAX, PROOF_HASHES_MAX, RECORD_BYTES_MAX } from '../limits.ts'
import { HASH_BYTES, leafHash } from '../merkle/hash.ts'
import { checkInclusion } from '../merkle/inclusion.ts'
import { fromBase64, toBase64 } from './base64.ts'
import { type CheckpointTrust, openCheckpoint, type SignedCheckpoint } from './checkpoint.ts'

/** Characters of a proof: a record in base64, its hashes, and a note with witnesses. */
const PROOF_TEXT_MAX = RECORD_BYTES_MAX * 2 + PROOF_HASHES_MAX * 48 + NOTE_BYTES_MAX

/** That one record stands in a log (C2SP tlog-proof). */
export interface RecordProof {
  /** From 0. */
  readonly index: number
  /** The record's own bytes: the "extra data" of the form. */
  readonly record: Uint8Array
  /** From the leaf up, 32 bytes each. */
  readonly hashes: readonly Uint8Array[]
  /** The note of a checkpoint that covers the record. */
  readonly checkpoint: string
}

/** A proof as text (C2SP tlog-proof). */
export function formatProof({ index, record, hashes, checkpoint }: RecordProof): string {
  const lines = [
    'c2sp.org/tlog-proof@v1',
    `extra ${toBase64(record)}`,
    `index ${index}`,
    ...hashes.map((hash) => toBase64(hash)),
  ]
  return `${lines.join('\n')}\n\n${checkpoint}`
}

/** Reads a proof; checks nothing of it. @throws AuditError `form`, `too-large` */
export function parseProof(text: string): RecordProof {
  if (text.length > PROOF_TEXT_MAX) {
    const size = `${text.length} characters, limit ${PROOF_TEXT_MAX}`
    throw new AuditError('too-large', `Cannot read proof: ${size}`)
  }
  const split = text.indexOf('\n\n')
  if (split === -1) throw refused('no empty line stands before its checkpoint')
  const [form, extra = '', indexLine = '', ...hashes] = text.slice(0, split).split('\n')
  if (form !== 'c2sp.org/tlog-proof@v1') throw refused('it does not begin as one')
  if (!extra.startsWith('extra ')) throw refused('it does not hold its record')
  const [, indexText] = /^index (0|[1-9]\d{0,15})$/.exec(indexLine) ?? []
  const index = Number(indexText)
  if (!Number.isSafeInteger(index)) throw refused('its index is no number')
  return {
    index,
    record: readBytes(extra.slice(6)),
    hashes: hashes.map((hash) => readHash(hash)),
    checkpoint: text.slice(split + 2),
  }
}

/**
 * Checks that a record stands in a log whose key is trusted; gives the checkpoint that says so.
 * @throws AuditError `not-proven`, `too-large`, and as {@link openCheckpoint}
 */
export async function checkProof(
  proof: RecordProof,
  trust: CheckpointTrust,
): Promise<SignedCheckpoint> {
  const checkpoint = await openCheckpoint(proof.checkpoint, trust)
  const { index, record, hashes } = proof
  const leaf = leafHash(record, trust.hash)
  checkInclusion({ index, size: checkpoint.size, leaf, hashes }, checkpoint.root, trust.hash)
  return checkpoint
}

/** A checkpoint for a witness, and the way to it from the one that it saw last. */
export interface WitnessRequest {
  /** The size of the checkpoint that the witness saw last; 0: none. */
  readonly old: number
  /** That the old tree is the beginning of the new one. */
  readonly hashes: readonly Uint8Array[]
  /** The note. */
  readonly checkpoint: string
}

/** What a witness is asked (C2SP tlog-witness, the body of add-checkpoint). */
export function formatWitnessRequest({ old, hashes, checkpoint }: WitnessRequest): string {
  const lines = [`old ${old}`, ...hashes.map((hash) => toBase64(hash))]
  return `${lines.join('\n')}\n\n${checkpoint}`
}

/** Reads what a witness is asked. @throws AuditError `form`, `too-large` */
export function parseWitnessRequest(text: string): WitnessRequest {
  if (text.length > PROOF_TEXT_MAX) {
    const size = `${text.length} characters, limit ${PROOF_TEXT_MAX}`
    throw new AuditError('too-large', `Cannot read request for a witness: ${size}`)
  }
  const split = text.indexOf('\n\n')
  const [oldLine = '', ...hashes] = text.slice(0, Math.max(0, split)).split('\n')
  const [, oldText] = /^old (0|[1-9]\d{0,15})$/.exec(oldLine) ?? []
  const old = Number(oldText)
  if (!Number.isSafeInteger(old)) throw refused('its first line is not "old" and a size')
  return { old, hashes: hashes.map((hash) => readHash(hash)), checkpoint: text.slice(split + 2) }
}

function readHash(text: string): Uint8Array {
  const bytes = readBytes(text)
  if (bytes.length === HASH_BYTES) return bytes
  throw refused(`a hash of ${bytes.length} bytes, must be ${HASH_BYTES}`)
}

function readBytes(text: string): Uint8Array {
  try {
    return fromBase64(text)
  } catch (cause) {
    if (!(cause instanceof TrustError)) throw cause
    throw refused('a line is no base64', { cause })
  }
}

function refused(reason: string, options?: ErrorOptions): AuditError {
  return new AuditError('form', `Cannot read proof: ${reason}`, options)
}
