import { BODY_BYTES } from './body.ts'
import { deliveriesOf, titleOf, type Pattern } from './cast.ts'
import type { Lineup } from './lineup.ts'
import { delaysOf, nextRun } from './measure.ts'
import type { PacedRow } from './rows.ts'

/** Deliveries a second in every paced scene but 1×1: a sixth of what the slowest contender does. */
const DELIVERIES_PER_SECOND = 640
/** 1×1: as in P3. */
const PAIR_PER_SECOND = 100
/** Of the time measured, before it: connections, proofs and code are warm then. */
const WARM_UP_PART = 0.2

/** How long deliveries take at a pace that every contender holds. */
export async function measurePaced(
  lineup: Lineup,
  { pattern, agents }: { readonly pattern: Pattern; readonly agents: number },
  seconds: number,
): Promise<readonly PacedRow[]> {
  const scene = { pattern, agents, bodyBytes: BODY_BYTES }
  const each = deliveriesOf({ ...scene, count: 1, number: 0 })
  const deliveriesPerSecond = pattern === '1×1' ? PAIR_PER_SECOND : DELIVERIES_PER_SECOND
  const perSecond = deliveriesPerSecond / each
  const outcomes = await lineup.each(`${titleOf(scene)}, paced`, async (team) => {
    await team.run(nextRun(scene, Math.ceil(perSecond * seconds * WARM_UP_PART), perSecond))
    return await team.run(nextRun(scene, Math.ceil(perSecond * seconds), perSecond))
  })
  return [...outcomes].map(([contender, { delaysMs, received, lost }]) => ({
    kind: 'paced',
    contender,
    pattern,
    agents,
    deliveriesPerSecond,
    deliveries: received,
    lost,
    ...delaysOf(delaysMs),
  }))
}
