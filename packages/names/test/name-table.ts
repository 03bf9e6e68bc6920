import { readFileSync } from 'node:fs'

/** One row of test/vectors/names.json; the sources stand on top of that file. */
export interface NameCase {
  readonly name: string
  readonly ok: boolean
  readonly code?: string
  readonly why: string
}

const file = new URL('../../../test/vectors/names.json', import.meta.url)

export const nameTable = (
  JSON.parse(readFileSync(file, 'utf8')) as { source: string; cases: readonly NameCase[] }
).cases
