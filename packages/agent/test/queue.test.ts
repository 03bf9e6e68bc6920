import { Queue } from '@ixj/agent'
import { describe, expect, it } from 'vitest'

describe('a queue', () => {
  it('gives its items in order, however it is filled and emptied', async () => {
    const queue = new Queue<number>(5_000)
    let pushed = 0
    let taken = 0
    for (let round = 1; round <= 60; round++) {
      for (let index = 0; index < round * 7; index++) queue.push(pushed++)
      for (let index = 0; index < round * 6 && taken < pushed; index++) {
        expect(await queue.take()).toEqual({ done: false, value: taken++ })
      }
      expect(queue.size).toBe(pushed - taken)
    }
    expect(queue.drain()[0]).toBe(taken)
    expect([queue.size, queue.lost]).toEqual([0, 0])
  })

  it('drops the oldest when it is full, and counts it', async () => {
    const queue = new Queue<number>(3)
    for (let index = 0; index < 200; index++) queue.push(index)
    expect([queue.size, queue.lost]).toEqual([3, 197])
    expect(queue.drain()).toEqual([197, 198, 199])
  })

  it('refuses a second reader at once', async () => {
    const queue = new Queue<number>(3)
    const first = queue.take()
    await expect(queue.take()).rejects.toMatchObject({ code: 'argument' })
    queue.push(1)
    expect(await first).toEqual({ done: false, value: 1 })
  })

  it('gives all that waits at once, in its order, and none twice', async () => {
    const queue = new Queue<number>(100)
    for (const item of [1, 2, 3]) queue.push(item)
    const batches = queue.batches()
    expect(await batches.next()).toEqual({ done: false, value: [1, 2, 3] })
    const waiting = batches.next()
    queue.push(4)
    queue.push(5)
    expect(await waiting).toEqual({ done: false, value: [4, 5] })
    queue.push(6)
    queue.close()
    expect(await batches.next()).toEqual({ done: false, value: [6] })
    expect(await batches.next()).toEqual({ done: true, value: undefined })
  })

  it('is closed by who stops reading all that waits', async () => {
    const queue = new Queue<number>(100)
    queue.push(1)
    for await (const batch of queue.batches()) {
      expect(batch).toEqual([1])
      break
    }
    expect(queue.push(2)).toBe(false)
  })
})
