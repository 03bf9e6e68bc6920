import type { BenchResult } from '../table.ts'
import { answers } from './answers.ts'
import { BODY_BYTES, BODY_BYTES_MAX } from './body.ts'
import { titleOf, type Cast, type Pattern, type Scene } from './cast.ts'
import { growth } from './growth.ts'
import { QUICK, WHOLE, type Length } from './length.ts'
import { Lineup, notRunRow, type Progress } from './lineup.ts'
import { measure, type Pace } from './measure.ts'
import { measurePaced, type PacedLength } from './paced-runs.ts'
import { proofs, STRANGERS } from './proofs.ts'
import { tablesOf } from './report.ts'
import { CONTENDERS, type PatternRow } from './rows.ts'

const MANY: readonly Pattern[] = ['1×N', 'N×1', 'N×N']
const LARGE_BODIES = [4_000, BODY_BYTES_MAX]

/** A part of the benchmark, which may be run by itself. */
type PartOf = (lineup: Lineup, length: Length, progress: Progress) => Promise<readonly PatternRow[]>

/** Parts whose contenders are the same processes. */
interface Stage {
  readonly cast: Cast
  readonly contenders: typeof CONTENDERS
  readonly parts: Readonly<Record<string, PartOf>>
}

const stages: readonly Stage[] = [
  // One message to one: two processes.
  { cast: { processes: 2, crews: [1] }, contenders: CONTENDERS, parts: { pair, answers } },
  // The lead, and eight processes with up to eight agents each.
  { cast: { processes: 9, crews: [8, 64] }, contenders: CONTENDERS, parts: { town, bodies } },
  // The lead, and eight processes with 64 agents each.
  { cast: { processes: 9, crews: [8, 512] }, contenders: CONTENDERS, parts: { crowd, growth } },
  { cast: STRANGERS, contenders: ['ixj'], parts: { proofs } },
  {
    cast: { processes: 9, crews: [64], nodesPerProcess: 8 },
    contenders: ['ixj'],
    parts: { growth },
  },
]
const PARTS = new Set(stages.flatMap(({ parts }) => Object.keys(parts)))
/** The others open more processes, agents or nodes, or move gigabytes: too long for a quick look. */
const QUICK_PARTS = new Set(['pair', 'town', 'answers'])

/** ixj beside its peers, in all patterns, on this machine and in this run. */
export async function benchPatterns(
  scale: number,
  progress: Progress,
  chosen: readonly string[],
): Promise<BenchResult> {
  const length = scale < 1 ? QUICK : WHOLE
  const unknown = chosen.find((name) => !PARTS.has(name))
  if (unknown !== undefined) {
    throw new Error(`There is no row ${unknown}; there are: ${[...PARTS].join(', ')}`)
  }
  const names = chosen.length > 0 ? new Set(chosen) : length.isWhole ? PARTS : QUICK_PARTS
  const rows: PatternRow[] = []
  const took: [string, string][] = []
  for (const { parts, ...stage } of stages) {
    const here = Object.entries(parts).filter(([name]) => names.has(name))
    if (here.length === 0) continue
    let began = performance.now()
    const timed = (what: string) => {
      took.push([`  ${what}`, ((performance.now() - began) / 1_000).toFixed(0)])
      began = performance.now()
    }
    try {
      await using lineup = await Lineup.open(stage.contenders, stage.cast, progress)
      timed(`opening for ${here.map(([name]) => name).join(', ')}`)
      for (const [name, part] of here) {
        rows.push(...(await part(lineup, length, progress)))
        timed(name)
      }
      rows.push(...lineup.notRun)
    } catch (cause) {
      // What the other parts measured is not lost with it.
      rows.push(...here.map(([name]) => notRunRow('everybody', name, cause)))
      progress(`failed: ${cause instanceof Error ? cause.stack : String(cause)}`)
    }
  }
  return { rows, table: [...tablesOf(rows), [''], ['PARTS', 'seconds'], ...took] }
}

async function pair(
  lineup: Lineup,
  length: Length,
  progress: Progress,
): Promise<readonly PatternRow[]> {
  return await scenesOf(lineup, [{ pattern: '1×1', agents: 1, bodyBytes: BODY_BYTES }], {
    pace: length.pair,
    paced: length.pairPaced,
    progress,
  })
}

async function town(
  lineup: Lineup,
  length: Length,
  progress: Progress,
): Promise<readonly PatternRow[]> {
  const eight = MANY.map((pattern): Scene => ({ pattern, agents: 8, bodyBytes: BODY_BYTES }))
  const many = [...MANY, 'i×j' as const].map((pattern): Scene => ({
    pattern,
    agents: 64,
    bodyBytes: BODY_BYTES,
  }))
  const quick = [...eight, ...many].filter(({ pattern }) => pattern === '1×N')
  return await scenesOf(lineup, length.isWhole ? [...eight, ...many] : quick, {
    pace: length.many,
    progress,
    ...(length.isWhole ? { paced: length.paced } : {}),
  })
}

async function bodies(
  lineup: Lineup,
  length: Length,
  progress: Progress,
): Promise<readonly PatternRow[]> {
  const scenes = LARGE_BODIES.flatMap((bodyBytes) =>
    MANY.map((pattern): Scene => ({ pattern, agents: 8, bodyBytes })),
  )
  return await scenesOf(lineup, scenes, { pace: length.bodies, progress })
}

/** Not 512×512: one message of each is 262,144 deliveries, and unicast takes 20 s for a round. */
async function crowd(
  lineup: Lineup,
  length: Length,
  progress: Progress,
): Promise<readonly PatternRow[]> {
  const scenes = (['1×N', 'N×1'] as const).map((pattern): Scene => ({
    pattern,
    agents: 512,
    bodyBytes: BODY_BYTES,
  }))
  return await scenesOf(lineup, scenes, { pace: length.crowd, progress })
}

interface Measuring {
  readonly pace: Pace
  /** Without it, no latencies at a pace. */
  readonly paced?: PacedLength
  readonly progress: Progress
}

async function scenesOf(
  lineup: Lineup,
  scenes: readonly Scene[],
  { pace, paced, progress }: Measuring,
): Promise<readonly PatternRow[]> {
  lineup.takeSeconds()
  const rows: PatternRow[] = [...(await measure(lineup, scenes, { pace, progress }))]
  tellSeconds(`${scenes.map(titleOf).join(', ')}:`, lineup, progress)
  if (paced === undefined) return rows
  for (const scene of scenes) {
    // A sender of 64×64 would speak every six seconds: nothing to take percentiles of.
    if (scene.pattern === 'N×N' && scene.agents > 8) continue
    progress(`${titleOf(scene)}, paced`)
    rows.push(...(await measurePaced(lineup, scene, paced)))
    tellSeconds(`${titleOf(scene)}, paced`, lineup, progress)
  }
  return rows
}

/** What takes the time of a run. */
function tellSeconds(title: string, lineup: Lineup, progress: Progress): void {
  const taken = [...lineup.takeSeconds()]
  const all = taken.reduce((sum, [, seconds]) => sum + seconds, 0)
  const each = taken.map(([contender, seconds]) => `${contender} ${seconds.toFixed(1)}`)
  progress(`${title} took ${all.toFixed(1)} s: ${each.join(', ')}`)
}
