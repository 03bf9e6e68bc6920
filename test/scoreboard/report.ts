import { appendFileSync } from 'node:fs'
import { expect } from 'vitest'
import { formatRow, isMet, type Row } from './row.ts'
import { rowsFile, SEED } from './scale.ts'

/** Prints a row, hands it to the collector if there is one, and fails the test if its goal is missed. */
export function report(row: Row): void {
  console.info(formatRow(row))
  if (rowsFile !== undefined) {
    appendFileSync(rowsFile, `${JSON.stringify({ ...row, seed: SEED, met: isMet(row) })}\n`)
  }
  expect(isMet(row), formatRow(row)).toBe(true)
}
