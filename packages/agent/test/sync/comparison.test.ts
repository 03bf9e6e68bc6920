import { describe, expect, it } from 'vitest'
import { bucketOf, KEPT_MS } from '../../src/history/topic-index.ts'
import { SYNC_AGAIN_MS, SYNC_MS, SYNC_SETTLED_MS } from '../../src/sync/limits.ts'
import { CREW, NODE, openScene, type Scene } from '../scene.ts'

/** A round may be so much longer, and begins at the next second. */
const ROUND_MS = 1.2 * SYNC_MS + 1_000

/** When, in ms from now, the host says in that time what it has of events of the group. */
async function saidIn(scene: Scene, ms: number): Promise<readonly number[]> {
  scene.raw.synced.length = 0
  const said: number[] = []
  for (let passed = 0; passed < ms; passed += 100) {
    await scene.world.pass(100)
    for (const frame of scene.raw.synced.splice(0)) {
      if (frame.kind === 'summary' && frame.class === 'event') said.push(passed)
    }
  }
  return said
}

describe('what a node has of a topic', () => {
  it('is said again after a while, as long as nothing changes', async () => {
    await using scene = await openScene()
    await saidIn(scene, SYNC_AGAIN_MS)
    const said = await saidIn(scene, 10 * SYNC_AGAIN_MS)
    const pauses = said.slice(1).map((at, index) => at - said[index]!)
    expect(said.length).toBeGreaterThan(5)
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(SYNC_AGAIN_MS - 100)
    expect(Math.max(...pauses)).toBeLessThanOrEqual(SYNC_AGAIN_MS + ROUND_MS)
  })

  it('is said sooner than that in the next round when it has changed, and has settled', async () => {
    await using scene = await openScene()
    const said: number[] = []
    // A bucket of 10 s is compared when it is over, and has settled.
    for (let times = 0; times < 8; times++) {
      await scene.world.until(scene.crew.publish('new').catch(() => 'handed to raw alone'))
      for (const at of await saidIn(scene, 10_000)) said.push(times * 10_000 + at)
    }
    expect(said.length).toBeGreaterThan(5)
    expect((said.at(-1)! - said[0]!) / (said.length - 1)).toBeLessThan(SYNC_AGAIN_MS)
  })

  it('is said in the next round to one that has something else', async () => {
    await using scene = await openScene()
    const now = scene.world.clock.now()
    const [from, to] = [bucketOf(now - KEPT_MS.event) + 1, bucketOf(now - SYNC_SETTLED_MS) - 1]
    const digest = new Uint8Array(32).fill(7)
    for (let round = 0; round < 5; round++) {
      const other = { topic: CREW, class: 'event', from, to } as const
      await scene.world.until(scene.raw.sync(NODE, { kind: 'summary', ...other, digest }))
      expect(await saidIn(scene, ROUND_MS)).toHaveLength(1)
    }
  })
})
