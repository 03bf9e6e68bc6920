import type { Batch } from '@ixj/agent'
import { describe, expect, it } from 'vitest'
import { combinedTopic } from '../../packages/agent/src/combine/combined-topic.ts'
import { toInbox, Town } from '../../packages/agent/test/town.ts'
import { name } from '../world/world.ts'
import { report } from './report.ts'
import { isFull, ROW_MS_MAX } from './scale.ts'

const RESULTS = name('results.ledger.acme.example')
// Each is born with a key and statements of its own: that is what takes the time here.
const SENDERS = isFull ? 1_000 : 100
const COMBINERS = 3
const SENDING_NODES = 6
const WINDOW_MS = 500
const ROUNDS = 4

describe('N×1 at scale', () => {
  it(
    'costs the receiver one message for each combiner and window, and all senders count',
    async () => {
      await using town = await Town.open(1 + COMBINERS + SENDING_NODES)
      const ledger = await town.agent('ledger', 1)
      for (let index = 0; index < COMBINERS; index++) {
        const node = `n${index + 2}.acme.example`
        const agent = await town.agent(`c${index}`, index + 2, {
          grants: [
            { actions: ['host'], topics: [RESULTS], mayDelegate: [node] },
            { actions: ['publish'], topics: [combinedTopic(RESULTS)] },
          ],
        })
        await agent.combine(RESULTS, { reducer: 'sum', windowMs: WINDOW_MS })
      }
      const senders = await Promise.all(
        Array.from({ length: SENDERS }, (_, index) => {
          const node = 2 + COMBINERS + (index % SENDING_NODES)
          return town.agent(`s${index}`, node, { grants: [toInbox(RESULTS)] })
        }),
      )
      // Opened after a while, so that every sending node has heard of the combiners before.
      for (const sender of senders) void sender.send(RESULTS, 1)
      await town.world.pass(1_000)
      const gather = await ledger.gather(RESULTS, {
        quorum: SENDERS,
        windowMs: 60_000,
        combine: { reducer: 'sum' },
      })
      const batches: Batch[] = []
      void (async () => {
        for await (const batch of gather) batches.push(batch)
      })()
      const decisions = town.nodes[0]!.host.decisions()
      const start = town.world.clock.now()
      for (let round = 1; round < ROUNDS; round++) {
        for (const sender of senders) void sender.send(RESULTS, 1)
        await town.world.pass(WINDOW_MS)
      }
      await town.world.pass(WINDOW_MS * 2)
      const windows = (town.world.clock.now() - start) / WINDOW_MS + 3
      await town.world.until(gather[Symbol.asyncDispose]())
      const parts = batches.flatMap((batch) => batch.parts)
      expect(batches.flatMap(({ messages }) => messages)).toEqual([])
      expect(batches.reduce((sum, { value }) => sum + Number(value), 0)).toBe(SENDERS * ROUNDS)
      expect(batches[0]).toMatchObject({ senders: SENDERS, complete: true })
      const bundles = decisions.drain().filter(({ about }) => about === 'bundle')
      expect(bundles.length).toBeLessThanOrEqual(parts.length)
      expect(bundles.every(({ code }) => code === null)).toBe(true)
      expect(
        report({
          id: 'N×1',
          what: `messages at one receiver of ${SENDERS * ROUNDS} by ${SENDERS} senders, ${COMBINERS} combiners, ${windows} windows`,
          figure: parts.length,
          unit: 'messages',
          // A summary that is full goes before its window ends: 48 KiB are some 400 contributions.
          goal: { most: COMBINERS * windows + Math.ceil((SENDERS * ROUNDS) / 350) },
        }),
      ).toBe('met')
    },
    ROW_MS_MAX,
  )
})
