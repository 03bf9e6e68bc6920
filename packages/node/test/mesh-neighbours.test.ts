import { ADMISSION_MS_MAX, MESSAGE_BYTES_MAX, OUTBOUND_BYTES_MAX, TransportError } from '@ixj/agent'
import type { RPC } from '@libp2p/gossipsub/message'
import type { Connection } from '@libp2p/interface'
import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../agent/src/manual-clock.ts'
import { emptyCounts, type MeshCounts } from '../src/mesh/counts.ts'
import { type KeeperHost, openKeeper, redialDelay } from '../src/mesh/keeper.ts'
import {
  GOSSIP_ENDED_MS,
  REDIAL_MS_MAX,
  REDIAL_MS_MIN,
  STALLED_MS_MAX,
  UNADMITTED_MAX,
} from '../src/mesh/limits.ts'
import { Neighbours } from '../src/mesh/neighbours.ts'
import { filterOutbound, splitRpc } from '../src/mesh/outbound-rpc.ts'
import { Rights } from '../src/mesh/rights.ts'
import {
  bytesOf,
  MeshBench,
  openGossip,
  type Plain,
  type Raw,
  roundTrip,
  sendRpc,
  type Victim,
  wire,
} from './mesh-bench.ts'

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
    await fill(victim)
    await bench.clock.advance(STALLED_MS_MAX - 1)
    await expect(victim.mesh.publish(crew, bytesOf('?'))).rejects.toThrow('buffers')
    expect(victim.mesh.counts.stalled).toBe(0)
    await bench.clock.advance(1)
    await expect(victim.mesh.publish(crew, bytesOf('!'))).rejects.toThrow('buffers')
    await bench.until(() => victim.told.disconnections.includes(raw.peer))
    expect(victim.mesh.counts.stalled).toBe(1)
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

describe('row 8: more topics than a neighbour tracks', () => {
  test('gossipsub by itself silently tracks 1,004 of 1,100 topics', async () => {
    await using bench = new MeshBench()
    const [a, b] = [await bench.plain(), await bench.plain()]
    const topics = Array.from({ length: 1_100 }, (_, index) => wire(`agent${index}.acme.example`))
    for (const topic of topics) a.gossip.subscribe(topic)
    let rounds = 0
    b.gossip.addEventListener('subscription-change', () => rounds++)
    await b.node.dial(a.node.getMultiaddrs())
    await bench.until(() => rounds > 0)
    const tracked = topics.filter((topic) => b.gossip.getSubscribers(topic).length > 0)
    expect(tracked.length).toBeGreaterThan(900)
    expect(tracked.length).toBeLessThan(1_010)
  })

  test('a neighbour tracks every topic that we were let join, told before or after it came', async () => {
    await using bench = new MeshBench()
    const [a, b] = [await bench.victim(), await bench.victim()]
    const topics: string[] = []
    const join = async (): Promise<void> => {
      const topic = `agent${topics.length}.acme.example`
      await a.mesh.subscribe(topic)
      topics.push(topic)
    }
    for (let index = 0; index < 600; index++) await join()
    await a.mesh.dial(b.mesh.addresses[0] ?? '')
    await bench.until(() => a.told.connections.length + b.told.connections.length === 2)
    const allowAll = (): void => {
      for (const topic of topics) {
        a.mesh.announce(b.mesh.peer, topic)
        b.mesh.allow(a.mesh.peer, topic)
      }
    }
    allowAll()
    a.mesh.admit(b.mesh.peer)
    b.mesh.admit(a.mesh.peer)
    const tracked = (): number =>
      topics.filter((topic) => b.mesh.subscribers(topic).length === 1).length
    await bench.until(() => b.told.changes.length === topics.length)
    expect(tracked()).toBe(600)
    await expect(
      (async () => {
        for (;;) await join()
      })(),
    ).rejects.toMatchObject({ code: 'topic-budget' })
    expect(topics.length).toBeGreaterThan(900)
    allowAll()
    await bench.until(() => b.told.changes.length === topics.length)
    expect(tracked()).toBe(topics.length)
  })
})

