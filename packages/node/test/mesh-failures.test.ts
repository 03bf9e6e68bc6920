import { PENDING_VERDICT_BYTES_MAX, VERDICT_MS_MAX } from '@ixj/agent'
import type { Connection, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, test, vi } from 'vitest'
import { ManualClock } from '../../agent/src/manual-clock.ts'
import { contain } from '../src/mesh/contain.ts'
import { emptyCounts } from '../src/mesh/counts.ts'
import { REDIAL_MS_MIN } from '../src/mesh/limits.ts'
import { Neighbour } from '../src/mesh/neighbour.ts'
import { Verdicts } from '../src/mesh/verdicts.ts'
import {
  besiege,
  messageOn,
  openGossip,
  type Raw,
  roundTrip,
  roundTripTo,
  sendRpc,
} from './mesh-attackers.ts'
import { MeshBench, Told, type Victim, Watch, wire } from './mesh-bench.ts'

const crew = 'crew.acme.example'
const subscribe = { subscriptions: [{ topic: wire(crew), subscribe: true }] }

/** What every test here fails with: an error that nobody catches, which Node answers by exiting. */
function fault(): never {
  throw new Error('a fault of the test')
}

/** The class in which all streams have the method, so that it can be made to fail. */
function classWith(stream: Stream, method: 'pause' | 'resume'): Pick<Stream, typeof method> {
  for (let found: unknown = stream; found !== null; found = Object.getPrototypeOf(found)) {
    if (Object.hasOwn(found as object, method)) return found as Stream
  }
  throw new Error(`A stream has no ${method}()`)
}

/** A raw peer that is connected to a victim and not admitted. */
async function stranger(bench: MeshBench): Promise<{ victim: Victim; raw: Raw }> {
  const [victim, raw] = [await bench.victim(), await bench.raw()]
  await roundTrip(await raw.dial(victim.mesh.addresses))
  return { victim, raw }
}

/** A node that is still at work for a newcomer. */
async function works(bench: MeshBench, victim: Victim): Promise<void> {
  const raw = await bench.raw()
  await roundTrip(await raw.dial(victim.mesh.addresses))
}

describe('contain()', () => {
  test('begins at once, counts what is thrown now or later, and never rejects', async () => {
    const counts = emptyCounts()
    const seen: unknown[] = []
    const [now, later] = [new Error('now'), new Error('later')]
    const calls = [
      contain(counts, () => seen.push('begun')),
      contain(
        counts,
        () => {
          throw now
        },
        (cause) => seen.push(cause),
      ),
      contain(
        counts,
        () => Promise.reject(later),
        (cause) => seen.push(cause),
      ),
    ]
    expect(seen[0]).toBe('begun')
    await Promise.all(calls)
    expect(seen.slice(1)).toEqual([now, later])
    expect(counts.contained).toBe(2)
    await contain(counts, fault, fault)
    expect(counts.contained).toBe(4)
  })
})

