import { isUtf8 } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { concatBytes, fromHex, utf8Bytes } from '../../src/bytes.ts'
import { decode, encode, encodeApplication, scan } from '../../src/encoding/index.ts'
import { findInvalidUtf8 } from '../../src/encoding/utf8.ts'

const refusal = (code: string) => expect.objectContaining({ name: 'TrustError', code }) as Error
const strict = (bytes: Uint8Array) => () => scan(bytes, { mode: 'strict', bytesMax: 2 ** 20 })
const application = (bytes: Uint8Array) => () => scan(bytes, { mode: 'application' })

describe('scan() in strict mode', () => {
  it.each([
    ['nothing', ''],
    ['two values', '0101'],
    ['a byte after an array', '910100'],
    ['uint8 for 127', 'cc7f'],
    ['uint16 for 255', 'cd00ff'],
    ['uint32 for 65,535', 'ce0000ffff'],
    ['uint64 for 2^32 - 1', 'cf00000000ffffffff'],
    ['uint64 for a small time', 'cf0000000000000001'],
    ['uint64 for 2^53', 'cf0020000000000000'],
    ['uint64 for 2^53 + 1, which a double cannot hold', 'cf0020000000000001'],
    ['uint64 for 2^64 - 1', 'cfffffffffffffffff'],
    ['int8 for -32', 'd0e0'],
    ['int8 for 1', 'd001'],
    ['int16 for -128', 'd1ff80'],
    ['int16 for 200', 'd100c8'],
    ['int32 for -32,768', 'd2ffff8000'],
    ['int32 for 70,000', 'd200011170'],
    ['int64 for -2^31', 'd3ffffffff80000000'],
    ['int64 for -1', 'd3ffffffffffffffff'],
    ['int64 for 2^40', 'd30000010000000000'],
    ['int64 for -2^53', 'd3ffe0000000000000'],
    ['int64 for -2^53 - 1', 'd3ffdfffffffffffff'],
    ['int64 for -2^63', 'd38000000000000000'],
    ['float32', 'ca3f800000'],
    ['float64 for 1', 'cb3ff0000000000000'],
    ['float64 for 2^32', 'cb41f0000000000000'],
    ['NaN', 'cb7ff8000000000000'],
    ['str8 for 31 bytes', `d91f${'61'.repeat(31)}`],
    ['str8 for the empty text', 'd900'],
    ['str16 for 32 bytes', `da0020${'61'.repeat(32)}`],
    ['str32 for 1 byte', 'db0000000161'],
    ['bin16 for 255 bytes', `c500ff${'00'.repeat(255)}`],
    ['bin32 for no byte', 'c600000000'],
    ['array16 for 15 items', `dc000f${'c0'.repeat(15)}`],
    ['array32 for 16 items', `dd00000010${'c0'.repeat(16)}`],
    ['the empty map', '80'],
    ['a map', '81a16101'],
    ['map16', 'de0000'],
    ['map32', 'df00000000'],
    ['the type that is never used', 'c1'],
    ['ext8', 'c7010561'],
    ['ext16', 'c800010561'],
    ['ext32', 'c9000000010561'],
    ['a record definition of msgpackr', 'd4724091a16101'],
    ['a record definition of msgpackr with two bytes', 'd572400091a16101'],
    ['fixext 1', 'd40500'],
    ['fixext 4, a timestamp', 'd6ff00000000'],
    ['fixext 8, a timestamp', 'd7ff0000000000000000'],
    ['ext8, a timestamp of 12 bytes', `c70cff${'00'.repeat(12)}`],
    ['fixext 16', `d805${'00'.repeat(16)}`],
    ['bundled strings of msgpackr', 'd66200000004c101'],
    ['an extension inside an array', '9201d40500'],
  ])('refuses %s', (_, hex) => {
    expect(strict(fromHex(hex))).toThrow(refusal('encoding'))
  })

  it.each([
    ['a continuation alone', '80'],
    ['C0, overlong', 'c080'],
    ['C1, overlong', 'c1bf'],
    ['three bytes, overlong', 'e09fbf'],
    ['four bytes, overlong', 'f08fbfbf'],
    ['a high surrogate', 'eda080'],
    ['a low surrogate', 'edbfbf'],
    ['a surrogate pair', 'eda080edb080'],
    ['above U+10FFFF', 'f4908080'],
    ['F5', 'f5808080'],
    ['FF', 'ff'],
    ['cut after one of two', 'c3'],
    ['cut after two of three', 'e282'],
    ['cut after three of four', 'f09f98'],
    ['an ASCII byte where a continuation must be', 'e28261'],
  ])('refuses a text with %s', (_, hex) => {
    const text = fromHex(hex)
    expect(strict(concatBytes(Uint8Array.of(0xa0 | text.length), text))).toThrow(
      refusal('encoding'),
    )
    // The text's end is its own: what follows may not complete it.
    const more = concatBytes(Uint8Array.of(0x92, 0xa0 | text.length), text, fromHex('a161'))
    expect(strict(more)).toThrow(refusal('encoding'))
  })

  it('takes the first and the last code point of every length in UTF-8', () => {
    for (const hex of [
      '00',
      '7f',
      'c280',
      'dfbf',
      'e0a080',
      'ed9fbf',
      'ee8080',
      'efbfbf',
      'f0908080',
      'f48fbfbf',
    ]) {
      const text = fromHex(hex)
      expect(strict(concatBytes(Uint8Array.of(0xa0 | text.length), text))).not.toThrow()
    }
  })

  it('takes 8 arrays in each other and refuses 9, 60,000 too', () => {
    expect(strict(fromHex(`${'91'.repeat(7)}90`))).not.toThrow()
    expect(strict(fromHex(`${'91'.repeat(8)}01`))).not.toThrow()
    expect(strict(fromHex(`${'91'.repeat(8)}90`))).toThrow(refusal('depth'))
    expect(strict(fromHex(`${'91'.repeat(60_000)}90`))).toThrow(refusal('depth'))
  })

  it('refuses a form cut at any of its bytes', () => {
    const form = [1, 'grant', 'n'.repeat(40), new Uint8Array(300), 2 ** 40, -70_000, [null, -1]]
    const bytes = encode(form)
    for (let length = 0; length < bytes.length; length++) {
      expect(strict(bytes.subarray(0, length))).toThrow(refusal('encoding'))
    }
    expect(strict(bytes)).not.toThrow()
  })

  it.each(['dbffffffff', 'c6ffffffff', 'ddffffffff'])(
    'refuses the length 2^32 - 1 of %s at once',
    (hex) => {
      expect(strict(fromHex(hex))).toThrow(refusal('encoding'))
    },
  )

  it('takes 65,536 values and refuses one more', () => {
    const values = (count: number) =>
      concatBytes(fromHex(`dd${count.toString(16).padStart(8, '0')}`), new Uint8Array(count))
    const short = concatBytes(fromHex('dcffff'), new Uint8Array(65_535))
    expect(strict(short)).not.toThrow()
    expect(strict(values(65_536))).toThrow(refusal('too-large'))
  })

  it('refuses too many bytes before it reads any', () => {
    const junk = new Uint8Array(65 * 1024).fill(0xc1)
    expect(() => scan(junk, { mode: 'strict' })).toThrow(refusal('too-large'))
    expect(() => decode(junk)).toThrow(refusal('too-large'))
  })

  it('says where', () => {
    expect(strict(fromHex('9301cc0102'))).toThrow('at byte 2: the integer 1 has a shorter form')
    expect(strict(fromHex('92a3e282'))).toThrow('at byte 1: the bytes end inside it')
    expect(strict(fromHex('a3e28261'))).toThrow('at byte 1: not UTF-8')
  })
})

