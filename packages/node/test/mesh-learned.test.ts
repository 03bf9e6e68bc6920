import { mkdtempDisposable, readdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseName } from '@ixj/names'
import { describe, expect, test } from 'vitest'
import { openHome } from '../src/home/home.ts'
import { learnedStore } from '../src/home/home-learned.ts'
import type { LearnedPeer, LearnedStore } from '../src/mesh.ts'
import { LEARNED_MAX, LEARNED_MS_MAX, REDIAL_MS_MAX, REDIAL_MS_MIN } from '../src/mesh/limits.ts'
import { MeshBench, type Victim } from './mesh-bench.ts'

const [KEY_A, KEY_B] = [new Uint8Array(32).fill(7), new Uint8Array(32).fill(8)]

/** A store in memory, and all that was written to it. */
function memory(peers: readonly LearnedPeer[] = []): LearnedStore & { saved: LearnedPeer[][] } {
  const saved: LearnedPeer[][] = []
  return {
    saved,
    load: async () => saved.at(-1) ?? peers,
    save: async (all) => void saved.push([...all]),
  }
}

/** Node a dials node b, each admits the other. */
async function meet(bench: MeshBench, a: Victim, b: Victim) {
  const keeper = a.mesh.keepDialing(b.mesh.addresses[0] ?? '', { learn: true })
  await bench.until(() => a.told.connections.length > 0 && b.told.connections.length > 0)
  a.mesh.admit(b.mesh.peer)
  b.mesh.admit(a.mesh.peer)
  return keeper
}

describe('peers that were learned', () => {
  test('a node dials them again after a restart, as long as it takes', async () => {
    await using bench = new MeshBench()
    const learned = memory()
    const a = await bench.victim({ learned, privateKeyBytes: KEY_A })
    const b = await bench.victim({ privateKeyBytes: KEY_B })
    await meet(bench, a, b)
    await a.mesh[Symbol.asyncDispose]()
    expect(learned.saved.at(-1)).toEqual([
      { peer: b.mesh.peer, address: b.mesh.addresses[0], at: bench.clock.now() },
    ])
    const listen = [(b.mesh.addresses[0] ?? '').replace(/\/p2p\/.*/u, '')]
    await b.mesh[Symbol.asyncDispose]()
    const again = await bench.victim({ learned, privateKeyBytes: KEY_A })
    while (again.mesh.counts.dialsFailed < 7) await bench.clock.advance(REDIAL_MS_MIN)
    const back = await bench.victim({ privateKeyBytes: KEY_B, listen })
    while (again.told.connections.length === 0) await bench.clock.advance(REDIAL_MS_MAX)
    expect(again.told.connections).toEqual([{ peer: back.mesh.peer, initiator: true }])
  })

  test('one that was never admitted is not remembered', async () => {
    await using bench = new MeshBench()
    const learned = memory()
    const [a, b] = [await bench.victim({ learned }), await bench.victim()]
    a.mesh.keepDialing(b.mesh.addresses[0] ?? '', { learn: true })
    await bench.until(() => a.told.connections.length > 0)
    await a.mesh[Symbol.asyncDispose]()
    expect(learned.saved).toEqual([])
  })

  test('one that is dialled without `learn`, or dialled us, is not remembered', async () => {
    await using bench = new MeshBench()
    const [ours, theirs] = [memory(), memory()]
    const a = await bench.victim({ learned: ours })
    const b = await bench.victim({ learned: theirs })
    await a.mesh.dial(b.mesh.addresses[0] ?? '')
    await bench.until(() => b.told.connections.length > 0)
    a.mesh.admit(b.mesh.peer)
    b.mesh.admit(a.mesh.peer)
    // The peer is wanted, but at no address that was seen to work.
    b.mesh.keepDialing(a.mesh.addresses[0] ?? '', { learn: true })
    for (const { mesh } of [a, b]) await mesh[Symbol.asyncDispose]()
    expect([ours.saved, theirs.saved]).toEqual([[], []])
  })

  test('one whose keeper was disposed of is forgotten', async () => {
    await using bench = new MeshBench()
    const learned = memory()
    const [a, b] = [await bench.victim({ learned }), await bench.victim()]
    const keeper = await meet(bench, a, b)
    const other = a.mesh.keepDialing(b.mesh.addresses[0] ?? '', { learn: true })
    // Each keeper goes once around the event loop to find that the peer is there.
    await bench.clock.advance(0)
    await keeper[Symbol.asyncDispose]()
    expect(learned.saved.at(-1)).toHaveLength(1)
    await other[Symbol.asyncDispose]()
    await a.mesh[Symbol.asyncDispose]()
    expect(learned.saved.at(-1)).toEqual([])
  })

  test('of too many, the one that was reached the longest ago goes; so does one of last month', async () => {
    await using bench = new MeshBench()
    const now = bench.clock.now()
    const entry = (index: number, at: number): LearnedPeer => ({
      peer: `p${index}`,
      address: '/ip4/127.0.0.1/tcp/1',
      at,
    })
    const peers = Array.from({ length: LEARNED_MAX }, (_, index) => entry(index, now - index))
    const learned = memory([...peers, entry(99, now - LEARNED_MS_MAX - 1)])
    const [a, b] = [await bench.victim({ learned }), await bench.victim()]
    await meet(bench, a, b)
    await a.mesh[Symbol.asyncDispose]()
    const kept = learned.saved.at(-1)?.map(({ peer }) => peer)
    expect(kept).toHaveLength(LEARNED_MAX)
    expect(kept?.at(-1)).toBe(b.mesh.peer)
    expect(kept).not.toContain(`p${LEARNED_MAX - 1}`)
    expect(kept).not.toContain('p99')
  })

  test('an entry that is no address, and a store that fails, end nothing and are counted', async () => {
    await using bench = new MeshBench()
    const learned: LearnedStore = {
      load: async () => [{ peer: 'x', address: 'nowhere', at: bench.clock.now() }],
      save: () => Promise.reject(new Error('the disk is full')),
    }
    const [a, b] = [await bench.victim({ learned }), await bench.victim()]
    expect(a.mesh.counts.learnedUnkept).toBe(1)
    await meet(bench, a, b)
    await a.mesh[Symbol.asyncDispose]()
    expect(a.mesh.counts.learnedUnkept).toBe(2)
  })
})

describe('learnedStore()', () => {
  const node = parseName('n1.acme.example')
  const peers = [{ peer: '12D3', address: '/ip4/192.0.2.1/tcp/4001/p2p/12D3', at: 5 }]

  test('gives back what was saved, each node its own', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'ixj-learned-'))
    const home = await openHome(folder.path)
    await learnedStore(home, node).save(peers)
    expect(await learnedStore(home, node).load()).toEqual(peers)
    expect(await learnedStore(home, parseName('n2.acme.example')).load()).toEqual([])
  })

  test('takes a damaged file for empty, and warns', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'ixj-learned-'))
    const home = await openHome(folder.path)
    await learnedStore(home, node).save(peers)
    const state = join(folder.path, 'state')
    const [file] = await readdir(state)
    await writeFile(join(state, file!), '{', { mode: 0o600 })
    const warned = Promise.withResolvers<Error>()
    process.once('warning', warned.resolve)
    expect(await learnedStore(home, node).load()).toEqual([])
    expect((await warned.promise).name).toBe('LearnedPeersWarning')
  })
})
