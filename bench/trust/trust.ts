import { type BenchResult } from '../table.ts'
import { benchPolicy } from './policy.ts'
import { benchProofs } from './proofs.ts'

/** What it costs to believe somebody (scoreboard row P5). */
export async function benchTrust(
  scale: number,
  progress: (line: string) => void,
): Promise<BenchResult> {
  const proofs = await benchProofs(scale, progress)
  progress('asking the policy')
  const policy = await benchPolicy(scale, proofs[0]?.microseconds ?? Number.NaN)
  const figures = [...proofs, ...policy]
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
