import { describe, expect, it } from 'vitest'
import { SLICE_MS, SLICE_WAIT_MS, Slices } from '../../src/host/slices.ts'
import { ManualClock } from '../../src/manual-clock.ts'
import { Refusal } from '../../src/pipeline/verdicts.ts'

/** Pieces of work that take as long as they say, and what was done so far. */
function openWork(enter: () => () => void = () => () => {}) {
  // Work takes time while no timer runs.
  let worked = 0
  let timersSet = 0
  const timers = new ManualClock()
  const clock = {
    now: () => timers.now() + worked,
    at: (time: number, run: () => void) => {
      timersSet += 1
      return timers.at(time - worked, run)
    },
  }
  const slices = new Slices(clock)
  const done: string[] = []
  const take = async (name: string, ms: number) => {
    const work = async () => {
      worked += ms
      done.push(name)
    }
    await slices.take({ enter, work })
  }
  return { slices, take, done, timers, clock, timersSet: () => timersSet }
}

describe('work in slices', () => {
  it('is done at once until a slice is spent', async () => {
    const { take, done } = openWork()
    await Promise.all([take('a', 1), take('b', 1), take('c', 1)])
    expect(done).toEqual(['a', 'b', 'c'])
  })

  it('lets timers run when a slice is spent, and then goes on in its order', async () => {
    const { take, done, timers, clock } = openWork()
    clock.at(0, () => done.push('timer'))
    const all = ['a', 'b', 'c'].map((name) => take(name, SLICE_MS))
    await timers.advance(0)
    await Promise.all(all)
    expect(done[0]).toBe('a')
    expect(done.filter((name) => name !== 'timer')).toEqual(['a', 'b', 'c'])
    expect(done.indexOf('timer')).toBeLessThan(done.indexOf('b'))
  })

  it('does what waits as soon as it may, several small pieces in one slice', async () => {
    const { take, done, timers, timersSet } = openWork()
    const all = [take('long', SLICE_MS), take('b', 1), take('c', 1)]
    await timers.advance(0)
    await Promise.all(all)
    expect(done).toEqual(['long', 'b', 'c'])
    expect(timersSet()).toBe(2)
  })

  it('is not held up by a piece that waits for something', async () => {
    const { slices, take, done, timers } = openWork()
    const proof = Promise.withResolvers<void>()
    const waiting = slices.take({ enter: () => () => {}, work: () => proof.promise })
    await take('other', 1)
    await timers.advance(0)
    expect(done).toEqual(['other'])
    proof.resolve()
    await waiting
  })

  it('lets no timer run before what has waited for long', async () => {
    const { take, done, timers, timersSet } = openWork()
    const count = 10
    const all = Array.from({ length: count }, (_, at) => take(`${at}`, SLICE_WAIT_MS))
    await timers.advance(0)
    await Promise.all(all)
    expect(done).toHaveLength(count)
    // The first slice, and one for all that had grown old meanwhile.
    expect(timersSet()).toBe(2)
  })

  it('takes a place for what has to wait, and gives it back when its turn comes', async () => {
    let places = 0
    const { take, timers } = openWork(() => {
      places += 1
      return () => void (places -= 1)
    })
    const all = [take('a', SLICE_MS), take('b', 1), take('c', 1)]
    await Promise.resolve()
    expect(places).toBe(2)
    await timers.advance(0)
    await Promise.all(all)
    expect(places).toBe(0)
  })

  it('rejects what finds no place to wait', async () => {
    const { take, timers } = openWork(() => {
      throw new Refusal('overloaded', 'Cannot wait: there is no room')
    })
    const [first, second] = [take('a', SLICE_MS), take('b', 1)]
    await expect(second).rejects.toMatchObject({ code: 'overloaded' })
    await timers.advance(0)
    await first
  })
})
