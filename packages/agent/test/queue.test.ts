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
})
