import { parseName, type Name } from '@ixj/names'
import { describe, expect, it } from 'vitest'
import { MarkedTopics } from '../../src/neighbours/marked-topics.ts'

const [CREW, HALL, YARD] = ['crew', 'hall', 'yard'].map((label) =>
  parseName(`${label}.acme.example`),
) as [Name, Name, Name]

/** Two marks that begin alike, and one that does not. */
const MARKS = new Map([
  [CREW, markOf(1, 1)],
  [HALL, markOf(1, 2)],
  [YARD, markOf(2, 1)],
])
const mark = (topic: Name): Uint8Array => MARKS.get(topic)!

function markOf(first: number, last: number): Uint8Array {
  const bytes = new Uint8Array(32).fill(first)
  bytes[31] = last
  return bytes
}

function tableOf(...topics: readonly Name[]): MarkedTopics {
  const table = new MarkedTopics()
  for (const topic of topics) table.add(topic, mark(topic))
  return table
}

describe('MarkedTopics', () => {
  it('finds each of several topics whose marks begin alike', () => {
    const table = tableOf(CREW, HALL, YARD)
    for (const topic of [CREW, HALL, YARD]) expect(table.find(mark(topic), mark)).toBe(topic)
  })

  it('finds nothing for a mark that only begins as one does', () => {
    expect(tableOf(CREW).find(mark(HALL), mark)).toBeUndefined()
    expect(tableOf(CREW, HALL).find(markOf(1, 3), mark)).toBeUndefined()
  })

  it('forgets a topic that is taken out, and no other', () => {
    const table = tableOf(CREW, CREW, HALL)
    table.delete(CREW, mark(CREW))
    expect(table.find(mark(CREW), mark)).toBeUndefined()
    expect(table.find(mark(HALL), mark)).toBe(HALL)
    table.delete(CREW, mark(CREW))
    expect(table.find(mark(HALL), mark)).toBe(HALL)
    table.delete(HALL, mark(HALL))
    expect(table.find(mark(HALL), mark)).toBeUndefined()
  })
})
