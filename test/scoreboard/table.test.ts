import { describe, expect, it } from 'vitest'
import { formatTable, readRows } from './table.ts'

const row = {
  id: 'A7',
  what: 'replays',
  count: 0,
  of: 1_000,
  counted: 'delivered',
  goal: 'none',
  seed: 1,
  met: true,
}
const run = { commit: 'abc', node: 'v24.0.0', date: '2026-11-23' }

describe('the table of the scoreboard', () => {
  it('holds rows in their order, and a missed goal with its real number', () => {
    const missed = { ...row, id: 'A1', count: 3, met: false, note: 'a|b' }
    const text = `${JSON.stringify(row)}\n${JSON.stringify(missed)}\n`
    const table = formatTable(readRows(text), run)
    expect(table).toContain('Commit abc, Node v24.0.0, 2026-11-23')
    expect(table.split('\n').filter((line) => line.startsWith('| A'))).toEqual([
      '| A1 | replays | 3 of 1,000 delivered | 0 | **no** | 0x1 | a\\|b |',
      '| A7 | replays | 0 of 1,000 delivered | 0 | yes | 0x1 |  |',
    ])
  })

  it('reads a row as the line that it printed', () => {
    expect(readRows(JSON.stringify(row)).map(({ line }) => line)).toEqual([
      'A7   replays: 0 of 1,000 delivered',
    ])
  })
})
