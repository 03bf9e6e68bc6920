import { beforeAll, describe, expect, it } from 'vitest'
import type { Background } from '../../bench/scale/background.ts'
import type { Churn } from '../../bench/scale/churn.ts'
import { calibrate } from '../../bench/scale/model/calibration.ts'
import { runTask } from '../../bench/scale/run-task.ts'
import { scaleTable } from '../../bench/scale/scale-table.ts'
import { checkModel } from '../../bench/scale/scale.ts'
import type { Survey } from '../../bench/scale/survey.ts'

const MINUTE = 60_000
const PLAN = {
  nodes: 40,
  agentsPerNode: 8,
  bears: false,
  seed: 0x1235,
  lifetimeSeconds: 60,
  writers: 8,
  warmUp: 1,
  messages: 3,
}
const silent = (): void => {}

function survey(listeners: number): Promise<Survey> {
  return runTask({ kind: 'survey', ...PLAN, listeners }, silent)
}

let few: Survey
let many: Survey
let heard: Background
let passed: Churn

beforeAll(async () => {
  few = await survey(1)
  many = await survey(8)
  heard = await runTask({ kind: 'background', nodes: 12, seed: PLAN.seed }, silent)
  passed = await runTask({ kind: 'churn', perMinute: 500, minutes: 2 }, silent)
}, 10 * MINUTE)

describe('many nodes with many agents, hosts as they are', () => {
  it('bring a message to every listener of every node', () => {
    expect(many.hall.delivered).toBe(many.hall.owed)
    expect(many.hall.owed).toBe(3 * 40 * 8)
  })

  it('bring the messages of all to inboxes on other nodes', () => {
    expect(many.inboxes.read).toBe(320)
    expect(many.inboxes.owed).toBe(320)
  })

  it('hear of each member, and of each name with a status', () => {
    expect(heard.members).toBe(12)
    expect(heard.statuses.heard).toBeGreaterThanOrEqual(12 * 11)
    expect(heard.presence.heard).toBeGreaterThan(heard.statuses.heard + 3 * 12 * 11)
  })
})

describe('the model', () => {
  it('says within a tenth how many hops and copies there are', () => {
    const { checks } = checkModel(many, calibrate(few, many, heard))
    for (const what of ['hops, mean', 'copies of a message at a node']) {
      const { measured, model } = checks[what]!
      expect(
        Math.abs(model / measured - 1),
        `${what}: ${model}, measured ${measured}`,
      ).toBeLessThan(0.1)
    }
  })
})

describe('agents that come and go', () => {
  it('are each heard once', () => {
    expect(passed.born).toBe(1_000)
    expect(passed.read).toBe(passed.born)
  })

  it('leave nothing in the tables', () => {
    for (const [table, { before, after }] of Object.entries(passed.tables)) {
      expect(after, table).toBeLessThanOrEqual(before + 8)
    }
    for (const table of ['statements', 'places taken']) {
      const { most = 0, after = 0 } = passed.tables[table] ?? {}
      expect(most, table).toBeGreaterThan(after)
    }
  })
})

describe('scaleTable()', () => {
  it('tells a person what is lost, and what a goal missed', () => {
    const lossy = { ...many, hall: { ...many.hall, delivered: many.hall.owed - 1 } }
    const full = { ...passed, after: 2 * passed.before }
    const text = scaleTable([lossy, full]).map((line) => line.join(' '))
    expect(text.some((line) => line.includes('1 LOST'))).toBe(true)
    expect(text.some((line) => line.includes('MISSED'))).toBe(true)
  })
})
