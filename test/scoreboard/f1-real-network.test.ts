import { describe, expect, it } from 'vitest'
import { Network } from '../world/network/network.ts'
import { realNetwork } from '../world/network/real-network.ts'
import { lossOf, quantileOf, RemoteFleet } from '../world/remote-fleet.ts'
import { report } from './report.ts'
import { isFull, ROW_MS_MAX, SEED } from './scale.ts'

const CONDITIONS = { delayMs: 50, jitterMs: 10, loss: 0.05 }
const NODES = isFull ? 20 : 3
const EACH = isFull ? 30 : 4

describe.runIf(realNetwork('F1 over a real network'))('F1: a slow and lossy network', () => {
  it(
    'loses no event and no task, and delivers within 1.5 s',
    async () => {
      await using network = await Network.open(NODES, SEED)
      await using fleet = await RemoteFleet.start(NODES, {
        seed: SEED,
        waitMs: ROW_MS_MAX / 2,
        network,
        // Every pair: what is acknowledged goes to the sender's own node.
        dials: Math.ceil((NODES - 1) / 2),
      })
      await network.set(CONDITIONS)
      const load = { count: EACH, everyMs: 1_000, bytes: 200 }
      const sent = await fleet.publish({ ...load, class: 'event' }, { ...load, class: 'task' })
      const reports = await fleet.settled(sent, ROW_MS_MAX / 4)
      const { of, missing } = lossOf(sent, reports)
      const where = `${NODES} nodes in network namespaces, 50 ± 10 ms and 5 % loss each way`
      const rows = [
        report({
          id: 'F1',
          what: `events and tasks between ${where}`,
          count: of - missing,
          of,
          counted: 'delivered',
          goal: 'all',
        }),
      ]
      // Of a few messages, on a machine that runs other tests, a p99 says nothing.
      if (isFull) {
        const latencies = reports.flatMap((one) => one.latencies)
        rows.push(
          report({
            id: 'F1',
            what: 'p99 of them, from publish to the reader',
            figure: quantileOf(latencies, 0.99) / 1_000,
            unit: 's',
            goal: { most: 1.5 },
          }),
        )
      }
      expect([...sent.values()].every((numbers) => numbers.length === 2 * EACH)).toBe(true)
      expect(rows).toEqual(rows.map(() => 'met'))
    },
    ROW_MS_MAX,
  )
})
