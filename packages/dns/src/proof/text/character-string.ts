import { utf8Bytes } from '@ixj/trust'
import { DnsError } from '../dns-error.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** Bytes as a quoted string of a zone file (RFC 1035 section 5.1); all but plain ASCII as `\DDD`. */
export function formatCharacters(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) {
    if (byte === QUOTE || byte === BACKSLASH) text += `\\${String.fromCharCode(byte)}`
    else if (byte >= 0x20 && byte < 0x7f) text += String.fromCharCode(byte)
    else text += `\\${String(byte).padStart(3, '0')}`
  }
  return `"${text}"`
}

/**
 * The bytes of a string whose quotes are gone and whose escapes are not; characters beyond ASCII
 * are their UTF-8. @throws DnsError `record` for a broken escape
 */
export function parseCharacters(text: string): Uint8Array {
  // The usual case, and the fast one.
  if (!text.includes('\\')) return utf8Bytes(text)
  const bytes: number[] = []
  for (let index = 0; index < text.length; index++) {
    if (text[index] !== '\\') {
      const character = String.fromCodePoint(text.codePointAt(index)!)
      bytes.push(...utf8Bytes(character))
      index += character.length - 1
      continue
    }
    const digits = /^[0-9]{3}/.exec(text.slice(index + 1, index + 4))?.[0]
    const next = text[index + 1]
    if (digits !== undefined && Number(digits) < 256) {
      bytes.push(Number(digits))
      index += 3
    } else if (next !== undefined && /[ -/:-~]/.test(next)) {
      bytes.push(next.charCodeAt(0))
      index++
    } else throw new DnsError('record', `Cannot read a string: its escape at ${index} is broken`)
  }
  return Uint8Array.from(bytes)
}
