import { describe, expect, it } from 'vitest'
import { flood } from '../../bench/scale/model/flood.ts'
import { EventHeap } from '../../bench/scale/model/event-heap.ts'
import { breaks, hopsLine, sizing } from '../../bench/scale/model/sizing.ts'
import { smallWorld } from '../../bench/scale/small-world.ts'
import { seededRandom } from '../world/random.ts'

const SEED = 0x1235
/** A line of five nodes. */
const LINE = Int32Array.from([0, 1, 1, 2, 2, 3, 3, 4])
const FREE = { hopMs: 10, checkMs: 0, copyMs: 0 }

const COSTS = {
  nodeMs: 1,
  agentMs: 0.01,
  idleMs: 0.1,
  presenceMs: 0.5,
  statusMs: 0.25,
  memberBytes: 1_000,
  agentBytes: 4_096,
  groupBytes: 100_000,
  listenerBytes: 20_000,
  presencesPerSecond: 0.2,
  statusesPerSecond: 0.05,
}

describe('smallWorld()', () => {
  it('gives each node eight neighbours on average, and each pair once', () => {
    const pairs = smallWorld(500, seededRandom(SEED))
    expect(pairs.length / 500).toBe(8)
    const links = new Set<string>()
    for (let place = 0; place < pairs.length; place += 2) {
      expect(pairs[place]).toBeLessThan(pairs[place + 1]!)
      links.add(`${pairs[place]} ${pairs[place + 1]}`)
    }
    expect(links.size).toBe(pairs.length / 2)
  })

  it.each([1, 2, 3, 5])('links all of %i nodes with each other', (nodes) => {
    expect(smallWorld(nodes, seededRandom(SEED)).length).toBe(nodes * (nodes - 1))
  })
})

describe('EventHeap', () => {
  it('gives events by time, and at one time the smaller first', () => {
    const random = seededRandom(SEED)
    const events = Array.from({ length: 3_000 }, (_, event) => ({
      time: Math.floor(random() * 100),
      event,
    }))
    const heap = new EventHeap()
    for (const { time, event } of events) heap.add(time, event)
    const taken = events.map(() => heap.take())
    const expected = events.toSorted((a, b) => a.time - b.time || a.event - b.event)
    expect(taken).toEqual(expected.map(({ event }) => event))
    expect(() => heap.take()).toThrow(RangeError)
  })
})

describe('flood()', () => {
  it('counts the hops along a line, where nothing comes twice', () => {
    expect(flood(5, LINE, FREE)).toMatchObject({
      hopsMean: 2.5,
      hopsMost: 4,
      copiesEach: 0,
      lastMs: 40,
    })
  })

  it('adds what each node on the way takes to check', () => {
    expect(flood(5, LINE, { ...FREE, checkMs: 3 })).toMatchObject({ lastMs: 52, cpuMs: 12 })
  })

  it('counts what comes to nodes that have it', () => {
    const triangle = Int32Array.from([0, 1, 1, 2, 0, 2])
    // Nodes 1 and 2 are told at once, and tell each other.
    expect(flood(3, triangle, FREE)).toMatchObject({ copiesEach: 2 / 3, hopsMost: 1 })
  })

  it('has a node check one thing at a time', () => {
    const triangle = Int32Array.from([0, 1, 1, 2, 0, 2])
    const busy = flood(3, triangle, { hopMs: 1, checkMs: 0, copyMs: 5 })
    expect(busy.cpuMs).toBe(10)
  })

  it('refuses links that do not reach everybody', () => {
    expect(() => flood(3, Int32Array.from([0, 1]), FREE)).toThrow('reach 2 of 3 nodes')
  })
})

describe('sizing()', () => {
  const dns = { updatesPerSecond: 1_000, answersPerSecond: 10_000, proofBytes: 400 }

  it('grows with the agents, while a node and a zone stay as they are', () => {
    const options = { dns, hopsOf: (nodes: number) => Math.log10(nodes) }
    const [small, large] = [sizing(1e9, COSTS, options), sizing(1e12, COSTS, options)]
    expect(small).toMatchObject({ nodes: 1e6, organisations: 1e3, toAllHops: 6 })
    expect(large.births / small.births).toBeCloseTo(1_000)
    expect(large.nodeBytes).toBe(small.nodeBytes)
    expect(large.zonePart).toBeCloseTo(small.zonePart)
    // 10^6 nodes that take 1 ms and 1,000 agents that take 0.01 ms each.
    expect(small.toAllCpuSeconds).toBeCloseTo(11_000)
    expect(large.toAllDailyCores).toBeCloseTo((1e12 / 86_400) * 0.011)
  })

  it('names what ends growth, the first first', () => {
    const found = breaks(COSTS)
    expect(found.map(({ at }) => at)).toEqual(found.map(({ at }) => at).toSorted((a, b) => a - b))
    const presence = found.find(({ what }) => what.startsWith('everybody announced'))
    // 100 ms of a second, by 0.5 ms five seconds apart.
    expect(presence?.at).toBe(1_000)
  })

  it('continues hops by their line', () => {
    const hopsOf = hopsLine([
      { nodes: 1_000, hopsMean: 4 },
      { nodes: 10_000, hopsMean: 5 },
      { nodes: 100_000, hopsMean: 6 },
    ])
    expect(hopsOf(1e9)).toBeCloseTo(10)
  })
})
