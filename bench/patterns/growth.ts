import { BODY_BYTES } from './body.ts'
import type { Cast } from './cast.ts'
import { Lineup, type Progress } from './lineup.ts'
import { measure, type Pace } from './measure.ts'
import type { GrowthRow, PatternRow } from './rows.ts'

/** P7: CPU for each delivery of 1×N, from 8 to 512 agents on 8 nodes, and from 8 to 64 nodes. */
export async function growth(pace: Pace, progress: Progress): Promise<readonly PatternRow[]> {
  return [
    ...(await measureSizes({ processes: 9, crews: [8, 512] }, pace, progress)),
    ...(await measureSizes({ processes: 9, crews: [64], nodesPerProcess: 8 }, pace, progress)),
  ]
}

async function measureSizes(
  cast: Cast,
  pace: Pace,
  progress: Progress,
): Promise<readonly PatternRow[]> {
  await using lineup = await Lineup.open(['ixj'], cast, progress)
  const nodes = (cast.processes - 1) * (cast.nodesPerProcess ?? 1)
  const rows: GrowthRow[] = []
  for (const agents of cast.crews) {
    progress(`1×${agents} on ${nodes} nodes`)
    const scene = { pattern: '1×N', agents, bodyBytes: BODY_BYTES } as const
    for (const measured of await measure(lineup, scene, pace)) {
      const { cpuSecondsPerMillion, perSecond, lost } = measured
      const { idleCpus } = lineup
      rows.push({ kind: 'growth', agents, nodes, idleCpus, cpuSecondsPerMillion, perSecond, lost })
    }
  }
  return [...rows, ...lineup.notRun.map((row) => ({ ...row, at: `${nodes} nodes, ${row.at}` }))]
}
