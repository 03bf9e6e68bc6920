import type { BenchResult } from '../table.ts'
import type { Cast, Pattern } from './cast.ts'
import { growth } from './growth.ts'
import { latencies } from './latency.ts'
import { measure, type Pace } from './measure.ts'
import { openTeams, type Progress } from './open-teams.ts'
import { bytesLines, measuredLines, MEASURED_HEAD, type Goals } from './report.ts'

/** One message to one: two processes. */
const PAIR: Cast = { processes: 2, crews: [1] }
/** The lead, and eight processes with up to eight agents each. */
const TOWN: Cast = { processes: 9, crews: [8, 64] }

/** P1: as fast as a broker that checks nothing, and far faster than one signature a message. */
const P1_GOALS: Goals = { nats: 1, 'nats-signed': 15 }
/** P2, by N. */
const P2_GOALS: Readonly<Record<number, Goals>> = {
  8: { 'https-1': 10, 'https-2': 10 },
  64: { 'https-1': 20, 'https-2': 20 },
}
/** P2: bytes that the publisher sends for each delivery, beside unicast, for 64 on 8 nodes. */
const P2_BYTES_GOAL = { agents: 64, most: 1 / 8 }

const QUICK: Pace = { runs: 3, secondsOfRun: 0.7 }
const WHOLE: Pace = { runs: 5, secondsOfRun: 2 }

/** A row of the scoreboard, as it is measured here. */
type MeasureRow = (pace: Pace, progress: Progress) => Promise<BenchResult>

const measures: Readonly<Record<string, MeasureRow>> = {
  P1: oneToOne,
  P2: manyPatterns,
  P3: latencies,
  P7: growth,
}
/** P7 opens 512 agents, and 64 nodes, which takes longer than a quick look may. */
const QUICK_ROWS = ['P1', 'P2', 'P3']

/** ixj beside NATS and HTTPS, in the four patterns, on this machine and in this run. */
export async function benchPatterns(
  scale: number,
  progress: Progress,
  chosen: readonly string[],
): Promise<BenchResult> {
  const isQuick = scale < 1
  const all = isQuick ? QUICK_ROWS : Object.keys(measures)
  const rows: object[] = []
  const table: (readonly string[])[] = []
  for (const row of chosen.length === 0 ? all : chosen) {
    const run = measures[row]
    if (run === undefined) {
      throw new Error(`There is no row ${row}; there are: ${Object.keys(measures).join(', ')}`)
    }
    const result = await run(isQuick ? QUICK : WHOLE, progress)
    rows.push(...result.rows)
    table.push(...result.table)
  }
  return { rows, table }
}

async function oneToOne(pace: Pace, progress: Progress): Promise<BenchResult> {
  const contenders = ['ixj', 'nats', 'nats-signed', 'https-1', 'https-2'] as const
  await using teams = await openTeams(contenders, PAIR, progress)
  progress('1×1')
  const measured = await measure(teams.all, { pattern: '1×1', agents: 1 }, pace)
  return { rows: measured, table: [MEASURED_HEAD, ...measuredLines('P1', measured, P1_GOALS)] }
}

async function manyPatterns(pace: Pace, progress: Progress): Promise<BenchResult> {
  const contenders = ['ixj', 'nats', 'https-1', 'https-2'] as const
  await using teams = await openTeams(contenders, TOWN, progress)
  const rows: object[] = []
  const table: (readonly string[])[] = [MEASURED_HEAD]
  for (const agents of TOWN.crews) {
    for (const pattern of ['1×N', 'N×1', 'N×N'] as const satisfies readonly Pattern[]) {
      progress(pattern.replaceAll('N', String(agents)))
      const measured = await measure(teams.all, { pattern, agents }, pace)
      rows.push(...measured)
      table.push(...measuredLines('P2', measured, P2_GOALS[agents] ?? {}))
      const hasGoal = pattern === '1×N' && agents === P2_BYTES_GOAL.agents
      if (hasGoal) table.push(...bytesLines(measured, P2_BYTES_GOAL.most))
    }
  }
  return { rows, table }
}
