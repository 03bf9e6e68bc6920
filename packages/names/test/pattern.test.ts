import {
  covers,
  coversAll,
  isAtOrBelow,
  liesWithin,
  matches,
  parseName,
  parsePattern,
  patternBase,
} from '@ixj/names'
import { array, assert, constantFrom, property } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { outcome } from './outcome.ts'
import { seed } from './seed.ts'

/** All lists of letters a and b with this many members. */
function lists(length: number): readonly (readonly string[])[] {
  if (length === 0) return [[]]
  return lists(length - 1).flatMap((list) => ['a', 'b'].map((label) => [label, ...list]))
}

const names = [2, 3, 4, 5, 6].flatMap(lists).map((list) => parseName(list.join('.')))
const bases = names.filter((name) => name.split('.').length <= 4)
const patterns = bases.flatMap((base) => ['', '*.', '**.'].map((star) => parsePattern(star + base)))

/** The definition of the three forms, by counting labels; independent of the code under test. */
function reference(pattern: string, name: string): boolean {
  const stars = /^\**/.exec(pattern)?.[0].length ?? 0
  if (stars === 0) return pattern === name
  const base = pattern.slice(stars + 1).split('.')
  const list = name.split('.')
  const more = list.length - base.length
  if (list.slice(more).join('.') !== base.join('.')) return false
  return stars === 1 ? more === 1 : more >= 1
}

describe('parsePattern()', () => {
  it.each([
    'w1.crew.acme.example',
    '*.crew.acme.example',
    '**.acme.example',
    '*.pool.n1.a.example',
  ])('accepts %s', (text) => {
    expect(parsePattern(text)).toBe(text)
  })

  it.each([
    ['*', 'pattern'],
    ['**', 'pattern'],
    ['*.', 'pattern'],
    ['**.', 'pattern'],
    ['***.acme.example', 'pattern'],
    ['*.*.acme.example', 'pattern'],
    ['**.**.acme.example', 'pattern'],
    ['*.**.acme.example', 'pattern'],
    ['a.*.acme.example', 'pattern'],
    ['acme.*', 'pattern'],
    ['acme.example.*', 'pattern'],
    ['a*.acme.example', 'pattern'],
    ['*a.acme.example', 'pattern'],
    ['*acme.example', 'pattern'],
    ['**acme.example', 'pattern'],
    ['*..acme.example', 'empty-label'],
    ['*.example', 'too-few-labels'],
    ['**.example', 'too-few-labels'],
    ['*.acme.example.', 'trailing-dot'],
    ['*.Acme.example', 'upper-case'],
    ['**._tcp.acme.example', 'underscore'],
    ['*.mañana.example', 'not-ascii'],
    ['?.acme.example', 'character'],
    ['[ab].acme.example', 'character'],
    ['!*.acme.example', 'pattern'],
    [' *.acme.example', 'pattern'],
    ['*.acme.example ', 'character'],
    ['*.127.0.0.1', 'numeric-tld'],
    ['\uFF0A.acme.example', 'not-ascii'],
    ['', 'empty'],
  ])('rejects %j as %s', (text, code) => {
    expect(outcome(() => parsePattern(text))).toEqual({ code })
  })

  it('accepts a base of 251 characters and rejects one of 252, which no name is below', () => {
    const base = parseName(`${`${'a'.repeat(61)}.`.repeat(4)}aaa`)
    expect(base).toHaveLength(251)
    for (const star of ['*.', '**.']) {
      expect(parsePattern(star + base)).toBe(star + base)
      expect(outcome(() => parsePattern(`${star}${base}a`))).toEqual({
        code: star === '*.' ? 'matches-nothing' : 'too-long',
      })
    }
    expect(matches(parsePattern(`*.${base}`), parseName(`b.${base}`))).toBe(true)
    expect(parsePattern(`${base}aa`)).toHaveLength(253)
    expect(outcome(() => parsePattern(`${base}aaa`))).toEqual({ code: 'too-long' })
  })
})

describe('matches()', () => {
  it('agrees with the definition for all patterns and names of a small world', () => {
    const wrong = patterns.flatMap((pattern) =>
      names
        .filter((name) => matches(pattern, name) !== reference(pattern, name))
        .map((name) => [pattern, name]),
    )
    expect(wrong).toEqual([])
  })

  it('agrees with the definition for random labels, among them prefixes of each other', () => {
    const list = array(constantFrom('a', 'aa', 'a-a', 'pool'), { minLength: 2, maxLength: 6 })
    assert(
      property(list, list, constantFrom('', '*.', '**.'), (base, rest, star) => {
        const pattern = parsePattern(star + base.join('.'))
        for (const text of [rest.join('.'), [...rest, ...base].join('.'), `a${base.join('.')}`]) {
          expect(matches(pattern, parseName(text))).toBe(reference(pattern, text))
        }
      }),
      { seed, numRuns: 2_000 },
    )
  })
})

