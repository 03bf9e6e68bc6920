import { encode } from '@ixj/trust'
import { describe, expect, it } from 'vitest'
import { isSheaf } from '../../src/bundles/is-sheaf.ts'
import { encodeSheaf, groupForSheaves, readSheaf } from '../../src/bundles/sheaf.ts'
import { SHEAF_BUNDLES_MAX } from '../../src/limits.ts'
import { MESSAGE_BYTES_MAX } from '../../src/transport.ts'

const bundle = (seed: number, bytes = 300) => new Uint8Array(bytes).fill(seed)
const many = (count: number) => Array.from({ length: count }, (_, index) => bundle(index))

describe('a sheaf', () => {
  it('is read as it was made', () => {
    const bytes = encodeSheaf(many(SHEAF_BUNDLES_MAX))
    expect(isSheaf(bytes)).toBe(true)
    expect(readSheaf(bytes)).toEqual(many(SHEAF_BUNDLES_MAX))
  })

  it('gives bundles that share no memory with it', () => {
    const bytes = encodeSheaf(many(2))
    for (const each of readSheaf(bytes)) expect(each.buffer.byteLength).toBe(each.length)
  })

  it.each([
    ['of one', encode([many(1)])],
    ['of more than its limit', encode([many(SHEAF_BUNDLES_MAX + 1)])],
    ['of none', encode([[]])],
    ['with something behind', encode([many(2), null])],
    ['of texts', encode([['a', 'b']])],
    ['that is a list of bundles alone', encode(many(2))],
  ])('%s is refused as a form', (_, bytes) => {
    expect(() => readSheaf(bytes)).toThrow(expect.objectContaining({ code: 'form' }))
  })

  it('of more bytes than a message has is refused before it is read', () => {
    const bytes = new Uint8Array(MESSAGE_BYTES_MAX + 1).fill(0x91)
    expect(() => readSheaf(bytes)).toThrow(expect.objectContaining({ code: 'size' }))
  })
})

describe('groupForSheaves()', () => {
  it('fills each message up to its bundles and its bytes, in order', () => {
    const small = many(SHEAF_BUNDLES_MAX + 1).map((bytes) => ({ bytes }))
    expect(groupForSheaves(small).map(({ length }) => length)).toEqual([SHEAF_BUNDLES_MAX, 1])
    const large = [20_000, 30_000, 20_000, 67_000, 67_584].map((size) => ({
      bytes: bundle(1, size),
    }))
    const groups = groupForSheaves(large)
    expect(groups.map(({ length }) => length)).toEqual([2, 1, 1, 1])
    expect(groups.flat()).toEqual(large)
    for (const group of groups.filter(({ length }) => length > 1)) {
      const { length } = encodeSheaf(group.map(({ bytes }) => bytes))
      expect(length).toBeLessThanOrEqual(MESSAGE_BYTES_MAX)
    }
  })

  it('never makes a sheaf that is too large, whatever the sizes', () => {
    for (let size = 1_030; size < 1_070; size++) {
      const items = Array.from({ length: 70 }, () => ({ bytes: bundle(1, size) }))
      for (const group of groupForSheaves(items)) {
        expect(encodeSheaf(group.map(({ bytes }) => bytes)).length).toBeLessThan(67_585)
      }
    }
  })
})
