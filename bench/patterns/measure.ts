import { percentile } from '../table.ts'
import { deliveriesOf, type Pattern, type Run } from './cast.ts'
import type { ContenderName } from './process.ts'
import type { Outcome, Team } from './team.ts'

/** What a contender does in a pattern: medians over its runs, which alternate with the others'. */
export interface Measured {
  readonly contender: ContenderName
  readonly pattern: Pattern
  readonly agents: number
  /** Messages of each sender in each run. */
  readonly count: number
  readonly perSecond: number
  /** Of all processes, and of a broker where there is one. */
  readonly cpuSecondsPerMillion: number
  /** Bytes that the lead's process sent for each delivery. */
  readonly leadBytesPerDelivery: number | undefined
  /** Over all runs. */
  readonly lost: number
  readonly duplicated: number
  readonly stray: number
  readonly perSecondOfRuns: readonly number[]
}

/** How long and how often. */
export interface Pace {
  readonly runs: number
  readonly secondsOfRun: number
}

/** Deliveries of the first run, which only warms up. */
const WARM_UP_DELIVERIES = 4_000
/** Messages of a sender in one run: the receivers keep one bit for each. */
const COUNT_MAX = 4_000_000

let runNumber = 0

/** Has each team run the pattern in turn, several times over. */
export async function measure(
  teams: readonly Team[],
  what: { readonly pattern: Pattern; readonly agents: number },
  pace: Pace,
): Promise<readonly Measured[]> {
  const counts: number[] = []
  for (const team of teams) counts.push(await countFor(team, what, pace.secondsOfRun))
  const outcomes = teams.map((): Outcome[] => [])
  for (let round = 0; round < pace.runs; round++) {
    for (const [place, team] of teams.entries()) {
      outcomes[place]!.push(await team.run(nextRun(what, counts[place]!)))
    }
  }
  return teams.map(({ contender }, place) => ({
    contender,
    ...what,
    count: counts[place]!,
    ...summary(outcomes[place]!),
  }))
}

/** A number of messages that takes about so long: by two runs, of which the first warms up. */
async function countFor(
  team: Team,
  what: { readonly pattern: Pattern; readonly agents: number },
  seconds: number,
): Promise<number> {
  const each = deliveriesOf({ ...what, count: 1, number: 0 })
  let count = Math.ceil(WARM_UP_DELIVERIES / each)
  for (const part of [0.25, 1]) {
    const outcome = await team.run(nextRun(what, count))
    const perSecond = outcome.received / outcome.seconds
    count = Math.min(COUNT_MAX, Math.ceil((perSecond * seconds * part) / each))
  }
  return count
}

function nextRun(
  { pattern, agents }: { readonly pattern: Pattern; readonly agents: number },
  count: number,
): Run {
  runNumber += 1
  return { pattern, agents, count, number: runNumber }
}

function summary(outcomes: readonly Outcome[]) {
  const median = (of: (outcome: Outcome) => number) => percentile(outcomes.map(of), 0.5)
  const sum = (of: (outcome: Outcome) => number) =>
    outcomes.reduce((total, outcome) => total + of(outcome), 0)
  const told = outcomes.filter(({ leadBytes }) => leadBytes !== undefined)
  return {
    perSecond: median(({ received, seconds }) => received / seconds),
    cpuSecondsPerMillion: median(({ cpuSeconds, received }) => (cpuSeconds * 1e6) / received),
    leadBytesPerDelivery:
      told.length === 0
        ? undefined
        : percentile(
            told.map(({ leadBytes = 0, received }) => leadBytes / received),
            0.5,
          ),
    lost: sum(({ lost }) => lost),
    duplicated: sum(({ duplicated }) => duplicated),
    stray: sum(({ stray }) => stray),
    perSecondOfRuns: outcomes.map(({ received, seconds }) => Math.round(received / seconds)),
  }
}
