import { mean, median } from '../table.ts'
import { BODY_BYTES } from './body.ts'
import {
  deliveriesOf,
  LEAD,
  receiversOf,
  sendersOf,
  titleOf,
  type Pattern,
  type Scene,
} from './cast.ts'
import type { Lineup } from './lineup.ts'
import { delaysOf, nextRun } from './measure.ts'
import { PEERS_FOR_A_TURN, rounds } from './rounds.ts'
import type { Delays, PacedRow } from './rows.ts'

/**
 * Deliveries a second in every paced scene but 1×1: everybody has processors left. At four times as
 * many ixj and A2A had nearly all of two processors, and what was measured was a queue: between two
 * runs of the same code its length differed by a third.
 */
const DELIVERIES_PER_SECOND = 160
/** Where that were fewer messages, so many of them. */
const MESSAGES_PER_SECOND_LEAST = 10
/** 1×1: as in P3. */
const PAIR_PER_SECOND = 100

/** How long, and how often. */
export interface PacedLength {
  /** Senders speak so long before: connections, proofs and code are warm then. */
  readonly warmUpSeconds: number
  /** Each team in turn, so often. */
  readonly rounds: number
  readonly secondsOfRound: number
}

/**
 * How long deliveries take at a pace that every contender holds, in rounds. Each percentile is the
 * median of what it was in each round: a moment in which the machine did something else is one of
 * them, and not the whole of p95 and p99.
 */
export async function measurePaced(
  lineup: Lineup,
  { pattern, agents }: { readonly pattern: Pattern; readonly agents: number },
  length: PacedLength,
): Promise<readonly PacedRow[]> {
  const scene = { pattern, agents, bodyBytes: BODY_BYTES }
  const each = deliveriesOf({ ...scene, count: 1, number: 0 })
  const deliveriesPerSecond = paceOf(scene)
  const perSecond = deliveriesPerSecond / each
  const countIn = (time: number) => Math.ceil(perSecond * time)
  const title = `${titleOf(scene)}, paced`
  await lineup.each(title, (team) =>
    team.run(nextRun(scene, countIn(length.warmUpSeconds), perSecond)),
  )
  const outcomes = await rounds(lineup, {
    title,
    count: length.rounds,
    peersForATurn: PEERS_FOR_A_TURN.latency,
    turn: (team) => team.run(nextRun(scene, countIn(length.secondsOfRound), perSecond)),
  })
  return outcomes.map(([contender, runs]) => {
    const delays = runs.map(({ delaysMs }) => delaysOf(delaysMs))
    return {
      kind: 'paced',
      contender,
      pattern,
      agents,
      deliveriesPerSecond,
      deliveries: runs.reduce((sum, { received }) => sum + received, 0),
      lost: runs.reduce((sum, { lost }) => sum + lost, 0),
      cpus: mean(runs.map((run) => run.cpuSeconds / run.seconds)),
      ...medianDelays(delays),
      p50MsOfRounds: p50sOf(delays),
    }
  })
}

/** Deliveries a second of all senders together, the same for every contender. */
export function paceOf(scene: Scene): number {
  if (scene.pattern === '1×1') return PAIR_PER_SECOND
  const [sender = LEAD] = sendersOf(scene)
  const leastPerSecond = MESSAGES_PER_SECOND_LEAST * receiversOf(scene, sender).length
  return Math.max(DELIVERIES_PER_SECOND, leastPerSecond)
}

/** Of each round, in ms to three places. */
export function p50sOf(ofRounds: readonly Delays[]): readonly number[] {
  return ofRounds.map(({ p50Ms }) => Number(p50Ms.toFixed(3)))
}

/** Of each percentile, the median over rounds. */
export function medianDelays(ofRounds: readonly Delays[]): Delays {
  return {
    p50Ms: median(ofRounds.map(({ p50Ms }) => p50Ms)),
    p95Ms: median(ofRounds.map(({ p95Ms }) => p95Ms)),
    p99Ms: median(ofRounds.map(({ p99Ms }) => p99Ms)),
  }
}
