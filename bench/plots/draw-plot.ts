import { parse, View } from 'vega'
import { compile, type TopLevelSpec } from 'vega-lite'

/** One value of a plot. */
export interface PlotPoint {
  /** Whose it is: the points of one series have one colour. */
  readonly series: string
  /** The panel that it stands in. */
  readonly panel: string
  readonly x: number
  readonly y: number
}

/** Lines in panels side by side, on logarithmic axes, since what is measured grows by factors. */
export interface LinePlot {
  readonly title: string
  readonly xTitle: string
  readonly yTitle: string
  readonly points: readonly PlotPoint[]
  /** Series in the order of the legend; the first is drawn thickest. */
  readonly series: readonly string[]
}

/** A value among several of one series in a panel: a percentile, a size. */
export interface MarkPoint {
  readonly series: string
  readonly panel: string
  readonly value: number
  /** What the value is: told apart by colour. */
  readonly mark: string
}

/** Marks on one logarithmic axis, a row for each series, in panels side by side. */
export interface MarkPlot {
  readonly title: string
  readonly xTitle: string
  readonly points: readonly MarkPoint[]
  readonly series: readonly string[]
  readonly marks: readonly string[]
}

/** Ours stands out; peers of one family have colours of one family. */
const COLOURS = [
  '#d62728',
  '#1f4e9c',
  '#6fa8dc',
  '#8c6bb1',
  '#2e8b57',
  '#8fce9f',
  '#b8860b',
  '#e0b354',
  '#555555',
]
const FONT = 'Helvetica, Arial, sans-serif'
const PANELS_IN_ROW = 3
const LABEL_PIXELS_MAX = 420

/** Draws lines as SVG. */
export async function drawLines(plot: LinePlot): Promise<string> {
  const [first] = plot.series
  return await draw({
    ...common(plot.title, plot.points),
    facet: { field: 'panel', type: 'nominal', sort: panelsOf(plot.points), title: null },
    spec: {
      width: 230,
      height: 260,
      mark: { type: 'line', point: { size: 36, filled: true } },
      encoding: {
        x: {
          field: 'x',
          type: 'quantitative',
          title: plot.xTitle,
          scale: { type: 'log', base: 2 },
          axis: { values: [...new Set(plot.points.map(({ x }) => x))], format: 'd', grid: false },
        },
        y: {
          field: 'y',
          type: 'quantitative',
          title: plot.yTitle,
          scale: { type: 'log' },
          axis: {
            format: '~s',
            values: roundValues(
              plot.points.map(({ y }) => y),
              [1],
            ),
          },
        },
        color: {
          field: 'series',
          type: 'nominal',
          title: null,
          sort: [...plot.series],
          scale: { domain: [...plot.series], range: COLOURS.slice(0, plot.series.length) },
          legend: { labelLimit: LABEL_PIXELS_MAX },
        },
        strokeWidth: {
          condition: { test: `datum.series === ${JSON.stringify(first)}`, value: 3.5 },
          value: 1.5,
        },
      },
    },
  })
}

/** Draws marks as SVG. */
export async function drawMarks(plot: MarkPlot): Promise<string> {
  return await draw({
    ...common(plot.title, plot.points),
    facet: { field: 'panel', type: 'nominal', sort: panelsOf(plot.points), title: null },
    spec: {
      width: 200,
      height: 20 * plot.series.length,
      mark: { type: 'point', filled: true, size: 60, opacity: 0.9 },
      encoding: {
        x: {
          field: 'value',
          type: 'quantitative',
          title: plot.xTitle,
          scale: { type: 'log' },
          axis: {
            format: '~g',
            values: roundValues(
              plot.points.map(({ value }) => value),
              [1, 3],
            ),
          },
        },
        y: {
          field: 'series',
          type: 'nominal',
          title: null,
          sort: [...plot.series],
          axis: { labelLimit: LABEL_PIXELS_MAX },
        },
        color: {
          field: 'mark',
          type: 'ordinal',
          title: null,
          sort: [...plot.marks],
          scale: { domain: [...plot.marks], range: ['#9ecae1', '#4292c6', '#d62728'] },
        },
      },
    },
  })
}

/** Panels as they first come. */
function panelsOf(points: readonly { readonly panel: string }[]): string[] {
  return [...new Set(points.map(({ panel }) => panel))]
}

/** These digits of each power of ten that the values reach over. */
function roundValues(values: readonly number[], digits: readonly number[]): number[] {
  const [least, most] = [Math.min(...values), Math.max(...values)]
  const first = Math.floor(Math.log10(least))
  const powers = Math.ceil(Math.log10(most)) - first + 1
  return Array.from({ length: powers }, (_, index) => 10 ** (first + index)).flatMap((power) =>
    digits.map((digit) => digit * power),
  )
}

function common(title: string, points: readonly object[]) {
  return {
    data: { values: points.map((point) => ({ ...point })) },
    title: { text: title, anchor: 'start' as const, fontSize: 15, offset: 12 },
    columns: PANELS_IN_ROW,
    background: 'white',
    padding: 12,
    config: {
      font: FONT,
      header: { labelFontSize: 13, labelFontWeight: 'bold' as const },
      legend: { labelFontSize: 12, symbolStrokeWidth: 3 },
      axis: { gridColor: '#e5e5e5', domainColor: '#999', tickColor: '#999' },
      view: { stroke: '#ddd' },
    },
  }
}

async function draw(spec: TopLevelSpec): Promise<string> {
  const view = new View(parse(compile(spec).spec), { renderer: 'none' })
  try {
    return `${await view.toSVG()}\n`
  } finally {
    view.finalize()
  }
}
