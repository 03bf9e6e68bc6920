import { availableParallelism } from 'node:os'
import { describe, expect, it } from 'vitest'
import { Network } from '../world/network/network.ts'
import { realNetwork } from '../world/network/real-network.ts'
import { lossOf, quantileOf, RemoteFleet } from '../world/remote-fleet.ts'
import type { Load } from '../world/station-process.ts'
import { report } from './report.ts'
import { isFull, ROW_MS_MAX, SEED } from './scale.ts'

const CONDITIONS = { delayMs: 50, jitterMs: 10, loss: 0.05 }
/** 20 nodes are 20 programs on two cores here, each of which checks all that 19 say. */
const SIZES = isFull ? [8, 20] : [3]
const EACH = isFull ? 15 : 4
/** Between two events, and two tasks, of a node. */
const EVERY_MS = isFull ? 4_000 : 1_000
/**
 * The row is about what the network does. Programs that have just started compile what they do for
 * the first time, all on the same cores: it is measured when these have some rest, or after so long,
 * and what came before is counted as well, and its p99 told.
 */
const WARM = isFull ? { ms: 90_000, cpus: 0.75 * availableParallelism() } : { ms: 0, cpus: 0 }
const WARMING_EACH = 3

describe.runIf(realNetwork('F1 over a real network'))('F1: a slow and lossy network', () => {
  it.each(SIZES)(
    'of %i nodes loses no event and no task, and delivers within 1.5 s',
    async (nodes) => {
      await using network = await Network.open(nodes, SEED)
      await using fleet = await RemoteFleet.start(nodes, {
        seed: SEED,
        waitMs: ROW_MS_MAX / 2,
        network,
        // Every pair: what is acknowledged goes to the sender's own node.
        dials: Math.ceil((nodes - 1) / 2),
      })
      await network.set(CONDITIONS)
      const load = { count: EACH, everyMs: EVERY_MS, bytes: 200 }
      const both = (one: Load): readonly Load[] => [
        { ...one, class: 'event' },
        { ...one, class: 'task' },
      ]
      const warming = await fleet.warm(WARM, ...both({ ...load, count: WARMING_EACH }))
      const sent = await fleet.publish(...both(load))
      const reports = await fleet.settled(sent, ROW_MS_MAX / 4)
      const { of, missing } = lossOf(sent, reports)
      const pace = `each says ${EACH} of both, one in ${EVERY_MS / 1_000} s`
      const where = `${nodes} nodes in network namespaces, 50 ± 10 ms and 5 % loss each way, ${pace}`
      const rows = [
        report({
          id: 'F1',
          what: `events and tasks between ${where}`,
          count: of - missing + warming.of - warming.missing,
          of: of + warming.of,
          counted: 'delivered',
          goal: 'all',
        }),
      ]
      // Of a few messages, on a machine that runs other tests, a p99 says nothing.
      if (isFull) {
        const latencies = reports.flatMap((one) => one.latencies)
        const warm = `${Math.round(warming.seconds)} s, p99 ${p99(warming.latencies)} s`
        const p99Row = report({
          id: 'F1',
          what: `p99 of them with ${nodes} nodes, from publish to the reader`,
          figure: quantileOf(latencies, 0.99) / 1_000,
          unit: 's',
          goal: { most: 1.5 },
          note: `the programs new: ${warm}; then they took ${warming.cpus.toFixed(2)} processors`,
        })
        rows.push(p99Row)
      }
      expect([...sent.values()].every((numbers) => numbers.length === 2 * EACH)).toBe(true)
      expect(rows).toEqual(rows.map(() => 'met'))
    },
    ROW_MS_MAX,
  )
})

function p99(latencies: readonly number[]): string {
  return (quantileOf(latencies, 0.99) / 1_000).toFixed(2)
}
