import type { Cast } from './cast.ts'
import { Lineup, type Progress } from './lineup.ts'
import { delaysOf, type Pace } from './measure.ts'
import type { ContenderName } from './process.ts'
import { CONTENDERS, type AnswerRow, type PatternRow } from './rows.ts'

const PAIR: Cast = { processes: 2, crews: [1] }
/** Questions a second. */
export const ASKED_PER_SECOND = 100
/** Asked before any is measured. */
const WARM_UP = 100

/** P3: request and answer between two processes, so many a second. */
export async function answers(pace: Pace, progress: Progress): Promise<readonly PatternRow[]> {
  await using lineup = await Lineup.open(CONTENDERS, PAIR, progress)
  progress(`request → answer, ${ASKED_PER_SECOND} a second`)
  const at = 'request → answer'
  await lineup.each(at, (team) => team.ask(WARM_UP, ASKED_PER_SECOND))
  const delays = new Map<ContenderName, number[]>()
  for (let round = 0; round < pace.runs; round++) {
    const count = Math.ceil(pace.secondsOfRun * ASKED_PER_SECOND)
    const turns = await lineup.each(at, (team) => team.ask(count, ASKED_PER_SECOND))
    for (const [contender, delaysMs] of turns) {
      delays.set(contender, [...(delays.get(contender) ?? []), ...delaysMs])
    }
  }
  const rows = [...delays].map(([contender, sampleMs]): AnswerRow => ({
    kind: 'answer',
    contender,
    asked: sampleMs.length,
    ...delaysOf(sampleMs),
  }))
  return [...rows, ...lineup.notRun]
}
