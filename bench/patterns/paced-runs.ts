import { BODY_BYTES } from './body.ts'
import { deliveriesOf, titleOf, type Pattern } from './cast.ts'
import type { Lineup } from './lineup.ts'
import { delaysOf, nextRun, rounds } from './measure.ts'
import type { PacedRow } from './rows.ts'

/** Deliveries a second in every paced scene but 1×1: a sixth of what the slowest contender does. */
const DELIVERIES_PER_SECOND = 640
/** 1×1: as in P3. */
const PAIR_PER_SECOND = 100
/** A sender says so much before: connections, proofs and code are warm then. */
const WARM_UP_SECONDS = 0.4
/** Each team in turn, so often. */
const ROUNDS = 3

/** How long deliveries take at a pace that every contender holds, in rounds of so many seconds. */
export async function measurePaced(
  lineup: Lineup,
  { pattern, agents }: { readonly pattern: Pattern; readonly agents: number },
  seconds: number,
): Promise<readonly PacedRow[]> {
  const scene = { pattern, agents, bodyBytes: BODY_BYTES }
  const each = deliveriesOf({ ...scene, count: 1, number: 0 })
  const deliveriesPerSecond = pattern === '1×1' ? PAIR_PER_SECOND : DELIVERIES_PER_SECOND
  const perSecond = deliveriesPerSecond / each
  const countIn = (time: number) => Math.ceil(perSecond * time)
  const title = `${titleOf(scene)}, paced`
  await lineup.each(title, (team) => team.run(nextRun(scene, countIn(WARM_UP_SECONDS), perSecond)))
  const outcomes = await rounds(lineup, title, ROUNDS, (team) =>
    team.run(nextRun(scene, countIn(seconds), perSecond)),
  )
  return outcomes.map(([contender, runs]) => ({
    kind: 'paced',
    contender,
    pattern,
    agents,
    deliveriesPerSecond,
    deliveries: runs.reduce((sum, { received }) => sum + received, 0),
    lost: runs.reduce((sum, { lost }) => sum + lost, 0),
    ...delaysOf(runs.flatMap(({ delaysMs }) => delaysMs)),
  }))
}