describe('scan() in application mode', () => {
  it.each([
    ['a float', 'cb3ff8000000000000'],
    ['a float of 4 bytes', 'ca3fc00000'],
    ['the empty map', '80'],
    ['a map of maps', '82a16181a162c0a16390'],
  ])('takes %s', (_, hex) => {
    expect(application(fromHex(hex))).not.toThrow()
  })

  it.each([
    ['an extension', 'd40500'],
    ['a record definition of msgpackr', 'd4724091a16101'],
    ['a timestamp as a value', '81a161d6ff00000000'],
    ['a timestamp as a key', '81d6ff00000000c0'],
    ['a number as a key', '8101c0'],
    ['bytes as a key', '81c40161c0'],
    ['an array as a key', '8190c0'],
    ['a key that repeats', '82a16101a16102'],
    ['a key in a longer form', '81d9016101'],
    ['a key that is not UTF-8', '81a180c0'],
    ['a map without its last value', '81a161'],
    ['a map without its last key', '82a161c0'],
    [
      'map16 for 15 entries',
      `de000f${Array.from({ length: 15 }, (_, at) => `a1${(97 + at).toString(16)}c0`).join('')}`,
    ],
    ['a float cut short', 'cb3ff80000'],
    ['an integer one width too wide', 'cd0001'],
  ])('refuses %s', (_, hex) => {
    expect(application(fromHex(hex))).toThrow(refusal('encoding'))
  })

  it('takes the same key in two maps', () => {
    expect(application(fromHex('9281a1610181a16102'))).not.toThrow()
  })

  it('counts maps among the 8 levels', () => {
    const nested = (levels: number) => fromHex(`${'81a161'.repeat(levels - 1)}80`)
    expect(application(nested(8))).not.toThrow()
    expect(application(nested(9))).toThrow(refusal('depth'))
    expect(application(nested(20_000))).toThrow(refusal('depth'))
  })

  it('counts keys among the values', () => {
    const map = Object.fromEntries(Array.from({ length: 32_767 }, (_, at) => [String(at), null]))
    const bytes = encodeApplication(map, { bytesMax: 2 ** 20 })
    expect(() => scan(bytes, { mode: 'application', bytesMax: 2 ** 20 })).not.toThrow()
    expect(() => encodeApplication({ ...map, one: null }, { bytesMax: 2 ** 20 })).toThrow(
      refusal('too-large'),
    )
  })
})

describe('findInvalidUtf8()', () => {
  it('agrees with the runtime on every pair, and on every three bytes around the edges', () => {
    const edges = [
      0x00, 0x61, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xdf, 0xe0, 0xed, 0xef,
      0xf0, 0xf4, 0xf5, 0xff,
    ]
    const check = (bytes: Uint8Array) => {
      if ((findInvalidUtf8(bytes, 0, bytes.length) === -1) !== isUtf8(bytes)) {
        throw new Error(`disagrees on ${bytes.toString()}`)
      }
    }
    for (let pair = 0; pair < 65_536; pair++) check(Uint8Array.of(pair >> 8, pair & 0xff))
    for (const first of edges) {
      for (const second of edges) {
        for (const third of edges) {
          check(Uint8Array.of(first, second, third))
          for (const fourth of edges) check(Uint8Array.of(first, second, third, fourth))
        }
      }
    }
    expect(findInvalidUtf8(utf8Bytes('zürich 😀'), 0, 12)).toBe(-1)
  })
})
