import { violationsOf } from './checks/all-checks.ts'
import type { Rule } from './checks/check.ts'
import { drawPlan } from './draw-plan.ts'
import type { Part } from './plan.ts'
import { play } from './play.ts'

/** What came of one seed, small enough to be told by a worker. */
export interface SeedResult {
  readonly seed: number
  /** Messages that were delivered in it. */
  readonly heard: number
  readonly violations: readonly { readonly rule: Rule; readonly what: string }[]
}

/** Plays one seed and looks at what happened. */
export async function runSeed(seed: number, without: readonly Part[] = []): Promise<SeedResult> {
  const plan = drawPlan(seed, without)
  const history = await play(plan)
  const violations = violationsOf(plan, history).map(({ rule, what }) => ({ rule, what }))
  return { seed, heard: history.of('heard').length, violations }
}
