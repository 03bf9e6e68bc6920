import {
  ancestors,
  childName,
  depthBelow,
  isAtOrBelow,
  isBelow,
  isName,
  labels,
  parentName,
  parseName,
} from '@ixj/names'
import { array, assert, constantFrom, property } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { outcome } from './outcome.ts'
import { seed } from './seed.ts'

const shortName = array(constantFrom('a', 'b', 'ab', 'a-b'), { minLength: 2, maxLength: 5 }).map(
  (parts) => parseName(parts.join('.')),
)

/** The definition, by lists of labels: the lower name ends with all labels of the other, and more. */
function endsWithLabels(name: string, ancestor: string): boolean {
  const lower = name.split('.')
  const upper = ancestor.split('.')
  return lower.length > upper.length && lower.slice(-upper.length).join('.') === ancestor
}

describe('isBelow()', () => {
  it.each([
    ['a.acme.example', 'acme.example', true],
    ['b.a.acme.example', 'acme.example', true],
    ['acme.example', 'acme.example', false],
    ['aacme.example', 'acme.example', false],
    ['a-acme.example', 'acme.example', false],
    ['acme.example', 'a.acme.example', false],
    ['a.acme.example', 'b.acme.example', false],
    ['acme.example.evil.test', 'acme.example', false],
  ])('of %s and %s is %s', (name, ancestor, expected) => {
    expect(isBelow(parseName(name), parseName(ancestor))).toBe(expected)
  })

  it('agrees with the comparison of lists of labels', () => {
    assert(
      property(shortName, shortName, (name, ancestor) => {
        expect(isBelow(name, ancestor)).toBe(endsWithLabels(name, ancestor))
        expect(isAtOrBelow(name, ancestor)).toBe(name === ancestor || isBelow(name, ancestor))
      }),
      { seed, numRuns: 5_000 },
    )
  })

  it('is a strict partial order', () => {
    assert(
      property(shortName, shortName, shortName, (first, second, third) => {
        expect(isBelow(first, first)).toBe(false)
        expect(isBelow(first, second) && isBelow(second, first)).toBe(false)
        const chained = isBelow(first, second) && isBelow(second, third)
        expect(!chained || isBelow(first, third)).toBe(true)
      }),
      { seed, numRuns: 5_000 },
    )
  })

  it('is transitive along the ancestors of one name', () => {
    const line = ancestors(parseName('a.b.c.d.e.f.example'))
    for (const [place, lower] of line.entries()) {
      for (const upper of line.slice(place + 1)) expect(isBelow(lower, upper)).toBe(true)
    }
  })
})

describe('parentName() and ancestors()', () => {
  it('lead upwards, nearest first, to the name of two labels', () => {
    const name = parseName('w1.crew.acme.example')
    expect(parentName(name)).toBe('crew.acme.example')
    expect(ancestors(name)).toEqual(['crew.acme.example', 'acme.example'])
    expect(parentName(parseName('acme.example'))).toBeUndefined()
    expect(ancestors(parseName('acme.example'))).toEqual([])
  })

  it('give 125 ancestors of the name with the most labels', () => {
    expect(ancestors(parseName(`${'a.'.repeat(126)}b`))).toHaveLength(125)
  })

  it('give names, and exactly those that the name is below', () => {
    assert(
      property(shortName, (name) => {
        const above = ancestors(name)
        expect(above).toHaveLength(labels(name).length - 2)
        for (const [place, ancestor] of above.entries()) {
          expect(isName(ancestor)).toBe(true)
          expect(isBelow(name, ancestor)).toBe(true)
          expect(depthBelow(name, ancestor)).toBe(place + 1)
        }
      }),
      { seed },
    )
  })
})

describe('depthBelow()', () => {
  it('counts labels, and is undefined outside the slice', () => {
    const acme = parseName('acme.example')
    expect(depthBelow(acme, acme)).toBe(0)
    expect(depthBelow(parseName('a.acme.example'), acme)).toBe(1)
    expect(depthBelow(parseName('b.a.acme.example'), acme)).toBe(2)
    expect(depthBelow(parseName('aacme.example'), acme)).toBeUndefined()
    expect(depthBelow(acme, parseName('a.acme.example'))).toBeUndefined()
  })
})

describe('childName()', () => {
  const acme = parseName('acme.example')

  it('puts one label below a name, and parentName() takes it away', () => {
    const child = childName(acme, 'w1')
    expect(child).toBe('w1.acme.example')
    expect(parentName(child)).toBe(acme)
  })

  it.each([
    ['', 'empty-label'],
    ['a.b', 'character'],
    ['.', 'character'],
    ['A', 'upper-case'],
    ['_a', 'underscore'],
    ['é', 'not-ascii'],
    ['*', 'character'],
    ['-a', 'hyphen-edge'],
    ['xn--a9', 'not-a-label'],
    ['a'.repeat(64), 'label-length'],
  ])('rejects the label %j as %s', (label, code) => {
    expect(outcome(() => childName(acme, label))).toEqual({ code })
  })

  it('rejects a child of over 253 characters', () => {
    const parent = parseName(`${`${'a'.repeat(61)}.`.repeat(4)}aaa`)
    expect(parent).toHaveLength(251)
    expect(childName(parent, 'b')).toHaveLength(253)
    expect(outcome(() => childName(parent, 'bc'))).toEqual({ code: 'too-long' })
  })
})
