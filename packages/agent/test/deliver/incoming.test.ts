import { describe, expect, it } from 'vitest'
import { decodeAcknowledgement } from '../../src/deliver/acknowledgement.ts'
import { Incoming } from '../../src/deliver/incoming.ts'
import {
  DELIVER_ACKNOWLEDGE_BYTES,
  DELIVER_ACKNOWLEDGE_LONE_MS,
  DELIVER_ACKNOWLEDGE_MS,
  DELIVER_LONE_MS,
} from '../../src/deliver/limits.ts'
import { ManualClock } from '../../src/manual-clock.ts'
import type { Channel } from '../../src/transport.ts'

/** A stream on which so many bundles come at once, and others when they are brought; all get that code. */
function openStream(
  bundles: number,
  { code = null, bytes = 1 }: { readonly code?: string | null; readonly bytes?: number } = {},
) {
  const clock = new ManualClock()
  const acknowledged: number[] = []
  let came = bundles
  let left = bundles
  const state = { isOpen: true, wake: () => {} }
  const channel: Channel = {
    send: async (frame) => {
      const before = acknowledged.at(-1) ?? 0
      acknowledged.push(decodeAcknowledgement(frame, { before, sent: came }).through)
    },
    frames: async function* () {
      while (state.isOpen) {
        for (; left > 0; left--) yield new Uint8Array(bytes)
        await new Promise<void>((woken) => (state.wake = woken))
      }
    },
    close: async () => {
      state.isOpen = false
      state.wake()
    },
  }
  const stream = new Incoming(channel, {
    now: () => clock.now(),
    later: (ms, run) => clock.at(clock.now() + ms, run),
    take: async () => code,
    patience: () => undefined,
    ended: () => {},
  })
  const settle = () => new Promise<void>((done) => setImmediate(done))
  const bring = async () => {
    came += 1
    left += 1
    state.wake()
    await settle()
  }
  return { clock, stream, acknowledged, settle, bring, [Symbol.dispose]: () => stream.close() }
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
    using open = openStream(20, { bytes: DELIVER_ACKNOWLEDGE_BYTES / 8 })
    await open.settle()
    expect(open.acknowledged).toEqual([8, 16])
    await open.clock.advance(DELIVER_ACKNOWLEDGE_MS)
    expect(open.acknowledged).toEqual([8, 16, 20])
  })

  it('tells later of a lone bundle that passed, and of others that follow with it', async () => {
    using open = openStream(1)
    await open.settle()
    await open.clock.advance(DELIVER_ACKNOWLEDGE_MS)
    expect(open.acknowledged).toEqual([1])
    await open.clock.advance(DELIVER_LONE_MS)
    await open.bring()
    await open.clock.advance(DELIVER_LONE_MS)
    await open.bring()
    expect(open.acknowledged).toEqual([1])
    await open.clock.advance(DELIVER_ACKNOWLEDGE_LONE_MS - DELIVER_LONE_MS)
    expect(open.acknowledged).toEqual([1, 3])
  })

  it('tells soon of a bundle that follows another at once, and of the lone one before it', async () => {
    using open = openStream(1)
    await open.settle()
    await open.clock.advance(DELIVER_LONE_MS)
    await open.bring()
    await open.clock.advance(DELIVER_LONE_MS - 1)
    await open.bring()
    expect(open.acknowledged).toEqual([1])
    await open.clock.advance(DELIVER_ACKNOWLEDGE_MS)
    expect(open.acknowledged).toEqual([1, 3])
  })

  it('tells soon that a lone bundle was refused', async () => {
    using open = openStream(1, { code: 'policy' })
    await open.settle()
    await open.clock.advance(DELIVER_LONE_MS)
    await open.bring()
    await open.clock.advance(DELIVER_ACKNOWLEDGE_MS)
    expect(open.acknowledged).toEqual([1, 2])
  })

  it('tells what it has decided before it is closed', async () => {
    using open = openStream(2)
    await open.settle()
    open.stream.close()
    await open.settle()
    expect(open.acknowledged).toEqual([2])
  })
})
