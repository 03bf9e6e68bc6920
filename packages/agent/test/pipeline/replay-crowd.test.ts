import { beforeAll, describe, expect, it } from 'vitest'
import {
  REPLAY_CROWD_STREAMS_MAX,
  REPLAY_FAMILY_LANES_MAX,
  REPLAY_LANES_MAX,
} from '../../src/limits.ts'
import { type Place, ReplayTable } from '../../src/pipeline/replay.ts'
import { Refusal } from '../../src/pipeline/verdicts.ts'

const DESK = 'desk.acme.example'

/** A sender's bundle; its epoch is the time at which it was born. */
function placeOf(sender: string, epoch: number, changes: Partial<Place> = {}): Place {
  const { key = 'key' } = changes
  const lane = `${DESK}|${sender}|${key}|event`
  const first = changes.first ?? 1
  const id = `${lane} ${epoch} ${first}`
  return {
    lane,
    epoch,
    stream: `${lane}|${epoch}`,
    key,
    first,
    count: 1,
    id,
    forgetAt: 1e9,
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

const pooled = (index: number, changes: Partial<Place> = {}) =>
  placeOf(`a${index}.pool.n1.acme.example`, index + 1, changes)

describe('a pool', () => {
  const table = new ReplayTable()
  const count = REPLAY_CROWD_STREAMS_MAX + 5_000

  beforeAll(() => {
    for (let index = 0; index < count; index++) {
      if (take(table, pooled(index)) !== 'taken') throw new Error(`${index} was refused`)
    }
  })

  it('is followed by the streams that were used last, in one room', () => {
    expect(table.size).toBe(REPLAY_CROWD_STREAMS_MAX)
  })

  it('gets no copy past: neither of what is followed, nor of what went', () => {
    expect(take(table, pooled(count - 1))).toBe('duplicate')
    expect(take(table, pooled(5_000))).toBe('duplicate')
    expect(take(table, pooled(4_999))).toBe('out-of-window')
    expect(take(table, pooled(0))).toBe('out-of-window')
  })

  it('goes on in a stream that is followed, and is caught with two bundles for one place', () => {
    expect(take(table, pooled(6_000, { first: 2 }))).toBe('taken')
    const other = pooled(count - 2, { id: 'another', key: 'rival' })
    expect(take(table, other)).toBe('taken')
    const forged = pooled(count - 2, { id: 'a third', key: 'rival' })
    expect(take(table, forged)).toBe('equivocation')
  })

  it('takes nobody else’s room: other pools, and names that have nothing to do with one', () => {
    expect(take(table, placeOf('a1.pool.n2.acme.example', 1))).toBe('taken')
    expect(take(table, placeOf('ann.acme.example', 1))).toBe('taken')
    expect(take(table, pooled(1, { key: 'another key' }))).toBe('taken')
  })

  it('is forgotten when no copy of it can pass by its time, and not before', () => {
    const short = new ReplayTable()
    expect(take(short, pooled(1, { forgetAt: 1_000 }))).toBe('taken')
    short.sweep(1_000)
    expect(take(short, pooled(1, { forgetAt: 1_000 }))).toBe('duplicate')
    short.sweep(1_001)
    expect(short.size).toBe(0)
  })
})

describe('the children of one parent', () => {
  const child = (index: number, changes: Partial<Place> = {}) =>
    placeOf(`w${index}.boss.acme.example`, index + 1, { key: `k${index}`, ...changes })

  it('fill their share of the table, then share a room; others have theirs as before', () => {
    const table = new ReplayTable()
    const count = REPLAY_LANES_MAX + 10
    for (let index = 0; index < count; index++) {
      if (take(table, child(index)) !== 'taken') throw new Error(`${index} was refused`)
    }
    expect(take(table, placeOf('w1.other.acme.example', 1))).toBe('taken')
    expect(take(table, placeOf('ann.acme.example', 1))).toBe('taken')
    for (const index of [0, REPLAY_FAMILY_LANES_MAX, count - 1]) {
      expect(take(table, child(index))).toBe('duplicate')
      expect(take(table, child(index, { first: 2 }))).toBe('taken')
    }
  })

  it('are followed where they were, though their parent’s share is free again', () => {
    const table = new ReplayTable()
    for (let index = 0; index < REPLAY_FAMILY_LANES_MAX; index++) {
      take(table, child(index, { forgetAt: 1_000 }))
    }
    const crowded = child(REPLAY_FAMILY_LANES_MAX)
    expect(take(table, crowded)).toBe('taken')
    table.sweep(1_001)
    expect(table.size).toBe(1)
    expect(take(table, crowded)).toBe('duplicate')
    table.sweep(1e9 + 1)
    expect(table.size).toBe(0)
    expect(take(table, child(1))).toBe('taken')
  })
})
