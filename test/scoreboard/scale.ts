import { env } from 'node:process'

/** Whether rows run their full counts (`npm run scoreboard`); `npm test` runs 1/100 of them. */
export const isFull = env['IXJ_SCOREBOARD'] === 'full'

/** Where rows are collected, one JSON object a line; undefined: they are only printed. */
export const rowsFile = env['IXJ_SCOREBOARD_ROWS']

/** The count of a row at this scale, at least 1. */
export function scaled(count: number): number {
  return isFull ? count : Math.max(1, Math.ceil(count / 100))
}

/** The seed of every row: a run repeats exactly. */
export const SEED = 0x1235

/** Time that a row may take: minutes at full counts. */
export const ROW_MS_MAX = isFull ? 900_000 : 60_000