describe('failures that nobody waits for', () => {
  test('a held gossip stream that cannot be resumed ends its connection alone', async () => {
    await using bench = new MeshBench()
    const { victim, raw } = await stranger(bench)
    const [connection] = raw.node.getConnections()
    if (connection === undefined) throw new Error('It is not connected')
    const gossip = await openGossip(connection)
    await roundTrip(connection)
    using spy = vi.spyOn(classWith(gossip, 'resume'), 'resume')
    spy.mockImplementation(fault)
    victim.mesh.admit(raw.peer)
    await bench.until(() => victim.told.disconnections.length === 1)
    expect(victim.mesh.counts).toMatchObject({ contained: 1, gossipEnded: 1 })
    spy.mockRestore()
    await works(bench, victim)
  })

  test('a gossip stream that cannot be held ends its connection alone', async () => {
    await using bench = new MeshBench()
    const { victim, raw } = await stranger(bench)
    const [connection] = raw.node.getConnections()
    if (connection === undefined) throw new Error('It is not connected')
    const hello = await connection.newStream('/ixj/hello/1')
    using spy = vi.spyOn(classWith(hello, 'pause'), 'pause')
    spy.mockImplementation(fault)
    await openGossip(connection)
    await bench.until(() => victim.told.disconnections.length === 1)
    expect(victim.mesh.counts).toMatchObject({ contained: 1, gossipEnded: 1 })
    spy.mockRestore()
    await works(bench, victim)
  })

  test('a receiver that throws, in whatever call, is counted and ends nothing', async () => {
    await using bench = new MeshBench()
    const [victim, raw] = [await bench.victim(), await bench.raw()]
    const { told, mesh } = victim
    await mesh.subscribe(crew)
    const calls: string[] = []
    const throwing = (call: string) => (): never => {
      calls.push(call)
      raw.note()
      return fault()
    }
    told.connected = throwing('connected')
    told.channel = throwing('channel')
    told.subscriptionHeld = throwing('held')
    told.subscriptionChanged = throwing('changed')
    told.disconnected = throwing('disconnected')
    const connection = await raw.dial(mesh.addresses)
    await bench.until(() => calls.length === 1)
    mesh.admit(raw.peer)
    sendRpc(await openGossip(connection), subscribe)
    await bench.until(() => calls.length === 2)
    mesh.allow(raw.peer, crew)
    await bench.until(() => calls.length === 3)
    expect(mesh.subscribers(crew)).toEqual([raw.peer])
    const channel = await connection.newStream('/ixj/hello/1')
    channel.addEventListener('remoteCloseWrite', () => raw.note())
    // Nobody has it, so it is closed.
    await bench.until(() => calls.length === 4 && channel.remoteWriteStatus === 'closed')
    await mesh.disconnect(raw.peer)
    await bench.until(() => calls.length === 5)
    expect(calls).toEqual(['connected', 'held', 'changed', 'channel', 'disconnected'])
    expect(mesh.counts.contained).toBe(5)
  })

  test('what gossipsub fails on when it is told of a neighbour ends that connection alone', async () => {
    await using bench = new MeshBench()
    const { victim, raw } = await stranger(bench)
    const { gossip } = await bench.plain()
    using spy = vi.spyOn(Object.getPrototypeOf(gossip) as { addPeer(): void }, 'addPeer')
    spy.mockImplementation(fault)
    victim.mesh.admit(raw.peer)
    await bench.until(() => victim.told.disconnections.length === 1)
    expect(victim.mesh.counts.contained).toBe(1)
    spy.mockRestore()
    await works(bench, victim)
  })

  test('a subscription that gossipsub fails on is counted; if we made it, the neighbour is cut', async () => {
    await using bench = new MeshBench()
    const { victim, raw, gossip } = await besiege(bench, crew)
    const plain = await bench.plain()
    using spy = vi.spyOn(
      Object.getPrototypeOf(plain.gossip) as { handleReceivedSubscription(): boolean },
      'handleReceivedSubscription',
    )
    spy.mockImplementation(fault)
    sendRpc(gossip, subscribe)
    await bench.until(() => victim.told.held.length === 1)
    victim.mesh.allow(raw.peer, 'other.acme.example')
    sendRpc(gossip, { subscriptions: [{ topic: wire('other.acme.example'), subscribe: true }] })
    await roundTripTo(victim, raw)
    expect(victim.mesh.counts.contained).toBe(1)
    expect(victim.told.disconnections).toEqual([])
    victim.mesh.allow(raw.peer, crew)
    await bench.until(() => victim.told.disconnections.length === 1)
    expect(victim.mesh.counts.contained).toBe(2)
    spy.mockRestore()
    await works(bench, victim)
  })

  test('a verdict that makes no sense to gossipsub is counted', async () => {
    await using bench = new MeshBench()
    const { victim, raw, gossip } = await besiege(bench, crew)
    victim.told.verdict = () => 'nonsense' as 'reject'
    sendRpc(gossip, messageOn(crew, 'bad'))
    await bench.until(() => victim.told.messages.length === 1)
    await roundTripTo(victim, raw)
    expect(victim.mesh.counts.contained).toBe(1)
  })

  test('gossipsub may fail on a verdict that was given, comes too late, or was shed', async () => {
    const [clock, counts] = [new ManualClock(), emptyCounts()]
    const told = new Told(new Watch())
    const verdicts = new Verdicts(clock, counts, () => told)
    const neighbour = new Neighbour({
      remotePeer: { toString: () => 'a' },
      remoteAddr: multiaddr('/ip4/192.0.2.1/tcp/4001'),
    } as unknown as Connection)
    const ask = (size: number): void =>
      verdicts.ask(neighbour, { topic: crew, bytes: new Uint8Array(size), report: fault })
    ask(1)
    await clock.advance(0)
    expect(counts.contained).toBe(1)
    told.verdict = () => new Promise(() => undefined)
    ask(PENDING_VERDICT_BYTES_MAX)
    ask(1)
    expect(counts).toMatchObject({ contained: 2, shed: 1 })
    await clock.advance(VERDICT_MS_MAX)
    expect(counts).toMatchObject({ contained: 3, verdictLate: 1 })
    expect(neighbour.pendingBytes).toBe(0)
  })

  test('a keeper outlives every failure to dial', async () => {
    await using bench = new MeshBench()
    const [a, b] = [await bench.victim(), await bench.victim()]
    using spy = vi.spyOn(a.mesh, 'dial')
    spy.mockRejectedValue(new RangeError('a bug'))
    a.mesh.keepDialing(b.mesh.addresses[0] ?? '')
    while (spy.mock.calls.length < 3) await bench.clock.advance(REDIAL_MS_MIN)
    expect(a.mesh.counts.dialsFailed).toBeGreaterThanOrEqual(2)
    spy.mockRestore()
    while (a.told.connections.length === 0) await bench.clock.advance(REDIAL_MS_MIN)
  })

  test('keepDialing() before a receiver is attached fails at once', async () => {
    await using bench = new MeshBench()
    const mesh = await bench.unattached()
    expect(() => mesh.keepDialing('/ip4/127.0.0.1/tcp/1')).toThrow('Attach a receiver')
  })
})
