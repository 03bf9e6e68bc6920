import { describe, expect, test } from 'vitest'
import {
  type TransportBench,
  transportContract,
} from '../../../test/contract/transport-contract.ts'
import { ManualClock } from '../src/manual-clock.ts'
import { type MemoryNode, openMemoryNetwork } from '../src/memory-transport.ts'
import type { Receiver, Transport } from '../src/transport.ts'

/** Steps of a millisecond that a condition may take; no fact of the contract needs 500. */
const STEPS_MAX = 5_000

/** A small generator (mulberry32): tests need runs that repeat, not good randomness. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

async function openMemoryBench(): Promise<TransportBench> {
  const clock = new ManualClock({ now: Date.UTC(2026, 10, 1) })
  const network = openMemoryNetwork({ clock, random: seeded(1) })
  const nodes: MemoryNode[] = []
  const find = (transport: Transport): MemoryNode => {
    const node = nodes.find((candidate) => candidate === transport)
    if (node === undefined) throw new Error(`"${transport.peer}" is not of this bench`)
    return node
  }
  return {
    open: async (receiver) => {
      const node = network.open(`node ${nodes.length + 1}`)
      node.attach(receiver)
      nodes.push(node)
      return node
    },
    connect: async (from, to) => find(from).connect(to.peer),
    until: async (condition) => {
      for (let step = 0; step < STEPS_MAX; step++) {
        if (condition()) return
        await clock.advance(1)
      }
      throw new Error(`The condition did not hold within ${STEPS_MAX} ms`)
    },
    changed: () => undefined,
    advance: (ms) => clock.advance(ms),
    blame: (at, peer) => find(at).blame(peer),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()))
      await clock.runAll()
    },
  }
}

transportContract('memory', openMemoryBench)

/** Accepts everything, and notes what came and when. */
class Listener implements Receiver {
  readonly notes: string[] = []
  readonly #clock: ManualClock

  constructor(clock: ManualClock) {
    this.#clock = clock
  }

  note(text: string): void {
    this.notes.push(`${this.#clock.now()} ${text}`)
  }

  connected(peer: string): void {
    this.note(`+${peer}`)
  }

  disconnected(peer: string): void {
    this.note(`-${peer}`)
  }

  channel(): void {
    throw new Error('No test here opens a channel')
  }

  async message(topic: string, bytes: Uint8Array, from: string): Promise<'accept'> {
    this.note(`${topic} ${bytes[0]} from ${from}`)
    return 'accept'
  }

  subscriptionChanged(peer: string, topic: string): void {
    this.note(`${peer} ${topic}`)
  }

  subscriptionHeld(): void {
    throw new Error('Every test here allows first')
  }
}

const topic = 'crew.acme.example'

/** A ring of nodes that all share the topic; each publishes once. Resolves to all notes. */
async function runRing(seed: number, size: number, loss = 0): Promise<readonly string[][]> {
  const clock = new ManualClock()
  const network = openMemoryNetwork({ clock, random: seeded(seed), latencyMs: [1, 40], loss })
  const nodes = Array.from({ length: size }, (_, index) => network.open(`n${index}`))
  const listeners = nodes.map((node) => {
    const listener = new Listener(clock)
    node.attach(listener)
    return listener
  })
  for (let index = 0; index < size; index++) network.connect(`n${index}`, `n${(index + 1) % size}`)
  await clock.advance(100)
  for (const node of nodes) {
    await node.subscribe(topic)
    for (const other of nodes) {
      node.allow(other.peer, topic)
      node.admit(other.peer)
    }
  }
  await clock.advance(100)
  for (const [index, node] of nodes.entries()) await node.publish(topic, Uint8Array.of(index))
  await clock.advance(1_000)
  return listeners.map((listener) => listener.notes)
}

describe('openMemoryNetwork()', () => {
  test('gives the same run for the same seed, and another for another', async () => {
    expect(await runRing(7, 6)).toEqual(await runRing(7, 6))
    expect(await runRing(7, 6)).not.toEqual(await runRing(8, 6))
  })

  test('carries each message to every node, once, over several hops', async () => {
    for (const [index, notes] of (await runRing(3, 8)).entries()) {
      const from = notes.filter((note) => note.includes(' from ')).map((note) => note.split(' ')[2])
      const others = ['0', '1', '2', '3', '4', '5', '6', '7'].filter((text) => text !== `${index}`)
      expect(from.toSorted((a, b) => Number(a) - Number(b))).toEqual(others)
    }
  })

  test('loses messages at the rate it was asked for', async () => {
    expect((await runRing(3, 8, 1)).flat().filter((note) => note.includes(' from '))).toEqual([])
  })

  test('ends a connection for both, after which they can connect again', async () => {
    const clock = new ManualClock()
    const network = openMemoryNetwork({ clock, random: seeded(1) })
    const [a, b] = [network.open('a'), network.open('b')]
    const [heardA, heardB] = [new Listener(clock), new Listener(clock)]
    a.attach(heardA)
    b.attach(heardB)
    a.connect('b')
    await clock.advance(20)
    network.disconnect('a', 'b')
    expect(network.isConnected('a', 'b')).toBe(false)
    network.connect('b', 'a')
    await clock.advance(20)
    for (const [heard, peer] of [[heardA, 'b'] as const, [heardB, 'a'] as const]) {
      expect(heard.notes.map((note) => note.split(' ')[1])).toEqual([
        `+${peer}`,
        `-${peer}`,
        `+${peer}`,
      ])
    }
  })

  test('refuses to connect to a node that is not there', () => {
    const clock = new ManualClock()
    const network = openMemoryNetwork({ clock, random: seeded(1) })
    const node = network.open('a')
    expect(() => node.connect('b')).toThrow(expect.objectContaining({ code: 'no-peer' }))
  })

  test('publish() fails with backpressure when no neighbour has room', async () => {
    const clock = new ManualClock()
    const network = openMemoryNetwork({ clock, random: seeded(1) })
    const [a, b] = [network.open('a'), network.open('b')]
    for (const node of [a, b]) node.attach(new Listener(clock))
    network.connect('a', 'b')
    await clock.advance(20)
    for (const [node, other] of [[a, 'b'] as const, [b, 'a'] as const]) {
      node.admit(other)
      node.allow(other, topic)
      await node.subscribe(topic)
    }
    await clock.advance(20)
    // Time stands still, so nothing leaves the pipe: 4 MiB hold 64 messages of 64 KiB.
    for (let count = 0; count < 64; count++) {
      expect(await a.publish(topic, new Uint8Array(65_536).fill(count))).toBe(1)
    }
    await expect(a.publish(topic, new Uint8Array(1))).rejects.toMatchObject({
      code: 'backpressure',
    })
    await clock.advance(20)
    expect(await a.publish(topic, new Uint8Array(1))).toBe(1)
  })
})
