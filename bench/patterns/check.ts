import { sceneTitle } from './report.ts'
import { titleOf } from './cast.ts'
import type { PatternRow } from './rows.ts'

/** How ixj stands beside its peers in one scene: then and now. */
export interface Comparison {
  readonly what: string
  readonly before: number
  readonly now: number
  /** Whether it stands otherwise by more than two runs of the same code differ. */
  readonly verdict: 'agrees' | 'fell' | 'rose'
}

/** Two runs of the same code agree within that. */
export const TOLERANCE = 0.2

/** What one contender does in one scene: more is better. */
interface Score {
  readonly what: string
  readonly contender: string
  readonly value: number
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
    comparisons.push({ what, before: was, now: is, verdict: verdictOn(is / was) })
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
    ['IXJ BESIDE ITS PEERS', 'committed', 'now', 'of it', ''],
    ...sorted.map(({ what, before, now, verdict }) => [
      `  ${what}`,
      `${before.toFixed(2)} ×`,
      `${now.toFixed(2)} ×`,
      `${Math.round((now / before) * 100)} %`,
      verdict === 'agrees' ? '' : verdict.toUpperCase(),
    ]),
    [`${agreeing} of ${comparisons.length} agree within ${TOLERANCE * 100} %`],
    ['Each is ixj by the geometric mean of the peers that both runs have, more being better:'],
    ['of speeds and CPU medians over runs, of latencies p50 as its median over rounds.'],
  ]
}

function verdictOn(ratio: number): Comparison['verdict'] {
  if (ratio < 1 - TOLERANCE) return 'fell'
  return ratio > 1 + TOLERANCE ? 'rose' : 'agrees'
}

function standing(scores: ReadonlyMap<string, number>, peers: readonly string[]) {
  const ixj = scores.get('ixj')
  if (ixj === undefined || peers.length === 0) return undefined
  const logs = peers.map((peer) => Math.log(scores.get(peer) ?? Number.NaN))
  return ixj / Math.exp(logs.reduce((sum, log) => sum + log, 0) / logs.length)
}

function scoresOf(rows: readonly PatternRow[]): ReadonlyMap<string, ReadonlyMap<string, number>> {
  const scores = new Map<string, Map<string, number>>()
  for (const { what, contender, value } of rows.flatMap(scoresOfRow)) {
    const scene = scores.get(what) ?? new Map<string, number>()
    scores.set(what, scene.set(contender, value))
  }
  return scores
}

function scoresOfRow(row: PatternRow): readonly Score[] {
  switch (row.kind) {
    case 'throughput': {
      const { contender } = row
      const title = titleOf(row)
      return [
        { what: `${title}: deliveries a second`, contender, value: row.perSecond },
        { what: `${title}: deliveries for CPU`, contender, value: 1 / row.cpuSecondsPerMillion },
      ]
    }
    case 'paced':
      return [
        { what: `${sceneTitle(row)}, paced: p50`, contender: row.contender, value: 1 / row.p50Ms },
      ]
    case 'answer':
      return [{ what: 'request → answer: p50', contender: row.contender, value: 1 / row.p50Ms }]
    case 'proof':
    case 'growth':
    case 'not-run':
      return []
  }
}
