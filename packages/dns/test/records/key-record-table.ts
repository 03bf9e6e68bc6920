import { readFileSync } from 'node:fs'

/** One row of test/vectors/key-records.json; the rules stand on top of that file. */
export interface KeyRecordCase {
  readonly why: string
  readonly text?: string
  readonly strings?: readonly string[]
  readonly hex?: string
  readonly outcome: 'record' | 'void' | 'not-ours'
  readonly record?: {
    readonly key: string
    readonly uses: string
    readonly depth: number
    readonly strict: boolean
    readonly notBefore: number
    readonly encryptionKey: string | null
    readonly next: string | null
    readonly hosts: readonly string[]
  }
}

const file = new URL('../../../../test/vectors/key-records.json', import.meta.url)

export const keyRecordTable = (
  JSON.parse(readFileSync(file, 'utf8')) as { source: string; cases: readonly KeyRecordCase[] }
).cases
