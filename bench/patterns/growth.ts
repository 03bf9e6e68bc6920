import type { BenchResult } from '../table.ts'
import type { Cast } from './cast.ts'
import { measure, type Measured, type Pace } from './measure.ts'
import { openTeams, type Progress } from './open-teams.ts'

/** P7: what a delivery may cost more where there are more of them. */
const TIMES_MOST = 1.3

/** How many agents, on how many nodes, in eight processes beside the lead's. */
interface Size {
  readonly agents: number
  readonly nodes: number
}

interface Grown extends Size, Pick<Measured, 'cpuSecondsPerMillion' | 'perSecond' | 'lost'> {
  readonly id: 'P7'
}

/** CPU for each delivery of 1×N: from 8 to 512 agents on 8 nodes, and from 8 to 64 nodes. */
export async function growth(pace: Pace, progress: Progress): Promise<BenchResult> {
  const onEight = await measureSizes({ processes: 9, crews: [8, 512] }, pace, progress)
  const onMany = await measureSizes(
    { processes: 9, crews: [64], nodesPerProcess: 8 },
    pace,
    progress,
  )
  const rows = [...onEight, ...onMany]
  const [first] = rows
  return {
    rows,
    table: [
      ['', 'deliveries/s', 'CPU s per million', 'of the first', 'goal', ''],
      ['P7 1×N, 200 B: growth of what a delivery costs'],
      ...rows.map((row) => line(row, first)),
    ],
  }
}

async function measureSizes(cast: Cast, pace: Pace, progress: Progress): Promise<readonly Grown[]> {
  await using teams = await openTeams(['ixj'], cast, progress)
  const nodes = (cast.processes - 1) * (cast.nodesPerProcess ?? 1)
  const rows: Grown[] = []
  for (const agents of cast.crews) {
    progress(`1×${agents} on ${nodes} nodes`)
    const [measured] = await measure(teams.all, { pattern: '1×N', agents }, pace)
    if (measured === undefined) continue
    const { cpuSecondsPerMillion, perSecond, lost } = measured
    rows.push({ id: 'P7', agents, nodes, cpuSecondsPerMillion, perSecond, lost })
  }
  return rows
}

function line(row: Grown, first: Grown | undefined): readonly string[] {
  const times =
    first === undefined || row === first
      ? undefined
      : row.cpuSecondsPerMillion / first.cpuSecondsPerMillion
  const lost = row.lost === 0 ? [] : [`${row.lost} lost`]
  const met = times === undefined ? [] : [times <= TIMES_MOST ? 'met' : 'MISSED']
  return [
    `  ${row.agents} agents on ${row.nodes} nodes`,
    row.perSecond.toFixed(0),
    row.cpuSecondsPerMillion.toFixed(1),
    times === undefined ? '' : `${times.toFixed(2)} ×`,
    times === undefined ? '' : `≤ ${TIMES_MOST} ×`,
    [...met, ...lost].join(', '),
  ]
}