describe('row 28: redialling', () => {
  test('redialDelay() stays between its bounds, and its upper bound doubles', () => {
    for (let attempt = 1; attempt < 2_000; attempt++) {
      expect(redialDelay(attempt, () => 0)).toBe(REDIAL_MS_MIN)
      expect(redialDelay(attempt, () => 1)).toBeLessThanOrEqual(REDIAL_MS_MAX)
    }
    expect([1, 2, 3, 4, 5].map((attempt) => redialDelay(attempt, () => 1))).toEqual([
      1_000, 2_000, 4_000, 5_000, 5_000,
    ])
  })

  test('a kept neighbour is dialled again after any number of failures', async () => {
    await using bench = new MeshBench()
    const privateKeyBytes = new Uint8Array(32).fill(9)
    const a = await bench.victim()
    const first = await bench.victim({ privateKeyBytes })
    const address = first.mesh.addresses[0] ?? ''
    a.mesh.keepDialing(address)
    await bench.until(() => a.told.connections.length === 1)
    await first.mesh[Symbol.asyncDispose]()
    await bench.until(() => a.told.disconnections.length === 1)
    // libp2p itself gives up after five.
    while (a.mesh.counts.dialsFailed < 12) await bench.clock.advance(REDIAL_MS_MIN)
    const listen = [address.replace(/\/p2p\/.*/u, '')]
    const second = await bench.victim({ privateKeyBytes, listen })
    while (a.told.connections.length < 2) await bench.clock.advance(REDIAL_MS_MIN)
    expect(a.told.connections.at(-1)).toEqual({ peer: second.mesh.peer, initiator: true })
  })

  test('disposing of a keeper ends redialling and leaves the connection alone', async () => {
    await using bench = new MeshBench()
    const [a, b] = [await bench.victim(), await bench.victim()]
    const keeper = a.mesh.keepDialing(b.mesh.addresses[0] ?? '')
    await bench.until(() => a.told.connections.length === 1)
    await keeper[Symbol.asyncDispose]()
    await keeper[Symbol.asyncDispose]()
    expect(a.told.disconnections).toEqual([])
    await b.mesh[Symbol.asyncDispose]()
    await bench.until(() => a.told.disconnections.length === 1)
    await bench.clock.advance(60_000)
    expect(a.mesh.counts.dialsFailed).toBe(0)
  })

  test('a peer that hangs up before admission is dialled ever more slowly', async () => {
    await using bench = new MeshBench()
    const dials: number[] = []
    const host: KeeperHost = {
      clock: bench.clock,
      random: () => 1,
      dial: async () => {
        dials.push(bench.clock.now())
        return 'peer'
      },
      gone: async () => dials.length === 5,
      failed: () => undefined,
    }
    const keeper = openKeeper('/ip4/192.0.2.1/tcp/1', host)
    await bench.clock.advance(20_000)
    await keeper[Symbol.asyncDispose]()
    const waits = dials.slice(1).map((time, index) => time - (dials[index] ?? 0))
    // The fifth time the peer had been admitted.
    expect(waits.slice(0, 6)).toEqual([1_000, 2_000, 4_000, 5_000, 1_000, 2_000])
  })

  test('an address that is none fails at once', async () => {
    await using bench = new MeshBench()
    const { mesh } = await bench.victim()
    expect(() => mesh.keepDialing('localhost:1234')).toThrow(TransportError)
    await expect(mesh.dial('localhost:1234')).rejects.toMatchObject({ code: 'refused' })
    const signal = AbortSignal.abort(new Error('changed my mind'))
    await expect(mesh.dial('/ip4/127.0.0.1/tcp/1', { signal })).rejects.toThrow('changed my mind')
  })
})

describe('several connections to one peer', () => {
  test('two nodes that dial each other at once agree on one connection and on who began', async () => {
    await using bench = new MeshBench()
    const [a, b] = [await bench.victim(), await bench.victim()]
    const [toA, toB] = [a.mesh.addresses[0] ?? '', b.mesh.addresses[0] ?? '']
    for (let round = 0; round < 5; round++) {
      const standing = ({ told }: Victim): boolean =>
        told.connections.length === told.disconnections.length + 1
      await Promise.allSettled([a.mesh.dial(toB), b.mesh.dial(toA)])
      const agreed = (): boolean => {
        const [one, two] = [a.told.connections.at(-1), b.told.connections.at(-1)]
        return standing(a) && standing(b) && one?.initiator !== two?.initiator
      }
      await bench.until(agreed)
      const channel = await a.mesh.openChannel(b.mesh.peer, '/ixj/hello/1')
      await channel.send(bytesOf('still here'))
      for await (const frame of channel.frames()) {
        expect(Buffer.from(frame)).toEqual(Buffer.from('still here'))
        break
      }
      const before = a.told.disconnections.length
      await a.mesh.disconnect(b.mesh.peer)
      await bench.until(() => a.told.disconnections.length > before && !standing(b))
    }
  })

  test('a peer that lost its connection without our knowing takes the new one', async () => {
    await using bench = new MeshBench()
    const [victim, raw] = [await bench.victim(), await bench.raw()]
    const first = await raw.dial(victim.mesh.addresses)
    await bench.until(() => victim.told.connections.length === 1)
    const second = await raw.dialAgain(victim.mesh.addresses)
    await roundTrip(second)
    await bench.until(() => victim.told.connections.length === 2)
    expect(victim.told.disconnections).toEqual([raw.peer])
    await bench.until(() => first.status !== 'open')
    expect(second.status).toBe('open')
  })
})

