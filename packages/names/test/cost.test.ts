import {
  childName,
  isName,
  nameFromUser,
  parseName,
  parsePattern,
  parseTopicString,
  userTextLengthMax,
} from '@ixj/names'
import { describe, expect, it } from 'vitest'
import { outcome } from './outcome.ts'

const acme = parseName('acme.example')
const entries: readonly (readonly [string, (text: string) => unknown])[] = [
  ['parseName', parseName],
  ['isName', isName],
  ['nameFromUser', nameFromUser],
  ['parsePattern', parsePattern],
  ['parseTopicString', parseTopicString],
  ['childName', (text) => childName(acme, text)],
]

/** How many milliseconds `run` takes. */
function duration(run: () => void): number {
  const start = performance.now()
  run()
  return performance.now() - start
}

describe('the limit on length comes first', () => {
  // To split or search a megabyte takes a millisecond and more, to refuse it a few microseconds.
  it.each(entries)('%s() refuses 2,000 megabytes without looking at them', (_, entry) => {
    for (const unit of ['a', 'a.', 'é', '*', 'xn--']) {
      const megabyte = unit.repeat(Math.ceil(1_048_576 / unit.length))
      expect(megabyte.at(-1)).toBe(unit.at(-1))
      const spent = duration(() => {
        for (let round = 0; round < 2_000; round += 1) outcome(() => entry(megabyte))
      })
      expect(spent).toBeLessThan(1_000)
    }
  })
})

describe('the worst texts within the limits', () => {
  const worst = [
    'a.'.repeat(126) + 'b',
    `${'xn--4gbrim.'.repeat(22)}example`,
    `xn--${'9'.repeat(59)}.example`,
    `xn--${'a'.repeat(59)}.example`,
    `xn--${'b'.repeat(29)}-${'z'.repeat(29)}.example`,
    '\u0344'.repeat(userTextLengthMax),
    'a\u0301'.repeat(userTextLengthMax / 2),
    'é.'.repeat(userTextLengthMax / 2),
    '\u0390'.repeat(59) + '.example',
    '\uFDFA'.repeat(userTextLengthMax),
    'l\u00B7'.repeat(29) + 'l.example',
    '\u05D0\u05B0'.repeat(29) + '-.example',
    '.'.repeat(userTextLengthMax),
    '-'.repeat(userTextLengthMax),
    '\uD800'.repeat(userTextLengthMax),
  ]

  it.each(entries)('take %s() less than 10 ms each on average', (_, entry) => {
    const spent = duration(() => {
      for (const text of worst)
        for (let round = 0; round < 10; round += 1) outcome(() => entry(text))
    })
    expect(spent / (worst.length * 10)).toBeLessThan(10)
  })
})
