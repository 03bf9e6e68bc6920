import { appendFileSync } from 'node:fs'
import { formatRow, isMet, type Row } from './row.ts'
import { rowsFile, SEED } from './scale.ts'

/**
 * Prints a row and hands it to the collector if there is one. Gives 'met', or the line of a goal
 * that was missed, for the test to compare.
 */
export function report(row: Row): string {
  console.info(formatRow(row))
  const met = isMet(row)
  if (rowsFile !== undefined) {
    appendFileSync(rowsFile, `${JSON.stringify({ ...row, seed: SEED, met })}\n`)
  }
  return met ? 'met' : formatRow(row)
}