/** A connection as `Neighbours` sees it. */
function connectionTo(peer: string, direction: 'inbound' | 'outbound'): Connection {
  const connection = {
    remotePeer: { toString: () => peer },
    direction,
    status: 'open',
    abort: () => (connection.status = 'aborted'),
    close: async () => (connection.status = 'closed'),
  }
  return connection as unknown as Connection
}

describe('Neighbours', () => {
  /** The neighbours of the node `m`, and a log of their coming and going. */
  function open(): { neighbours: Neighbours; counts: MeshCounts; log: string[] } {
    const [log, counts]: [string[], MeshCounts] = [[], emptyCounts()]
    const neighbours = new Neighbours('m', new ManualClock(), counts, {
      joined: ({ peer, connection }) => log.push(`+${peer} ${connection.direction}`),
      left: ({ peer }) => log.push(`-${peer}`),
    })
    return { neighbours, counts, log }
  }

  test('keeps the connection that the smaller peer dialled, in whichever order they come', () => {
    for (const [peer, kept] of [
      ['a', 'inbound'],
      ['z', 'outbound'],
    ] as const) {
      for (const order of [
        ['inbound', 'outbound'],
        ['outbound', 'inbound'],
      ] as const) {
        const { neighbours, log } = open()
        const connections = order.map((direction) => connectionTo(peer, direction))
        for (const connection of connections) neighbours.opened(connection)
        expect(neighbours.get(peer)?.connection.direction).toBe(kept)
        expect(connections.map(({ status }) => status === 'open')).toEqual(
          order.map((direction) => direction === kept),
        )
        // The side that had the other one first hears of an end and a new beginning.
        expect(log).toEqual(
          order[0] === kept
            ? [`+${peer} ${kept}`]
            : [`+${peer} ${order[0]}`, `-${peer}`, `+${peer} ${kept}`],
        )
      }
    }
  })

  test('refuses a second connection of its own', () => {
    const { neighbours, counts, log } = open()
    const [first, second] = [connectionTo('a', 'outbound'), connectionTo('a', 'outbound')]
    neighbours.opened(first)
    neighbours.opened(second)
    expect([first.status, second.status]).toEqual(['open', 'closed'])
    neighbours.closed(second)
    expect(log).toEqual(['+a outbound'])
    expect(counts.connectionsRefused).toBe(1)
  })

  test('keeps a second inbound connection aside until it is used or the first one ends', () => {
    for (const takes of ['use', 'end'] as const) {
      const { neighbours, log } = open()
      const [first, second] = [connectionTo('a', 'inbound'), connectionTo('a', 'inbound')]
      neighbours.opened(first)
      neighbours.opened(second)
      expect(neighbours.using(first)?.connection).toBe(first)
      expect(log).toEqual(['+a inbound'])
      if (takes === 'use') expect(neighbours.using(second)?.connection).toBe(second)
      neighbours.closed(first)
      expect(neighbours.get('a')?.connection).toBe(second)
      expect(log).toEqual(['+a inbound', '-a', '+a inbound'])
      expect(first.status).toBe(takes === 'use' ? 'aborted' : 'open')
    }
  })

  test('keeps only one connection aside', () => {
    const { neighbours } = open()
    const connections = Array.from({ length: 4 }, () => connectionTo('a', 'inbound'))
    for (const connection of connections) neighbours.opened(connection)
    expect(connections.map(({ status }) => status)).toEqual(['open', 'closed', 'closed', 'open'])
  })

  test('refuses one more connection than may wait for admission, and evicts none', () => {
    const { neighbours, counts, log } = open()
    for (let index = 0; index <= UNADMITTED_MAX; index++) {
      neighbours.opened(connectionTo(`p${index}`, 'inbound'))
    }
    expect(log).toHaveLength(UNADMITTED_MAX)
    expect(counts.connectionsRefused).toBe(1)
    const [waiting] = neighbours.values()
    if (waiting !== undefined) waiting.admitted = true
    neighbours.opened(connectionTo('one more', 'inbound'))
    expect(log.at(-1)).toBe('+one more inbound')
  })

  test('cuts only those that were not admitted in time', async () => {
    const clock = new ManualClock()
    const counts = emptyCounts()
    const events = { joined: () => undefined, left: () => undefined }
    const neighbours = new Neighbours('m', clock, counts, events)
    const [one, two] = [connectionTo('a', 'inbound'), connectionTo('b', 'outbound')]
    neighbours.opened(one)
    neighbours.opened(two)
    for (const neighbour of neighbours.values()) neighbour.admitted = neighbour.peer === 'a'
    await clock.advance(ADMISSION_MS_MAX - 1)
    expect([one.status, two.status]).toEqual(['open', 'open'])
    await clock.advance(1)
    expect([one.status, two.status]).toEqual(['open', 'aborted'])
    expect(counts.notAdmitted).toBe(1)
  })
})

