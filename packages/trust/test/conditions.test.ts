import type { Name } from '@ixj/names'
import { describe, expect, it } from 'vitest'
import { checkConditions, checkNarrower, type Condition } from '../src/conditions.ts'
import type { Value } from '../src/encoding/index.ts'
import { acme, crew, grantOf, HOUR, MINUTE, NOW, planner, refusal, w1 } from './world.ts'

const read = (...conditions: Condition[]) => grantOf({ conditions })
const message = {
  now: NOW,
  bytesPerMessage: 100,
  priority: 1,
  approvers: [],
  topic: crew,
  isState: true,
}
const midnight = NOW - 12 * HOUR

describe('the form of conditions', () => {
  it('is checked for each that is known', () => {
    const good: [string, Value][] = [
      ['hours', [0, 1_439]],
      ['hours', [1_439, 0]],
      ['messagesPerSecond', 1],
      ['bytesPerMessage', 65_536],
      ['maxPriority', 0],
      ['maxPriority', 3],
      ['approvals', [2, [crew, planner]]],
      ['stateOn', [crew]],
      ['some-day', [null, [true, 'x', Uint8Array.of(1)]]],
    ]
    for (const condition of good) expect(() => read(condition), condition[0]).not.toThrow()
  })

  it('is refused outside its ranges', () => {
    const bad: [string, Value][] = [
      ['hours', [5, 5]],
      ['hours', [0, 1_440]],
      ['hours', [-1, 5]],
      ['hours', [5]],
      ['hours', 'always'],
      ['messagesPerSecond', 0],
      ['bytesPerMessage', 0],
      ['maxPriority', 4],
      ['maxPriority', -1],
      ['approvals', [0, [crew]]],
      ['approvals', [2, [crew]]],
      ['approvals', [1, []]],
      ['approvals', 1],
      ['stateOn', []],
      ['stateOn', crew],
      ['', 1],
      ['two words', 1],
      ['x'.repeat(65), 1],
    ]
    for (const condition of bad) {
      expect(() => read(condition), JSON.stringify(condition)).toThrow(refusal('form'))
    }
    expect(() => read(['approvals', [1, [`*.${crew}`]]])).toThrow(refusal('name'))
    expect(() => read(['maxPriority', 1], ['maxPriority', 2])).toThrow(refusal('form', 'repeats'))
  })
})

describe('checkConditions()', () => {
  it('passes a message that keeps them all, and any without conditions', () => {
    expect(() => checkConditions([], message)).not.toThrow()
    const all: Condition[] = [
      ['bytesPerMessage', 100],
      ['hours', [720, 721]],
      ['maxPriority', 1],
      ['messagesPerSecond', 1],
    ]
    expect(() => checkConditions(all, message)).not.toThrow()
  })

  it('refuses one byte too many and one step of priority too many', () => {
    expect(() => checkConditions([['bytesPerMessage', 99]], message)).toThrow(
      refusal('condition', '100 bytes, limit 99'),
    )
    expect(() => checkConditions([['maxPriority', 0]], message)).toThrow(refusal('condition'))
    expect(() => checkConditions([['maxPriority', 3]], { ...message, priority: 3 })).not.toThrow()
  })

  it('caps the priority at 1 where no condition speaks of it', () => {
    expect(() => checkConditions([], { ...message, priority: 2 })).toThrow(
      refusal('condition', 'priority 2, limit 1'),
    )
  })

  it('knows hours to the millisecond, also past midnight, and no skew', () => {
    const at = (hours: readonly [number, number], now: number) => () =>
      checkConditions([['hours', hours]], { ...message, now })
    const office = [480, 1_080] as const
    expect(at(office, midnight + 480 * MINUTE - 1)).toThrow(refusal('condition', 'minute 479'))
    expect(at(office, midnight + 480 * MINUTE)).not.toThrow()
    expect(at(office, midnight + 1_080 * MINUTE - 1)).not.toThrow()
    expect(at(office, midnight + 1_080 * MINUTE)).toThrow(refusal('condition'))
    const night = [1_320, 360] as const
    expect(at(night, midnight + 1_320 * MINUTE - 1)).toThrow(refusal('condition'))
    expect(at(night, midnight + 1_320 * MINUTE)).not.toThrow()
    expect(at(night, midnight + 24 * HOUR)).not.toThrow()
    expect(at(night, midnight + 360 * MINUTE - 1)).not.toThrow()
    expect(at(night, midnight + 360 * MINUTE)).toThrow(refusal('condition'))
  })

  it('refuses what it does not know', () => {
    const unknown: Condition[] = [['moon-phase', 'full']]
    expect(() => checkConditions(unknown, message)).toThrow(refusal('unknown-condition', 'moon'))
  })

  it('passes as many approvals as are asked for, and no fewer, by the names that are listed', () => {
    const two: Condition[] = [['approvals', [2, [crew, planner, w1]]]]
    const by = (...approvers: Name[]) => checkConditions(two, { ...message, approvers })
    expect(() => by(crew, w1)).not.toThrow()
    expect(() => by(crew, planner, w1)).not.toThrow()
    expect(() => by(w1)).toThrow(refusal('unapproved', '1 of 2 approvals'))
    expect(() => by(w1, acme)).toThrow(refusal('unapproved', '1 of 2 approvals'))
    expect(() => by(w1, w1)).toThrow(refusal('unapproved', '1 of 2 approvals'))
  })

  it('says who is still missing', () => {
    const all: Condition[] = [['approvals', [2, [crew, planner]]]]
    const none = () => checkConditions(all, message)
    expect(none).toThrow(refusal('unapproved', `0 of 2 approvals, missing: ${crew}, ${planner}`))
    const one: Condition[] = [['approvals', [1, [crew, planner]]]]
    const any = () => checkConditions(one, message)
    expect(any).toThrow(refusal('unapproved', `missing 1 of: ${crew}, ${planner}`))
  })
})

