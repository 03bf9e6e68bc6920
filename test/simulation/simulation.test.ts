import { afterEach, describe, expect, it, vi } from 'vitest'
import { ReplayTable } from '../../packages/agent/src/pipeline/replay.ts'
import { drawPlan } from './draw-plan.ts'
import { play } from './play.ts'
import { runSeeds } from './run-seeds.ts'
import { shrinkPlan } from './shrink.ts'
import { formatTrace } from './trace.ts'

// A run costs a second or less; machines that do much else at once take many times as long.
vi.setConfig({ testTimeout: 120_000 })

afterEach(() => void vi.restoreAllMocks())

describe('a seed', () => {
  it('gives the same run every time', async () => {
    const [first, second] = [await play(drawPlan(11)), await play(drawPlan(11))]
    expect(first.entries.length).toBeGreaterThan(500)
    expect(second.entries).toEqual(first.entries)
  })

  it('gives another run without a part, in which the rest stays as it was', () => {
    const [whole, less] = [drawPlan(11), drawPlan(11, ['crashes', 'hostile'])]
    const kinds = new Set(less.events.map(({ kind }) => kind))
    for (const kind of ['crash', 'close', 'open', 'attack']) expect(kinds).not.toContain(kind)
    const kept = whole.events.filter(({ kind }) => kinds.has(kind))
    expect(less.events).toEqual(kept)
  })

  it('is told by a worker with what it cost', async () => {
    const [report] = await runSeeds({ from: 3, count: 1, workers: 1 })
    expect(report).toMatchObject({ seed: 3, violations: [] })
    expect(report?.heard).toBeGreaterThan(0)
    expect(report?.cpuSeconds).toBeGreaterThan(0)
  })
})

describe('shrinkPlan()', () => {
  it('leaves out what a failure does not need, and its trace shows the rest', async () => {
    vi.spyOn(ReplayTable.prototype, 'write').mockImplementation(() => {
      throw new Error('The table is broken')
    })
    const plan = drawPlan(3)
    const small = await shrinkPlan(plan, 'fault')
    // The last words of every member are no event of the plan, and are enough.
    expect(small.events).toEqual([])
    const history = await play(small)
    const [said] = history.of('said')
    expect(formatTrace(history, [said!.label]).join('\n')).toContain(`says ${said!.label}`)
  })
})
