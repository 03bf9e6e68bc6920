import { setImmediate } from 'node:timers/promises'
import { OUTBOUND_BYTES_MAX, TransportError } from '@ixj/agent'
import { describe, expect, test } from 'vitest'
import { GOSSIP_ENDED_MS, REDIAL_MS_MIN, STALLED_MS_MAX } from '../src/mesh/limits.ts'
import { openGossip, type Plain, type Raw, roundTrip, sendRpc } from './mesh-attackers.ts'
import { bytesOf, MeshBench, type Victim, wire } from './mesh-bench.ts'

const crew = 'crew.acme.example'
const subscribe = { subscriptions: [{ topic: wire(crew), subscribe: true }] }

/** How many messages a raw peer has read. */
function messagesOf(raw: Raw): number {
  return raw.received.reduce((sum, { messages }) => sum + messages.length, 0)
}

/** A victim with one member that does not read. */
async function deafMember(bench: MeshBench): Promise<{ victim: Victim; raw: Raw }> {
  const [victim, raw] = [await bench.victim(), await bench.raw()]
  raw.reads = false
  await victim.mesh.subscribe(crew)
  const connection = await raw.dial(victim.mesh.addresses)
  await bench.until(() => victim.told.connections.length === 1)
  victim.mesh.admit(raw.peer)
  victim.mesh.allow(raw.peer, crew)
  sendRpc(await openGossip(connection), subscribe)
  await bench.until(() => victim.mesh.subscribers(crew).length === 1)
  return { victim, raw }
}

/** Publishes until the neighbour takes no more; returns how many it took. */
async function fill(victim: Victim): Promise<number> {
  for (let count = 0; count < 1_000; count++) {
    try {
      await victim.mesh.publish(crew, new Uint8Array(64 * 1024).fill(count))
    } catch (error) {
      if (!(error instanceof TransportError) || error.code !== 'backpressure') throw error
      return count
    }
  }
  throw new Error('It took 62 MiB without reading')
}

