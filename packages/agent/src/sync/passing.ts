import type { Code } from '../pipeline/verdicts.ts'

/** What a repaired bundle may be refused for today and not tomorrow: it is asked for again. */
const PASSING: ReadonlySet<Code> = new Set<Code>([
  'proof-missing',
  'parking-full',
  'rate',
  'condition',
  'overloaded',
  'table-full',
  'store-full',
  'own-fault',
  'log-unwritable',
  'transport',
  'stale',
  'no-status',
  'future',
  'not-yet-valid',
  'not-hosted',
  // It ended while it was checked: as history it may pass.
  'lifespan',
])

/** Whether a bundle that was refused so may be accepted another time. */
export function mayPassLater(code: Code): boolean {
  return PASSING.has(code)
}
