import { ADMISSION_MS_MAX } from '@ixj/agent'
import type { Connection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../agent/src/manual-clock.ts'
import { emptyCounts, type MeshCounts } from '../src/mesh/counts.ts'
import { SPARE_MS_MAX, UNADMITTED_MAX, UNADMITTED_PER_SOURCE_MAX } from '../src/mesh/limits.ts'
import { Neighbours } from '../src/mesh/neighbours.ts'
import { roundTrip } from './mesh-attackers.ts'
import { bytesOf, MeshBench, type Victim } from './mesh-bench.ts'

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
function connectionTo(
  peer: string,
  direction: 'inbound' | 'outbound',
  ip = '/ip4/192.0.2.1',
): Connection {
  const connection = {
    remotePeer: { toString: () => peer },
    remoteAddr: multiaddr(`${ip}/tcp/4001`),
    direction,
    status: 'open',
    abort: () => (connection.status = 'aborted'),
    close: async () => (connection.status = 'closed'),
  }
  return connection as unknown as Connection
}

describe('Neighbours', () => {
  /** The neighbours of the node `m`, and a log of their coming and going. */
  function open(): {
    neighbours: Neighbours
    clock: ManualClock
    counts: MeshCounts
    log: string[]
  } {
    const [log, counts]: [string[], MeshCounts] = [[], emptyCounts()]
    const clock = new ManualClock()
    const neighbours = new Neighbours('m', clock, counts, {
      joined: ({ peer, connection }) => log.push(`+${peer} ${connection.direction}`),
      left: ({ peer }) => log.push(`-${peer}`),
    })
    return { neighbours, clock, counts, log }
  }

  test('the smaller peer keeps the connection that it dialled, in whichever order they come', () => {
    for (const order of [
      ['inbound', 'outbound'],
      ['outbound', 'inbound'],
    ] as const) {
      const { neighbours, log } = open()
      const connections = order.map((direction) => connectionTo('z', direction))
      for (const connection of connections) neighbours.opened(connection)
      expect(neighbours.get('z')?.connection.direction).toBe('outbound')
      expect(connections.map(({ status }) => status === 'open')).toEqual(
        order.map((direction) => direction === 'outbound'),
      )
      // Where the other one came first, it hears of an end and a new beginning.
      expect(log).toEqual(
        order[0] === 'outbound' ? ['+z outbound'] : ['+z inbound', '-z', '+z outbound'],
      )
    }
  })

  test('the smaller peer gives up no connection on which it has admitted the other', () => {
    for (const order of [
      ['inbound', 'outbound'],
      ['outbound', 'inbound'],
    ] as const) {
      const { neighbours, log } = open()
      const [first, second] = order.map((direction) => connectionTo('z', direction))
      neighbours.opened(first!)
      neighbours.get('z')!.admitted = true
      neighbours.opened(second!)
      expect(neighbours.get('z')?.connection).toBe(first)
      expect(first!.status).toBe('open')
      expect(log).toEqual([`+z ${order[0]}`])
    }
  })

  test('the larger peer follows: it takes the connection on which the smaller one speaks', () => {
    for (const order of [
      ['inbound', 'outbound'],
      ['outbound', 'inbound'],
    ] as const) {
      for (const admitted of [false, true]) {
        for (const chosen of [0, 1]) {
          const { neighbours } = open()
          const connections = order.map((direction) => connectionTo('a', direction))
          neighbours.opened(connections[0]!)
          neighbours.get('a')!.admitted = admitted
          neighbours.opened(connections[1]!)
          expect(connections.map(({ status }) => status)).toEqual(['open', 'open'])
          // The other side speaks on one, and ends the other, in whichever order that is seen.
          neighbours.using(connections[chosen]!)
          neighbours.closed(connections[1 - chosen]!)
          expect(neighbours.get('a')?.connection).toBe(connections[chosen])
          expect(connections[chosen]!.status).toBe('open')
        }
      }
    }
  })

  test('a connection kept aside that nobody uses ends after its time', async () => {
    const { neighbours, clock } = open()
    const [first, second] = [connectionTo('a', 'inbound'), connectionTo('a', 'outbound')]
    neighbours.opened(first)
    neighbours.opened(second)
    await clock.advance(SPARE_MS_MAX - 1)
    expect(second.status).toBe('open')
    await clock.advance(1)
    expect([first.status, second.status]).toEqual(['open', 'closed'])
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
      if (takes === 'use') neighbours.using(second)
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

  test('ends the oldest that waits when one more comes than may wait for admission', () => {
    const { neighbours, counts, log } = open()
    const connections = Array.from({ length: UNADMITTED_MAX }, (_, index) =>
      connectionTo(`p${index}`, 'inbound', `/ip4/192.0.2.${index}`),
    )
    for (const connection of connections) neighbours.opened(connection)
    expect(log).toHaveLength(UNADMITTED_MAX)
    const first = neighbours.get('p0')
    if (first !== undefined) first.admitted = true
    // The one that was admitted made room.
    neighbours.opened(connectionTo('room', 'inbound', '/ip4/198.51.100.1'))
    expect(counts.crowdedOut).toBe(0)
    neighbours.opened(connectionTo('newcomer', 'inbound', '/ip4/198.51.100.2'))
    expect(log.slice(-2)).toEqual(['-p1', '+newcomer inbound'])
    const ended = connections.filter(({ status }) => status !== 'open')
    expect(ended).toEqual([connections[1]])
    expect(counts).toMatchObject({ crowdedOut: 1, connectionsRefused: 0 })
  })

  test('ends the oldest of a source when one more of it comes than may wait', () => {
    for (const ips of [
      ['/ip4/203.0.113.1', '/ip4/203.0.113.1'],
      ['/ip6/2001:db8:1:2::1', '/ip6/2001:db8:1:2:ffff::9'],
      ['/ip4/203.0.113.1', '/ip6/::ffff:203.0.113.1'],
    ] as const) {
      const { neighbours, counts, log } = open()
      neighbours.opened(connectionTo('other', 'inbound', '/ip6/2001:db8:1:3::1'))
      neighbours.opened(connectionTo('mapped', 'inbound', '/ip6/::ffff:203.0.113.2'))
      for (let index = 0; index < UNADMITTED_PER_SOURCE_MAX; index++) {
        neighbours.opened(connectionTo(`p${index}`, 'inbound', ips[index % 2]))
      }
      expect(counts.crowdedOut).toBe(0)
      neighbours.opened(connectionTo('newcomer', 'inbound', ips[0]))
      expect(log.slice(-2)).toEqual(['-p0', '+newcomer inbound'])
      expect(counts.crowdedOut).toBe(1)
    }
  })

  test('neither counts nor ends connections that this side dialled', () => {
    const { neighbours, counts, log } = open()
    const dialled = Array.from({ length: 2 * UNADMITTED_MAX }, (_, index) =>
      connectionTo(`d${index}`, 'outbound'),
    )
    for (const connection of dialled) neighbours.opened(connection)
    for (let index = 0; index <= UNADMITTED_PER_SOURCE_MAX; index++) {
      neighbours.opened(connectionTo(`p${index}`, 'inbound'))
    }
    neighbours.opened(connectionTo('ours', 'outbound'))
    expect(log.at(-1)).toBe('+ours outbound')
    expect(dialled.every(({ status }) => status === 'open')).toBe(true)
    expect(counts).toMatchObject({ crowdedOut: 1, connectionsRefused: 0 })
  })

  test('takes no connection that has ended already, since nobody will say that it closed', () => {
    const { neighbours, log } = open()
    const connection = connectionTo('a', 'inbound')
    connection.abort(new Error('gone'))
    neighbours.opened(connection)
    expect(log).toEqual([])
  })

  test('cut() ends the connection aside too, which would take over', () => {
    const { neighbours, log } = open()
    const connections = [connectionTo('a', 'inbound'), connectionTo('a', 'inbound')]
    for (const connection of connections) {
      const abort = connection.abort.bind(connection)
      // As libp2p does, which tells of the end within the call.
      connection.abort = (reason) => {
        abort(reason)
        neighbours.closed(connection)
      }
      neighbours.opened(connection)
    }
    const neighbour = neighbours.get('a')
    if (neighbour === undefined) throw new Error('It has not joined')
    neighbours.cut(neighbour, new Error('enough'))
    expect(connections.map(({ status }) => status)).toEqual(['aborted', 'aborted'])
    expect(log).toEqual(['+a inbound', '-a'])
  })

  test('a connection whose abort() fails halfway is ended all the same', () => {
    const { neighbours, counts, log } = open()
    const connection = connectionTo('a', 'inbound')
    const abort = connection.abort.bind(connection)
    let calls = 0
    connection.abort = (reason) => {
      // As libp2p does when yamux cannot say goodbye on a closing socket.
      if (++calls === 1) throw new Error('Cannot write to a stream that is closing')
      abort(reason)
    }
    neighbours.opened(connection)
    const neighbour = neighbours.get('a')
    if (neighbour === undefined) throw new Error('It has not joined')
    neighbours.cut(neighbour, new Error('enough'))
    expect(connection.status).toBe('aborted')
    expect(log).toEqual(['+a inbound', '-a'])
    expect(counts.contained).toBe(0)
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
