import type { History } from '../history.ts'
import type { Plan } from '../plan.ts'
import { findUnrecorded } from './audit.ts'
import { findUnauthorised } from './authority.ts'
import type { Check, Run, Violation } from './check.ts'
import { findDisagreement } from './convergence.ts'
import { findDuplicates } from './duplicates.ts'
import { findFaults } from './faults.ts'
import { findForgeries } from './forgery.ts'
import { Lives } from './lives.ts'
import { findLosses } from './loss.ts'
import { findDisorder } from './order.ts'
import { findTaskFaults } from './tasks.ts'

const CHECKS: readonly Check[] = [
  findForgeries,
  findDuplicates,
  findLosses,
  findDisorder,
  findTaskFaults,
  findUnauthorised,
  findUnrecorded,
  findDisagreement,
  findFaults,
]

/** Everything in a run that must not happen. */
export function violationsOf(plan: Plan, history: History): readonly Violation[] {
  const run: Run = { plan, history, lives: new Lives(history) }
  return CHECKS.flatMap((check) => check(run))
}
