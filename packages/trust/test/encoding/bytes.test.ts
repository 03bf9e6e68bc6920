import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  compareBytes,
  concatBytes,
  equalBytes,
  fromBase64url,
  fromHex,
  toBase64url,
  toHex,
  utf8Bytes,
  utf8Text,
} from '../../src/bytes.ts'
import { TrustError } from '../../src/trust-error.ts'
import { SEED } from './values.ts'

const encoding = expect.objectContaining({ name: 'TrustError', code: 'encoding' }) as Error
const byteStrings = fc.uint8Array({ maxLength: 40 })

describe('toHex() and fromHex(), toBase64url() and fromBase64url()', () => {
  it('agree with the runtime and give back every byte string', () => {
    fc.assert(
      fc.property(byteStrings, (bytes) => {
        expect(toHex(bytes)).toBe(Buffer.from(bytes).toString('hex'))
        expect(toBase64url(bytes)).toBe(Buffer.from(bytes).toString('base64url'))
        expect(fromHex(toHex(bytes))).toEqual(bytes)
        expect(fromBase64url(toBase64url(bytes))).toEqual(bytes)
      }),
      { seed: SEED, numRuns: 500 },
    )
  })

  it('know one text for each byte string', () => {
    const characters = fc.constantFrom(...Array.from('ABab01_-=+/ \n'))
    fc.assert(
      fc.property(fc.string({ unit: characters, maxLength: 6 }), (text) => {
        expect(writeAgain(() => toBase64url(fromBase64url(text))) ?? text).toBe(text)
        expect(writeAgain(() => toHex(fromHex(text))) ?? text).toBe(text)
      }),
      { seed: SEED, numRuns: 2_000 },
    )
  })

  it.each(['A', 'AB', 'AAB', 'AA==', 'AA=', 'A+', 'A/', 'AA A', 'ÀA', 'AAAAA'])(
    'refuse the base64url %j',
    (text) => {
      expect(() => fromBase64url(text)).toThrow(encoding)
    },
  )

  it.each(['a', 'AB', '0x', 'g0', ' 0'])('refuse the hexadecimal %j', (text) => {
    expect(() => fromHex(text)).toThrow(encoding)
  })
})

describe('compareBytes() and equalBytes()', () => {
  it('order as the runtime does', () => {
    fc.assert(
      fc.property(byteStrings, byteStrings, (left, right) => {
        const order = Buffer.compare(left, right)
        expect(Math.sign(compareBytes(left, right))).toBe(order)
        expect(equalBytes(left, right)).toBe(order === 0)
        expect(equalBytes(left, Uint8Array.from(left))).toBe(true)
      }),
      { seed: SEED, numRuns: 500 },
    )
  })
})

describe('concatBytes()', () => {
  it('joins in order', () => {
    const joined = concatBytes(Uint8Array.of(1), new Uint8Array(0), Uint8Array.of(2, 3))
    expect(joined).toEqual(Uint8Array.of(1, 2, 3))
  })
})

describe('utf8Bytes() and utf8Text()', () => {
  it('give back every text, byte order mark included', () => {
    for (const text of ['', 'zürich 😀', '\ufeffmark', '\u0000']) {
      expect(utf8Text(utf8Bytes(text))).toBe(text)
    }
  })

  it('refuse what has no other side', () => {
    expect(() => utf8Bytes('a\ud800')).toThrow(encoding)
    expect(() => utf8Text(Uint8Array.of(0x61, 0xff))).toThrow(encoding)
  })
})

/** What `write` gives; undefined where the text is refused. */
function writeAgain(write: () => string): string | undefined {
  try {
    return write()
  } catch (cause) {
    if (cause instanceof TrustError) return undefined
    throw cause
  }
}
