import { TransportError } from '@ixj/agent'
import { describe, expect, test } from 'vitest'
import { type KeeperHost, openKeeper, redialDelay } from '../src/mesh/keeper.ts'
import { REDIAL_MS_MAX, REDIAL_MS_MIN } from '../src/mesh/limits.ts'
import { MeshBench } from './mesh-bench.ts'

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
