import { TrustError } from './trust-error.ts'

// The two globals that every runtime of ours has; a module-local declaration costs no DOM library.
declare const TextEncoder: new () => { encode(text: string): Uint8Array }
declare const TextDecoder: new (
  label: 'utf-8',
  options: { readonly fatal: true; readonly ignoreBOM: true },
) => { decode(bytes: Uint8Array): string }

const encoder = new TextEncoder()
// A decoder that swallows a byte order mark would give two byte strings one text.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Joins byte strings into a new one. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const joined = new Uint8Array(length)
  let offset = 0
  for (const part of parts) {
    joined.set(part, offset)
    offset += part.length
  }
  return joined
}

/** Whether two byte strings are the same. Takes variable time: for public values only. */
export function equalBytes(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false
  for (let index = 0; index < left.length; index++) {
    if (left[index] !== right[index]) return false
  }
  return true
}

/**
 * Orders byte strings by their first different byte, a prefix before what it begins.
 * Negative: left first; zero: equal; positive: right first. For `Array.prototype.sort`.
 */
export function compareBytes(left: Uint8Array, right: Uint8Array): number {
  const shorter = Math.min(left.length, right.length)
  for (let index = 0; index < shorter; index++) {
    const difference = left[index]! - right[index]!
    if (difference !== 0) return difference
  }
  return left.length - right.length
}

/**
 * The UTF-8 bytes of a text.
 * @throws TrustError `encoding` if a surrogate stands alone: it has no UTF-8 form, and replacing it
 * would give two texts the same bytes
 */
export function utf8Bytes(text: string): Uint8Array {
  if (!text.isWellFormed()) {
    throw new TrustError('encoding', `Cannot encode ${JSON.stringify(text)}: a lone surrogate`)
  }
  return encoder.encode(text)
}

/**
 * The text of UTF-8 bytes; a byte order mark stays in it.
 * @throws TrustError `encoding` if the bytes are not UTF-8 (RFC 3629: no overlong forms, no
 * surrogates, nothing above U+10FFFF)
 */
export function utf8Text(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch (cause) {
    throw new TrustError('encoding', `Cannot read ${bytes.length} bytes as UTF-8`, { cause })
  }
}

const HEX = '0123456789abcdef'

const HEX_CODES = Array.from(HEX, (digit) => digit.charCodeAt(0))
/** Where the digits of 32 bytes are put: nearly all are ids and keys, and an array that grows is slow. */
const HEX_CODES_OF_32: number[] = Array.from({ length: 64 }, () => 0)
/** Arguments of one call: far below what a stack holds. */
const CODES_MAX = 1_024

/**
 * Bytes in lower-case hexadecimal. In one piece: a text that is added up digit by digit stays a
 * chain of its parts, and as the key of a table costs thirty times its length.
 */
export function toHex(bytes: Uint8Array): string {
  const codes = bytes.length === 32 ? HEX_CODES_OF_32 : []
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index]!
    codes[2 * index] = HEX_CODES[byte >> 4]!
    codes[2 * index + 1] = HEX_CODES[byte & 15]!
  }
  if (codes.length <= CODES_MAX) return String.fromCharCode(...codes)
  let text = ''
  for (let from = 0; from < codes.length; from += CODES_MAX) {
    text += String.fromCharCode(...codes.slice(from, from + CODES_MAX))
  }
  return text
}

/**
 * The bytes of lower-case hexadecimal.
 * @throws TrustError `encoding` for an odd length or any other character: one text per byte string
 */
export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0) {
    throw new TrustError('encoding', `Cannot read hexadecimal of odd length ${text.length}`)
  }
  const bytes = new Uint8Array(text.length / 2)
  for (let index = 0; index < bytes.length; index++) {
    const high = digitOf(HEX, text, index * 2)
    bytes[index] = (high << 4) | digitOf(HEX, text, index * 2 + 1)
  }
  return bytes
}

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** Bytes in base64url without padding (RFC 4648 section 5). */
export function toBase64url(bytes: Uint8Array): string {
  let text = ''
  for (let index = 0; index < bytes.length; index += 3) {
    const group = (bytes[index]! << 16) | ((bytes[index + 1] ?? 0) << 8) | (bytes[index + 2] ?? 0)
    text += BASE64URL[group >> 18]! + BASE64URL[(group >> 12) & 63]!
    if (index + 1 < bytes.length) text += BASE64URL[(group >> 6) & 63]!
    if (index + 2 < bytes.length) text += BASE64URL[group & 63]!
  }
  return text
}

/**
 * The bytes of base64url without padding (RFC 4648 section 5).
 * @throws TrustError `encoding` for padding, any other character, a length that no byte string has,
 * or unused bits that are not zero (RFC 4648 section 3.5): one text per byte string
 */
export function fromBase64url(text: string): Uint8Array {
  if (text.length % 4 === 1) {
    throw new TrustError('encoding', `Cannot read base64url of length ${text.length}`)
  }
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4))
  let written = 0
  let bits = 0
  let pending = 0
  for (let index = 0; index < text.length; index++) {
    pending = (pending << 6) | digitOf(BASE64URL, text, index)
    bits += 6
    if (bits >= 8) {
      bits -= 8
      bytes[written++] = pending >> bits
      pending &= (1 << bits) - 1
    }
  }
  if (pending !== 0) {
    throw new TrustError('encoding', `Cannot read base64url: its last ${bits} bits are not zero`)
  }
  return bytes
}

function digitOf(alphabet: string, text: string, index: number): number {
  const digit = alphabet.indexOf(text[index]!)
  if (digit === -1) {
    const character = JSON.stringify(text[index])
    throw new TrustError('encoding', `Cannot read character ${character} at ${index}: not a digit`)
  }
  return digit
}
