import { geometricMean, varianceOfTrimmed } from '../table.ts'
import { sceneTitle } from './report.ts'
import { titleOf } from './cast.ts'
import type { AnswerRow, PacedRow, PatternRow } from './rows.ts'

/** How ixj stands beside its peers in one scene: then and now. */
export interface Comparison {
  readonly what: string
  readonly before: number
  readonly now: number
  /** Whether it stands otherwise by more than {@link TOLERANCE}, whatever chance does. */
  readonly verdict: 'agrees' | 'fell' | 'rose'
  /**
   * Turns of each run differ among themselves; for that alone one pair of runs in twenty would differ
   * by more than this part. Undefined where results do not tell of their turns.
   */
  readonly byChance: number | undefined
}

/**
 * Two runs of the same code are to agree within that: the smaller of two ratios is that much less than
 * the larger at most, whichever run came first.
 */
export const TOLERANCE = 0.2
/** Standard errors that chance exceeds once in twenty times. */
const RARE_ERRORS = 2

/** What one contender does in one scene: more is better. */
interface Score {
  readonly what: string
  readonly contender: string
  readonly value: number
  /** The same of each of its turns, where results tell. */
  readonly turns: readonly number[]
}

/**
 * Compares ratios, for machines differ and are noisy: ixj beside the geometric mean of the peers
 * that both have, so that one peer's bad moment is not taken for ours.
 */
export function compareRatios(
  before: readonly PatternRow[],
  now: readonly PatternRow[],
): readonly Comparison[] {
  const [then, today] = [scoresOf(before), scoresOf(now)]
  const comparisons: Comparison[] = []
  for (const [what, scores] of today) {
    const old = then.get(what)
    if (old === undefined) continue
    const peers = [...scores.keys()].filter((name) => name !== 'ixj' && old.has(name))
    const [was, is] = [standing(old, peers), standing(scores, peers)]
    if (was === undefined || is === undefined) continue
    comparisons.push({
      what,
      before: was.ratio,
      now: is.ratio,
      verdict: verdictOn(is.ratio / was.ratio),
      byChance: chanceOf(was.variance + is.variance),
    })
  }
  return comparisons
}

/** A line for each comparison, the worst first. */
export function comparisonLines(
  comparisons: readonly Comparison[],
): readonly (readonly string[])[] {
  const sorted = comparisons.toSorted(
    (left, right) => left.now / left.before - right.now / right.before,
  )
  const agreeing = comparisons.filter(({ verdict }) => verdict === 'agrees').length
  return [
    ['IXJ BESIDE ITS PEERS', 'committed', 'now', 'of it', 'by chance', ''],
    ...sorted.map(({ what, before, now, verdict, byChance }) => [
      `  ${what}`,
      `${before.toFixed(2)} ×`,
      `${now.toFixed(2)} ×`,
      percent(now / before),
      byChance === undefined ? '?' : `± ${percent(byChance)}`,
      verdict === 'agrees' ? '' : verdict.toUpperCase(),
    ]),
    [`${agreeing} of ${comparisons.length} agree within ${percent(TOLERANCE)}`],
    ['Each is ixj by the geometric mean of the peers that both runs have, more being better:'],
    ['deliveries a second, deliveries for CPU, and p50 at a pace.'],
    ['By chance: what two runs differ by for the spread of their turns, in 19 of 20 cases.'],
  ]
}

function percent(part: number): string {
  return `${Math.round(part * 100)} %`
}

function verdictOn(ratio: number): Comparison['verdict'] {
  if (ratio < 1 - TOLERANCE) return 'fell'
  return ratio > 1 / (1 - TOLERANCE) ? 'rose' : 'agrees'
}

type ScoresOf = ReadonlyMap<string, Score>

/** ixj by its peers, and the variance of the logarithm of that. */
function standing(scores: ScoresOf, peers: readonly string[]) {
  const ixj = scores.get('ixj')
  const others = peers.flatMap((peer) => scores.get(peer) ?? [])
  if (ixj === undefined || others.length === 0) return undefined
  const ratio = ixj.value / geometricMean(others.map(({ value }) => value))
  const ofOthers = others.reduce((sum, peer) => sum + varianceOfTrimmed(peer.turns), 0)
  return { ratio, variance: varianceOfTrimmed(ixj.turns) + ofOthers / others.length ** 2 }
}

function chanceOf(variance: number): number | undefined {
  return Number.isFinite(variance) ? Math.exp(RARE_ERRORS * Math.sqrt(variance)) - 1 : undefined
}

function scoresOf(rows: readonly PatternRow[]): ReadonlyMap<string, ScoresOf> {
  const scores = new Map<string, Map<string, Score>>()
  for (const score of rows.flatMap(scoresOfRow)) {
    const scene = scores.get(score.what) ?? new Map<string, Score>()
    scores.set(score.what, scene.set(score.contender, score))
  }
  return scores
}

function scoresOfRow(row: PatternRow): readonly Score[] {
  switch (row.kind) {
    case 'throughput': {
      const { contender } = row
      const title = titleOf(row)
      const costs = row.cpuSecondsPerMillionOfRuns ?? []
      return [
        {
          what: `${title}: deliveries a second`,
          contender,
          value: row.perSecond,
          turns: row.perSecondOfRuns,
        },
        {
          what: `${title}: deliveries for CPU`,
          contender,
          value: 1 / row.cpuSecondsPerMillion,
          turns: costs.map((cost) => 1 / cost),
        },
      ]
    }
    case 'paced':
      return [latencyScore(`${sceneTitle(row)}, ${row.deliveriesPerSecond} a second: p50`, row)]
    case 'answer':
      return [latencyScore('request → answer: p50', row)]
    case 'proof':
    case 'growth':
    case 'not-run':
      return []
  }
}

function latencyScore(what: string, row: PacedRow | AnswerRow): Score {
  const turns = (row.p50MsOfRounds ?? []).map((ms) => 1 / ms)
  return { what, contender: row.contender, value: 1 / row.p50Ms, turns }
}
