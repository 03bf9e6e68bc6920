import { median, percentile, trimmedGeometricMean } from '../table.ts'
import { deliveriesOf, titleOf, type Run, type Scene } from './cast.ts'
import type { Lineup, Progress } from './lineup.ts'
import type { ContenderName } from './process.ts'
import { PEERS_FOR_A_TURN, roundsOfAll, type Offered, type Work } from './rounds.ts'
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
/** Who takes longer for a run than it was given has fewer, but so many. */
const RUNS_LEAST = 2
/** By so many runs of its length it may be ahead of the turns that it was offered. */
const RUNS_AHEAD = 1.5
/**
 * Where a message of each sender makes so many deliveries, runs are longer for everybody: in half a
 * second of 64×64 each sender says eight messages or fewer, and who gathers what is said has nothing
 * to gather.
 */
const LONG_DELIVERIES = 1_024
const LONG_TIMES = 2

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
/** Who sends messages of a sender together. NATS that signs each spends nearly all of its time on that. */
const GATHERING: ReadonlySet<ContenderName> = new Set(['ixj', 'nats', 'nats-tls'])
/** Messages that share a bundle, and half of those for which NATS is flushed ... */
const BATCH = 256
/** ... and bytes. */
const BATCH_BYTES = 60 * 1024
/** A run lasts up to so many times as long, that a bundle of each sender is full. */
const BATCH_TIMES_MAX = 10
/** A run that is faster than the one before by no more than this tells of those to come. */
const STEADY_TIMES_MAX = 1.25
/** What teams that have run a scene warm up for the next, beside the first: most code is compiled. */
const LATER_WARM_UP_PART = 0.25

/** How many turns tell how long the next one would last: a busy second met one of them. */
const LAST_TURNS = 3

let runNumber = 0

/**
 * Has each team run the scenes in turn, several times over, each for about the same time. How many
 * messages that are is looked for in all scenes first: code is compiled by then, and not in the turns of
 * the first of them.
 */
export async function measure(
  lineup: Lineup,
  scenes: readonly Scene[],
  { pace, progress }: { readonly pace: Pace; readonly progress: Progress },
): Promise<readonly ThroughputRow[]> {
  const works: Work<Trial>[] = []
  for (const scene of scenes) {
    progress(`${titleOf(scene)}: how many messages`)
    works.push(await prepared(lineup, scene, pace))
  }
  progress(`${scenes.map(titleOf).join(', ')}: ${pace.rounds} rounds`)
  const outcomes = await roundsOfAll(lineup, {
    count: pace.rounds,
    peersForATurn: PEERS_FOR_A_TURN.throughput,
    works,
  })
  return scenes.flatMap((scene, index) =>
    (outcomes[index] ?? []).map(([contender, trials]) => ({
      kind: 'throughput' as const,
      contender,
      ...scene,
      count: trials.at(-1)?.count ?? 0,
      ...summary(trials.map(({ outcome }) => outcome)),
    })),
  )
}

/** Turns at a scene, after each team has found how many messages make one. */
async function prepared(lineup: Lineup, scene: Scene, pace: Pace): Promise<Work<Trial>> {
  const title = titleOf(scene)
  const seconds = runSeconds(scene, pace)
  const found = await lineup.each(title, (team) => {
    const warmUpSeconds = (pace.warmUpSeconds ?? 0) * (team.hasRun ? LATER_WARM_UP_PART : 1)
    return countFor(team, scene, { seconds, warmUpSeconds })
  })
  return {
    title,
    had: new Map([...found].map(([contender, { runs }]) => [contender, runs])),
    isEnough: (trials, turns) =>
      hasItsTime(
        trials.map(({ outcome }) => outcome),
        { seconds, ...turns },
      ),
    turn: async (team, before) => {
      const aim = aimOf(team.contender, scene, seconds)
      const first = found.get(team.contender)?.count ?? 1
      const count = before.length === 0 ? first : countAfter(before, aim)
      const asksBytes = before.length < LOOKS_AT_BYTES
      return { count, outcome: await team.run(nextRun(scene, count), { asksBytes }) }
    },
  }
}

/** How long a run of a scene lasts, for every contender alike. */
export function runSeconds(scene: Scene, { secondsOfRun }: Pace): number {
  return isLong(scene) ? LONG_TIMES * secondsOfRun : secondsOfRun
}

function isLong(scene: Scene): boolean {
  return deliveriesOf({ ...scene, count: 1, number: 0 }) >= LONG_DELIVERIES
}

/**
 * Whether a team has run for longer than the turns that it was offered so far are for: one message of
 * each may take it far longer than a run. What it has is spread over all rounds.
 */
export function hasItsTime(
  runs: readonly Pick<Outcome, 'seconds'>[],
  { seconds, offered, of }: Offered & { readonly seconds: number },
): boolean {
  if (runs.length < RUNS_LEAST && offered >= of - 1) return false
  const gone = runs.reduce((sum, run) => sum + run.seconds, 0)
  return gone > (offered + RUNS_AHEAD) * seconds
}

