import { formatGoal, formatResult, formatRow, type Row } from './row.ts'

/** A row as it was collected. */
export type CollectedRow = Row & {
  readonly seed: number
  readonly met: boolean
  /** The line that it printed. */
  readonly line: string
}

/** What the numbers of a table hold for. */
export interface Run {
  readonly commit: string
  readonly node: string
  readonly date: string
}

/** Reads the collected rows, one JSON object a line, in the order of the scoreboard. */
export function readRows(text: string): CollectedRow[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const row = JSON.parse(line) as Omit<CollectedRow, 'line'> & Row
      return { ...row, line: formatRow(row) }
    })
}

/** The table as Markdown; a goal that was missed stays in it with its real number. */
export function formatTable(rows: readonly CollectedRow[], run: Run): string {
  const lines = rows
    .toSorted((left, right) => orderOf(left.id) - orderOf(right.id))
    .map((row) => {
      const { id, what, met, note, seed } = row
      const aim = row.goal === 'none' ? '0' : formatGoal(row)
      return [
        id,
        what,
        formatResult(row),
        aim,
        met ? 'yes' : '**no**',
        `0x${seed.toString(16)}`,
        note ?? '',
      ]
    })
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
  return [
    '# Scoreboard',
    '',
    '<!-- Written by `npm run scoreboard`; do not edit. -->',
    '',
    `Commit ${run.commit}, Node ${run.node}, ${run.date}. Each row is a test, which ` +
      '`npm test` runs at 1/100 of its counts.',
    '',
    // Its columns are as wide as what stands in them; aligned, every run would change every line.
    '<!-- prettier-ignore -->',
    '| # | what | result | goal | met | seed | not in it |',
    '|---|---|---|---|---|---|---|',
    ...lines,
    '',
  ].join('\n')
}

function orderOf(id: string): number {
  return (id.codePointAt(0) ?? 0) * 1_000 + Number(id.slice(1))
}
