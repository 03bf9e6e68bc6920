import { expect, test } from 'vitest'
import type { CachedId } from '../src/mesh/internals.ts'
import { OFFERED_HEARTBEATS } from '../src/mesh/limits.ts'
import { offerAnnouncementsOnce } from '../src/mesh/offering.ts'

const CREW = 'crew'
const OTHER = 'other'
/** First bytes of an announcement, and of a bundle. */
const SAID_AGAIN = 0x92
const SAID_ONCE = 0x94

/** What is used of gossipsub's cache, and what is offered at each heartbeat. */
function cache() {
  const history: CachedId[][] = Array.from({ length: 6 }, () => [])
  const msgs = new Map<
    string,
    { message: { topic: string; data: Uint8Array }; validated: boolean }
  >()
  const mcache = { history, msgs, getGossipIDs: () => new Map<string, Uint8Array[]>() }
  offerAnnouncementsOnce({ mcache })
  const put = (id: string, first: number, { topic = CREW, validated = true } = {}) => {
    const entry = { message: { topic, data: Uint8Array.of(first) }, validated }
    msgs.set(id, entry)
    history[0]?.push({ msgId: Buffer.from(id), msgIdStr: id, topic })
    return entry
  }
  const beat = (topics = [CREW, OTHER]): readonly string[] => {
    const offered = (mcache.getGossipIDs as (topics: Set<string>) => Map<string, Uint8Array[]>)(
      new Set(topics),
    )
    history.pop()
    history.unshift([])
    return [...offered].flatMap(([topic, ids]) =>
      ids.map((id) => `${topic} ${Buffer.from(id).toString()}`),
    )
  }
  return { put, beat }
}

test('a bundle is offered at each of so many heartbeats, each time to others', () => {
  const { put, beat } = cache()
  put('a', SAID_ONCE)
  const all = Array.from({ length: OFFERED_HEARTBEATS + 1 }, () => beat())
  expect(all).toEqual([['crew a'], ['crew a'], ['crew a'], []])
})

test('announcements wait for others, until the last heartbeat at which they are offered', () => {
  const { put, beat } = cache()
  put('a', SAID_AGAIN)
  expect(beat()).toEqual([])
  put('b', SAID_AGAIN)
  expect(beat()).toEqual([])
  put('c', SAID_AGAIN)
  expect(beat()).toEqual(['crew c', 'crew b', 'crew a'])
  expect(beat()).toEqual([])
})

test('announcements go with a bundle of their topic, and with none of another', () => {
  const { put, beat } = cache()
  put('a', SAID_AGAIN)
  put('b', SAID_ONCE, { topic: OTHER })
  expect(beat()).toEqual(['other b'])
  put('c', SAID_ONCE)
  expect(beat()).toEqual(['crew c', 'crew a', 'other b'])
  expect(beat()).toEqual(['crew c', 'other b'])
})

test('what was not accepted is not offered, and what is accepted later is', () => {
  const { put, beat } = cache()
  const late = put('late', SAID_ONCE, { validated: false })
  put('never', SAID_ONCE, { validated: false })
  expect(beat()).toEqual([])
  late.validated = true
  expect(beat()).toEqual(['crew late'])
})

test('nothing is offered on topics of which gossipsub does not ask', () => {
  const { put, beat } = cache()
  put('a', SAID_ONCE)
  expect(beat([OTHER])).toEqual([])
  expect(beat()).toEqual(['crew a'])
})
