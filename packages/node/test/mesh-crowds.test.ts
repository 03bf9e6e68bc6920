import { connect, type Socket } from 'node:net'
import type { Libp2p, MultiaddrConnection, PeerId } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../agent/src/manual-clock.ts'
import { emptyCounts } from '../src/mesh/counts.ts'
import { Departed } from '../src/mesh/departed.ts'
import { Handshakes } from '../src/mesh/handshakes.ts'
import { Libp2pMesh } from '../src/mesh/libp2p-mesh.ts'
import { openLibp2p } from '../src/mesh/libp2p.ts'
import {
  CONNECTIONS_MAX,
  DEPARTED_MS,
  UNADMITTED_MAX,
  UNADMITTED_PER_SOURCE_MAX,
} from '../src/mesh/limits.ts'
import { openPeerKey } from '../src/mesh/peer-key.ts'
import { type Raw, roundTrip } from './mesh-attackers.ts'
import { MeshBench, Told, Watch } from './mesh-bench.ts'

/** Sockets that connect and say nothing. */
class Silence implements Disposable {
  readonly sockets: Socket[] = []
  #ended = 0
  readonly #watch: Watch

  constructor(watch: Watch) {
    this.#watch = watch
  }

  /** How many the other side has ended. */
  get ended(): number {
    return this.#ended
  }

  async open(address: string, localAddress: string): Promise<void> {
    const [, , host, , port] = address.split('/')
    const socket = connect({ host: host ?? '', port: Number(port), localAddress })
    this.sockets.push(socket)
    const { promise, resolve } = Promise.withResolvers<void>()
    socket.on('connect', resolve)
    socket.on('error', () => resolve())
    socket.on('close', () => {
      this.#ended++
      this.#watch.changed()
    })
    socket.resume()
    await promise
  }

  [Symbol.dispose](): void {
    for (const socket of this.sockets) socket.destroy()
  }
}

describe('connections that say nothing', () => {
  test('sockets without a handshake shut the door for nobody', async () => {
    await using bench = new MeshBench()
    const [victim, raw] = [await bench.victim(), await bench.raw()]
    const watch = new Watch()
    using silence = new Silence(watch)
    const [address = ''] = victim.mesh.addresses
    // As many as may wait from one source, from one more source than it takes to fill all.
    const sources = UNADMITTED_MAX / UNADMITTED_PER_SOURCE_MAX + 1
    for (let source = 0; source < sources; source++) {
      for (let index = 0; index < UNADMITTED_PER_SOURCE_MAX; index++) {
        await silence.open(address, `127.0.1.${source + 1}`)
      }
    }
    await watch.until(() => silence.ended === UNADMITTED_PER_SOURCE_MAX)
    expect(victim.mesh.counts.crowdedOut).toBe(UNADMITTED_PER_SOURCE_MAX)
    // The first source has gone, so one more of the second ends the oldest of it, not of others.
    await silence.open(address, '127.0.1.2')
    await watch.until(() => silence.ended === UNADMITTED_PER_SOURCE_MAX + 1)
    expect(silence.sockets[UNADMITTED_PER_SOURCE_MAX]?.destroyed).toBe(true)
    await roundTrip(await raw.dial(victim.mesh.addresses))
    expect(victim.told.connections).toEqual([{ peer: raw.peer, initiator: false }])
  })

  test('a handshake that came through, or whose socket closed, makes room for another', () => {
    const counts = emptyCounts()
    const handshakes = new Handshakes(counts)
    const begin = (): MultiaddrConnection => {
      const connection = Object.assign(new EventTarget(), {
        remoteAddr: multiaddr('/ip4/192.0.2.1/tcp/4001'),
        abort: () => connection.dispatchEvent(new Event('close')),
      }) as unknown as MultiaddrConnection & EventTarget
      handshakes.begin(connection)
      return connection
    }
    for (let index = 0; index < UNADMITTED_MAX; index++) handshakes.end(begin())
    for (let index = 0; index < UNADMITTED_MAX; index++) begin().abort(new Error('closed'))
    for (let index = 0; index < UNADMITTED_PER_SOURCE_MAX; index++) begin()
    expect(counts.crowdedOut).toBe(0)
    begin()
    expect(counts.crowdedOut).toBe(1)
  })

  test('peers that are never admitted keep nobody out, nor this node in', async () => {
    await using bench = new MeshBench()
    const victim = await bench.victim()
    const crowd: Raw[] = []
    for (let index = 0; index <= UNADMITTED_PER_SOURCE_MAX; index++) {
      const raw = await bench.raw()
      crowd.push(raw)
      await raw.dial(victim.mesh.addresses)
      await bench.until(() => victim.told.connections.length === index + 1)
    }
    expect(victim.told.disconnections).toEqual([crowd[0]?.peer])
    expect(victim.mesh.counts).toMatchObject({ crowdedOut: 1, connectionsRefused: 0 })
    const other = await bench.raw()
    expect(await victim.mesh.dial(other.address)).toBe(other.peer)
  })

  test('peers that were admitted no longer count', async () => {
    await using bench = new MeshBench()
    const victim = await bench.victim()
    for (let index = 0; index <= UNADMITTED_PER_SOURCE_MAX; index++) {
      const raw = await bench.raw()
      await raw.dial(victim.mesh.addresses)
      await bench.until(() => victim.told.connections.length === index + 1)
      victim.mesh.admit(raw.peer)
    }
    expect(victim.told.disconnections).toEqual([])
    expect(victim.mesh.counts.crowdedOut).toBe(0)
  })
})

