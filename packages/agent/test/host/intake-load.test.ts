import { describe, expect, it } from 'vitest'
import { IntakeLoad, type Arrival } from '../../src/host/intake-load.ts'
import { codeOf } from '../../src/pipeline/decision.ts'
import { INTAKE_BUNDLES_MAX, INTAKE_BYTES_MAX } from '../../src/limits.ts'

const ARRIVAL: Arrival = { kind: 'task', priority: 1, bytes: 100, from: 'flooder' }

/** How much a neighbour can have waiting of a kind, in parts of all there is room for. */
function roomOf(changes: Partial<Arrival>, room: 'bundles' | 'bytes' = 'bundles'): number {
  const load = new IntakeLoad()
  const bytes = room === 'bundles' ? 100 : INTAKE_BYTES_MAX / 256
  for (let taken = 0; ; taken++) {
    try {
      load.enter({ ...ARRIVAL, bytes, ...changes })
    } catch (cause) {
      if (codeOf(cause) !== 'overloaded') throw cause
      return taken / (room === 'bundles' ? INTAKE_BUNDLES_MAX : 256)
    }
  }
}

describe('what waits for its verdict', () => {
  it.each(['bundles', 'bytes'] as const)(
    'leaves %s free for what is worth more: repair goes first, then state, events by priority, tasks last',
    (room) => {
      const kinds: readonly Partial<Arrival>[] = [
        { kind: 'control' },
        { kind: 'state' },
        { kind: 'event', priority: 0 },
        { kind: 'event', priority: 1 },
        { kind: 'event', priority: 3 },
        { kind: 'task' },
      ]
      expect(kinds.map((kind) => roomOf(kind, room))).toEqual([
        1 / 2,
        5 / 8,
        3 / 4,
        13 / 16,
        15 / 16,
        1,
      ])
    },
  )

  it('counts what it refuses, by kind, and takes it again when there is room', () => {
    const load = new IntakeLoad()
    const leaving = Array.from({ length: INTAKE_BUNDLES_MAX }, () => load.enter(ARRIVAL))
    for (const kind of ['control', 'state', 'event', 'task', 'task'] as const) {
      expect(() => load.enter({ ...ARRIVAL, kind })).toThrow(/Cannot look at another/)
    }
    expect([...load.shed]).toEqual([
      ['control', 1],
      ['state', 1],
      ['event', 1],
      ['task', 2],
    ])
    // Leaving twice gives back one place.
    leaving[0]!()
    leaving[0]!()
    expect(load.waiting).toBe(INTAKE_BUNDLES_MAX - 1)
    load.enter(ARRIVAL)
    expect(() => load.enter(ARRIVAL)).toThrow(/Cannot look at another task/)
  })

  it('lets a neighbour in that has less than an equal part, and what agents here send always', () => {
    const load = new IntakeLoad()
    for (let taken = 0; taken < INTAKE_BUNDLES_MAX; taken++) load.enter(ARRIVAL)
    load.enter({ ...ARRIVAL, kind: 'state', from: 'honest' })
    load.enter({ ...ARRIVAL, kind: 'state', from: null })
    expect(() => load.enter(ARRIVAL)).toThrow(/Cannot look at another task/)
    expect(load.waiting).toBe(INTAKE_BUNDLES_MAX + 1)
  })
})
