import { describe, expect, it } from 'vitest'
import { name } from '../world/world.ts'
import { Arrivals, LoadTown, paced, WARM_UP } from './load-town.ts'
import { report } from './report.ts'
import { isFull, ROW_MS_MAX, scaled } from './scale.ts'

const READER = name('a0.acme.example')
const SENDERS = 50
const NODES = 5
const PER_SECOND = 500
const MESSAGES = Math.max(PER_SECOND, scaled(10_000))
/** What an application's reader has room for by default. */
const QUEUE_MAX = 256

describe('L3: many to one on libp2p', () => {
  it(
    '50 send to one inbox 500 messages a second: none is lost, they are quick, its queue is bounded',
    async () => {
      await using town = await LoadTown.open(
        { agents: SENDERS + 1, nodes: NODES },
        { actions: ['publish'], topics: [READER] },
      )
      const [reader, ...senders] = town.agents
      const arrivals = new Arrivals(MESSAGES)
      const queue = reader!.messages({ queueMax: QUEUE_MAX })
      void arrivals.read('a0', queue)
      // Every sender has a route, and its proof is known: starting is no part of the load.
      await Promise.all(senders.map((sender) => sender.send(READER, WARM_UP)))
      await paced(MESSAGES, PER_SECOND, (index, at) =>
        senders[index % SENDERS]!.send(READER, [index, at]),
      )
      const lost = (await arrivals.lost()) + queue.lost
      expect(arrivals.duplicated).toBe(0)
      const what = `${SENDERS} → 1 at ${PER_SECOND} messages/s`
      const rows = [
        report({
          id: 'L3',
          what: `${what}, a queue of ${QUEUE_MAX}`,
          count: lost,
          of: MESSAGES,
          counted: 'lost',
          goal: 'none',
        }),
        report({
          id: 'L3',
          what: `${what}: p99`,
          figure: arrivals.p99(),
          unit: 'ms',
          goal: { most: 100 },
          note: 'one process',
        }),
      ]
      // Time is for the full count on a machine that does nothing else.
      expect(isFull ? rows : rows.slice(0, 1)).toEqual(isFull ? ['met', 'met'] : ['met'])
    },
    ROW_MS_MAX,
  )
})
