import { type BenchResult } from '../table.ts'
import { benchProofs } from './proofs.ts'

/** What it costs to believe somebody (scoreboard row P5). */
export async function benchTrust(
  scale: number,
  progress: (line: string) => void,
): Promise<BenchResult> {
  const figures = await benchProofs(scale, progress)
  const head = ['trust', 'p50', 'goal', '× one bare verification']
  const rows = figures.map(({ what, microseconds, goal, ratio }) => ({
    what,
    microseconds,
    goalMicroseconds: goal ?? null,
    ratio,
  }))
  const lines = figures.map(({ what, microseconds, goal, ratio }) => [
    what,
    inUnit(microseconds),
    goal === undefined ? '' : `${microseconds <= goal ? 'met' : 'MISSED'}, ≤ ${inUnit(goal)}`,
    ratio.toFixed(2),
  ])
  return { rows, table: [head, ...lines] }
}

function inUnit(microseconds: number): string {
  return microseconds < 100
    ? `${microseconds.toFixed(2)} µs`
    : `${(microseconds / 1_000).toFixed(2)} ms`
}
