import { DnsError } from '../dns-error.ts'

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const BASE32HEX = '0123456789abcdefghijklmnopqrstuv'
const BASE16 = '0123456789abcdef'

/** Bytes in base64 with padding (RFC 4648 section 4), as DNSKEY and RRSIG have them in text. */
export function toBase64(bytes: Uint8Array): string {
  const text = toDigits(bytes, BASE64, 6)
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=')
}

/**
 * The bytes of base64 with padding.
 * @throws DnsError `record` for any other character, wrong padding, or unused bits that are not
 * zero (RFC 4648 section 3.5): one text per byte string
 */
export function fromBase64(text: string): Uint8Array {
  const digits = text.replace(/={1,2}$/, '')
  if (text.length % 4 !== 0) {
    throw new DnsError(
      'record',
      `Cannot read base64: its length ${text.length} is no multiple of 4`,
    )
  }
  return fromDigits(digits, BASE64, 6)
}

/** Bytes in base32hex without padding, lower case (RFC 4648 section 7): labels of NSEC3. */
export function toBase32hex(bytes: Uint8Array): string {
  return toDigits(bytes, BASE32HEX, 5)
}

/** The bytes of base32hex without padding, in any case. @throws DnsError `record` */
export function fromBase32hex(text: string): Uint8Array {
  return fromDigits(text.toLowerCase(), BASE32HEX, 5)
}

/** The bytes of hexadecimal in any case. @throws DnsError `record` */
export function fromBase16(text: string): Uint8Array {
  return fromDigits(text.toLowerCase(), BASE16, 4)
}

function toDigits(bytes: Uint8Array, alphabet: string, bitsPerDigit: number): string {
  const mask = (1 << bitsPerDigit) - 1
  let text = ''
  let pending = 0
  let bits = 0
  for (const byte of bytes) {
    pending = (pending << 8) | byte
    for (bits += 8; bits >= bitsPerDigit;) {
      bits -= bitsPerDigit
      text += alphabet[(pending >> bits) & mask]!
    }
    pending &= (1 << bits) - 1
  }
  return bits === 0 ? text : text + alphabet[(pending << (bitsPerDigit - bits)) & mask]!
}

function fromDigits(text: string, alphabet: string, bitsPerDigit: number): Uint8Array {
  const base = alphabet.length
  const bytes = new Uint8Array(Math.floor((text.length * bitsPerDigit) / 8))
  let pending = 0
  let bits = 0
  let written = 0
  for (let index = 0; index < text.length; index++) {
    const digit = alphabet.indexOf(text[index]!)
    if (digit < 0) {
      const character = JSON.stringify(text[index])
      throw new DnsError('record', `Cannot read ${character} as a digit of base${base}`)
    }
    pending = (pending << bitsPerDigit) | digit
    bits += bitsPerDigit
    if (bits >= 8) {
      bits -= 8
      bytes[written++] = pending >> bits
      pending &= (1 << bits) - 1
    }
  }
  // A whole digit that belongs to no byte, or bits that nobody would write.
  if (bits >= bitsPerDigit || pending !== 0) {
    throw new DnsError('record', `Cannot read base${base}: ${bits} bits are left at its end`)
  }
  return bytes
}
