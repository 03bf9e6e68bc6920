/** One line of the scoreboard: what was counted, and whether the goal was met. */
export interface Row {
  /** Its place in docs/scoreboard.md, such as A1. */
  readonly id: string
  /** What was tried, as a person reads it. */
  readonly what: string
  /** How many of `of` came out as `counted` says. */
  readonly count: number
  readonly of: number
  readonly counted: string
  /** The count that the goal asks for: none, or all. */
  readonly goal: 'none' | 'all'
  /** What is not in it yet. */
  readonly note?: string
}

/** Whether a row's goal is met; of nothing, no goal is. */
export function isMet(row: Row): boolean {
  return row.of > 0 && row.count === (row.goal === 'none' ? 0 : row.of)
}

/** The line that a row prints. */
export function formatRow(row: Row): string {
  const number = (value: number) => value.toLocaleString('en-US')
  const note = row.note === undefined ? '' : ` (${row.note})`
  const goal = isMet(row) ? '' : `  GOAL MISSED: ${row.goal}`
  return `${row.id.padEnd(4)} ${row.what}: ${number(row.count)} of ${number(row.of)} ${row.counted}${note}${goal}`
}
