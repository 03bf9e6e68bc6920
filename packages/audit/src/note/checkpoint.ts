import {
  equalBytes,
  type Sha256,
  type Signer,
  TrustError,
  utf8Bytes,
  type Verifier,
} from '@ixj/trust'
import { AuditError } from '../audit-error.ts'
import { HASH_BYTES } from '../merkle/hash.ts'
import { fromBase64, toBase64 } from './base64.ts'
import { formatNote, type Note, type NoteSignature, parseNote } from './note.ts'
import { isBy, isKeyName, keyIdOf, type NoteKey } from './note-key.ts'

/** How large a log is and what its root is then (C2SP tlog-checkpoint). */
export interface Checkpoint {
  /** The log's identity. */
  readonly origin: string
  readonly size: number
  /** 32 bytes. */
  readonly root: Uint8Array
}

/** A checkpoint whose signature by a trusted log key held, and the note that bears it. */
export interface SignedCheckpoint extends Checkpoint {
  readonly note: Note
}

/** The text of a checkpoint, which is what the log signs. @throws AuditError `form` */
export function formatCheckpoint({ origin, size, root }: Checkpoint): string {
  if (!isKeyName(origin)) throw refused(`its origin ${JSON.stringify(origin.slice(0, 80))}`)
  return `${origin}\n${size}\n${toBase64(root)}\n`
}

/**
 * Reads the text of a checkpoint; extension lines are passed over, as they say nothing of the tree.
 * @throws AuditError `form`
 */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin = '', sizeText = '', rootText = '', ...more] = text.split('\n')
  if (origin === '') throw refused('its origin is empty')
  // "The ASCII decimal representation of the number of leaves, with no leading zeroes."
  const size = /^(0|[1-9]\d{0,15})$/.test(sizeText) ? Number(sizeText) : Number.NaN
  if (!Number.isSafeInteger(size))
    throw refused(`its size ${JSON.stringify(sizeText.slice(0, 40))}`)
  // "Extension lines, if any, MUST be non-empty"; the last piece stands after the last newline.
  if (more.pop() !== '' || more.includes('')) throw refused('an empty line, or one without an end')
  const root = readRoot(rootText)
  if (root.length !== HASH_BYTES) throw refused(`a root of ${root.length} bytes`)
  return { origin, size, root }
}

/** Signs a checkpoint with the key that was made for this log alone. */
export async function signCheckpoint(
  checkpoint: Checkpoint,
  options: { readonly signer: Signer; readonly hash: Sha256 },
): Promise<SignedCheckpoint> {
  const { signer, hash } = options
  const text = formatCheckpoint(checkpoint)
  // "The log's key name in its signature line SHOULD match the origin line."
  const name = checkpoint.origin
  const keyId = keyIdOf({ name, use: 'note', publicKey: signer.publicKey }, hash)
  const signature = await signer.sign(utf8Bytes(text))
  return { ...checkpoint, note: { text, signatures: [{ name, keyId, signature }] } }
}

/** What a checkpoint is opened with: the one key that the verifier trusts for this log. */
export interface CheckpointTrust {
  /** Its name is the log's origin. */
  readonly key: NoteKey
  readonly verifier: Verifier
  readonly hash: Sha256
}

/**
 * Reads a checkpoint and checks the log's signature. The key comes from the verifier, never from
 * the log.
 * @throws AuditError `form`, `too-large`, `wrong-origin`, `unknown-key`, `bad-signature`
 */
export async function openCheckpoint(
  noteText: string,
  trust: CheckpointTrust,
): Promise<SignedCheckpoint> {
  const note = parseNote(noteText)
  const checkpoint = parseCheckpoint(note.text)
  if (checkpoint.origin !== trust.key.name) {
    const reason = `it is of ${JSON.stringify(checkpoint.origin.slice(0, 120))}`
    throw new AuditError('wrong-origin', `Cannot take checkpoint of ${trust.key.name}: ${reason}`)
  }
  const signed = note.signatures.filter((signature) => isBy(signature, trust.key, trust.hash))
  if (signed.length === 0) {
    const reason = 'the trusted key has not signed it'
    throw new AuditError('unknown-key', `Cannot take checkpoint of ${trust.key.name}: ${reason}`)
  }
  // "If a signature from a known key fails to verify, clients SHOULD reject the whole note."
  for (const { signature } of signed) {
    const { publicKey } = trust.key
    if (await trust.verifier.verify(publicKey, utf8Bytes(note.text), signature)) continue
    const reason = `its signature does not hold, at size ${checkpoint.size}`
    throw new AuditError('bad-signature', `Cannot take checkpoint of ${trust.key.name}: ${reason}`)
  }
  return { ...checkpoint, note }
}

/** The same checkpoint with more signatures under it; those that it has already are left out. */
export function withSignatures(
  checkpoint: SignedCheckpoint,
  signatures: readonly NoteSignature[],
): SignedCheckpoint {
  const known = checkpoint.note.signatures
  const more = signatures.filter(
    (each) =>
      !known.some((have) => have.name === each.name && equalBytes(have.signature, each.signature)),
  )
  return { ...checkpoint, note: { ...checkpoint.note, signatures: [...known, ...more] } }
}

/** The note of a signed checkpoint, as it is kept and handed on. */
export function formatSignedCheckpoint(checkpoint: SignedCheckpoint): string {
  return formatNote(checkpoint.note)
}

function readRoot(text: string): Uint8Array {
  try {
    return fromBase64(text)
  } catch (cause) {
    if (!(cause instanceof TrustError)) throw cause
    throw refused('its root is no base64', { cause })
  }
}

function refused(reason: string, options?: ErrorOptions): AuditError {
  return new AuditError('form', `Cannot read checkpoint: ${reason}`, options)
}
