import { encode } from '@ixj/trust'
import { describe, expect, it } from 'vitest'
import type { MadeBundle } from '../world/made-bundle.ts'
import { CREW, openBench } from './bench.ts'
import { report } from './report.ts'
import { ROW_MS_MAX, scaled, SEED } from './scale.ts'

describe('A7: replayed bundles', () => {
  it(
    'are delivered never again: same topic, other topic, other kind, after 120 s, after a restart',
    async () => {
      await using bench = await openBench(SEED)
      const { acme, core, crew, world } = bench
      const inbox = crew.messages({ queueMax: 200_000 })
      const count = Math.ceil(scaled(100_000) / 6)
      const epoch = world.clock.now()
      const made: MadeBundle[] = []
      for (let index = 0; index < count; index++) {
        const bundle = await bench.make({ epoch, first: index + 1, lifespanMs: 600_000 })
        expect(await core.reception.message(CREW, bundle.bytes, 'peer')).toBe('accept')
        made.push(bundle)
      }
      expect(inbox.drain().length).toBe(count)
      let tried = 0
      let node = core
      const again = async (on: typeof CREW, bytes: Uint8Array) => {
        tried += 1
        return await node.reception.message(on, bytes, 'other peer')
      }
      let accepted = 0
      const replayAll = async () => {
        for (const { bytes } of made) if ((await again(CREW, bytes)) === 'accept') accepted += 1
      }
      await replayAll()
      for (const { bytes, bundle } of made) {
        if ((await again(acme.name, bytes)) === 'accept') accepted += 1
        // The signed header as the body of a presence, and as a statement.
        const presence = encode([bundle.headerBytes, bundle.signature])
        if ((await again(CREW, presence)) === 'accept') accepted += 1
        tried += 1
        const statement = encode([bundle.headerBytes, bundle.signature, null])
        const kept = core.statements.add(statement, { owner: 'peer', verifier: world.verifier })
        accepted += await kept.then(
          () => 1,
          () => 0,
        )
      }
      await world.pass(120_000)
      await replayAll()
      const station = await bench.restart()
      node = station.core
      const after = station.crew.messages({ queueMax: 200_000 })
      await replayAll()
      accepted += after.size
      expect(
        report({
          id: 'A7',
          what: 'replays of accepted bundles: same topic, other topic, other kind, after 120 s, after a restart',
          count: accepted + inbox.drain().length,
          of: tried,
          counted: 'delivered again',
          goal: 'none',
        }),
      ).toBe('met')
    },
    ROW_MS_MAX,
  )
})
