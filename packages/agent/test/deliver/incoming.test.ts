import { describe, expect, it } from 'vitest'
import { decodeAcknowledgement } from '../../src/deliver/acknowledgement.ts'
import { Incoming } from '../../src/deliver/incoming.ts'
import { DELIVER_ACKNOWLEDGE_BYTES, DELIVER_ACKNOWLEDGE_MS } from '../../src/limits.ts'
import { ManualClock } from '../../src/manual-clock.ts'
import type { Channel } from '../../src/transport.ts'

/** A stream on which so many bundles come at once, all accepted; of one byte if nothing is said. */
function openStream(bundles: number, bytes = 1) {
  const clock = new ManualClock()
  const acknowledged: number[] = []
  const open = Promise.withResolvers<void>()
  const channel: Channel = {
    send: async (frame) => {
      const before = acknowledged.at(-1) ?? 0
      acknowledged.push(decodeAcknowledgement(frame, { before, sent: bundles }).through)
    },
    frames: async function* () {
      for (let each = 0; each < bundles; each++) yield new Uint8Array(bytes)
      await open.promise
    },
    close: async () => open.resolve(),
  }
  const stream = new Incoming(channel, {
    later: (ms, run) => clock.at(clock.now() + ms, run),
    take: async () => null,
    patience: () => undefined,
    ended: () => {},
  })
  const settle = () => new Promise<void>((done) => setImmediate(done))
  return { clock, stream, acknowledged, settle, [Symbol.dispose]: () => stream.close() }
}

describe('Incoming', () => {
  it('acknowledges what it has decided together, a moment later', async () => {
    using open = openStream(3)
    await open.settle()
    expect(open.acknowledged).toEqual([])
    await open.clock.advance(DELIVER_ACKNOWLEDGE_MS)
    expect(open.acknowledged).toEqual([3])
  })

  it('acknowledges at once, and once, when something goes to the neighbour anyway', async () => {
    using open = openStream(3)
    await open.settle()
    open.stream.goesAlong()
    await open.settle()
    expect(open.acknowledged).toEqual([3])
    open.stream.goesAlong()
    await open.clock.advance(DELIVER_ACKNOWLEDGE_MS)
    expect(open.acknowledged).toEqual([3])
  })

  it('acknowledges much at once: a busy receiver comes to its timers late', async () => {
    using open = openStream(20, DELIVER_ACKNOWLEDGE_BYTES / 8)
    await open.settle()
    expect(open.acknowledged).toEqual([8, 16])
    await open.clock.advance(DELIVER_ACKNOWLEDGE_MS)
    expect(open.acknowledged).toEqual([8, 16, 20])
  })
})
