import { describe, expect, it } from 'vitest'
import { formatRow, isMet, type Row } from './row.ts'

const row: Row = {
  id: 'A1',
  what: 'forged bundles',
  count: 0,
  of: 1_000,
  counted: 'accepted',
  goal: 'none',
}

describe('a row', () => {
  it('misses the goal "none" with one, and "all" with one less', () => {
    expect(isMet(row)).toBe(true)
    expect(isMet({ ...row, count: 1 })).toBe(false)
    expect(isMet({ ...row, goal: 'all', count: 1_000 })).toBe(true)
    expect(isMet({ ...row, goal: 'all', count: 999 })).toBe(false)
  })

  it('meets no goal of nothing', () => {
    expect(isMet({ ...row, of: 0 })).toBe(false)
    expect(isMet({ ...row, of: 0, goal: 'all' })).toBe(false)
  })

  it('prints its real number, whatever the goal', () => {
    expect(formatRow({ ...row, note: 'by hand' })).toBe(
      'A1   forged bundles: 0 of 1,000 accepted (by hand)',
    )
    expect(formatRow({ ...row, count: 3 })).toBe(
      'A1   forged bundles: 3 of 1,000 accepted  GOAL MISSED: none',
    )
  })
})
