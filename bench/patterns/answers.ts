import type { Cast } from './cast.ts'
import { Lineup, type Progress } from './lineup.ts'
import { delaysOf, type Pace, rounds } from './measure.ts'
import { CONTENDERS, type AnswerRow, type PatternRow } from './rows.ts'

const PAIR: Cast = { processes: 2, crews: [1] }
/** Questions a second. */
export const ASKED_PER_SECOND = 100
/** Asked before any is measured: so many times as many as are measured in a round. */
const WARM_UP_TIMES = 2

/** P3: request and answer between two processes, so many a second. */
export async function answers(pace: Pace, progress: Progress): Promise<readonly PatternRow[]> {
  await using lineup = await Lineup.open(CONTENDERS, PAIR, progress)
  progress(`request → answer, ${ASKED_PER_SECOND} a second`)
  const at = 'request → answer'
  const count = Math.ceil(pace.secondsOfRun * ASKED_PER_SECOND)
  await lineup.each(at, (team) => team.ask(Math.ceil(count * WARM_UP_TIMES), ASKED_PER_SECOND))
  const delays = await rounds(lineup, {
    title: at,
    count: pace.runs,
    turn: (team) => team.ask(count, ASKED_PER_SECOND),
  })
  const rows = delays.map(([contender, runs]): AnswerRow => ({
    kind: 'answer',
    contender,
    asked: runs.flat().length,
    ...delaysOf(runs.flat()),
  }))
  return [...rows, ...lineup.notRun]
}
