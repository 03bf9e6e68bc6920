import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { Network } from '../world/network/network.ts'
import { realNetwork } from '../world/network/real-network.ts'
import { lossOf, RemoteFleet } from '../world/remote-fleet.ts'
import { report } from './report.ts'
import { isFull, ROW_MS_MAX, SEED } from './scale.ts'

const NODES = isFull ? 10 : 4
/** Parted in two halves for so many seconds: the shortest ends every connection between them. */
const PARTED_SECONDS = isFull ? [10, 90, 300] : [10]
/** The goal for what was sent meanwhile, and for the state, after the network is whole again. */
const HEALED_MS = 10_000
/** What each sends while the network is parted. */
const EACH = 10

describe.runIf(realNetwork('F2 over a real network'))('F2: a network that falls in two', () => {
  it.each(PARTED_SECONDS)(
    'for %i s and is whole again: everything has come, and all see one state, within 10 s',
    async (seconds) => {
      await using network = await Network.open(NODES, SEED)
      await using fleet = await RemoteFleet.start(NODES, {
        seed: SEED,
        waitMs: ROW_MS_MAX / 4,
        network,
        // Every pair: what is acknowledged goes to the sender's own node.
        dials: Math.ceil((NODES - 1) / 2),
      })
      const half = [...fleet.stations.keys()].filter((index) => index % 2 === 0)
      await network.part(half)
      const parted = sleep(1_000 * seconds)
      // Into the partition, once the halves have noticed.
      await sleep(Math.min(9_000, 900 * seconds))
      await Promise.all(fleet.stations.map((station, index) => station.call('set', index)))
      const load = { count: EACH, everyMs: 50, bytes: 200 }
      const sent = await fleet.publish({ ...load, class: 'event' }, { ...load, class: 'task' })
      await parted
      await network.heal(half)
      const healed = performance.now()
      const [reports, agreedMs] = await Promise.all([
        fleet.settled(sent, 6 * HEALED_MS),
        fleet.agreed(6 * HEALED_MS),
      ])
      const settledMs = performance.now() - healed
      const { of, missing } = lossOf(sent, reports)
      const what = `${NODES} nodes parted by firewalls for ${seconds} s`
      const rows = [
        report({
          id: 'F2',
          what: `events and tasks of ${what}`,
          count: of - missing,
          of,
          counted: 'delivered',
          goal: 'all',
        }),
        report({
          id: 'F2',
          what: `${what}: all delivered, and one state at all, after`,
          figure: Math.max(settledMs, agreedMs) / 1_000,
          unit: 's',
          goal: { most: HEALED_MS / 1_000 },
        }),
      ]
      // Every station has handed over what it said: the row is not about less.
      expect([...sent.values()].every((numbers) => numbers.length === 2 * EACH)).toBe(true)
      expect(rows).toEqual(['met', 'met'])
    },
    ROW_MS_MAX,
  )
})
