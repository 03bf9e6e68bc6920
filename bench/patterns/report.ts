import { titleOf, type Scene } from './cast.ts'
import { figure, goalsOf } from './goals.ts'
import {
  TITLES,
  type AnswerRow,
  type Delays,
  type GrowthRow,
  type NotRunRow,
  type PacedRow,
  type PatternRow,
  type ProofRow,
  type ThroughputRow,
} from './rows.ts'

type Lines = readonly (readonly string[])[]

/** What was measured, for a terminal: each scene, and at the end the goals. */
export function tablesOf(rows: readonly PatternRow[]): Lines {
  const of = <Kind extends PatternRow['kind']>(kind: Kind) =>
    rows.filter((row): row is Extract<PatternRow, { kind: Kind }> => row.kind === kind)
  return [
    ...throughputLines(of('throughput')),
    ...pacedLines(of('paced')),
    ...answerLines(of('answer')),
    ...proofLines(of('proof')),
    ...growthLines(of('growth')),
    ...goalLines(rows),
    ...notRunLines(of('not-run')),
  ]
}

function throughputLines(rows: readonly ThroughputRow[]): Lines {
  if (rows.length === 0) return []
  const scenes = Map.groupBy(rows, titleOf)
  return [
    ['AS FAST AS IT GOES', 'deliveries/s', 'CPU s/million', 'bytes sent', 'MiB', 'ixj is', ''],
    ...[...scenes].flatMap(([title, measured]) => {
      const ixj = measured.find(({ contender }) => contender === 'ixj')
      return [[title], ...measured.map((row) => throughputLine(row, ixj))]
    }),
    [''],
  ]
}

function throughputLine(row: ThroughputRow, ixj: ThroughputRow | undefined): readonly string[] {
  const ratio = ixj === undefined || row === ixj ? undefined : ixj.perSecond / row.perSecond
  return [
    `  ${TITLES[row.contender]}`,
    figure(row.perSecond),
    figure(row.cpuSecondsPerMillion),
    row.leadBytesPerDelivery === undefined ? '?' : figure(row.leadBytesPerDelivery),
    row.memoryMiB.toFixed(0),
    ratio === undefined ? '' : `${figure(ratio)} ×`,
    lossText(row),
  ]
}

function pacedLines(rows: readonly PacedRow[]): Lines {
  if (rows.length === 0) return []
  return [
    ['AT A PACE, ms', 'p50', 'p95', 'p99', 'deliveries/s', 'CPUs', ''],
    ...[...Map.groupBy(rows, (row) => sceneTitle(row))].flatMap(([title, measured]) => [
      [title],
      ...measured.map((row) => [
        `  ${TITLES[row.contender]}`,
        ...delayCells(row),
        figure(row.deliveriesPerSecond),
        row.cpus === undefined ? '?' : row.cpus.toFixed(2),
        row.lost === 0 ? '' : `${row.lost} lost`,
      ]),
    ]),
    [''],
  ]
}

function answerLines(rows: readonly AnswerRow[]): Lines {
  if (rows.length === 0) return []
  return [
    ['REQUEST → ANSWER, ms', 'p50', 'p95', 'p99', 'asked', '', ''],
    ...rows.map((row) => [`  ${TITLES[row.contender]}`, ...delayCells(row), String(row.asked)]),
    [''],
  ]
}

function proofLines(rows: readonly ProofRow[]): Lines {
  if (rows.length === 0) return []
  return [
    ['PROOFS OF SENDERS, ms', 'p50', 'p95', 'p99', 'CPU ms each', 'senders', ''],
    ...rows.map((row) => [
      `  ${row.proofs === 'cold' ? 'first messages' : 'messages after them'}`,
      ...delayCells(row),
      figure(row.cpuMsPerMessage),
      String(row.senders),
      row.lost === 0 ? '' : `${row.lost} lost`,
    ]),
    [''],
  ]
}

function growthLines(rows: readonly GrowthRow[]): Lines {
  if (rows.length === 0) return []
  return [
    ['GROWTH, 1×N', 'deliveries/s', 'CPU s/million', 'CPUs idle', 'without those', '', ''],
    ...rows.map((row) => [
      `  ${row.agents} agents on ${row.nodes} nodes`,
      figure(row.perSecond),
      figure(row.cpuSecondsPerMillion),
      ...idleCells(row),
      ...(row.lost === 0 ? [] : [`${row.lost} lost`]),
    ]),
    [''],
  ]
}

/** CPUs that nodes took while nobody spoke, and what a delivery cost without them. */
export function idleCells({ idleCpus, perSecond, cpuSecondsPerMillion }: GrowthRow) {
  if (idleCpus === undefined) return ['?', '?']
  return [idleCpus.toFixed(2), figure(cpuSecondsPerMillion - (idleCpus / perSecond) * 1e6)]
}

function goalLines(rows: readonly PatternRow[]): Lines {
  const goals = goalsOf(rows).filter(({ met }) => met !== undefined)
  if (goals.length === 0) return []
  return [
    ['GOALS', 'measured', 'goal', ''],
    ...goals.map(({ id, what, measured, goal, met }) => [
      `  ${id} ${what}`,
      measured,
      goal,
      met === true ? 'met' : 'MISSED',
    ]),
  ]
}

function notRunLines(rows: readonly NotRunRow[]): Lines {
  return rows.map(({ contender, at, reason }) => [`NOT RUN: ${contender}, at ${at}: ${reason}`])
}

function delayCells({ p50Ms, p95Ms, p99Ms }: Delays): readonly string[] {
  return [p50Ms, p95Ms, p99Ms].map((ms) => ms.toFixed(2))
}

/** The title of a scene with small bodies. */
export function sceneTitle({ pattern, agents }: Pick<Scene, 'pattern' | 'agents'>): string {
  return titleOf({ pattern, agents, bodyBytes: 0 })
}

/** Nothing to say is the rule: each message came once. */
function lossText({ lost, duplicated, stray }: ThroughputRow): string {
  return Object.entries({ lost, duplicated, stray })
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${count} ${what}`)
    .join(', ')
}
