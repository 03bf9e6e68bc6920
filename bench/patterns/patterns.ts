import type { BenchResult } from '../table.ts'
import type { Cast, Pattern } from './cast.ts'
import { measure, type Measured, type Pace } from './measure.ts'
import type { ContenderName } from './process.ts'
import { measuredLines, MEASURED_HEAD, type Goals } from './report.ts'
import { missingFor, Team } from './team.ts'

/** One message to one: two processes. */
const PAIR: Cast = { processes: 2, crews: [1] }
/** The lead, and eight processes with up to eight agents each. */
const TOWN: Cast = { processes: 9, crews: [8, 64] }

/** P1: as fast as a broker that checks nothing, and far faster than one signature a message. */
const P1_GOALS: Goals = { nats: 1, 'nats-signed': 15 }
/** P2, by N. */
const P2_GOALS: Readonly<Record<number, Goals>> = {
  8: { 'https-1': 10, 'https-2': 10 },
  64: { 'https-1': 20, 'https-2': 20 },
}

type Progress = (line: string) => void

/** What is added to the result as it is measured. */
interface Found {
  readonly rows: Measured[]
  readonly table: (readonly string[])[]
}

/** ixj beside NATS and HTTPS, in the four patterns, on this machine and in this run. */
export async function benchPatterns(
  scale: number,
  progress: Progress,
  chosen: readonly string[],
): Promise<BenchResult> {
  const parts: Readonly<
    Record<string, (pace: Pace, found: Found, tell: Progress) => Promise<void>>
  > = { P1: oneToOne, P2: manyPatterns }
  const pace: Pace = scale < 1 ? { runs: 3, secondsOfRun: 0.7 } : { runs: 5, secondsOfRun: 2 }
  const found: Found = { rows: [], table: [MEASURED_HEAD] }
  for (const row of chosen.length === 0 ? Object.keys(parts) : chosen) {
    const part = parts[row]
    if (part === undefined)
      throw new Error(`There is no row ${row}; there are: ${Object.keys(parts).join(', ')}`)
    await part(pace, found, progress)
  }
  return found
}

async function oneToOne(pace: Pace, found: Found, progress: Progress): Promise<void> {
  const contenders = ['ixj', 'nats', 'nats-signed', 'https-1', 'https-2'] as const
  await using teams = await openTeams(contenders, PAIR, progress)
  progress('1×1')
  const measured = await measure(teams.all, { pattern: '1×1', agents: 1 }, pace)
  found.rows.push(...measured)
  found.table.push(...measuredLines('P1', measured, P1_GOALS))
}

async function manyPatterns(pace: Pace, found: Found, progress: Progress): Promise<void> {
  const contenders = ['ixj', 'nats', 'https-1', 'https-2'] as const
  await using teams = await openTeams(contenders, TOWN, progress)
  for (const agents of TOWN.crews) {
    for (const pattern of ['1×N', 'N×1', 'N×N'] as const satisfies readonly Pattern[]) {
      progress(pattern.replaceAll('N', String(agents)))
      const measured = await measure(teams.all, { pattern, agents }, pace)
      found.rows.push(...measured)
      found.table.push(...measuredLines('P2', measured, P2_GOALS[agents] ?? {}))
    }
  }
}

/** Opens those of the contenders that this machine has, and says which it has not. */
async function openTeams(
  contenders: readonly ContenderName[],
  cast: Cast,
  progress: Progress,
): Promise<AsyncDisposable & { readonly all: readonly Team[] }> {
  await using opening = new AsyncDisposableStack()
  const all: Team[] = []
  for (const contender of contenders) {
    const missing = missingFor(contender)
    if (missing === undefined) {
      progress(`${contender}: opening ${cast.processes} processes`)
      all.push(opening.use(await Team.open(contender, cast)))
    } else progress(`${contender}: not run, ${missing}`)
  }
  const opened = opening.move()
  return { all, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}
