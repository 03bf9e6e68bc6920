import { describe, expect, test } from 'vitest'
import { MeshBench, wire } from './mesh-bench.ts'

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
