import { parseName } from '@ixj/names'
import { describe, expect, it } from 'vitest'
import { ClockOffsets } from '../../src/pipeline/clock-offset.ts'
import { Echoes } from '../../src/presence/echoes.ts'

const OWN = parseName('n1.acme.example')
const NODE = parseName('n2.acme.example')
const NOW = 1_000_000
const ofNode = { key: 'k', node: NODE }
const ofStranger = { key: 'k', node: undefined }

describe('an offset', () => {
  it('of one’s own node is 0', () => {
    const offsets = new ClockOffsets(OWN)
    expect(offsets.range({ key: 'k', node: OWN }, NOW)).toEqual({ low: 0, high: 0 })
  })

  it('is within 60 s while nothing is known', () => {
    expect(new ClockOffsets(OWN).range(ofNode, NOW)).toEqual({ low: -60_000, high: 60_000 })
  })

  it('is at most what the quickest arrival says, and as little as may be', () => {
    const offsets = new ClockOffsets(OWN)
    offsets.learn(ofStranger, NOW - 70, NOW)
    offsets.learn(ofStranger, NOW - 40, NOW)
    offsets.learn(ofStranger, NOW - 90, NOW)
    expect(offsets.range(ofStranger, NOW)).toEqual({ low: -60_000, high: 40 })
  })

  it('lies between the two ends of a round trip', () => {
    const offsets = new ClockOffsets(OWN)
    // Its clock is 500 ms behind ours, and it signed 10 ms after we asked, 20 ms before it came.
    offsets.measure(NODE, { from: NOW - 30, to: NOW, signedAt: NOW - 20 - 500 })
    expect(offsets.range(ofNode, NOW)).toEqual({ low: 490, high: 520 })
    expect(offsets.range(ofStranger, NOW)).toEqual({ low: -60_000, high: 60_000 })
  })

  it('widens as clocks drift, and is forgotten after a minute', () => {
    const offsets = new ClockOffsets(OWN)
    offsets.measure(NODE, { from: NOW - 30, to: NOW, signedAt: NOW })
    expect(offsets.range(ofNode, NOW + 10_000)).toEqual({ low: -32, high: 2 })
    expect(offsets.range(ofNode, NOW + 60_001)).toEqual({ low: -60_000, high: 60_000 })
  })

  it('is by the newest round trip, however narrow an older one was', () => {
    const offsets = new ClockOffsets(OWN)
    offsets.measure(NODE, { from: NOW, to: NOW, signedAt: NOW })
    offsets.measure(NODE, { from: NOW - 100, to: NOW, signedAt: NOW - 5_000 })
    expect(offsets.range(ofNode, NOW)).toEqual({ low: 4_900, high: 5_000 })
  })

  it('is never beyond 60 s, whatever a node says', () => {
    const offsets = new ClockOffsets(OWN)
    offsets.measure(NODE, { from: NOW, to: NOW, signedAt: 0 })
    expect(offsets.range(ofNode, NOW)).toEqual({ low: 60_000, high: 60_000 })
  })

  it('is not learned from a round trip that ends before it began', () => {
    const offsets = new ClockOffsets(OWN)
    offsets.measure(NODE, { from: NOW + 1, to: NOW, signedAt: NOW })
    expect(offsets.range(ofNode, NOW)).toEqual({ low: -60_000, high: 60_000 })
  })

  it('of a message is no larger than its own arrival allows', () => {
    const offsets = new ClockOffsets(OWN)
    offsets.measure(NODE, { from: NOW - 10, to: NOW, signedAt: NOW })
    expect(offsets.rangeAt(ofNode, NOW + 5_000, NOW)).toEqual({ low: -5_000, high: -5_000 })
  })
})

const announcement = (nonce: number, time: number, echoed: readonly [number, number][] = []) =>
  ({
    signed: { signerKey: new Uint8Array([nonce]), nonce: new Uint8Array([nonce]), time },
    echoes: echoed.map(([of, heldMs]) => ({ nonce: new Uint8Array([of]), heldMs })),
  }) as unknown as Parameters<Echoes['heard']>[0]

describe('an echo', () => {
  it('tells between which moments of ours another signed its time', () => {
    const echoes = new Echoes()
    echoes.told(new Uint8Array([1]), NOW)
    const trip = echoes.heard(announcement(2, NOW + 9_000, [[1, 300]]), NOW + 350)
    expect(trip).toEqual({ from: NOW + 300, to: NOW + 350, signedAt: NOW + 9_000 })
  })

  it('of what we never said tells nothing', () => {
    const echoes = new Echoes()
    echoes.told(new Uint8Array([1]), NOW)
    expect(echoes.heard(announcement(2, NOW, [[3, 300]]), NOW + 350)).toBeUndefined()
  })

  it('is said once of each node’s newest announcement, while it is worth it', () => {
    const echoes = new Echoes()
    echoes.heard(announcement(2, 0), NOW)
    echoes.heard(announcement(3, 0), NOW - 40_000)
    expect(echoes.take(NOW + 50)).toEqual([{ nonce: new Uint8Array([2]), heldMs: 50 }])
    expect(echoes.take(NOW + 60)).toEqual([])
  })

  it('is said of 64 nodes at once, and of the others the next time', () => {
    const echoes = new Echoes()
    for (let node = 0; node < 100; node++) echoes.heard(announcement(node, 0), NOW)
    expect(echoes.take(NOW)).toHaveLength(64)
    expect(echoes.take(NOW)).toHaveLength(36)
  })
})
