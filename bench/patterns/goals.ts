import type { ContenderName } from './process.ts'
import { TITLES, type PatternRow, type ThroughputRow } from './rows.ts'
import { BODY_BYTES } from './body.ts'
import { titleOf, type Pattern } from './cast.ts'

/** A goal of the scoreboard, and what came of it. */
export interface Goal {
  readonly id: string
  readonly what: string
  readonly measured: string
  readonly goal: string
  /** Undefined if it was not measured. */
  readonly met: boolean | undefined
}

/** P1: as fast as a broker that checks nothing, and far faster than one signature a message. */
const P1_TIMES_LEAST: readonly (readonly [ContenderName, number])[] = [
  ['nats', 1],
  ['nats-signed', 15],
]
/** P2: how many times as fast as unicast, by N. */
const P2_TIMES_LEAST: readonly (readonly [agents: number, times: number])[] = [
  [8, 10],
  [64, 20],
]
const P2_PATTERNS: readonly Pattern[] = ['1×N', 'N×1', 'N×N']
/** P2: bytes that the publisher sends for each delivery, beside unicast, for 64 on 8 nodes. */
const P2_BYTES = { agents: 64, timesMost: 1 / 8 }
/** P3: beside HTTP/2, and by itself. */
const P3_P50_TIMES_MOST = 1.5
const P3_P99_MS_MOST = 5
/** P7: what a delivery may cost more where there are more of them. */
const P7_TIMES_MOST = 1.3

const UNICAST: readonly ContenderName[] = ['https-1', 'https-2']

/** Every goal that these rows could speak of. */
export function goalsOf(rows: readonly PatternRow[]): readonly Goal[] {
  return [...pairGoals(rows), ...manyGoals(rows), ...answerGoals(rows), ...growthGoals(rows)]
}

function pairGoals(rows: readonly PatternRow[]): readonly Goal[] {
  return P1_TIMES_LEAST.map(([contender, times]) =>
    speedGoal('P1', rows, { pattern: '1×1', agents: 1, contender, times }),
  )
}

function manyGoals(rows: readonly PatternRow[]): readonly Goal[] {
  const speeds = P2_TIMES_LEAST.flatMap(([agents, times]) =>
    P2_PATTERNS.flatMap((pattern) =>
      UNICAST.map((contender) => speedGoal('P2', rows, { pattern, agents, contender, times })),
    ),
  )
  const bytes = UNICAST.map((contender): Goal => {
    const of = (who: ContenderName) =>
      throughputOf(rows, { pattern: '1×N', agents: P2_BYTES.agents, contender: who })
        ?.leadBytesPerDelivery
    return atMost({
      id: 'P2',
      what: `1×${P2_BYTES.agents}: bytes sent for a delivery, beside ${TITLES[contender]}`,
      value: ratioOf(of('ixj'), of(contender)),
      most: P2_BYTES.timesMost,
      unit: '×',
    })
  })
  return [...speeds, ...bytes]
}

function answerGoals(rows: readonly PatternRow[]): readonly Goal[] {
  const of = (who: ContenderName) =>
    rows.find((row) => row.kind === 'answer' && row.contender === who)
  const [ixj, http2] = [of('ixj'), of('https-2')]
  const p50 = (row: typeof ixj) => (row?.kind === 'answer' ? row.p50Ms : undefined)
  return [
    atMost({
      id: 'P3',
      what: `request → answer: p50, beside ${TITLES['https-2']}`,
      value: ratioOf(p50(ixj), p50(http2)),
      most: P3_P50_TIMES_MOST,
      unit: '×',
    }),
    atMost({
      id: 'P3',
      what: 'request → answer: p99',
      value: ixj?.kind === 'answer' ? ixj.p99Ms : undefined,
      most: P3_P99_MS_MOST,
      unit: 'ms',
    }),
  ]
}

function growthGoals(rows: readonly PatternRow[]): readonly Goal[] {
  const costOf = (agents: number, nodes: number) => {
    const found = rows.find(
      (row) => row.kind === 'growth' && row.agents === agents && row.nodes === nodes,
    )
    return found?.kind === 'growth' ? found.cpuSecondsPerMillion : undefined
  }
  const least = costOf(8, 8)
  return [
    [512, 8],
    [64, 64],
  ].map(([agents = 0, nodes = 0]) =>
    atMost({
      id: 'P7',
      what: `CPU of a delivery: ${agents} agents on ${nodes} nodes, beside 8 on 8`,
      value: ratioOf(costOf(agents, nodes), least),
      most: P7_TIMES_MOST,
      unit: '×',
    }),
  )
}

interface Beside {
  readonly pattern: Pattern
  readonly agents: number
  readonly contender: ContenderName
}

/** The row of that contender with small bodies. */
export function throughputOf(
  rows: readonly PatternRow[],
  { pattern, agents, contender }: Beside,
): ThroughputRow | undefined {
  return rows
    .filter((row) => row.kind === 'throughput')
    .find(
      (row) =>
        row.pattern === pattern &&
        row.agents === agents &&
        row.contender === contender &&
        row.bodyBytes === BODY_BYTES,
    )
}

function speedGoal(
  id: string,
  rows: readonly PatternRow[],
  { times, ...beside }: Beside & { readonly times: number },
): Goal {
  const ixj = throughputOf(rows, { ...beside, contender: 'ixj' })
  const ratio = ratioOf(ixj?.perSecond, throughputOf(rows, beside)?.perSecond)
  return {
    id,
    what: `${titleOf({ ...beside, bodyBytes: BODY_BYTES })}: deliveries/s, beside ${TITLES[beside.contender]}`,
    measured: ratio === undefined ? 'not measured' : `${figure(ratio)} ×`,
    goal: `≥ ${times} ×`,
    met: ratio === undefined ? undefined : ratio >= times,
  }
}

function atMost({
  id,
  what,
  value,
  most,
  unit,
}: {
  readonly id: string
  readonly what: string
  readonly value: number | undefined
  readonly most: number
  readonly unit: string
}): Goal {
  return {
    id,
    what,
    measured: value === undefined ? 'not measured' : `${figure(value)} ${unit}`,
    goal: `≤ ${most} ${unit}`,
    met: value === undefined ? undefined : value <= most,
  }
}

function ratioOf(value: number | undefined, beside: number | undefined): number | undefined {
  return value === undefined || beside === undefined ? undefined : value / beside
}

/** Three figures that count, thousands apart. */
export function figure(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en-US')
  return String(Number(value.toPrecision(3)))
}
