import { describe, expect, it } from 'vitest'
import {
  readArray,
  readBoolean,
  readBytes,
  readBytesUpTo,
  readInteger,
  readList,
  readOneOf,
  readOptional,
  readSortedSet,
  readText,
  readTime,
  sortedSet,
} from '../../src/encoding/index.ts'

const form = expect.objectContaining({ name: 'TrustError', code: 'form' }) as Error
const texts = { itemsMax: 3, item: readText }

describe('field readers', () => {
  it('give back what fits', () => {
    expect(readArray([1, 2], 'pair', 2)).toEqual([1, 2])
    expect(readText('a', 'name')).toBe('a')
    expect(readOneOf('both', 'uses', ['sign', 'both'])).toBe('both')
    expect(readInteger(3, 'depth', { min: 0, max: 3 })).toBe(3)
    expect(readTime(0, 'not-before')).toBe(0)
    expect(readBytes(new Uint8Array(2), 'key', 2)).toEqual(new Uint8Array(2))
    expect(readBytesUpTo(new Uint8Array(2), 'body', 2)).toEqual(new Uint8Array(2))
    expect(readBoolean(false, 'strict')).toBe(false)
    expect(readOptional(null, 'key', readText)).toBe(null)
    expect(readOptional('a', 'key', readText)).toBe('a')
    expect(readList(['b', 'a'], 'list', { itemsMax: 2, item: readText })).toEqual(['b', 'a'])
    expect(readSortedSet(['a', 'b'], 'set', texts)).toEqual(['a', 'b'])
    expect(readBytes(new Uint8Array(32), 'key')).toHaveLength(32)
  })

  it.each([
    ['an array of another length', () => readArray([1], 'pair', 2), '1 fields, must be 2'],
    ['no array', () => readArray(1, 'pair', 2), 'Cannot read pair: 1, must be an array'],
    [
      'bytes for an array',
      () => readArray(new Uint8Array(2), 'pair', 2),
      '2 bytes, must be an array',
    ],
    ['no text', () => readText(null, 'name'), 'nil, must be a text'],
    ['a long text', () => readText('éé', 'name', 3), '4 bytes of text, limit 3'],
    ['no choice', () => readOneOf('x', 'uses', ['sign']), '"x", must be one of sign'],
    ['a small integer', () => readInteger(-1, 'depth', { min: 0, max: 3 }), '-1, must be 0 to 3'],
    ['a large integer', () => readInteger(4, 'depth', { min: 0, max: 3 }), '4, must be 0 to 3'],
    ['a fraction', () => readInteger(0.5, 'depth', { min: 0, max: 3 }), '0.5, must be an integer'],
    ['a negative time', () => readTime(-1, 'not-before'), '-1, must be 0 to'],
    ['short bytes', () => readBytes(new Uint8Array(31), 'key', 32), '31 bytes, must be 32'],
    ['a key of another length', () => readBytes(new Uint8Array(33), 'key'), '33 bytes, must be 32'],
    ['no bytes', () => readBytes('a', 'key', 32), '"a", must be bytes'],
    ['long bytes', () => readBytesUpTo(new Uint8Array(3), 'body', 2), '3 bytes, limit 2'],
    ['no boolean', () => readBoolean(1, 'strict'), '1, must be true or false'],
    ['a missing field', () => readText(undefined, 'name'), 'undefined, must be a text'],
    [
      'a long list',
      () => readSortedSet(['a', 'b', 'c', 'd'], 'set', texts),
      '4 items, must be 0 to 3',
    ],
    ['a bad item', () => readSortedSet(['a', 1], 'set', texts), 'set [1]: 1, must be a text'],
    ['a repeat', () => readSortedSet(['a', 'a'], 'set', texts), 'set [1]: it repeats'],
    [
      'a set out of order',
      () => readSortedSet(['b', 'a'], 'set', texts),
      'set [1]: it sorts before',
    ],
  ])('refuse %s, and say so', (_, read, message) => {
    expect(read).toThrow(form)
    expect(read).toThrow(message)
  })

  it('shorten what they repeat of a peer', () => {
    const read = () => readOneOf('n'.repeat(10_000), 'uses', ['sign'])
    expect(read).toThrow(form)
    expect(read).toThrow(/^.{0,140}$/)
  })
})

describe('sortedSet()', () => {
  it('sorts by bytes, not by code units, and leaves repeats out', () => {
    // U+FF5E is EF BD 9E, U+1F600 is F0 9F 98 80; by code units the second comes first.
    const sorted = sortedSet(['😀', '～', 'b', 'a', 'b', 'aa'])
    expect(sorted).toEqual(['a', 'aa', 'b', '～', '😀'])
    expect(readSortedSet(sorted, 'set', { ...texts, itemsMax: 9 })).toEqual(sorted)
  })

  it('sorts pairs by their names', () => {
    const pairs = sortedSet(
      [
        ['hours', 1],
        ['bytes', 2],
      ] as const,
      ([name]) => name,
    )
    expect(pairs).toEqual([
      ['bytes', 2],
      ['hours', 1],
    ])
  })
})
