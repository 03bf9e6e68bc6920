import type { BenchResult } from '../table.ts'
import { answers } from './answers.ts'
import { BODY_BYTES, BODY_BYTES_MAX } from './body.ts'
import { titleOf, type Cast, type Pattern, type Scene } from './cast.ts'
import { growth } from './growth.ts'
import { Lineup, notRunRow, type Progress } from './lineup.ts'
import { measure, type Pace } from './measure.ts'
import { measurePaced, type PacedLength } from './paced-runs.ts'
import { proofs } from './proofs.ts'
import { tablesOf } from './report.ts'
import { CONTENDERS, type PatternRow } from './rows.ts'

/** One message to one: two processes. */
const PAIR: Cast = { processes: 2, crews: [1] }
/** The lead, and eight processes with up to eight agents each. */
const TOWN: Cast = { processes: 9, crews: [8, 64] }
/** The lead, and eight processes with 64 agents each. */
const CITY: Cast = { processes: 9, crews: [512] }

const MANY: readonly Pattern[] = ['1×N', 'N×1', 'N×N']
const LARGE_BODIES = [4_000, BODY_BYTES_MAX]

/** Paces of the parts, whole and quick, for all contenders alike. */
interface Length {
  readonly pair: Pace
  readonly many: Pace
  /** Where few of the goals are: large bodies, and 512 agents. */
  readonly others: Pace
  readonly growth: Pace
  readonly paced: PacedLength
  /** A hundred a second only, so each round is longer. */
  readonly pairPaced: PacedLength
}

/** What scenes after the first warm up, beside it: much of their code is compiled. */
const LATER_WARM_UP_PART = 0.4

/** Together with the other benches within half an hour on 2 cores. */
const WHOLE: Length = {
  pair: { runs: 5, secondsOfRun: 0.8, warmUpSeconds: 2 },
  many: { runs: 5, secondsOfRun: 0.5, warmUpSeconds: 2.5 },
  others: { runs: 3, secondsOfRun: 0.4, warmUpSeconds: 2 },
  growth: { runs: 3, secondsOfRun: 1.5, warmUpSeconds: 3 },
  paced: { warmUpSeconds: 0.5, rounds: 5, secondsOfRound: 0.4 },
  pairPaced: { warmUpSeconds: 0.5, rounds: 5, secondsOfRound: 0.6 },
}
const QUICK: Length = {
  pair: { runs: 2, secondsOfRun: 0.3 },
  many: { runs: 2, secondsOfRun: 0.2 },
  others: { runs: 2, secondsOfRun: 0.2 },
  growth: { runs: 2, secondsOfRun: 0.5 },
  paced: { warmUpSeconds: 0.3, rounds: 2, secondsOfRound: 0.3 },
  pairPaced: { warmUpSeconds: 0.3, rounds: 2, secondsOfRound: 0.3 },
}

/** A part of the benchmark, which may be run by itself. */
type PartOf = (length: Length, progress: Progress) => Promise<readonly PatternRow[]>

const parts: Readonly<Record<string, PartOf>> = {
  pair: oneToOne,
  town,
  bodies,
  crowd,
  answers: (length, progress) => answers(length.pair, progress),
  proofs: (length, progress) => proofs(length.many, progress),
  growth: (length, progress) => growth(length.growth, progress),
}
/** The others open more processes, agents or nodes, or move gigabytes: too long for a quick look. */
const QUICK_PARTS = ['pair', 'town', 'answers']

/** ixj beside its peers, in all patterns, on this machine and in this run. */
export async function benchPatterns(
  scale: number,
  progress: Progress,
  chosen: readonly string[],
): Promise<BenchResult> {
  const isQuick = scale < 1
  const names = chosen.length > 0 ? chosen : isQuick ? QUICK_PARTS : Object.keys(parts)
  const unknown = names.find((name) => parts[name] === undefined)
  if (unknown !== undefined) {
    throw new Error(`There is no row ${unknown}; there are: ${Object.keys(parts).join(', ')}`)
  }
  const rows: PatternRow[] = []
  const took: [string, string][] = []
  for (const name of names) {
    const began = performance.now()
    try {
      rows.push(...((await parts[name]?.(isQuick ? QUICK : WHOLE, progress)) ?? []))
    } catch (cause) {
      // What the other parts measured is not lost with it.
      rows.push(notRunRow('everybody', name, cause))
      progress(`${name}: failed: ${cause instanceof Error ? cause.stack : String(cause)}`)
    }
    took.push([`  ${name}`, ((performance.now() - began) / 1_000).toFixed(0)])
  }
  return { rows, table: [...tablesOf(rows), [''], ['PARTS', 'seconds'], ...took] }
}

async function oneToOne(length: Length, progress: Progress): Promise<readonly PatternRow[]> {
  await using lineup = await Lineup.open(CONTENDERS, PAIR, progress)
  return await scenesOf(lineup, [{ pattern: '1×1', agents: 1, bodyBytes: BODY_BYTES }], {
    pace: length.pair,
    paced: length.pairPaced,
    progress,
  })
}

async function town(length: Length, progress: Progress): Promise<readonly PatternRow[]> {
  await using lineup = await Lineup.open(CONTENDERS, TOWN, progress)
  const eight = MANY.map((pattern): Scene => ({ pattern, agents: 8, bodyBytes: BODY_BYTES }))
  const many = [...MANY, 'i×j' as const].map((pattern): Scene => ({
    pattern,
    agents: 64,
    bodyBytes: BODY_BYTES,
  }))
  const quick = [...eight, ...many].filter(({ pattern }) => pattern === '1×N')
  const scenes = length === WHOLE ? [...eight, ...many] : quick
  return await scenesOf(lineup, scenes, {
    pace: length.many,
    progress,
    ...(length === WHOLE ? { paced: length.paced } : {}),
  })
}

async function bodies(length: Length, progress: Progress): Promise<readonly PatternRow[]> {
  await using lineup = await Lineup.open(CONTENDERS, { processes: 9, crews: [8] }, progress)
  const scenes = LARGE_BODIES.flatMap((bodyBytes) =>
    MANY.map((pattern): Scene => ({ pattern, agents: 8, bodyBytes })),
  )
  return await scenesOf(lineup, scenes, { pace: length.others, progress })
}

/** Not 512×512: one message of each is 262,144 deliveries, and unicast takes 20 s for a round. */
async function crowd(length: Length, progress: Progress): Promise<readonly PatternRow[]> {
  await using lineup = await Lineup.open(CONTENDERS, CITY, progress)
  const scenes = (['1×N', 'N×1'] as const).map((pattern): Scene => ({
    pattern,
    agents: 512,
    bodyBytes: BODY_BYTES,
  }))
  return await scenesOf(lineup, scenes, { pace: length.others, progress })
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
  const rows: PatternRow[] = []
  for (const [place, scene] of scenes.entries()) {
    progress(titleOf(scene))
    // Processes that have just been opened have run nothing yet.
    const part = place === 0 ? 1 : LATER_WARM_UP_PART
    const warmUpSeconds = (pace.warmUpSeconds ?? 0) * part
    rows.push(...(await measure(lineup, scene, { ...pace, warmUpSeconds })))
    // A sender of 64×64 would speak every six seconds: nothing to take percentiles of.
    const isPaced = !(scene.pattern === 'N×N' && scene.agents > 8)
    if (paced !== undefined && isPaced) rows.push(...(await measurePaced(lineup, scene, paced)))
  }
  return [...rows, ...lineup.notRun]
}
