import { describe, expect, it } from 'vitest'
import { quantileOf, RemoteFleet } from '../world/remote-fleet.ts'
import type { Load, StationReport } from '../world/station-process.ts'
import { report } from './report.ts'
import type { FigureRow } from './row.ts'
import { isFull, ROW_MS_MAX, SEED } from './scale.ts'

const MIB = 1024 * 1024
/** Fills the queue of one that does not read within 3 s, and goes on until it has been cut. */
const LOAD: Load = { count: 250, everyMs: 32, bytes: 60_000 }
/** Pairs of runs without and with the deaf one; `npm test` has no time for a p99. */
const PAIRS = 5
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

/** How much longer the others wait beside a deaf one: the median of pairs. */
async function slowdown(): Promise<number> {
  const ratios: number[] = []
  for (let pair = 0; pair < PAIRS; pair++) {
    const [alone, beside] = [await run(false), await run(true)]
    ratios.push(quantileOf(beside.latencies, 0.99) / quantileOf(alone.latencies, 0.99))
  }
  return quantileOf(ratios, 0.5)
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
        rows.push({
          id: 'F6',
          what: 'a consumer that never reads: p99 of the others beside it',
          figure: await slowdown(),
          unit: '× the p99 without it',
          goal: { most: 1.1 },
          note: `median of ${PAIRS} pairs of runs; each node in a process of its own`,
        })
      }
      expect(rows.map(report)).toEqual(rows.map(() => 'met'))
    },
    ROW_MS_MAX,
  )
})
