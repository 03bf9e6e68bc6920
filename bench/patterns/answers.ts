import type { Length } from './length.ts'
import type { Lineup, Progress } from './lineup.ts'
import { delaysOf } from './measure.ts'
import { p50sOf } from './paced-runs.ts'
import { PEERS_FOR_A_TURN, rounds } from './rounds.ts'
import type { AnswerRow, PatternRow } from './rows.ts'

/** Questions a second. */
export const ASKED_PER_SECOND = 100
/** Asked before any is measured: so many times as many as are measured in a round. */
const WARM_UP_TIMES = 2

/** P3: request and answer between two processes, so many a second. */
export async function answers(
  lineup: Lineup,
  { answers: pace }: Length,
  progress: Progress,
): Promise<readonly PatternRow[]> {
  progress(`request → answer, ${ASKED_PER_SECOND} a second`)
  const at = 'request → answer'
  const count = Math.ceil(pace.secondsOfRun * ASKED_PER_SECOND)
  await lineup.each(at, (team) => team.ask(Math.ceil(count * WARM_UP_TIMES), ASKED_PER_SECOND))
  const delays = await rounds(lineup, {
    title: at,
    count: pace.rounds,
    peersForATurn: PEERS_FOR_A_TURN.latency,
    turn: (team) => team.ask(count, ASKED_PER_SECOND),
  })
  return delays.map(([contender, runs]): AnswerRow => ({
    kind: 'answer',
    contender,
    asked: runs.flat().length,
    ...delaysOf(runs.flat()),
    p50MsOfRounds: p50sOf(runs.map(delaysOf)),
  }))
}
