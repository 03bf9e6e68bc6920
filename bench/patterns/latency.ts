import { percentile, type BenchResult } from '../table.ts'
import type { Cast } from './cast.ts'
import type { Pace } from './measure.ts'
import { openTeams, type Progress } from './open-teams.ts'
import type { ContenderName } from './process.ts'
import { TITLES } from './report.ts'

const PAIR: Cast = { processes: 2, crews: [1] }
const PER_SECOND = 100
/** P3: beside HTTP/2, and by itself. */
const P50_TIMES_MOST = 1.5
const P99_MS_MOST = 5
/** Asked before any is measured. */
const WARM_UP = 100

/** How long answers took of one contender: over all its runs, which alternate with the others'. */
interface Latency {
  readonly id: 'P3'
  readonly contender: ContenderName
  readonly asked: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** P3: request and answer between two processes, so many a second. */
export async function latencies(pace: Pace, progress: Progress): Promise<BenchResult> {
  const contenders = ['ixj', 'nats', 'https-1', 'https-2'] as const
  await using teams = await openTeams(contenders, PAIR, progress)
  progress(`request → answer, ${PER_SECOND} a second`)
  const delays = teams.all.map((): number[] => [])
  for (const team of teams.all) await team.ask(WARM_UP, PER_SECOND)
  for (let round = 0; round < pace.runs; round++) {
    for (const [place, team] of teams.all.entries()) {
      const count = Math.ceil(pace.secondsOfRun * PER_SECOND)
      delays[place]!.push(...(await team.ask(count, PER_SECOND)))
    }
  }
  const rows = teams.all.map(({ contender }, place): Latency => ({
    id: 'P3',
    contender,
    asked: delays[place]!.length,
    p50Ms: percentile(delays[place]!, 0.5),
    p99Ms: percentile(delays[place]!, 0.99),
  }))
  return { rows, table: tableOf(rows) }
}

function tableOf(rows: readonly Latency[]): BenchResult['table'] {
  const ixj = rows.find(({ contender }) => contender === 'ixj')
  const http2 = rows.find(({ contender }) => contender === 'https-2')
  return [
    ['', 'p50 ms', 'p99 ms', 'asked', 'ixj is', 'goal', ''],
    [`P3 request → answer, 200 B, ${PER_SECOND} a second`],
    ...rows.map((row) => [
      `  ${TITLES[row.contender]}`,
      row.p50Ms.toFixed(2),
      row.p99Ms.toFixed(2),
      String(row.asked),
      ...goalOf(row, ixj, http2),
    ]),
  ]
}

function goalOf(row: Latency, ixj: Latency | undefined, http2: Latency | undefined) {
  if (ixj === undefined) return ['', '', '']
  if (row === ixj) {
    const goal = `p99 ≤ ${P99_MS_MOST} ms`
    return ['', goal, ixj.p99Ms <= P99_MS_MOST ? 'met' : 'MISSED']
  }
  const times = ixj.p50Ms / row.p50Ms
  const ratio = `${times.toFixed(2)} ×`
  if (row !== http2) return [ratio, '', '']
  return [ratio, `p50 ≤ ${P50_TIMES_MOST} ×`, times <= P50_TIMES_MOST ? 'met' : 'MISSED']
}
