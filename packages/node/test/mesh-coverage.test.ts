import { describe, expect, test } from 'vitest'
import { Coverage } from '../src/mesh/coverage.ts'
import { COVERED_MAX, COVERED_MIN, COVERED_SOURCES_MAX, MISSED_COST } from '../src/mesh/limits.ts'

describe('who is taken to have what', () => {
  /** Whether `peer` is taken to have what comes from `source`, after so much that it had and missed. */
  function covers(had: number, missed = 0): boolean {
    const coverage = new Coverage()
    for (let times = 0; times < had; times++) coverage.had('source', 'peer')
    for (let times = 0; times < missed; times++) coverage.missed('source', 'peer')
    return coverage.covers('source', 'peer')
  }

  test('one that had it so often, and not once less', () => {
    expect([covers(COVERED_MIN - 1), covers(COVERED_MIN)]).toEqual([false, true])
  })

  test('one that missed it a few times is not, however often it had it before', () => {
    const misses = (COVERED_MAX - COVERED_MIN) / MISSED_COST
    expect([covers(1_000, misses), covers(1_000, misses + 1)]).toEqual([true, false])
  })

  test('what it had of one source says nothing of another', () => {
    const coverage = new Coverage()
    for (let times = 0; times < COVERED_MIN; times++) coverage.had('source', 'peer')
    expect([coverage.covers('other', 'peer'), coverage.covers('source', 'other')]).toEqual([
      false,
      false,
    ])
  })

  test('one that invents sources loses its own oldest', () => {
    const coverage = new Coverage()
    for (let times = 0; times < COVERED_MIN; times++) {
      coverage.had('source', 'liar')
      coverage.had('source', 'peer')
    }
    for (let index = 0; index < COVERED_SOURCES_MAX; index++) coverage.had(`s${index}`, 'liar')
    expect([coverage.covers('source', 'liar'), coverage.covers('source', 'peer')]).toEqual([
      false,
      true,
    ])
  })

  test('nothing is known of one that has gone, as source or as neighbour', () => {
    const coverage = new Coverage()
    for (let times = 0; times < COVERED_MIN; times++) {
      coverage.had('source', 'peer')
      coverage.had('other', 'peer')
      coverage.had('source', 'next')
    }
    coverage.gone('other')
    coverage.gone('next')
    expect([
      coverage.covers('source', 'peer'),
      coverage.covers('other', 'peer'),
      coverage.covers('source', 'next'),
    ]).toEqual([true, false, false])
  })

  test('nothing is taken for granted of one that has said so, and of others it is', () => {
    const coverage = new Coverage()
    for (let times = 0; times < COVERED_MIN; times++) {
      coverage.had('source', 'peer')
      coverage.had('source', 'other')
    }
    expect([coverage.forget('peer'), coverage.forget('peer')]).toEqual([true, false])
    expect([coverage.covers('source', 'peer'), coverage.covers('source', 'other')]).toEqual([
      false,
      true,
    ])
  })
})
