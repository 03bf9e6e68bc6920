import { expect, test } from 'vitest'
import { ManualClock } from '../src/manual-clock.ts'

test('advance() makes calls in the order of their times, then of asking', async () => {
  const clock = new ManualClock({ now: 1_000 })
  const calls: string[] = []
  const note = (text: string) => () => calls.push(`${text} ${clock.now()}`)
  clock.at(1_020, note('c'))
  clock.at(1_010, note('a'))
  clock.at(1_010, note('b'))
  clock.at(500, note('past'))
  await clock.advance(15)
  expect(calls).toEqual(['past 1000', 'a 1010', 'b 1010'])
  expect(clock.now()).toBe(1_015)
  expect(clock.next).toBe(1_020)
})

test('advance() makes calls that calls ask for, when they fall due on the way', async () => {
  const clock = new ManualClock()
  const times: number[] = []
  const tick = (): void => {
    times.push(clock.now())
    clock.at(clock.now() + 10, tick)
  }
  clock.at(10, tick)
  await clock.advance(35)
  expect(times).toEqual([10, 20, 30])
})

test('advance() lets promise chains finish between two calls', async () => {
  const clock = new ManualClock()
  const steps: string[] = []
  clock.at(1, () => {
    void (async () => {
      for (let turn = 0; turn < 50; turn++) await Promise.resolve()
      steps.push('first done')
    })()
  })
  clock.at(1, () => steps.push('second'))
  await clock.advance(1)
  expect(steps).toEqual(['first done', 'second'])
})

test('advance() sees a time that is asked for by code under way', async () => {
  const clock = new ManualClock()
  let rang = false
  void Promise.resolve().then(() => clock.at(5, () => (rang = true)))
  await clock.advance(5)
  expect(rang).toBe(true)
})

test('a cancelled call is not made, and cancelling twice harms no other', async () => {
  const clock = new ManualClock()
  const calls: string[] = []
  const cancel = clock.at(5, () => calls.push('a'))
  clock.at(5, () => calls.push('b'))
  cancel()
  cancel()
  await clock.advance(5)
  expect(calls).toEqual(['b'])
  expect(clock.pending).toBe(0)
})

test('runAll() jumps from call to call and refuses what never ends', async () => {
  const clock = new ManualClock()
  clock.at(1_000_000, () => undefined)
  expect(await clock.runAll()).toBe(1)
  expect(clock.now()).toBe(1_000_000)
  const tick = (): void => void clock.at(clock.now() + 1, tick)
  tick()
  await expect(clock.runAll({ callsMax: 100 })).rejects.toThrow('re-arms itself')
})

test('advance() refuses to turn time back', async () => {
  await expect(new ManualClock().advance(-1)).rejects.toThrow(RangeError)
  await expect(new ManualClock().advance(Number.NaN)).rejects.toThrow(RangeError)
})
