import { violationsOf } from './checks/all-checks.ts'
import type { Rule } from './checks/check.ts'
import type { Plan } from './plan.ts'
import { play } from './play.ts'

/** Runs that may be spent on making one failure small. */
const TRIES_MAX = 120

/** Leaves out of a plan what the breach of a rule does not need: events, larger parts first. */
export async function shrinkPlan(plan: Plan, rule: Rule): Promise<Plan> {
  let { events } = plan
  let tries = 0
  for (let size = Math.ceil(events.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let start = 0; start < events.length;) {
      if (tries++ >= TRIES_MAX) return { ...plan, events }
      const fewer = events.filter((_, index) => index < start || index >= start + size)
      if (await breaks({ ...plan, events: fewer }, rule)) events = fewer
      else start += size
    }
  }
  return { ...plan, events }
}

async function breaks(plan: Plan, rule: Rule): Promise<boolean> {
  const violations = violationsOf(plan, await play(plan))
  return violations.some((violation) => violation.rule === rule)
}
