import { drawLines, drawMarks, type LinePlot, type PlotPoint } from '../plots/draw-plot.ts'
import { BODY_BYTES } from './body.ts'
import type { Pattern } from './cast.ts'
import { sceneTitle } from './report.ts'
import { CONTENDERS, TITLES, type PatternRow, type ThroughputRow } from './rows.ts'

const SERIES = CONTENDERS.map((contender) => TITLES[contender])
const GROWING: readonly Pattern[] = ['1×N', 'N×1', 'N×N']

/** The pictures of what was measured, as SVG, by the names of their files. */
export async function plotsOf(rows: readonly PatternRow[]): Promise<ReadonlyMap<string, string>> {
  const plots = new Map<string, string>()
  const lines: readonly (readonly [string, LinePlot])[] = [
    ['throughput.svg', againstN(rows, 'Deliveries a second', GROWING, (row) => row.perSecond)],
    [
      'cpu.svg',
      againstN(
        rows,
        'CPU seconds for a million deliveries',
        GROWING,
        (row) => row.cpuSecondsPerMillion,
      ),
    ],
    [
      'bytes.svg',
      againstN(
        rows,
        'Bytes that the publisher sends for a delivery',
        ['1×N'],
        (row) => row.leadBytesPerDelivery,
      ),
    ],
  ]
  for (const [name, plot] of lines) {
    if (plot.points.length > 0) plots.set(name, await drawLines(plot))
  }
  const latency = latencyPoints(rows)
  if (latency.length > 0) {
    const marks = ['p50', 'p95', 'p99']
    const title = 'From a message’s being due to its delivery, at a pace that all hold'
    const plot = { title, xTitle: 'ms', points: latency, series: SERIES, marks }
    plots.set('latency.svg', await drawMarks(plot))
  }
  return plots
}

function againstN(
  rows: readonly PatternRow[],
  yTitle: string,
  patterns: readonly Pattern[],
  valueOf: (row: ThroughputRow) => number | undefined,
): LinePlot {
  const points = patterns.flatMap((pattern) =>
    rows
      .filter((row) => row.kind === 'throughput')
      .filter((row) => row.bodyBytes === BODY_BYTES)
      // One to one is where each of them begins.
      .filter((row) => row.pattern === pattern || row.pattern === '1×1')
      .flatMap((row): PlotPoint[] => {
        const value = valueOf(row)
        if (value === undefined || !(value > 0)) return []
        return [{ series: TITLES[row.contender], panel: pattern, x: row.agents, y: value }]
      }),
  )
  return {
    title: `${yTitle}, bodies of ${BODY_BYTES} bytes`,
    xTitle: 'N',
    yTitle,
    points,
    series: SERIES,
  }
}

function latencyPoints(rows: readonly PatternRow[]) {
  return rows
    .filter((row) => row.kind === 'paced')
    .flatMap((row) => {
      const place = { series: TITLES[row.contender], panel: sceneTitle(row) }
      return [
        { ...place, value: row.p50Ms, mark: 'p50' },
        { ...place, value: row.p95Ms, mark: 'p95' },
        { ...place, value: row.p99Ms, mark: 'p99' },
      ]
    })
    .filter(({ value }) => value > 0)
}
