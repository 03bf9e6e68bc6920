import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { REPLAY_EPOCHS_MAX, REPLAY_HOLES_MAX, REPLAY_WINDOW } from '../../src/limits.ts'
import { type Place, ReplayTable } from '../../src/pipeline/replay.ts'
import { Refusal } from '../../src/pipeline/verdicts.ts'

/** A place of one lane. */
function placeOf(first: number, changes: Partial<Place> = {}): Place {
  const { epoch = 1, lane = 'lane' } = changes
  const id = `${lane} ${epoch} ${first}`
  return {
    lane,
    epoch,
    stream: `${lane}|${epoch}`,
    key: 'key',
    first,
    count: 1,
    id,
    forgetAt: 1_000,
    ...changes,
  }
}

/** As many epochs after the first as end it. */
const LATER = Array.from({ length: REPLAY_EPOCHS_MAX }, (_, index) => index + 2)

function take(table: ReplayTable, place: Place): string {
  try {
    table.checkEarly(place)
    table.write(place)
    return 'taken'
  } catch (cause) {
    if (cause instanceof Refusal) return cause.code
    throw cause
  }
}

describe('the replay table', () => {
  it('takes each place once, in whatever order places come and copies return', () => {
    const places = fc.array(
      fc.record({
        first: fc.integer({ min: 1, max: 200 }),
        epoch: fc.integer({ min: 1, max: 2 }),
      }),
      { maxLength: 300 },
    )
    fc.assert(
      fc.property(places, (tried) => {
        const table = new ReplayTable()
        const taken = new Set<string>()
        for (const { first, epoch } of tried) {
          const place = placeOf(first, { epoch })
          const expected = taken.has(place.id) ? 'duplicate' : 'taken'
          expect(take(table, place)).toBe(expected)
          taken.add(place.id)
        }
        expect(table.size).toBe(taken.size)
      }),
      { seed: 0x1235, numRuns: 200 },
    )
  })

  it('refuses what its window has moved past, and an epoch before the newest', () => {
    const table = new ReplayTable()
    for (let first = 1; first <= REPLAY_WINDOW + 1; first++) {
      expect(take(table, placeOf(first))).toBe('taken')
    }
    expect(take(table, placeOf(1))).toBe('out-of-window')
    for (const epoch of LATER) expect(take(table, placeOf(1, { epoch }))).toBe('taken')
    expect(take(table, placeOf(9, { epoch: 1, forgetAt: 9_000 }))).toBe('out-of-window')
  })

  it('tells which stream a newer epoch has ended', () => {
    const ended: string[] = []
    const table = new ReplayTable((stream) => ended.push(stream))
    for (const epoch of [1, ...LATER]) take(table, placeOf(1, { epoch }))
    expect(ended).toEqual(['lane|1'])
  })

  it('takes no copy that its window moved past and that outlives what is in it', () => {
    const table = new ReplayTable()
    const long = placeOf(1, { forgetAt: 10_000 })
    expect(take(table, long)).toBe('taken')
    for (let first = 2; first <= REPLAY_WINDOW + 1; first++) {
      take(table, placeOf(first, { forgetAt: 1_000 }))
    }
    table.sweep(2_000)
    expect(take(table, long)).toBe('out-of-window')
    table.sweep(10_001)
    expect(table.size).toBe(0)
  })

  it('takes no copy of an epoch that is over and that outlives the newer ones', () => {
    const table = new ReplayTable()
    const long = placeOf(1, { epoch: 1, forgetAt: 10_000 })
    take(table, long)
    for (const epoch of LATER) take(table, placeOf(1, { epoch, forgetAt: 1_000 }))
    table.sweep(2_000)
    expect(take(table, long)).toBe('out-of-window')
  })

  it('takes what is missing below its window once, and nothing else there', () => {
    const table = new ReplayTable()
    const missing = [10, 11, 12, 40]
    for (let first = 1; first <= REPLAY_WINDOW + 100; first++) {
      if (!missing.includes(first)) take(table, placeOf(first))
    }
    expect(table.size).toBe(REPLAY_WINDOW)
    expect(take(table, placeOf(9, { id: 'other' }))).toBe('out-of-window')
    expect(take(table, placeOf(12, { count: 2, id: 'wider' }))).toBe('out-of-window')
    for (const first of [11, 10, 12, 40]) {
      expect(take(table, placeOf(first))).toBe('taken')
      expect(take(table, placeOf(first))).toBe('out-of-window')
    }
  })

  it('remembers so many gaps below its window, the newest of them', () => {
    const table = new ReplayTable()
    // Every second place is missing.
    const last = 2 * (REPLAY_HOLES_MAX + REPLAY_WINDOW + 10)
    for (let first = 2; first <= last; first += 2) take(table, placeOf(first))
    expect(take(table, placeOf(1))).toBe('out-of-window')
    expect(take(table, placeOf(101))).toBe('taken')
  })

  it('gives places back, within its window and below', () => {
    const table = new ReplayTable()
    for (let first = 1; first <= REPLAY_WINDOW + 10; first++) {
      if (first !== 3) take(table, placeOf(first))
    }
    for (const place of [placeOf(3), placeOf(REPLAY_WINDOW + 20)]) {
      expect(take(table, place)).toBe('taken')
      table.release(place)
      expect(take(table, place)).toBe('taken')
    }
  })

  it('goes on after a restart where it was, whatever is told of before', () => {
    const [before, after] = [new ReplayTable(), new ReplayTable()]
    const places = [5, 6, 9, 1].map((first) => placeOf(first))
    for (const place of places) take(before, place)
    // A copy of a line, and one of another bundle for the same place, say nothing.
    for (const place of [...places, placeOf(5), placeOf(5, { id: 'other' })]) after.restore(place)
    for (const place of places) expect(take(after, place)).toBe('duplicate')
    expect(take(after, placeOf(7))).toBe('taken')
    expect(after.evidence).toEqual([])
  })

  it('refuses a key by evidence of before a restart', () => {
    const table = new ReplayTable()
    table.convict({ key: 'key', stream: 'lane|1', ids: ['one', 'other'] })
    expect(take(table, placeOf(1))).toBe('equivocator')
  })

  it('keeps evidence against a key, and takes nothing of it afterwards, in any lane', () => {
    const table = new ReplayTable()
    take(table, placeOf(1, { count: 3, id: 'one' }))
    expect(take(table, placeOf(3, { id: 'other' }))).toBe('equivocation')
    expect(table.evidence).toEqual([{ key: 'key', stream: 'lane|1', ids: ['one', 'other'] }])
    expect(take(table, placeOf(1, { lane: 'else' }))).toBe('equivocator')
    expect(take(table, placeOf(1, { lane: 'else', key: 'honest' }))).toBe('taken')
  })

  it('forgets a place when no copy of it can pass by its time, and not before', () => {
    const table = new ReplayTable()
    take(table, placeOf(1, { forgetAt: 1_000 }))
    table.sweep(1_000)
    expect(take(table, placeOf(1, { forgetAt: 1_000 }))).toBe('duplicate')
    table.sweep(1_001)
    expect(table.size).toBe(0)
  })
})
