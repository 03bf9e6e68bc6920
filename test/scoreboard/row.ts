interface AnyRow {
  /** Its place in docs/scoreboard.md, such as A1. */
  readonly id: string
  /** What was tried, as a person reads it. */
  readonly what: string
  /** What is not in it yet. */
  readonly note?: string
}

/** A row that counts. */
export interface CountRow extends AnyRow {
  /** How many of `of` came out as `counted` says. */
  readonly count: number
  readonly of: number
  readonly counted: string
  /** The count that the goal asks for: none, or all. */
  readonly goal: 'none' | 'all'
}

/** A row that measures: a time, a size, a ratio. */
export interface FigureRow extends AnyRow {
  readonly figure: number
  /** Stands behind the figure, such as ms or MiB; a ratio has ×. */
  readonly unit: string
  readonly goal: { readonly most: number } | { readonly least: number }
}

/** One line of the scoreboard: what was counted or measured, and whether the goal was met. */
export type Row = CountRow | FigureRow

/** Whether a row's goal is met; of nothing, no goal is. */
export function isMet(row: Row): boolean {
  if ('count' in row) return row.of > 0 && row.count === (row.goal === 'none' ? 0 : row.of)
  return 'most' in row.goal ? row.figure <= row.goal.most : row.figure >= row.goal.least
}

/** What came out, as a person reads it. */
export function formatResult(row: Row): string {
  if ('figure' in row) return `${formatNumber(row.figure)} ${row.unit}`
  return `${formatNumber(row.count)} of ${formatNumber(row.of)} ${row.counted}`
}

/** What the goal asks for. */
export function formatGoal(row: Row): string {
  if ('count' in row) return row.goal
  const [word, limit] = 'most' in row.goal ? ['≤', row.goal.most] : ['≥', row.goal.least]
  return `${word} ${formatNumber(limit)} ${row.unit}`
}

/** The line that a row prints. */
export function formatRow(row: Row): string {
  const note = row.note === undefined ? '' : ` (${row.note})`
  const goal = isMet(row) ? '' : `  GOAL MISSED: ${formatGoal(row)}`
  return `${row.id.padEnd(4)} ${row.what}: ${formatResult(row)}${note}${goal}`
}

/** Whole above a thousand, three digits that count below. */
function formatNumber(value: number): string {
  const digits = { maximumSignificantDigits: Math.abs(value) >= 1_000 ? 15 : 3 }
  return (Math.abs(value) >= 1_000 ? Math.round(value) : value).toLocaleString('en-US', digits)
}
