import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromBase16, fromBase32hex, fromBase64, toBase32hex, toBase64 } from '@ixj/dns/proof'

const bytes = (text: string) => new TextEncoder().encode(text)

describe('toBase64() and toBase32hex()', () => {
  // RFC 4648 section 10; base32hex without its padding, in lower case.
  test.each([
    ['', '', ''],
    ['f', 'Zg==', 'co'],
    ['fo', 'Zm8=', 'cpng'],
    ['foo', 'Zm9v', 'cpnmu'],
    ['foob', 'Zm9vYg==', 'cpnmuog'],
    ['fooba', 'Zm9vYmE=', 'cpnmuoj1'],
    ['foobar', 'Zm9vYmFy', 'cpnmuoj1e8'],
  ])('encode and read back %j', (text, base64, base32hex) => {
    expect(toBase64(bytes(text))).toBe(base64)
    expect(fromBase64(base64)).toEqual(bytes(text))
    expect(toBase32hex(bytes(text))).toBe(base32hex)
    expect(fromBase32hex(base32hex.toUpperCase())).toEqual(bytes(text))
  })

  test('agree with Node on any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (value) => {
        expect(toBase64(value)).toBe(Buffer.from(value).toString('base64'))
        expect(fromBase64(toBase64(value))).toEqual(value)
        expect(fromBase32hex(toBase32hex(value))).toEqual(value)
        expect(fromBase16(Buffer.from(value).toString('hex'))).toEqual(value)
      }),
    )
  })
})

test.each([
  'Zg',
  'Zg=',
  'Zg===',
  'Zh==',
  'Z===',
  '====',
  'Zm9=',
  'Zm 9',
  'Zm9-',
  '=Zm9',
  'Zg==Zg==',
])('fromBase64() refuses %j', (text) => {
  expect(() => fromBase64(text)).toThrow(expect.objectContaining({ code: 'record' }))
})

test.each(['c', 'cow', 'cp1', 'c=', 'cw'])('fromBase32hex() refuses %j', (text) => {
  expect(() => fromBase32hex(text)).toThrow(expect.objectContaining({ code: 'record' }))
})

test.each(['0', '0g', ' 00', '0x00'])('fromBase16() refuses %j', (text) => {
  expect(() => fromBase16(text)).toThrow(expect.objectContaining({ code: 'record' }))
})
