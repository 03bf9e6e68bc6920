import { markdownTable } from '../fill-page.ts'
import { BODY_BYTES } from './body.ts'
import { titleOf } from './cast.ts'
import { figure, goalsOf } from './goals.ts'
import { readingOf } from './reading.ts'
import { idleCells, sceneTitle } from './report.ts'
import { CONTENDERS, TITLES, type PatternRow, type ThroughputRow } from './rows.ts'

/** Blocks of the page that the patterns' rows fill, by name. */
export const PATTERN_BLOCKS: Readonly<Record<string, (rows: readonly PatternRow[]) => string>> = {
  goals,
  reading: readingOf,
  throughput: (rows) => ofScenes(rows, isSmall, ({ perSecond }) => figure(perSecond)),
  cpu: (rows) =>
    ofScenes(rows, isSmall, ({ cpuSecondsPerMillion }) => figure(cpuSecondsPerMillion)),
  bytes: (rows) =>
    ofScenes(rows, isSmall, ({ leadBytesPerDelivery: bytes }) =>
      bytes === undefined ? '?' : figure(bytes),
    ),
  memory: (rows) => ofScenes(rows, isSmall, ({ memoryMiB }) => memoryMiB.toFixed(0)),
  bodies: (rows) =>
    ofScenes(
      rows,
      (row) => !isSmall(row),
      ({ perSecond }) => figure(perSecond),
    ),
  latency,
  'paced-cpus': pacedCpus,
  answers,
  proofs,
  growth,
  losses,
  'not-run': notRun,
}

function isSmall({ bodyBytes }: ThroughputRow): boolean {
  return bodyBytes === BODY_BYTES
}

function goals(rows: readonly PatternRow[]): string {
  return markdownTable(
    ['goal', 'measured', 'asked', 'met'],
    goalsOf(rows).map(({ id, what, measured, goal, met }) => [
      `${id} ${what}`,
      measured,
      goal,
      met === undefined ? 'not measured' : met ? 'yes' : '**no**',
    ]),
  )
}

/** A line for each contender, a column for each scene. */
function ofScenes(
  rows: readonly PatternRow[],
  has: (row: ThroughputRow) => boolean,
  cellOf: (row: ThroughputRow) => string,
): string {
  const measured = rows.filter((row) => row.kind === 'throughput').filter(has)
  return matrix(measured, titleOf, cellOf)
}

function latency(rows: readonly PatternRow[]): string {
  const paced = rows.filter((row) => row.kind === 'paced')
  const cellOf = ({ p50Ms, p95Ms, p99Ms }: (typeof paced)[number]) =>
    [p50Ms, p95Ms, p99Ms].map((ms) => ms.toFixed(1)).join(' / ')
  return matrix(paced, sceneTitle, cellOf)
}

function pacedCpus(rows: readonly PatternRow[]): string {
  const paced = rows.filter((row) => row.kind === 'paced').filter(({ cpus }) => cpus !== undefined)
  return matrix(paced, sceneTitle, ({ cpus = Number.NaN }) => cpus.toFixed(2))
}

function matrix<Row extends { readonly contender: keyof typeof TITLES }>(
  rows: readonly Row[],
  sceneOf: (row: Row) => string,
  cellOf: (row: Row) => string,
): string {
  const scenes = [...new Set(rows.map(sceneOf))]
  if (scenes.length === 0) return 'Not measured in this run.'
  const lines = CONTENDERS.map((contender) => [
    TITLES[contender],
    ...scenes.map((scene) => {
      const found = rows.find((row) => row.contender === contender && sceneOf(row) === scene)
      return found === undefined ? 'not run' : cellOf(found)
    }),
  ])
  return markdownTable(['', ...scenes], lines)
}

function answers(rows: readonly PatternRow[]): string {
  return markdownTable(
    ['', 'p50 ms', 'p95 ms', 'p99 ms', 'asked'],
    rows
      .filter((row) => row.kind === 'answer')
      .map(({ contender, p50Ms, p95Ms, p99Ms, asked }) => [
        TITLES[contender],
        ...[p50Ms, p95Ms, p99Ms].map((ms) => ms.toFixed(2)),
        String(asked),
      ]),
  )
}

function proofs(rows: readonly PatternRow[]): string {
  return markdownTable(
    ['', 'p50 ms', 'p95 ms', 'p99 ms', 'CPU ms a message', 'senders'],
    rows
      .filter((row) => row.kind === 'proof')
      .map(({ proofs: state, senders, cpuMsPerMessage, ...delays }) => [
        state === 'cold' ? 'first message of each' : 'those after it',
        ...[delays.p50Ms, delays.p95Ms, delays.p99Ms].map((ms) => ms.toFixed(2)),
        figure(cpuMsPerMessage),
        String(senders),
      ]),
  )
}

function growth(rows: readonly PatternRow[]): string {
  const grown = rows.filter((row) => row.kind === 'growth')
  if (grown.length === 0) return 'Not measured in this run.'
  return markdownTable(
    ['1×N with ixj', 'deliveries/s', 'CPU s for a million', 'CPUs idle before', 'without those'],
    grown.map((row) => [
      `${row.agents} agents on ${row.nodes} nodes`,
      figure(row.perSecond),
      figure(row.cpuSecondsPerMillion),
      ...idleCells(row),
    ]),
  )
}

function losses(rows: readonly PatternRow[]): string {
  const lost = rows
    .filter((row) => 'lost' in row)
    .filter((row) => row.lost > 0 || ('duplicated' in row && row.duplicated + row.stray > 0))
  if (lost.length === 0) return 'In this run nothing was lost, and nothing came twice.'
  return lost
    .map((row) => {
      const who = 'contender' in row ? TITLES[row.contender] : TITLES.ixj
      const where = 'bodyBytes' in row ? titleOf(row) : row.kind
      const twice = 'duplicated' in row ? row.duplicated : 0
      return `- ${who}, ${where}: ${row.lost} lost, ${twice} came twice`
    })
    .join('\n')
}

function notRun(rows: readonly PatternRow[]): string {
  const missing = rows.filter((row) => row.kind === 'not-run')
  if (missing.length === 0) return 'Everybody was measured in every part of this run.'
  return missing
    .map(({ contender, at, reason }) => {
      const who = contender === 'everybody' ? 'Everybody' : TITLES[contender]
      return `- ${who}, at ${at}: ${reason}`
    })
    .join('\n')
}