/** A mesh together with the libp2p node below it. */
async function openBoth(bench: MeshBench): Promise<{ mesh: Libp2pMesh; libp2p: Libp2p }> {
  const options = { listen: ['/ip4/127.0.0.1/tcp/0'], clock: bench.clock, random: () => 0.5 }
  const mesh = new Libp2pMesh(options)
  const libp2p = await openLibp2p({
    privateKey: await openPeerKey(undefined),
    listen: options.listen,
    gossip: mesh.router.service,
    refuses: () => !mesh.attached,
    counts: mesh.counts,
  })
  await mesh.start(libp2p, ['/ixj/hello/1'])
  return { mesh, libp2p }
}

describe('what libp2p remembers of peers', () => {
  test('a peer is forgotten after its last connection, and one that is connected is not', async () => {
    await using bench = new MeshBench()
    const { mesh, libp2p } = await openBoth(bench)
    await using closing = new AsyncDisposableStack()
    closing.use(mesh)
    const watch = new Watch()
    const told = new Told(watch)
    mesh.attach(told)
    const [stays, goes, dialled] = [await bench.raw(), await bench.raw(), await bench.raw()]
    for (const raw of [stays, goes]) await roundTrip(await raw.dial(mesh.addresses))
    await mesh.dial(dialled.address)
    for (const { peer } of told.connections) mesh.admit(peer)
    await bench.until(() => [stays, goes, dialled].every(({ inbound }) => inbound.length === 1))
    const known = async (): Promise<readonly string[]> =>
      (await libp2p.peerStore.all()).map(({ id }) => id.toString()).toSorted()
    expect(await known()).toEqual([stays.peer, goes.peer, dialled.peer].toSorted())

    for (const raw of [goes, dialled]) await raw.node.hangUp(libp2p.peerId)
    await watch.until(() => told.disconnections.length === 2)
    await bench.clock.advance(DEPARTED_MS - 1)
    expect(await known()).toHaveLength(3)
    await bench.clock.advance(1)
    expect(await known()).toEqual([stays.peer])

    // It is a stranger when it comes again, and takes part as before.
    await roundTrip(await goes.dial(mesh.addresses))
    mesh.admit(goes.peer)
    await bench.until(() => goes.inbound.length === 2)
    await bench.clock.advance(DEPARTED_MS)
    expect(await known()).toEqual([stays.peer, goes.peer].toSorted())
  })

  test('a peer that is back before it was forgotten is not', async () => {
    await using bench = new MeshBench()
    const { mesh, libp2p } = await openBoth(bench)
    await using closing = new AsyncDisposableStack()
    closing.use(mesh)
    const watch = new Watch()
    const told = new Told(watch)
    mesh.attach(told)
    const raw = await bench.raw()
    await roundTrip(await raw.dial(mesh.addresses))
    await raw.node.hangUp(libp2p.peerId)
    await watch.until(() => told.disconnections.length === 1)
    await roundTrip(await raw.dial(mesh.addresses))
    await bench.clock.advance(DEPARTED_MS)
    expect(await libp2p.peerStore.all()).toHaveLength(1)
    await raw.node.hangUp(libp2p.peerId)
    await watch.until(() => told.disconnections.length === 2)
    await mesh[Symbol.asyncDispose]()
    expect(bench.clock.pending).toBe(0)
  })

  test('no more peers than can be connected wait to be forgotten', async () => {
    const [clock, counts, forgotten] = [new ManualClock(), emptyCounts(), new Set<string>()]
    const departed = new Departed({
      clock,
      counts,
      isConnected: () => false,
      forget: async (peer) => {
        if (peer.toString() === '0') throw new Error('It cannot be deleted')
        forgotten.add(peer.toString())
      },
    })
    const add = (index: number): void =>
      departed.add({ toString: () => `${index}` } as unknown as PeerId)
    for (let index = 0; index < CONNECTIONS_MAX - 1; index++) add(index)
    await clock.advance(DEPARTED_MS - 1)
    expect(forgotten.size).toBe(0)
    add(CONNECTIONS_MAX)
    await clock.advance(0)
    expect(forgotten.size).toBe(CONNECTIONS_MAX - 1)
    expect(counts.contained).toBe(1)
  })
})
