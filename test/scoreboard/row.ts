import { appendFileSync } from 'node:fs'
import { expect } from 'vitest'
import { rowsFile, SEED } from './scale.ts'

/** One line of the scoreboard: what was counted, and whether the goal was met. */
export interface Row {
  /** Its place in scoreboard.md, such as A1. */
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

/** Prints a row, hands it to the collector if there is one, and fails the test if its goal is missed. */
export function report(row: Row): void {
  console.info(formatRow(row))
  if (rowsFile !== undefined) {
    appendFileSync(rowsFile, `${JSON.stringify({ ...row, seed: SEED, met: isMet(row) })}\n`)
  }
  expect(isMet(row), formatRow(row)).toBe(true)
}
