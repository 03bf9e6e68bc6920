import { isName, nameForPeople, nameFromUser, parseName } from '@ixj/names'
import { array, assert, constantFrom, integer, oneof, property, string } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nameTable } from './name-table.ts'
import { outcome } from './outcome.ts'
import { refusedUserNames, userNames } from './user-name-table.ts'
import { seed } from './seed.ts'

const rows = userNames.map(([text, name, shown = text]) => ({ text, name, shown }))

// Ranges that give many good labels, and the characters that turn them into bad ones.
const letter = oneof(
  constantFrom(...Array.from('abxn01-É\u0301\u200D\u3002\uFF41')),
  integer({ min: 0x61, max: 0x250 }).map((value) => String.fromCodePoint(value)),
  integer({ min: 0x370, max: 0x700 }).map((value) => String.fromCodePoint(value)),
  integer({ min: 0x3040, max: 0x30ff }).map((value) => String.fromCodePoint(value)),
  integer({ min: 0x4e00, max: 0x4f00 }).map((value) => String.fromCodePoint(value)),
)
const typed = oneof(
  array(string({ unit: letter, maxLength: 3 }), { maxLength: 3 }).map((parts) => parts.join('.')),
  string({ unit: 'binary', maxLength: 1_100 }),
  constantFrom(...nameTable.map(({ name }) => name)),
)

describe('nameFromUser()', () => {
  it.each(rows)('reads $text as $name', ({ text, name }) => {
    expect(nameFromUser(text)).toBe(name)
    expect(parseName(name)).toBe(name)
  })

  it.each(refusedUserNames)('rejects %j as %s: %s', (text, code) => {
    expect(outcome(() => nameFromUser(text))).toEqual({ code })
  })

  it('counts code points before it encodes a U-label, which costs the square of them', () => {
    expect(() => nameFromUser(`${'é'.repeat(60)}.example`)).toThrow('60 code points')
    const longest = nameFromUser(`${'é'.repeat(57)}.example`)
    expect(longest.indexOf('.')).toBeLessThanOrEqual(63)
  })

  it('rejects what is no text', () => {
    expect(outcome(() => nameFromUser(['a.example'] as unknown as string))).toEqual({
      code: 'not-text',
    })
  })

  it('accepts every canonical ASCII name as it is', () => {
    for (const { name } of nameTable.filter((row) => row.ok && !row.name.includes('xn--'))) {
      expect(nameFromUser(name)).toBe(name)
    }
  })

  it('gives names that parse and that read the same again, or throws NameError', () => {
    let accepted = 0
    assert(
      property(typed, (text) => {
        const name = outcome(() => nameFromUser(text))
        if (typeof name !== 'string') return true
        accepted += 1
        const again = [nameFromUser(name), nameFromUser(nameForPeople(name))]
        return isName(name) && again.every((other) => other === name)
      }),
      { seed, numRuns: 5_000 },
    )
    expect(accepted).toBeGreaterThan(100)
  })

  it('reads NFD and upper case as the same name', () => {
    assert(
      property(typed, (text) => {
        const name = outcome(() => nameFromUser(text.slice(0, 250)))
        const decomposed = outcome(() => nameFromUser(text.slice(0, 250).normalize('NFD')))
        expect(decomposed).toEqual(name)
      }),
      { seed, numRuns: 3_000 },
    )
  })
})

describe('nameForPeople()', () => {
  it.each(rows)('shows $shown for $name', ({ name, shown }) => {
    expect(nameForPeople(parseName(name))).toBe(shown)
  })

  it.each([
    ['xn--pple-43d.example', 'a label that mixes scripts'],
    ['xn--pypal-4ve.example', 'another label that mixes scripts'],
    ['xn--lnj.example', 'a label in an unlisted script'],
  ])('shows %s as it is: %s', (name) => {
    expect(nameForPeople(parseName(name))).toBe(name)
  })

  it('judges label by label', () => {
    const name = parseName('xn--pple-43d.xn--maana-pta.example')
    expect(nameForPeople(name)).toBe('xn--pple-43d.mañana.example')
  })

  it('shows a right-to-left label beside a digit as A-label, because it would be reordered', () => {
    expect(nameForPeople(parseName('xn--4dbcd.a1.example'))).toBe('\u05D0\u05D1\u05D2.a1.example')
    expect(nameForPeople(parseName('xn--4dbcd.1a.example'))).toBe('xn--4dbcd.1a.example')
  })
})
