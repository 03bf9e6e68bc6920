import { readFileSync } from 'node:fs'
import { NameError, parseName } from '@ixj/names'
import { describe, expect, it } from 'vitest'
import { report } from './report.ts'

interface NameCase {
  readonly name: string
  readonly ok: boolean
  readonly code?: string
}

const file = new URL('../vectors/names.json', import.meta.url)
const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { readonly cases: readonly NameCase[] }

function codeOf(text: string): string {
  try {
    return parseName(text) === text ? 'ok' : 'another name'
  } catch (cause) {
    if (cause instanceof NameError) return cause.code
    throw cause
  }
}

describe('A15: the table of names', () => {
  it('is answered exactly, with the reason', () => {
    const exact = cases.filter(({ name, ok, code }) => codeOf(name) === (ok ? 'ok' : code))
    expect(
      report({
        id: 'A15',
        what: 'names of test/vectors/names.json',
        count: exact.length,
        of: cases.length,
        counted: 'answered as the table says, at least 200 asked for',
        goal: 'all',
      }),
    ).toBe('met')
    if (cases.length < 200) throw new Error(`Only ${cases.length} names, 200 were asked for`)
  })
})