describe('splitRpc() and filterOutbound()', () => {
  const none = { ihave: [], iwant: [], graft: [], prune: [], idontwant: [] }
  const ids = (count: number): Uint8Array[] =>
    Array.from({ length: count }, () => new Uint8Array(32))

  test('splits what a neighbour would throw away whole', () => {
    const rpc: RPC = {
      subscriptions: Array.from({ length: 300 }, (_, index) => ({
        topic: wire(`t${index}.example`),
        subscribe: true,
      })),
      messages: Array.from({ length: 3 }, () => ({
        topic: wire(crew),
        data: new Uint8Array(MESSAGE_BYTES_MAX),
      })),
      control: {
        ihave: [{ topicID: wire(crew), messageIDs: ids(1_000) }],
        iwant: [{ messageIDs: ids(5_000) }],
        graft: Array.from({ length: 65 }, () => ({ topicID: wire(crew) })),
        prune: Array.from({ length: 64 }, () => ({ topicID: wire(crew), peers: [] })),
        idontwant: [],
      },
    }
    const parts = splitRpc(rpc)
    expect(parts.map(({ subscriptions }) => subscriptions.length).filter((n) => n > 0)).toEqual([
      128, 128, 44,
    ])
    expect(parts.filter(({ messages }) => messages.length === 1)).toHaveLength(3)
    const counts = (kind: 'ihave' | 'iwant'): number[] =>
      parts.flatMap(({ control }) =>
        (control?.[kind] ?? []).map((entry) => entry.messageIDs.length),
      )
    expect(counts('ihave')).toEqual([512, 488])
    expect(counts('iwant')).toEqual([...Array.from({ length: 9 }, () => 512), 392])
    const grafts = parts.map(({ control }) => control?.graft.length ?? 0).filter((n) => n > 0)
    expect(grafts).toEqual([64, 1])
    expect(parts.filter(({ control }) => control?.prune.length === 64)).toHaveLength(1)
  })

  test('gives a peer without rights nothing that names a topic', () => {
    const rpc: RPC = {
      subscriptions: [
        { topic: wire(crew), subscribe: true },
        { topic: wire(crew), subscribe: false },
      ],
      messages: [{ topic: wire(crew), data: bytesOf('secret') }],
      control: {
        ...none,
        ihave: [{ topicID: wire(crew), messageIDs: ids(1) }],
        graft: [{ topicID: wire(crew) }],
        prune: [{ topicID: wire(crew), peers: [] }],
      },
    }
    expect(splitRpc(filterOutbound(rpc, new Rights()))).toEqual([])
    const announced = new Rights()
    announced.announced.add(crew)
    expect(filterOutbound(rpc, announced)).toEqual({
      subscriptions: rpc.subscriptions,
      messages: [],
      control: { ...none, prune: rpc.control?.prune },
    })
    const member = new Rights()
    member.announced.add(crew)
    member.allowed.add(crew)
    expect(filterOutbound(rpc, member)).toEqual(rpc)
  })
})
