import { describe, expect, it } from 'vitest'
import { arrivalsOf } from '../simulation/arrivals.ts'
import { violationsOf } from '../simulation/checks/all-checks.ts'
import { AGREED_MS, play } from '../simulation/play.ts'
import { evenNodes, ringPlan } from '../simulation/ring-plan.ts'
import { report } from './report.ts'
import { isFull, ROW_MS_MAX, SEED } from './scale.ts'

const NODES = 10
const EACH = 10
const PARTED_SECONDS = isFull ? [10, 90, 300] : [10, 90]
/** Parted when all have met. */
const PARTED_AT_MS = 4_000

describe('F2: a network that falls in two, in virtual time', () => {
  it.each(PARTED_SECONDS)(
    'for %i s and is whole again: everything has come, and all see one state, within 10 s',
    async (seconds) => {
      const overMs = PARTED_AT_MS + 1_000 * seconds
      const given = { seed: SEED, nodes: NODES, each: EACH, overMs, busyMs: overMs }
      const nodes = evenNodes(ringPlan(given))
      // At the end of the time everything heals by itself.
      const plan = ringPlan({ ...given, events: [{ at: PARTED_AT_MS, kind: 'part', nodes }] })
      const history = await play(plan)
      expect(violationsOf(plan, history)).toEqual([])
      const healedAt = history.of('healed')[0]?.at ?? 0
      const { owed, missing, lastAt } = arrivalsOf(history)
      const views = history.of('digest').filter(({ at }) => at === healedAt + AGREED_MS)
      const states = new Set(views.map(({ digest }) => digest))
      const what = `${NODES} nodes in virtual time, parted for ${seconds} s`
      const rows = [
        report({
          id: 'F2',
          what: `events and tasks of ${what} (${states.size} states among ${views.length} members 10 s after)`,
          count: states.size === 1 ? owed - missing : 0,
          of: owed,
          counted: 'delivered, and one state',
          goal: 'all',
        }),
        report({
          id: 'F2',
          what: `${what}: all delivered after`,
          figure: Math.max(0, lastAt - healedAt) / 1_000,
          unit: 's',
          goal: { most: AGREED_MS / 1_000 },
        }),
      ]
      expect(rows).toEqual(['met', 'met'])
    },
    ROW_MS_MAX,
  )
})
