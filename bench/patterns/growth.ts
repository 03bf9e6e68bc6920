import { BODY_BYTES } from './body.ts'
import type { Scene } from './cast.ts'
import type { Length } from './length.ts'
import type { Lineup, Progress } from './lineup.ts'
import { measure } from './measure.ts'
import type { GrowthRow, PatternRow } from './rows.ts'

/**
 * P7: CPU for each delivery of 1×N, for every crew of these nodes: from 8 to 512 agents, from 8 to 64
 * nodes.
 */
export async function growth(
  lineup: Lineup,
  length: Length,
  progress: Progress,
): Promise<readonly PatternRow[]> {
  const alone = await lineup.only('ixj')
  const { cast, idleCpus } = alone
  const { processes, nodesPerProcess = 1 } = cast
  const nodes = (processes - 1) * nodesPerProcess
  const scenes = cast.crews.map((agents): Scene => ({
    pattern: '1×N',
    agents,
    bodyBytes: BODY_BYTES,
  }))
  progress(`1×${cast.crews.join(', 1×')} on ${nodes} nodes`)
  const measured = await measure(alone, scenes, { pace: length.growth, progress })
  return measured.map(({ agents, cpuSecondsPerMillion, perSecond, lost }): GrowthRow => ({
    kind: 'growth',
    agents,
    nodes,
    idleCpus,
    cpuSecondsPerMillion,
    perSecond,
    lost,
  }))
}
