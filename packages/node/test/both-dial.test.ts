import { describe, expect, test } from 'vitest'
import { Fleet } from '../../../test/world/fleet.ts'

const ROUNDS = 12

describe('two nodes that dial each other at the same moment', () => {
  test('lose no message, whichever connection stays', async () => {
    const fleet = new Fleet({ seed: 41, now: Date.now() })
    await using a = await fleet.open(0)
    await using b = await fleet.open(1)
    const signal = AbortSignal.timeout(25_000)
    const inboxes = [a, b].map(({ crew }) => crew.messages())
    const refused = (): number =>
      [a, b].reduce((sum, { mesh }) => sum + mesh.counts.connectionsRefused, 0)
    for (let round = 0; round < ROUNDS; round++) {
      await Promise.all([a.mesh.dial(b.address), b.mesh.dial(a.address)])
      await Promise.all([a.sees(2, signal), b.sees(2, signal)])
      // As soon as one is there, while the other connection is still being given up.
      const sent = [a, b].flatMap(({ crew }) => [1, 2, 3].map((n) => crew.publish([round, n])))
      const receipts = await Promise.all(sent)
      expect(receipts.map(({ peers }) => peers)).toEqual([1, 1, 1, 1, 1, 1])
      for (const inbox of inboxes) {
        for (const n of [1, 2, 3]) {
          const next = await inbox.take()
          expect(next.value?.body).toEqual([round, n])
        }
      }
      await a.mesh.disconnect(b.mesh.peer)
      await Promise.all([a.sees(1, signal), b.sees(1, signal)])
    }
    // Else nothing was tried here.
    expect(refused()).toBeGreaterThan(0)
  })
})
