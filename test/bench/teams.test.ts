import { expect, test, vi } from 'vitest'
import { deliveriesOf, type Pattern } from '../../bench/patterns/cast.ts'
import { nextRun } from '../../bench/patterns/measure.ts'
import { CONTENDERS } from '../../bench/patterns/rows.ts'
import { Team } from '../../bench/patterns/team.ts'

const CAST = { processes: 3, crews: [8] }
const PATTERNS: readonly Pattern[] = ['1×N', 'N×1', 'N×N', 'i×j']
const COUNT = 3
const BODY_BYTES = 4_000

// Each starts three processes; those of ixj load libp2p.
vi.setConfig({ testTimeout: 90_000 })

for (const contender of CONTENDERS) {
  test(`${contender} delivers every message of every pattern once, and answers`, async () => {
    await using team = await Team.open(contender, CAST)
    for (const pattern of PATTERNS) {
      const run = nextRun({ pattern, agents: 8, bodyBytes: BODY_BYTES }, COUNT)
      const { received, lost, duplicated, stray, cpuSeconds, memoryBytes } = await team.run(run, {
        asksBytes: true,
      })
      const counts = { received, lost, duplicated, stray }
      const all = { received: deliveriesOf(run), lost: 0, duplicated: 0, stray: 0 }
      expect(counts, pattern).toEqual(all)
      expect(cpuSeconds).toBeGreaterThanOrEqual(0)
      expect(memoryBytes).toBeGreaterThan(1024 * 1024)
    }
    const paced = nextRun({ pattern: '1×N', agents: 8, bodyBytes: BODY_BYTES }, COUNT, 50)
    expect((await team.run(paced)).delaysMs).toHaveLength(deliveriesOf(paced))
    expect(await team.ask(COUNT, 50)).toHaveLength(COUNT)
  })
}
