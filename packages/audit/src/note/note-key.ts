import {
  checkPublicKey,
  compareBytes,
  concatBytes,
  PUBLIC_KEY_BYTES,
  type Sha256,
  toHex,
  TrustError,
  utf8Bytes,
} from '@ixj/trust'
import { AuditError } from '../audit-error.ts'
import { KEY_NAME_MAX } from '../limits.ts'
import { fromBase64, toBase64 } from './base64.ts'

/** Bytes of a key id. */
export const KEY_ID_BYTES = 4

/**
 * What a key signs: a note's text (C2SP signed-note, type 1), or, with the time, that a checkpoint
 * follows those that were seen before (C2SP tlog-cosignature, type 4).
 */
export type NoteKeyUse = 'note' | 'cosignature'

/** A key that is trusted for notes: by its name, its bytes, and what it signs. */
export interface NoteKey {
  readonly name: string
  readonly use: NoteKeyUse
  /** 32 bytes. */
  readonly publicKey: Uint8Array
}

/** C2SP signed-note, section "Signature types". */
const TYPES: Readonly<Record<NoteKeyUse, number>> = { note: 0x01, cosignature: 0x04 }

/** "Key names MUST be non-empty and MUST NOT contain any Unicode spaces or plus characters." */
export function isKeyName(name: string): boolean {
  return name.length <= KEY_NAME_MAX && /^[^\p{White_Space}+\p{Cc}]+$/u.test(name)
}

/** The first four bytes of SHA-256(name ‖ newline ‖ type ‖ key); C2SP signed-note. */
export function keyIdOf(key: NoteKey, hash: Sha256): Uint8Array {
  const type = Uint8Array.of(TYPES[key.use])
  return hash(concatBytes(utf8Bytes(`${key.name}\n`), type, key.publicKey)).slice(0, KEY_ID_BYTES)
}

/** A key as a text, `name+id+key`, as C2SP tools take it. */
export function formatNoteKey(key: NoteKey, hash: Sha256): string {
  const typed = concatBytes(Uint8Array.of(TYPES[key.use]), key.publicKey)
  return `${key.name}+${toHex(keyIdOf(key, hash))}+${toBase64(typed)}`
}

/**
 * Reads a key as {@link formatNoteKey} writes it.
 * @throws AuditError `form`; TrustError `bad-key`
 */
export function parseNoteKey(text: string, hash: Sha256): NoteKey {
  const [, name, id, base64] =
    /^([^+]{1,512})\+([0-9a-f]{8})\+([A-Za-z0-9+/=]{1,64})$/u.exec(text) ?? []
  if (name === undefined || id === undefined || base64 === undefined || !isKeyName(name)) {
    throw refused(text, 'it must be NAME+ID+KEY, the id in 8 hexadecimal digits')
  }
  const typed = readBase64(base64, text)
  const use = (['note', 'cosignature'] as const).find((each) => TYPES[each] === typed[0])
  if (use === undefined || typed.length !== PUBLIC_KEY_BYTES + 1) {
    throw refused(text, 'its key is no Ed25519 key for notes or cosignatures')
  }
  const key: NoteKey = { name, use, publicKey: typed.slice(1) }
  checkPublicKey(key.publicKey)
  if (toHex(keyIdOf(key, hash)) !== id) throw refused(text, 'its id is not that of its key')
  return key
}

/** Whether a signature says that it is by this key: "unknown keys MUST be ignored". */
export function isBy(
  signature: { readonly name: string; readonly keyId: Uint8Array },
  key: NoteKey,
  hash: Sha256,
): boolean {
  return signature.name === key.name && compareBytes(signature.keyId, keyIdOf(key, hash)) === 0
}

function readBase64(text: string, whole: string): Uint8Array {
  try {
    return fromBase64(text)
  } catch (cause) {
    if (!(cause instanceof TrustError)) throw cause
    throw refused(whole, 'its last part is no base64', { cause })
  }
}

function refused(text: string, reason: string, options?: ErrorOptions): AuditError {
  const shown = JSON.stringify(text.slice(0, 120))
  return new AuditError('form', `Cannot read the key ${shown}: ${reason}`, options)
}
