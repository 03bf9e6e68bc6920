import { geometricMean, mean, median, percentile } from '../table.ts'
import { deliveriesOf, titleOf, type Run, type Scene } from './cast.ts'
import type { Lineup } from './lineup.ts'
import { rounds } from './rounds.ts'
import type { Delays, ThroughputRow } from './rows.ts'
import type { Outcome, Team } from './team.ts'

/** How long and how often. */
export interface Pace {
  readonly rounds: number
  readonly secondsOfRun: number
  /**
   * The runs that look for a count last so long together at least, so that code is compiled; a quarter
   * of it for a team that has run a scene before.
   */
  readonly warmUpSeconds?: number
}

/** Runs of each after which bytes and memory are looked at: hardly different from run to run. */
const LOOKS_AT_BYTES = 3
/** A peer that takes longer for a run than it was given has enough when it has made so many. */
const RUNS_LEAST = 2
/**
 * Where a message of each sender makes so many deliveries, runs are longer for everybody: in half a
 * second of 64×64 each sender says eight messages or fewer, and who gathers what is said has nothing
 * to gather.
 */
const LONG_DELIVERIES = 1_024
const LONG_TIMES = 2
/** Where one message of each takes so many times as long as a run, two of each are not tried. */
const TOO_LONG_TIMES = 3

/** Deliveries of the first run, which only warms up. */
const WARM_UP_DELIVERIES = 500
/** Messages of a sender in one run: the receivers keep one bit for each. */
const COUNT_MAX = 4_000_000
/** Bytes that all receivers get in one run. */
const BYTES_MAX = 4 * 1024 * 1024 * 1024
/** Runs that look for a pace. */
const TRIES_MAX = 12
/** From one of them to the next, at most. */
const TIMES_MAX = 8
/**
 * Fewer messages of each sender may leave bundles and batches empty: whether twice as many go faster
 * is tried. 512 senders of one message each were taken for a run that lasts long enough.
 */
const FEW_MESSAGES = 64
/** Messages that share a bundle, and half of those for which NATS is flushed. */
const BATCH = 256
/** A run that is faster than the one before by no more than this tells of those to come. */
const STEADY_TIMES_MAX = 1.25
/** What teams that have run a scene warm up for the next, beside the first: most code is compiled. */
const LATER_WARM_UP_PART = 0.25

let runNumber = 0

/** Has each team run the scene in turn, several times over, each for about the same time. */
export async function measure(
  lineup: Lineup,
  scene: Scene,
  pace: Pace,
): Promise<readonly ThroughputRow[]> {
  const title = titleOf(scene)
  const seconds = runSeconds(scene, pace)
  const counts = await lineup.each(title, (team) => {
    const warmUpSeconds = (pace.warmUpSeconds ?? 0) * (team.hasRun ? LATER_WARM_UP_PART : 1)
    return countFor(team, scene, { seconds, warmUpSeconds })
  })
  const outcomes = await rounds(lineup, {
    title,
    count: pace.rounds,
    had: new Map([...counts].map(([contender, { runs }]) => [contender, runs])),
    isEnough: (runs: readonly Outcome[]) => hasItsTime(runs, pace.rounds * seconds),
    turn: (team, before) => {
      const run = nextRun(scene, counts.get(team.contender)?.count ?? 1)
      return team.run(run, { asksBytes: before < LOOKS_AT_BYTES })
    },
  })
  return outcomes.map(([contender, runs]) => ({
    kind: 'throughput',
    contender,
    ...scene,
    count: counts.get(contender)?.count ?? 1,
    ...summary(runs),
  }))
}

/** How long a run of a scene lasts, for every contender alike. */
export function runSeconds(scene: Scene, { secondsOfRun }: Pace): number {
  return isLong(scene) ? LONG_TIMES * secondsOfRun : secondsOfRun
}

function isLong(scene: Scene): boolean {
  return deliveriesOf({ ...scene, count: 1, number: 0 }) >= LONG_DELIVERIES
}

/** Whether a peer has run for as long as it was to: one message of each may take it far longer. */
export function hasItsTime(runs: readonly Pick<Outcome, 'seconds'>[], seconds: number): boolean {
  return runs.length >= RUNS_LEAST && runs.reduce((sum, run) => sum + run.seconds, 0) >= seconds
}

