import { drawLines, type LinePlot, type PlotPoint } from '../plots/draw-plot.ts'
import type { Checked, ScaleRow } from './scale.ts'

/** Nodes that hear of each other, as the plot shows them. */
const NODES = [10, 30, 100, 300, 1_000, 3_000, 10_000]
/** Of a second. */
const CORE_MS = 1_000

/** Pictures of how things grow, as SVG, by the names of their files. */
export async function scalePlots(rows: readonly ScaleRow[]): Promise<ReadonlyMap<string, string>> {
  const plots = new Map<string, string>()
  const modelled = rows.filter((row) => row.kind === 'model')
  if (modelled.length > 1) {
    const times = [
      ['half of the nodes', 'halfMs'],
      ['99 of 100', 'p99Ms'],
      ['the last', 'lastMs'],
    ] as const
    const points = times.flatMap(([series, key]) =>
      modelled.map((row) => ({ series, panel: 'one message to all', x: row.nodes, y: row[key] })),
    )
    const title = 'When nodes have a message, 10 ms a hop (model)'
    const plot = { title, xTitle: 'nodes', yTitle: 'ms', points }
    plots.set('scale-hops.svg', await drawLines({ ...plot, series: times.map(([name]) => name) }))
  }
  const costs = rows.find((row) => row.kind === 'calibration')
  const background = costs === undefined ? undefined : backgroundPlot(costs)
  if (background !== undefined && background.points.length > 0) {
    plots.set('scale-background.svg', await drawLines(background))
  }
  return plots
}

/** What a node spends on knowing of others, by what each was measured to cost. */
export function backgroundPlot(costs: Checked): LinePlot {
  const each = {
    'members announced in one group': costs.presenceMs * costs.presencesPerSecond,
    'names with a status': costs.statusMs * costs.statusesPerSecond,
  }
  const points = Object.entries(each).flatMap(([series, ms]): readonly PlotPoint[] =>
    NODES.map((x) => ({ series, panel: 'of one organisation', x, y: (ms * x) / CORE_MS })),
  )
  return {
    title: 'Part of a core that a node spends on knowing who is there',
    xTitle: 'nodes, one of them on each',
    yTitle: 'part of a core',
    // A logarithm has no place for what was too small to be measured.
    points: points.filter(({ y }) => y > 0),
    series: Object.keys(each),
  }
}
