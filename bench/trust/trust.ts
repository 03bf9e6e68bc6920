import { type BenchResult } from '../table.ts'
import { type AuditFigure, benchAudit } from './audit.ts'
import { benchPolicy } from './policy.ts'
import { benchProofs } from './proofs.ts'

/** What it costs to believe somebody (scoreboard row P5), and to record what was decided. */
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
  const audit = await benchAudit(scale, progress)
  return { rows: [...rows, ...audit], table: [head, ...lines, ...audit.map(auditLine)] }
}

function auditLine({ what, value, unit, goal }: AuditFigure): readonly string[] {
  const shown = (figure: number) =>
    unit === 'µs' ? inUnit(figure) : `${Math.round(figure).toLocaleString('en-US')} ${unit}`
  if (goal === undefined) return [what, shown(value), '', '']
  const isMet = unit === 'µs' ? value <= goal : value >= goal
  const aim = `${unit === 'µs' ? '≤' : '≥'} ${shown(goal)}`
  return [what, shown(value), `${isMet ? 'met' : 'MISSED'}, ${aim}`, '']
}

function inUnit(microseconds: number): string {
  return microseconds < 100
    ? `${microseconds.toFixed(2)} µs`
    : `${(microseconds / 1_000).toFixed(2)} ms`
}
