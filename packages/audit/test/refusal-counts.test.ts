import { RefusalCounts, REFUSALS_PER_NEIGHBOUR_MAX, REFUSALS_PER_SECOND_MAX } from '@ixj/audit'
import { describe, expect, it } from 'vitest'
import { name } from '../../../test/world/world.ts'
import { recordOf } from './made-log.ts'

const refusal = (changes: Parameters<typeof recordOf>[1] = {}) => ({
  ...recordOf(0, { code: 'policy', ...changes }),
  code: changes.code ?? 'policy',
})

describe('RefusalCounts', () => {
  it('records the first of a kind in full and counts the others, with the time of the first', () => {
    const counts = new RefusalCounts()
    const taken = [1, 2, 3].map((at) => counts.take(refusal({ at })))
    expect(taken).toEqual([true, false, false])
    const { via, topic, sender } = refusal()
    expect(counts.end(10)).toEqual([
      { kind: 'repeats', at: 10, since: 2, via, code: 'policy', sender, topic, count: 2 },
    ])
    expect(counts.end(20)).toEqual([])
  })

  it('tells apart code, neighbour, topic and a proven sender', () => {
    const counts = new RefusalCounts()
    const kinds = [
      refusal(),
      refusal({ code: 'rate' }),
      refusal({ via: name('n3.acme.example') }),
      refusal({ topic: name('desk.acme.example') }),
      refusal({ sender: name('eve.acme.example') }),
    ]
    expect(kinds.map((each) => counts.take(each))).toEqual([true, true, true, true, true])
  })

  it('counts names that were not proven as one', () => {
    const counts = new RefusalCounts()
    const claim = (label: string) =>
      refusal({ signed: false, sender: name(`${label}.acme.example`) })
    expect(['a', 'b', 'c'].map((label) => counts.take(claim(label)))).toEqual([true, false, false])
    expect(counts.end(1)).toMatchObject([{ sender: null, count: 2 }])
  })

  it('records so many of one neighbour in full, and none of another less for it', () => {
    const counts = new RefusalCounts()
    const flood = Array.from({ length: 10_000 }, (_, index) =>
      counts.take(refusal({ sender: name(`s${index}.acme.example`) })),
    )
    expect(flood.filter(Boolean).length).toBe(REFUSALS_PER_NEIGHBOUR_MAX)
    expect(counts.take(refusal({ via: name('n3.acme.example') }))).toBe(true)
    expect(counts.end(1)).toMatchObject([
      { via: refusal().via, sender: null, count: 10_000 - REFUSALS_PER_NEIGHBOUR_MAX },
    ])
  })

  it('keeps few records whatever comes, and counts all of it', () => {
    const counts = new RefusalCounts()
    let full = 0
    const all = 20_000
    for (let index = 0; index < all; index++) {
      const via = name(`n${index % 2_000}.acme.example`)
      const sender = name(`s${index}.acme.example`)
      if (counts.take(refusal({ via, sender }))) full += 1
    }
    const repeats = counts.end(1)
    expect(full).toBe(REFUSALS_PER_SECOND_MAX)
    expect(repeats.length).toBeLessThan(600)
    expect(full + repeats.reduce((sum, each) => sum + each.count, 0)).toBe(all)
  })
})