/** What was found by trying. */
interface Found {
  /** Messages of each sender in a run. */
  readonly count: number
  /** The last run that looked for it, where it was of so many and far longer than it should be. */
  readonly runs: readonly Outcome[]
}

/**
 * A number of messages that takes about so long. A short run says little of a long one, since what
 * fills bundles or batches is faster than its first messages, and a first run says little of a
 * tenth, since programs are compiled as they run: so it grows until a run lasts half as long, is
 * hardly faster than the one before, and all of them have warmed up for so long.
 */
export async function countFor(
  team: Pick<Team, 'run'>,
  scene: Scene,
  { seconds, warmUpSeconds }: { readonly seconds: number; readonly warmUpSeconds: number },
): Promise<Found> {
  const each = deliveriesOf({ ...scene, count: 1, number: 0 })
  const most = Math.max(1, Math.min(COUNT_MAX, Math.floor(BYTES_MAX / each / scene.bodyBytes)))
  let count = Math.min(most, Math.ceil(WARM_UP_DELIVERIES / each))
  let [before, countBefore] = [0, 0]
  let [gone, runs]: [number, readonly Outcome[]] = [0, []]
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const outcome = await team.run(nextRun(scene, count))
    const perSecond = (count * each) / outcome.seconds
    gone += outcome.seconds
    const isWarm = perSecond <= before * STEADY_TIMES_MAX && gone >= warmUpSeconds
    const isEnough = outcome.seconds >= seconds / 2 || count === most
    const isTooLong = outcome.seconds >= TOO_LONG_TIMES * seconds
    const isTried = isTooLong || count >= Math.min(most, FEW_MESSAGES) || count >= 2 * countBefore
    const next = Math.round(count * Math.min(TIMES_MAX, seconds / outcome.seconds))
    const isSettled = isEnough && isWarm && isTried
    const least = isEnough && !isSettled && !isTooLong && count < FEW_MESSAGES ? 2 * count : 1
    ;[before, countBefore] = [perSecond, count]
    count = Math.min(most, Math.max(least, next))
    runs = isSettled && isTooLong && count === countBefore ? [outcome] : []
    if (isSettled) break
  }
  return { count: wholeBatches(count, most), runs }
}

/**
 * As a program sends that has much to say: 316 messages of each of 8×8 were two bundles of ixj each, one of
 * them nearly empty, and went two thirds as fast as 493 in another run, which were two as well.
 */
function wholeBatches(count: number, most: number): number {
  return count < BATCH ? count : Math.min(most, Math.round(count / BATCH) * BATCH)
}

/** A run with a number of its own. */
export function nextRun(scene: Scene, count: number, perSecond?: number): Run {
  runNumber += 1
  const pace = perSecond === undefined ? {} : { perSecond }
  return { ...scene, count, number: runNumber, ...pace }
}

/** Percentiles of delays. */
export function delaysOf(sampleMs: readonly number[]): Delays {
  return {
    p50Ms: percentile(sampleMs, 0.5),
    p95Ms: percentile(sampleMs, 0.95),
    p99Ms: percentile(sampleMs, 0.99),
  }
}

function summary(outcomes: readonly Outcome[]) {
  const sum = (of: (outcome: Outcome) => number) =>
    outcomes.reduce((total, outcome) => total + of(outcome), 0)
  const told = outcomes.filter(({ leadBytes }) => leadBytes !== undefined)
  const memories = outcomes.flatMap(({ memoryBytes = [] }) => memoryBytes)
  const speeds = outcomes.map(({ received, seconds }) => received / seconds)
  const costs = outcomes.map(({ cpuSeconds, received }) => (cpuSeconds * 1e6) / received)
  return {
    perSecond: geometricMean(speeds),
    cpuSecondsPerMillion: mean(costs),
    leadBytesPerDelivery:
      told.length === 0
        ? undefined
        : median(told.map(({ leadBytes = 0, received }) => leadBytes / received)),
    memoryMiB: median(memories) / 1024 / 1024,
    lost: sum(({ lost }) => lost),
    duplicated: sum(({ duplicated }) => duplicated),
    stray: sum(({ stray }) => stray),
    perSecondOfRuns: speeds.map(Math.round),
    cpuSecondsPerMillionOfRuns: costs.map((cost) => Number(cost.toPrecision(3))),
  }
}
