import { describe, expect, it } from 'vitest'
import { flood, gossipByHand } from '../../packages/node/test/hostile-station.ts'
import { Fleet } from '../world/fleet.ts'
import { missingOf } from '../world/remote-fleet.ts'
import { RemoteStation } from '../world/remote-station.ts'
import { report } from './report.ts'
import type { FigureRow } from './row.ts'
import { isFull, ROW_MS_MAX, SEED } from './scale.ts'

const CREW = '/ixj/1/crew.acme.example'
const MIB = 1024 * 1024
/** Attacks of each kind, each by a member of the crew with a peer id of its own. */
const ATTACKS = isFull ? 20 : 1
const PER_SECOND = 5_000
/** What a score comes to an end with, and what was on its way by then. */
const TAKEN_MAX = PER_SECOND

/** What a member sends that has gone bad, an RPC at a time. */
const kinds = {
  messages: {
    perSecond: PER_SECOND,
    make: (index: number) => ({
      messages: [
        { topic: CREW, data: Uint8Array.of(0xc1, ...new Uint8Array(196), index >> 8, index) },
      ],
    }),
  },
  subscriptions: {
    perSecond: PER_SECOND / 50,
    make: (index: number) => ({
      subscriptions: Array.from({ length: 100 }, (_, one) => ({
        topic: `/ixj/1/t${index}-${one}.acme.example`,
        subscribe: true,
      })),
    }),
  },
} as const

describe('A12: bad messages and subscriptions in floods', () => {
  it(
    'end their sender’s connection within a second, for 16 MiB at most',
    async () => {
      const start = { seed: SEED, now: Date.now() }
      await using victim = await RemoteStation.start({ ...start, index: 0 })
      const fleet = new Fleet(start)
      await using honest = await fleet.open(1)
      honest.mesh.keepDialing(await victim.call('address'))
      await honest.sees(2, AbortSignal.timeout(ROW_MS_MAX / 2))
      const before = await victim.call('memory')
      let slowest = 0
      for (let attack = 0; attack < 2 * ATTACKS; attack++) {
        const { perSecond, make } = attack % 2 === 0 ? kinds.messages : kinds.subscriptions
        await using hostile = await fleet.open(2 + attack)
        const { streams } = gossipByHand(hostile.mesh)
        const peer = await hostile.mesh.dial(await victim.call('address'))
        await hostile.sees(2, AbortSignal.timeout(ROW_MS_MAX / 2))
        slowest = Math.max(
          slowest,
          await flood(streams.get(peer)!, make, { perSecond, ms: 10_000 }),
        )
      }
      const { most } = await victim.call('memory')
      const { mesh, decisions } = await victim.call('report')
      expect([mesh['graylisted'], mesh['flooded']]).toEqual([ATTACKS, ATTACKS])
      // The honest one is heard as before.
      const sent: number[] = []
      for (let number = 0; number < 20; number++) {
        await honest.crew.publish([number, 0, new Uint8Array()])
        sent.push(number)
      }
      await victim.call('got', 'm1', sent.length, 10_000)
      expect(missingOf(await victim.call('report'), 'm1', sent)).toBe(0)
      const what = `${ATTACKS} floods of ${PER_SECOND} bad messages a second, as many of subscriptions`
      const rows: Omit<FigureRow, 'id'>[] = [
        {
          what: `${what}: bad messages taken in before the cut, for each`,
          figure: (decisions['encoding'] ?? 0) / ATTACKS,
          unit: 'messages',
          goal: { most: TAKEN_MAX },
        },
        {
          what: 'these floods: more memory in use meanwhile',
          figure: (most - before.now) / MIB,
          unit: 'MiB',
          goal: { most: 16 },
          note: 'heap and buffers that are still referred to, looked at every 500 ms',
        },
      ]
      // Beside other tests a second of the clock says nothing.
      if (isFull) {
        rows.push({
          what: `${what}: cut off after`,
          figure: slowest / 1_000,
          unit: 's',
          goal: { most: 1 },
        })
      }
      expect(rows.map((row) => report({ id: 'A12', ...row }))).toEqual(rows.map(() => 'met'))
    },
    ROW_MS_MAX,
  )
})
