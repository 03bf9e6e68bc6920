import { describe, expect, it } from 'vitest'
import { OUTBOUND_BYTES_MAX } from '../../packages/agent/src/transport.ts'
import { missingOf, RemoteFleet } from '../world/remote-fleet.ts'
import { report } from './report.ts'
import { ROW_MS_MAX, scaled, SEED } from './scale.ts'

/** Six times what may wait for a neighbour. */
const BURST = { count: Math.ceil((6 * OUTBOUND_BYTES_MAX) / 60_000), everyMs: 0, bytes: 60_000 }
const LATER = { count: 100, everyMs: 1, bytes: 200 }

describe('F11: a burst past the buffer limit on a healthy link', () => {
  it(
    'ends no connection and loses nothing after it',
    async () => {
      const bursts = scaled(20)
      await using fleet = await RemoteFleet.start(2, { seed: SEED, waitMs: ROW_MS_MAX / 2 })
      const [publisher, reader] = fleet.stations
      let [lost, unheard, of, refused, full] = [0, 0, 0, 0, 0]
      for (let burst = 0; burst < bursts; burst++) {
        const first = await publisher!.call('publish', BURST)
        // After the burst is when it has been read: until then the buffer may still be full.
        await reader!.call('got', 'm0', first.sent.length, ROW_MS_MAX / 4)
        const later = await publisher!.call('publish', LATER)
        const sent = [...first.sent, ...later.sent]
        await reader!.call('got', 'm0', sent.length, ROW_MS_MAX / 4)
        const heard = await reader!.call('report')
        const { mesh } = await publisher!.call('report')
        const missing = missingOf(heard, 'm0', sent)
        lost += missing + later.failed.length
        unheard += missing
        of += sent.length + later.failed.length
        refused += first.failed.length
        full += (mesh['backpressure'] ?? 0) + (mesh['crowded'] ?? 0)
        expect([mesh['stalled'], mesh['gossipEnded']]).toEqual([0, 0])
      }
      // Else no burst came near the limit. Its sender waits there, and loses nothing to repair.
      expect(full).toBeGreaterThan(0)
      expect(
        report({
          id: 'F11',
          what: `messages in and after ${bursts} bursts of 24 MiB on one connection`,
          count: lost,
          of,
          counted: 'lost',
          goal: 'none',
          note: `${unheard} of them unheard of; ${refused} of the bursts were refused to their sender`,
        }),
      ).toBe('met')
    },
    ROW_MS_MAX,
  )
})
