import { describe, expect, it } from 'vitest'
import { type CountRow, type FigureRow, formatRow, isMet } from './row.ts'

const row: CountRow = {
  id: 'A1',
  what: 'forged bundles',
  count: 0,
  of: 1_000,
  counted: 'accepted',
  goal: 'none',
}

const figure: FigureRow = {
  id: 'F6',
  what: 'bytes queued',
  figure: 3.9375,
  unit: 'MiB',
  goal: { most: 4 },
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

  it('that measures may reach its limit and not pass it', () => {
    expect(isMet({ ...figure, figure: 4 })).toBe(true)
    expect(isMet({ ...figure, figure: 4.001 })).toBe(false)
    expect(isMet({ ...figure, figure: 4, goal: { least: 4 } })).toBe(true)
    expect(isMet({ ...figure, figure: 3.999, goal: { least: 4 } })).toBe(false)
    expect(isMet({ ...figure, figure: NaN })).toBe(false)
  })

  it('prints three digits of a figure, or all before the point', () => {
    expect(formatRow(figure)).toBe('F6   bytes queued: 3.94 MiB')
    expect(formatRow({ ...figure, figure: 12_345.6, unit: 'B', goal: { most: 5 } })).toBe(
      'F6   bytes queued: 12,346 B  GOAL MISSED: ≤ 5 B',
    )
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
