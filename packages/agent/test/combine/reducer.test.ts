import { describe, expect, it } from 'vitest'
import {
  canBeValue,
  isReducible,
  mergeValues,
  reduceBodies,
  reducerName,
  type Reducer,
} from '../../src/combine/reducer.ts'

const longest: Reducer = {
  name: 'longest',
  reduce: (bodies) => {
    const texts = bodies.filter((body) => typeof body === 'string')
    return texts.reduce((a, b) => (b.length > a.length ? b : a))
  },
}

describe('a reducer', () => {
  it.each<[Reducer, unknown]>([
    ['count', 4],
    ['list', [3, -1, 7, 2]],
    ['sum', 11],
    ['min', -1],
    ['max', 7],
  ])('%s gives the same of all bodies as of values of two parts', (reducer, value) => {
    expect(reduceBodies(reducer, [3, -1, 7, 2])).toEqual(value)
    const parts = [reduceBodies(reducer, [3]), reduceBodies(reducer, [-1, 7, 2])]
    expect(mergeValues(reducer, parts)).toEqual(value)
  })

  it.each<[Reducer, unknown]>([
    ['count', 0],
    ['list', []],
    ['sum', 0],
    ['min', null],
    ['max', null],
    [longest, null],
  ])('%s has a value of nothing that changes no other', (reducer, value) => {
    expect(reduceBodies(reducer, [])).toEqual(value)
    const one = reduceBodies(reducer, reducer === longest ? ['ab'] : [5])
    expect(mergeValues(reducer, [one, reduceBodies(reducer, [])])).toEqual(one)
  })

  it('of an application merges its own values', () => {
    expect(mergeValues(longest, ['ab', 'abcd', 'a'])).toBe('abcd')
    expect(reducerName(longest)).toBe('own:longest')
  })

  it('of an application has a plain name', () => {
    for (const name of ['', 'sum total', 'a'.repeat(65)]) {
      expect(() => reducerName({ ...longest, name })).toThrow(
        expect.objectContaining({ code: 'argument' }),
      )
    }
  })

  it('that counts numbers leaves other bodies out', () => {
    expect([1, '1', null, Infinity].map((body) => isReducible('sum', body))).toEqual([
      true,
      false,
      false,
      false,
    ])
    expect(isReducible('list', '1')).toBe(true)
  })

  it('tells a value that cannot be one by its form', () => {
    expect(canBeValue('count', 2, 3)).toBe(false)
    expect(canBeValue('count', 3, 3)).toBe(true)
    expect(canBeValue('list', [1, 2], 3)).toBe(false)
    expect(canBeValue('sum', 'much', 3)).toBe(false)
    expect(canBeValue(longest, 'anything', 3)).toBe(true)
  })
})
