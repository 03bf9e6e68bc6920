import { describe, expect, it } from 'vitest'
import { quantileOf, RemoteFleet } from '../world/remote-fleet.ts'
import type { Load, StationReport } from '../world/station-process.ts'
import { report } from './report.ts'
import type { FigureRow } from './row.ts'
import { isFull, ROW_MS_MAX, SEED } from './scale.ts'

const MIB = 1024 * 1024
/** Fills the queue of one that does not read within 3 s, and goes on until it has been cut. */
const LOAD: Load = { count: 250, everyMs: 32, bytes: 60_000 }
/**
 * Pairs of runs without and with the deaf one; `npm test` has no time for a p99. What is compared is
 * one p99 over all runs of a kind: of one run it would be made of five messages.
 */
const PAIRS = 6
/** Processes: the publisher, its readers, and one that reads nothing any more. */
const FLEET = isFull ? 4 : 3

interface Run {
  readonly publisher: StationReport
  readonly latencies: readonly number[]
}

/** One load, with the last reader deaf or not. */
async function run(deaf: boolean): Promise<Run> {
  await using fleet = await RemoteFleet.start(FLEET, { seed: SEED, waitMs: ROW_MS_MAX / 2 })
  const [publisher, ...others] = fleet.stations
  const readers = others.slice(0, -1)
  if (deaf) await others.at(-1)!.call('deafen')
  const { sent } = await publisher!.call('publish', LOAD)
  // On a machine that is busy they are slower than the load, and lose some of it.
  await Promise.all(readers.map((reader) => reader.call('got', 'm0', sent.length, 5_000)))
  const reports = await Promise.all(readers.map((reader) => reader.call('report')))
  expect(Math.min(...reports.map(({ latencies }) => latencies.length))).toBeGreaterThan(0)
  return {
    publisher: await publisher!.call('report'),
    latencies: reports.flatMap(({ latencies }) => latencies),
  }
}

/** How the others fare, by whether one beside them is deaf: the latencies of all runs. */
interface Waits {
  readonly alone: readonly number[]
  readonly beside: readonly number[]
}

/** Pairs of runs; every second pair begins with the deaf one, as a machine is not the same for long. */
async function waits(): Promise<Waits> {
  const [alone, beside]: [number[], number[]] = [[], []]
  for (let pair = 0; pair < PAIRS; pair++) {
    const order = pair % 2 === 0 ? [false, true] : [true, false]
    for (const deaf of order) (deaf ? beside : alone).push(...(await run(deaf)).latencies)
  }
  return { alone, beside }
}

function toldOf({ alone, beside }: Waits): string {
  const parts = [0.5, 0.99, 1].map((part) => {
    const [without, besideIt] = [alone, beside].map((all) => quantileOf(all, part).toFixed(1))
    return `${without} and ${besideIt}`
  })
  return `ms without and with it: p50 ${parts[0]}, p99 ${parts[1]}, most ${parts[2]}`
}

describe('F6: a consumer that never reads', () => {
  it(
    'costs the publisher 4 MiB at most, is cut, and harms nobody else',
    async () => {
      const { publisher } = await run(true)
      const rows: FigureRow[] = [
        {
          id: 'F6',
          what: 'a consumer that never reads: queued for it at most',
          figure: publisher.waitingBytesMax / MIB,
          unit: 'MiB',
          goal: { most: 4 },
        },
        {
          id: 'F6',
          what: 'a consumer that never reads: cut after',
          figure: (publisher.stalledMs ?? Infinity) / 1_000,
          unit: 's with a full queue',
          goal: { most: 5 },
        },
      ]
      if (isFull) {
        const found = await waits()
        rows.push({
          id: 'F6',
          what: 'a consumer that never reads: p99 of the others beside it',
          figure: quantileOf(found.beside, 0.99) / quantileOf(found.alone, 0.99),
          unit: '× the p99 without it',
          goal: { most: 1.1 },
          note: `${found.beside.length} messages over ${PAIRS} runs of each; ${toldOf(found)}`,
        })
      }
      expect(rows.map(report)).toEqual(rows.map(() => 'met'))
    },
    ROW_MS_MAX,
  )
})
