import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { REPLAY_WINDOW } from '../../src/limits.ts'
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

  it('refuses what its window has moved past, and an epoch before the two newest', () => {
    const table = new ReplayTable()
    for (let first = 1; first <= REPLAY_WINDOW + 1; first++) {
      expect(take(table, placeOf(first))).toBe('taken')
    }
    expect(take(table, placeOf(1))).toBe('out-of-window')
    for (const epoch of [2, 3]) expect(take(table, placeOf(1, { epoch }))).toBe('taken')
    expect(take(table, placeOf(9, { epoch: 1, forgetAt: 9_000 }))).toBe('out-of-window')
  })

  it('tells which stream a newer epoch has ended', () => {
    const ended: string[] = []
    const table = new ReplayTable((stream) => ended.push(stream))
    for (const epoch of [1, 2, 3]) take(table, placeOf(1, { epoch }))
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
    for (const epoch of [2, 3]) take(table, placeOf(1, { epoch, forgetAt: 1_000 }))
    table.sweep(2_000)
    expect(take(table, long)).toBe('out-of-window')
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
