import { availableParallelism } from 'node:os'
import { describe, expect, it } from 'vitest'
import { runSeeds } from '../simulation/run-seeds.ts'
import { report } from './report.ts'
import { ROW_MS_MAX, scaled } from './scale.ts'

/** What a seed may cost on average; machines that do other work meanwhile take longer. */
const CPU_SECONDS_A_SEED = 0.5

describe('F9: the simulation', () => {
  it(
    'finds nothing in seeds from 1 on',
    async () => {
      const count = scaled(1_000)
      const reports = await runSeeds({ from: 1, count, workers: availableParallelism() })
      const failed = reports.filter(({ violations }) => violations.length > 0)
      const cpu = reports.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0) / reports.length
      const heard = reports.reduce((sum, each) => sum + each.heard, 0)
      const cost = `${cpu.toFixed(2)} CPU s each, goal ${CPU_SECONDS_A_SEED}`
      expect(
        report({
          id: 'F9',
          what: `seeds of 12 to 40 agents under virtual time, with partitions, crashes, wrong clocks and a hostile member (${heard.toLocaleString('en-US')} messages delivered; ${cost})`,
          count: failed.length,
          of: reports.length,
          counted: 'break a rule',
          goal: 'none',
          ...(failed.length === 0
            ? {}
            : { note: `replay: npm run simulate -- --seed ${failed[0]!.seed} --trace` }),
        }),
      ).toBe('met')
    },
    ROW_MS_MAX,
  )
})
