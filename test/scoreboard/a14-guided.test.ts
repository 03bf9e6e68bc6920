import { describe, expect, it } from 'vitest'
import { fuzzGuided } from '../fuzz/guided-fuzz.ts'
import { SourceCoverage } from '../fuzz/source-coverage.ts'
import { TARGETS } from '../fuzz/targets.ts'
import { seededRandom } from '../world/random.ts'
import { report } from './report.ts'
import { ROW_MS_MAX, scaled, SEED } from './scale.ts'

const EXECUTIONS = scaled(2_000_000)

describe(`A14 (seed ${SEED})`, () => {
  it(
    'inputs that coverage guides crash no reader, hold up none, and are accepted as they are or not at all',
    () => {
      using coverage = new SourceCoverage((url) => /\/packages\/[a-z]+\/src\//.test(url))
      const random = seededRandom(SEED)
      const each = Math.ceil(EXECUTIONS / TARGETS.length)
      const results = TARGETS.map((target) => {
        const before = coverage.count
        const result = fuzzGuided(target, { coverage, random, executions: each })
        const { executions, corpus, covered, lastFind, slowestMs } = result
        const found = `${covered - before} characters of source, last new at ${lastFind}`
        console.info(
          `     ${target.name}: ${executions} inputs, ${found}, ${corpus} kept, ${slowestMs.toFixed(1)} ms at most`,
        )
        return result
      })
      const faults = results.flatMap((result) => result.faults)
      for (const fault of faults) console.info(fault.slice(0, 2_000))
      const of = results.reduce((sum, { executions }) => sum + executions, 0)
      const covered = coverage.count.toLocaleString('en-US')
      const stalled = results.filter(
        ({ executions, lastFind }) => executions - lastFind >= executions / 5,
      )
      const note = `${TARGETS.length} readers, ${covered} characters of source ran; nothing new in the last fifth for ${stalled.length}`
      const what = 'inputs guided by coverage, of every reader of foreign bytes'
      const counted = 'that crashed, hung over 100 ms, or were read as something else'
      const row = {
        id: 'A14',
        what,
        count: faults.length,
        of,
        counted,
        goal: 'none',
        note,
      } as const
      expect(report(row)).toBe('met')
    },
    ROW_MS_MAX,
  )
})