describe('the condition stateOn', () => {
  it('passes state on its topics, and refuses another class and another topic', () => {
    const narrowed: Condition[] = [['stateOn', [crew]]]
    const check = (use: Partial<typeof message>) => () =>
      checkConditions(narrowed, { ...message, ...use })
    expect(check({})).not.toThrow()
    expect(check({ isState: false })).toThrow(refusal('condition', 'another class on'))
    expect(check({ topic: planner })).toThrow(refusal('condition', `state on ${planner}`))
  })
})

describe('checkNarrower()', () => {
  const narrower: readonly (readonly [string, Value, Value])[] = [
    ['hours', [480, 1_080], [480, 1_080]],
    ['hours', [480, 1_080], [500, 1_000]],
    ['hours', [1_320, 360], [1_380, 60]],
    ['hours', [1_320, 360], [0, 360]],
    ['messagesPerSecond', 10, 10],
    ['messagesPerSecond', 10, 1],
    ['bytesPerMessage', 10, 9],
    ['maxPriority', 3, 0],
    ['approvals', [1, [crew, planner, w1]], [2, [crew, w1]]],
    ['stateOn', [crew, planner], [crew]],
    ['some-day', ['a', 1], ['a', 1]],
  ]
  const wider: readonly (readonly [string, Value, Value])[] = [
    ['hours', [480, 1_080], [479, 1_080]],
    ['hours', [480, 1_080], [480, 1_081]],
    ['hours', [480, 1_080], [1_000, 500]],
    ['hours', [480, 1_080], [1_080, 480]],
    ['hours', [1_320, 360], [1_319, 60]],
    ['hours', [1_320, 360], [0, 361]],
    ['messagesPerSecond', 10, 11],
    ['bytesPerMessage', 10, 11],
    ['maxPriority', 0, 1],
    ['approvals', [2, [crew, planner]], [1, [crew, planner]]],
    ['approvals', [1, [crew]], [1, [crew, planner]]],
    ['stateOn', [crew], [crew, planner]],
    ['some-day', ['a', 1], ['a', 0]],
  ]

  it('passes equal and narrower values', () => {
    for (const [name, parent, child] of narrower) {
      expect(() => checkNarrower([[name, parent]], [[name, child]]), name).not.toThrow()
    }
  })

  it('refuses wider values, and a condition that the child leaves out', () => {
    for (const [name, parent, child] of wider) {
      const code = refusal('wider-than-parent', name)
      expect(() => checkNarrower([[name, parent]], [[name, child]]), name).toThrow(code)
      expect(() => checkNarrower([[name, parent]], []), name).toThrow(code)
    }
  })

  it('passes conditions that the child adds', () => {
    expect(() =>
      checkNarrower(
        [],
        [
          ['bytesPerMessage', 1_000],
          ['new', 1],
        ],
      ),
    ).not.toThrow()
    expect(() => checkNarrower([], [['maxPriority', 1]])).not.toThrow()
  })

  it('refuses a maxPriority above 1 that the child adds, for its absence is a cap of 1', () => {
    expect(() => checkNarrower([], [['maxPriority', 2]])).toThrow(refusal('wider-than-parent'))
  })
})
