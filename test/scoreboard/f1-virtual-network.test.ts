import { describe, expect, it } from 'vitest'
import { arrivalsOf } from '../simulation/arrivals.ts'
import { violationsOf } from '../simulation/checks/all-checks.ts'
import { play } from '../simulation/play.ts'
import { ringPlan } from '../simulation/ring-plan.ts'
import { report } from './report.ts'
import { isFull, ROW_MS_MAX, SEED } from './scale.ts'

const NODES = 20
const EACH = isFull ? 10 : 1
/** 50 ms and 10 ms of jitter; what is lost is sent again, and shows as delay. */
const CONDITIONS = { latencyMs: [40, 60], packetLoss: 0.05 } as const

describe('F1: a slow and lossy network in virtual time', () => {
  it(
    'loses no event and no task, and delivers within 1.5 s',
    async () => {
      const plan = ringPlan({
        seed: SEED,
        nodes: NODES,
        each: EACH,
        overMs: 1_000 * EACH,
        conditions: CONDITIONS,
      })
      const history = await play(plan)
      expect(violationsOf(plan, history)).toEqual([])
      const { owed, missing, delaysMs } = arrivalsOf(history)
      const where = `${NODES} nodes in virtual time, 50 ± 10 ms and 5 % of packets sent again`
      const rows = [
        report({
          id: 'F1',
          what: `events and tasks between ${where}`,
          count: owed - missing,
          of: owed,
          counted: 'delivered',
          goal: 'all',
        }),
        report({
          id: 'F1',
          what: `p99 of them in virtual time, from publish to the reader`,
          figure: delaysMs[Math.floor(delaysMs.length * 0.99)] ?? Infinity,
          unit: 'ms',
          goal: { most: 1_500 },
        }),
      ]
      expect(rows).toEqual(['met', 'met'])
    },
    ROW_MS_MAX,
  )
})