describe('covers()', () => {
  it('agrees with the inclusion of sets for all patterns of a small world', () => {
    const sets = patterns.map((pattern) => {
      const set = new Set(names.filter((name) => reference(pattern, name)))
      return { pattern, set }
    })
    const wrong = sets.flatMap((wider) =>
      sets
        .filter((narrower) => {
          const included = Array.from(narrower.set).every((name) => wider.set.has(name))
          return covers(wider.pattern, narrower.pattern) !== included
        })
        .map((narrower) => [wider.pattern, narrower.pattern]),
    )
    expect(wrong).toEqual([])
  })

  it.each([
    ['**.a.b', '*.c.a.b', true],
    ['**.a.b', '**.c.a.b', true],
    ['**.a.b', '**.a.b', true],
    ['**.a.b', '*.a.b', true],
    ['**.a.b', 'a.b', false],
    ['**.a.b', '*.ca.b', false],
    ['*.a.b', 'c.a.b', true],
    ['*.a.b', '*.a.b', true],
    ['*.a.b', '**.a.b', false],
    ['*.a.b', '*.c.a.b', false],
    ['*.a.b', 'd.c.a.b', false],
    ['a.b', 'a.b', true],
    ['a.b', '*.a.b', false],
  ])('of %s over %s is %s', (wider, narrower, expected) => {
    expect(covers(parsePattern(wider), parsePattern(narrower))).toBe(expected)
  })

  it('is a partial order', () => {
    assert(
      property(
        constantFrom(...patterns),
        constantFrom(...patterns),
        constantFrom(...patterns),
        (first, second, third) => {
          expect(covers(first, first)).toBe(true)
          const both = covers(first, second) && covers(second, first)
          expect(both).toBe(first === second)
          const chained = covers(first, second) && covers(second, third)
          expect(!chained || covers(first, third)).toBe(true)
        },
      ),
      { seed, numRuns: 5_000 },
    )
  })

  it('knows that below 250 characters only one more label fits', () => {
    const base = `${'a'.repeat(61)}.`.repeat(4)
    const [fits, full] = [`${base}a`, `${base}aa`]
    expect([fits.length, full.length]).toEqual([249, 250])
    expect(matches(parsePattern(`**.${fits}`), parseName(`a.b.${fits}`))).toBe(true)
    expect(covers(parsePattern(`*.${fits}`), parsePattern(`**.${fits}`))).toBe(false)
    expect(outcome(() => parseName(`a.b.${full}`))).toEqual({ code: 'too-long' })
    expect(covers(parsePattern(`*.${full}`), parsePattern(`**.${full}`))).toBe(true)
  })
})

describe('coversAll()', () => {
  const wide = ['*.a.b', '**.c.a.b'].map(parsePattern)

  it('asks for one wider pattern for each narrower one', () => {
    expect(coversAll(wide, parsePattern('x.a.b'))).toBe(true)
    expect(coversAll(wide, ['x.a.b', '*.d.c.a.b'].map(parsePattern))).toBe(true)
    expect(coversAll(wide, ['x.a.b', 'a.b'].map(parsePattern))).toBe(false)
    expect(coversAll(wide, parsePattern('**.a.b'))).toBe(false)
  })

  it('covers nothing with no wider pattern, and always covers no narrower one', () => {
    expect(coversAll([], parsePattern('a.b'))).toBe(false)
    expect(coversAll([], [])).toBe(true)
  })
})

describe('patternBase() and liesWithin()', () => {
  it('give the name in the pattern', () => {
    expect(['a.b', '*.a.b', '**.a.b'].map((text) => patternBase(parsePattern(text)))).toEqual([
      'a.b',
      'a.b',
      'a.b',
    ])
  })

  it('agree with the inclusion of sets for all patterns of a small world', () => {
    const wrong = patterns.flatMap((pattern) => {
      const matched = names.filter((name) => reference(pattern, name))
      return names
        .filter(
          (ancestor) =>
            liesWithin(pattern, ancestor) !== matched.every((name) => isAtOrBelow(name, ancestor)),
        )
        .map((ancestor) => [pattern, ancestor])
    })
    expect(wrong).toEqual([])
  })
})
