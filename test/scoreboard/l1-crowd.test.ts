import { describe, expect, it } from 'vitest'
import { Arrivals, LOAD_CREW, LoadTown, paced } from './load-town.ts'
import { report } from './report.ts'
import { isFull, ROW_MS_MAX, scaled } from './scale.ts'

const NODES = 5
const AGENTS = isFull ? 100 : 20
/** Deliveries of each pattern. */
const DELIVERIES = scaled(100_000)
const QUEUE_MAX = 16_384

describe('L1: agents of one group on libp2p', () => {
  it.each([
    ['1×N', 50],
    ['N×N', 50],
  ] as const)(
    '%s loses nothing, and is quick',
    async (pattern, perSecond) => {
      await using town = await LoadTown.open(
        { agents: AGENTS, nodes: NODES },
        { actions: ['publish', 'subscribe'], topics: [LOAD_CREW] },
      )
      const crews = await town.join()
      const messages = Math.ceil(DELIVERIES / (AGENTS - 1))
      const of = messages * (AGENTS - 1)
      const arrivals = new Arrivals(of)
      const queues = crews.map((crew) => crew.messages({ queueMax: QUEUE_MAX }))
      for (const [reader, queue] of queues.entries()) void arrivals.read(`a${reader}`, queue)
      await paced(messages, perSecond, (index, at) => {
        const sender = pattern === '1×N' ? 0 : index % AGENTS
        return crews[sender]!.publish([index, at])
      })
      const lost = await arrivals.lost()
      expect(queues.reduce((sum, queue) => sum + queue.lost, arrivals.duplicated)).toBe(0)
      const what = `${pattern}, ${AGENTS} agents on ${NODES} nodes, ${perSecond} messages/s`
      const rows = [
        report({ id: 'L1', what, count: lost, of, counted: 'lost', goal: 'none' }),
        report({
          id: 'L1',
          what: `${what}: p99`,
          figure: arrivals.p99(),
          unit: 'ms',
          goal: { most: 250 },
          note: 'one process',
        }),
      ]
      // Time is for the full count on a machine that does nothing else.
      expect(isFull ? rows : rows.slice(0, 1)).toEqual(isFull ? ['met', 'met'] : ['met'])
    },
    ROW_MS_MAX,
  )
})
