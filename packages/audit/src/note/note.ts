import { concatBytes, TrustError, utf8Bytes } from '@ixj/trust'
import { AuditError } from '../audit-error.ts'
import { NOTE_BYTES_MAX, NOTE_SIGNATURE_BYTES_MAX, NOTE_SIGNATURES_MAX } from '../limits.ts'
import { fromBase64, toBase64 } from './base64.ts'
import { isKeyName, KEY_ID_BYTES } from './note-key.ts'

/** One line of signature under a note; whether it holds is another question. */
export interface NoteSignature {
  /** The name of the key. */
  readonly name: string
  /** 4 bytes. */
  readonly keyId: Uint8Array
  readonly signature: Uint8Array
}

/** A text with signatures under it (C2SP signed-note). */
export interface Note {
  /** Ends with a newline. */
  readonly text: string
  readonly signatures: readonly NoteSignature[]
}

/** How a line of signature begins: em dash, space. */
const SIGNATURE_MARK = '— '

/** The line of one signature, with its newline. */
export function formatSignature({ name, keyId, signature }: NoteSignature): string {
  return `${SIGNATURE_MARK}${name} ${toBase64(concatBytes(keyId, signature))}\n`
}

/** A note as text: its own, an empty line, its signatures. */
export function formatNote({ text, signatures }: Note): string {
  return `${text}\n${signatures.map((each) => formatSignature(each)).join('')}`
}

/**
 * Reads a note (C2SP signed-note, section "Format"); checks no signature.
 * @throws AuditError `form`, `too-large`
 */
export function parseNote(note: string): Note {
  if (note.length > NOTE_BYTES_MAX || utf8Bytes(note).length > NOTE_BYTES_MAX) {
    throw new AuditError('too-large', `Cannot read note: over ${NOTE_BYTES_MAX} bytes, the limit`)
  }
  // "MUST NOT contain any ASCII control characters (those below U+0020) other than newline".
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u0009\u000b-\u001f]/.test(note)) throw refused('it holds a control character')
  // "The text is separated from the signatures by the last empty line in the note."
  const split = note.lastIndexOf('\n\n')
  if (split === -1) throw refused('no empty line stands before its signatures')
  if (!note.endsWith('\n')) throw refused('its last line does not end')
  const lines = note.slice(split + 2, -1).split('\n')
  if (lines.length > NOTE_SIGNATURES_MAX) {
    const size = `${lines.length} signatures, limit ${NOTE_SIGNATURES_MAX}`
    throw new AuditError('too-large', `Cannot read note: ${size}`)
  }
  return { text: note.slice(0, split + 1), signatures: lines.map((line) => parseSignature(line)) }
}

/**
 * Reads one line of signature, without its newline.
 * @throws AuditError `form`, `too-large`
 */
export function parseSignature(line: string): NoteSignature {
  const [, name = '', base64 = ''] = /^— (\S+) (\S+)$/u.exec(line) ?? []
  if (!isKeyName(name)) throw refused('a line of signature must be "— NAME BASE64"')
  const bytes = readBase64(base64)
  if (bytes.length <= KEY_ID_BYTES) throw refused('a signature is shorter than its key id')
  if (bytes.length > NOTE_SIGNATURE_BYTES_MAX) {
    const size = `a signature of ${bytes.length} bytes, limit ${NOTE_SIGNATURE_BYTES_MAX}`
    throw new AuditError('too-large', `Cannot read note: ${size}`)
  }
  return {
    name,
    keyId: bytes.slice(0, KEY_ID_BYTES),
    signature: bytes.slice(KEY_ID_BYTES),
  }
}

function readBase64(text: string): Uint8Array {
  try {
    return fromBase64(text)
  } catch (cause) {
    if (!(cause instanceof TrustError)) throw cause
    throw refused('a signature is no base64', { cause })
  }
}

function refused(reason: string, options?: ErrorOptions): AuditError {
  return new AuditError('form', `Cannot read note: ${reason}`, options)
}