/** What was found by trying. */
interface Found {
  /** Messages of each sender in the next run. */
  readonly count: number
  /** The last run that looked for it, if it was like those to come. */
  readonly runs: readonly Trial[]
}

/** A run of so many messages of each sender. */
interface Trial {
  readonly count: number
  readonly outcome: Outcome
}

/**
 * A number of messages that takes about so long. A short run says little of a long one, since what
 * fills bundles or batches is faster than its first messages, and a first run says little of a
 * tenth, since programs are compiled as they run: so it grows until a run lasts half as long, is
 * hardly faster than the one before, and all of them have warmed up for so long. Whoever puts messages
 * of a sender together has runs in which it can.
 */
export async function countFor(
  team: Pick<Team, 'run' | 'contender'>,
  scene: Scene,
  { seconds, warmUpSeconds }: { readonly seconds: number; readonly warmUpSeconds: number },
): Promise<Found> {
  const { each, most, batch } = aimOf(team.contender, scene, seconds)
  const run = async (count: number): Promise<Trial> => ({
    count,
    outcome: await team.run(nextRun(scene, count)),
  })
  const nextCount = ({ count, outcome }: Trial) => {
    const next = Math.round(count * Math.min(TIMES_MAX, seconds / outcome.seconds))
    return Math.min(most, wholeBatches(Math.max(1, next)))
  }
  let trial = await run(Math.min(most, Math.ceil(WARM_UP_DELIVERIES / each)))
  let [gone, isSettled] = [trial.outcome.seconds, false]
  for (let tries = 1; tries < TRIES_MAX && !isSettled; tries++) {
    const before = trial
    trial = await run(nextCount(trial))
    gone += trial.outcome.seconds
    const isSteady = speedOf(trial) <= speedOf(before) * STEADY_TIMES_MAX
    const isEnough = trial.outcome.seconds >= seconds / 2 || trial.count === most
    isSettled = isSteady && isEnough && gone >= warmUpSeconds
  }
  if (trial.count >= batch) {
    const runs = isSettled ? [trial] : []
    return { count: Math.max(batch, nextCount(trial)), runs }
  }
  return {
    count: await bundled(run, trial, { batch, seconds: BATCH_TIMES_MAX * seconds }),
    runs: [],
  }
}

/**
 * A whole bundle of each sender, or as much as goes in that time: 512 senders of four messages each went a
 * tenth as fast as of sixty, and which it was came by chance.
 */
async function bundled(
  run: (count: number) => Promise<Trial>,
  first: Trial,
  { batch, seconds }: { readonly batch: number; readonly seconds: number },
): Promise<number> {
  let trial = first
  const secondsOf = (count: number) => (trial.outcome.seconds * count) / trial.count
  while (secondsOf(batch) > seconds) {
    if (secondsOf(2 * trial.count) > seconds) return trial.count
    trial = await run(2 * trial.count)
  }
  return batch
}

/** What runs of a contender are to be. */
interface Aim {
  readonly seconds: number
  /** Deliveries of a message of each sender. */
  readonly each: number
  /** Messages of each sender: at most so many, and so many at least where these do not take far longer. */
  readonly most: number
  readonly batch: number
}

function aimOf(contender: ContenderName, scene: Scene, seconds: number): Aim {
  const each = deliveriesOf({ ...scene, count: 1, number: 0 })
  const most = Math.max(1, Math.min(COUNT_MAX, Math.floor(BYTES_MAX / each / scene.bodyBytes)))
  const batch = Math.min(most, GATHERING.has(contender) ? bundleOf(scene) : 1)
  return { seconds, each, most, batch }
}

/**
 * Messages of each sender in the next turn, by the last ones: they become faster while code is compiled,
 * and a run that is too short is all start. What was found when it was cold, 16 of each of 8×8 with 4 KB,
 * made 6,000 deliveries a second, where 55 made 8,400.
 */
export function countAfter(trials: readonly Trial[], { seconds, most, batch }: Aim): number {
  const perSecond = median(trials.slice(-LAST_TURNS).map(speedOf))
  const count = wholeBatches(Math.max(1, Math.round(perSecond * seconds)))
  const least = Math.min(batch, Math.floor(BATCH_TIMES_MAX * perSecond * seconds))
  return Math.min(most, Math.max(least, count))
}

function speedOf({ count, outcome }: Trial): number {
  return count / outcome.seconds
}

/** Messages of that size that fill a bundle. */
function bundleOf({ bodyBytes }: Scene): number {
  return Math.min(BATCH, Math.max(1, Math.floor(BATCH_BYTES / bodyBytes)))
}

/**
 * As a program sends that has much to say: 316 messages of each of 8×8 were two bundles of ixj each, one of
 * them nearly empty, and went two thirds as fast as 493 in another run, which were two as well.
 */
function wholeBatches(count: number): number {
  return count < BATCH ? count : Math.round(count / BATCH) * BATCH
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
    perSecond: trimmedGeometricMean(speeds),
    cpuSecondsPerMillion: trimmedGeometricMean(costs),
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
