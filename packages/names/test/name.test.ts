import { isName, NameError, parseName, type NameCode } from '@ixj/names'
import { array, assert, constantFrom, integer, oneof, property, string } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nameTable } from './name-table.ts'
import { outcome } from './outcome.ts'
import { seed } from './seed.ts'

const hostile = oneof(
  string({ unit: 'binary', maxLength: 300 }),
  string({ unit: constantFrom(...Array.from('ab1-._A*/%')), maxLength: 300 }),
  string({ unit: constantFrom('xn--', 'a', '9', 'z', '-', '.', 'é', '\uD800', '\u0301') }),
  constantFrom(...nameTable.map(({ name }) => name)),
)

describe('parseName()', () => {
  it('has a table of at least 220 cases, each name once', () => {
    expect(nameTable.length).toBeGreaterThanOrEqual(220)
    expect(new Set(nameTable.map(({ name }) => name)).size).toBe(nameTable.length)
  })

  it.each(nameTable.filter(({ ok }) => ok))('accepts: $why', ({ name }) => {
    expect(parseName(name)).toBe(name)
    expect(isName(name)).toBe(true)
  })

  it.each(nameTable.filter(({ ok }) => !ok))('rejects as $code: $why', ({ name, code }) => {
    expect(outcome(() => parseName(name))).toEqual({ code })
    expect(isName(name)).toBe(false)
  })

  it('reaches every code of canonical names in the table', () => {
    const reached = new Set(nameTable.flatMap(({ code }) => code ?? []))
    const others: readonly NameCode[] = [
      'not-text',
      'mixed-script',
      'unlisted-script',
      'pattern',
      'matches-nothing',
      'topic',
    ]
    expect(reached.size + others.length).toBe(24)
    for (const code of others) expect(reached).not.toContain(code)
  })

  it.each([undefined, null, 1, {}, ['a.example'], Symbol('a')])('rejects %o, no text', (value) => {
    expect(outcome(() => parseName(value as string))).toEqual({ code: 'not-text' })
    expect(isName(value)).toBe(false)
  })

  it('accepts only texts that equal their name, and accepts each name again', () => {
    assert(
      property(hostile, (text) => {
        const name = outcome(() => parseName(text))
        if (typeof name !== 'string') return true
        const again = parseName(name)
        return name === text && again === text && text.toLowerCase() === text && text.length <= 253
      }),
      { seed, numRuns: 3_000 },
    )
  })

  it('agrees with isName() and throws nothing but NameError', () => {
    assert(
      property(hostile, (text) => {
        expect(isName(text)).toBe(typeof outcome(() => parseName(text)) === 'string')
      }),
      { seed, numRuns: 3_000 },
    )
  })

  it('agrees with one regular expression on texts without A-labels', () => {
    const label = '(?!..--)[a-z0-9](?:[a-z0-9\\-]{0,61}[a-z0-9])?'
    const whole = new RegExp(`^(?=.{1,253}$)(?:${label}\\.)+(?!(?:[0-9]+|0x[0-9a-f]*)$)${label}$`)
    const part = string({ unit: constantFrom(...Array.from('aab01x--_A')), maxLength: 6 })
    const longPart = integer({ min: 60, max: 66 }).map((count) => 'a'.repeat(count))
    const text = array(oneof({ weight: 9, arbitrary: part }, longPart), { maxLength: 8 }).map(
      (parts) => parts.join('.'),
    )
    let accepted = 0
    assert(
      property(text, (candidate) => {
        const expected = whole.test(candidate)
        accepted += expected ? 1 : 0
        expect(isName(candidate)).toBe(expected)
      }),
      { seed, numRuns: 10_000 },
    )
    expect(accepted).toBeGreaterThan(100)
  })
})

describe('NameError', () => {
  function errorOf(text: string): NameError {
    try {
      parseName(text)
    } catch (error) {
      if (error instanceof NameError) return error
      throw error
    }
    throw new Error(`Cannot test "${text}": it was accepted`)
  }

  function messageOf(text: string): string {
    return errorOf(text).message
  }

  it('says what was tried, with which value, what was wrong and the limit', () => {
    expect(messageOf(`${'a'.repeat(64)}.b`)).toBe(
      `Cannot read the name "${'a'.repeat(64)}.b": a label has 64 characters, the limit is 63`,
    )
  })

  it('shortens the value to 80 characters', () => {
    expect(messageOf('a'.repeat(300))).toBe(
      `Cannot read the name "${'a'.repeat(80)}…" (300 characters): ` +
        'it has 300 characters, the limit is 253',
    )
  })

  it('escapes what could forge, reorder or hide a part of a log line', () => {
    const message = messageOf('a\n\u001B[2J\u202E\u200D\uFEFF\u3164\uD800"\\.example')
    expect(message).toContain(
      '"a\\u{a}\\u{1b}[2J\\u{202e}\\u{200d}\\u{feff}\\u{3164}\\u{d800}\\u{22}\\u{5c}.example"',
    )
  })

  it('ends no message with a full stop and starts each with what was tried', () => {
    for (const { name } of nameTable.filter(({ ok }) => !ok)) {
      expect(messageOf(name)).toMatch(/^Cannot read the name ".*[^.]$/s)
    }
  })

  it('keeps the cause where Punycode fails', () => {
    const error = errorOf('xn--999999999.example')
    expect(error).toMatchObject({ name: 'NameError', code: 'not-a-label' })
    expect(error.cause).toBeInstanceOf(RangeError)
  })
})