describe('row 9: a neighbour that does not read', () => {
  test('gossipsub with a limit aborts the stream, and nothing reaches the peer again', async () => {
    await using bench = new MeshBench()
    const plain: Plain = await bench.plain({ maxOutboundBufferSize: OUTBOUND_BYTES_MAX })
    const raw = await bench.raw()
    raw.reads = false
    sendRpc(await openGossip(await raw.dial(plain.addresses)), subscribe)
    await bench.until(() => plain.gossip.getSubscribers(wire(crew)).length === 1)
    await bench.until(() => raw.inbound.length === 1)
    for (let count = 0; count < 24 * 16; count++) {
      await plain.gossip.publish(wire(crew), new Uint8Array(64 * 1024).fill(count)).catch(() => 0)
    }
    for (const stream of raw.inbound) if (stream.status === 'open') stream.resume()
    let later = 0
    for (let count = 0; count < 10; count++) {
      later += (await plain.gossip.publish(wire(crew), bytesOf(`${count}`))).recipients.length
    }
    expect(later).toBe(0)
  })

  test('publish() fails with backpressure within 4 MiB, and works again once the peer reads', async () => {
    await using bench = new MeshBench()
    const { victim, raw } = await deafMember(bench)
    const taken = await fill(victim)
    // What libp2p and the kernel hold beside our buffer: a window of yamux, socket buffers.
    expect(taken * 64 * 1024).toBeLessThan(OUTBOUND_BYTES_MAX + 8 * 1024 * 1024)
    expect(victim.mesh.counts.backpressure).toBe(1)
    for (const stream of raw.inbound) stream.resume()
    await bench.until(() => messagesOf(raw) === taken)
    expect(await victim.mesh.publish(crew, bytesOf('later'))).toBe(1)
    await bench.until(() => messagesOf(raw) === taken + 1)
    expect(victim.told.disconnections).toEqual([])
  })

  test('a neighbour that takes nothing for too long is cut off', async () => {
    await using bench = new MeshBench()
    const { victim, raw } = await deafMember(bench)
    // What the kernel still takes of the first makes room once more.
    for (let taken = 1; taken > 0; await setImmediate()) taken = await fill(victim)
    await bench.clock.advance(STALLED_MS_MAX - 1)
    await expect(victim.mesh.publish(crew, bytesOf('?'))).rejects.toThrow('buffers')
    expect(victim.mesh.counts.stalled).toBe(0)
    await bench.clock.advance(1)
    // Nobody had to write to it for that.
    await bench.until(() => victim.told.disconnections.includes(raw.peer))
    expect(victim.mesh.counts.stalled).toBe(1)
  })

  test('a neighbour that is slow, and reads, is never cut off', async () => {
    await using bench = new MeshBench()
    const { victim, raw } = await deafMember(bench)
    let taken = 0
    for (let round = 0; round < 2; round++) {
      taken += await fill(victim)
      await bench.clock.advance(STALLED_MS_MAX - 1)
      for (const stream of raw.inbound) stream.resume()
      await bench.until(() => messagesOf(raw) === taken)
      for (const stream of raw.inbound) stream.pause()
      // It is full again before the time since the first one is over.
      taken += await fill(victim)
      await bench.clock.advance(1)
      for (const stream of raw.inbound) stream.resume()
      await bench.until(() => messagesOf(raw) === taken)
      for (const stream of raw.inbound) stream.pause()
    }
    expect(victim.told.disconnections).toEqual([])
    expect(victim.mesh.counts.stalled).toBe(0)
  })

  test('a slow neighbour keeps nothing from the others', async () => {
    await using bench = new MeshBench()
    const { victim } = await deafMember(bench)
    const reader = await bench.raw()
    const connection = await reader.dial(victim.mesh.addresses)
    await bench.until(() => victim.told.connections.length === 2)
    victim.mesh.admit(reader.peer)
    victim.mesh.allow(reader.peer, crew)
    sendRpc(await openGossip(connection), subscribe)
    await bench.until(() => victim.mesh.subscribers(crew).length === 2)
    const count = 200
    let taken = 0
    for (let index = 0; index < count; index++) {
      taken += await victim.mesh.publish(crew, new Uint8Array(64 * 1024).fill(index))
      await bench.until(() => messagesOf(reader) === index + 1)
    }
    expect(taken).toBeGreaterThan(count)
    expect(taken).toBeLessThan(2 * count)
  })

  test('a topic is crowded while most of its subscribers have much to take', async () => {
    await using bench = new MeshBench()
    const { victim, raw } = await deafMember(bench)
    expect(victim.mesh.isCrowded(crew)).toBe(false)
    const taken = await fill(victim)
    expect(victim.mesh.isCrowded(crew)).toBe(true)
    const reader = await bench.raw()
    const connection = await reader.dial(victim.mesh.addresses)
    await bench.until(() => victim.told.connections.length === 2)
    victim.mesh.admit(reader.peer)
    victim.mesh.allow(reader.peer, crew)
    sendRpc(await openGossip(connection), subscribe)
    await bench.until(() => victim.mesh.subscribers(crew).length === 2)
    // One of two that does not read holds up nobody.
    expect(victim.mesh.isCrowded(crew)).toBe(false)
    await reader.node.stop()
    await bench.until(() => victim.mesh.subscribers(crew).length === 1)
    expect(victim.mesh.isCrowded(crew)).toBe(true)
    for (const stream of raw.inbound) stream.resume()
    await bench.until(() => messagesOf(raw) === taken)
    expect(victim.mesh.isCrowded(crew)).toBe(false)
  })

  test('a gossip stream that ended takes its connection along, and the keeper makes a new one', async () => {
    await using bench = new MeshBench()
    const [victim, raw] = [await bench.victim(), await bench.raw()]
    victim.mesh.keepDialing(raw.address)
    for (const ends of ['inbound', 'outbound'] as const) {
      victim.told.connections.length = 0
      victim.told.disconnections.length = 0
      raw.inbound.length = 0
      while (victim.told.connections.length === 0) await bench.clock.advance(REDIAL_MS_MIN)
      victim.mesh.admit(raw.peer)
      await bench.until(() => raw.inbound.length === 1)
      const [connection] = raw.node.getConnections()
      if (connection === undefined) throw new Error('It is not connected')
      const outbound = await openGossip(connection)
      await roundTrip(connection)
      if (ends === 'inbound') raw.inbound[0]?.abort(new Error('enough'))
      else outbound.abort(new Error('enough'))
      while (victim.told.disconnections.length === 0) await bench.clock.advance(GOSSIP_ENDED_MS)
    }
    expect(victim.mesh.counts.gossipEnded).toBe(2)
  })

  test('a peer without gossip is not kept', async () => {
    await using bench = new MeshBench()
    const [victim, raw] = [await bench.victim(), await bench.raw()]
    await raw.node.unhandle('/meshsub/1.2.0')
    await raw.dial(victim.mesh.addresses)
    await bench.until(() => victim.told.connections.length === 1)
    victim.mesh.admit(raw.peer)
    await bench.until(() => victim.told.disconnections.length === 1)
    expect(victim.mesh.counts.gossipEnded).toBe(1)
  })
})
