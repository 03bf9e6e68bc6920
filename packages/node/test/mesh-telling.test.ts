import type { RPC } from '@libp2p/gossipsub/message'
import { expect, test } from 'vitest'
import { ManualClock } from '../../agent/src/manual-clock.ts'
import { emptyCounts } from '../src/mesh/counts.ts'
import { Forwarding } from '../src/mesh/forwarding.ts'
import { ANEW_MS, HAVE_IDS, HAVE_LATE_IDS, HAVE_LATE_MS, HAVE_MS } from '../src/mesh/limits.ts'
import { Telling } from '../src/mesh/telling.ts'

const TOPIC = 'topic'

/** What neighbours are told, as the first byte of each id. */
function bench() {
  const clock = new ManualClock()
  const told: { readonly peer: string; readonly at: number; readonly ids: readonly number[] }[] = []
  const left = new Set<string>()
  const telling = new Telling({
    clock,
    counts: emptyCounts(),
    isMember: (_wire, peer) => !left.has(peer),
    members: () => ['one', 'other'].filter((peer) => !left.has(peer)),
    sendRpc: (peer, { control }: RPC) => {
      const ids = control?.idontwant.flatMap(({ messageIDs }) => messageIDs) ?? []
      told.push({ peer, at: clock.now() - begin, ids: ids.map(([first]) => first ?? -1) })
    },
  })
  const begin = clock.now()
  const came = (number: number, peers = ['one', 'other']): void =>
    telling.came({ id: Uint8Array.of(number), wire: TOPIC }, peers)
  return { clock, told, left, telling, came }
}

test('a neighbour that brings no copies is told late, of many messages in one word', async () => {
  const { clock, told, came } = bench()
  came(1)
  await clock.advance(HAVE_LATE_MS - 1)
  came(2)
  expect(told).toEqual([])
  await clock.advance(1)
  expect(told).toEqual([
    { peer: 'one', at: HAVE_LATE_MS, ids: [1, 2] },
    { peer: 'other', at: HAVE_LATE_MS, ids: [1, 2] },
  ])
})

test('one that brought a copy is told soon, and late again once it brings none', async () => {
  const { clock, told, telling, came } = bench()
  came(1)
  telling.copied('one')
  await clock.advance(HAVE_MS)
  expect(told).toEqual([{ peer: 'one', at: HAVE_MS, ids: [1] }])
  came(2)
  await clock.advance(HAVE_LATE_MS - HAVE_MS - 1)
  expect(told).toHaveLength(1)
  await clock.advance(1)
  expect(told.slice(1)).toEqual([
    { peer: 'other', at: HAVE_LATE_MS, ids: [1, 2] },
    { peer: 'one', at: HAVE_LATE_MS, ids: [2] },
  ])
})

test('one that brought a copy of what it was told already is told soon of the next', async () => {
  const { clock, told, telling, came } = bench()
  telling.copied('one')
  await clock.advance(10 * HAVE_LATE_MS)
  expect(told).toEqual([])
  came(1)
  await clock.advance(HAVE_MS)
  expect(told.map(({ peer, ids }) => ({ peer, ids }))).toEqual([{ peer: 'one', ids: [1] }])
})

test('all are told soon when they wait for the word', async () => {
  const { clock, told, telling, came } = bench()
  came(1)
  telling.hurry()
  await clock.advance(HAVE_MS)
  expect(told.map(({ peer, ids }) => ({ peer, ids }))).toEqual([
    { peer: 'one', ids: [1] },
    { peer: 'other', ids: [1] },
  ])
  await clock.advance(HAVE_LATE_MS)
  expect(told).toHaveLength(2)
})

test('many messages are told at once: of one that brings copies fewer are many', () => {
  const { told, telling, came } = bench()
  telling.copied('one')
  for (let number = 0; number < HAVE_LATE_IDS; number++) came(number)
  const sizes = (of: string) => told.filter(({ peer }) => peer === of).map(({ ids }) => ids.length)
  // Told once, it brings copies no longer, as far as is known.
  expect(sizes('one')).toEqual([HAVE_IDS])
  expect(sizes('other')).toEqual([HAVE_LATE_IDS])
  telling.end()
})

test('who has left the topic, or has gone, is told nothing of what came before', async () => {
  const { clock, told, left, telling, came } = bench()
  came(1, ['one', 'other', 'third'])
  left.add('one')
  telling.gone('other')
  await clock.advance(HAVE_LATE_MS)
  expect(told.map(({ peer }) => peer)).toEqual(['third'])
})

test('all are told once, by a word without ids, that nothing is to be taken for granted', async () => {
  const { clock, told, telling, came } = bench()
  came(1, ['other'])
  telling.anew()
  telling.anew()
  await clock.advance(HAVE_MS)
  expect(told).toEqual([
    { peer: 'one', at: HAVE_MS, ids: [] },
    { peer: 'other', at: HAVE_MS, ids: [] },
  ])
  await clock.advance(HAVE_LATE_MS)
  expect(told.slice(2)).toEqual([{ peer: 'other', at: HAVE_LATE_MS, ids: [1] }])
})

test('that is said once in a second, however often a neighbour comes and goes', async () => {
  const { clock, told, telling } = bench()
  for (let times = 0; times < 25; times++) {
    telling.anew()
    await clock.advance(HAVE_MS)
  }
  const times = told.filter(({ peer }) => peer === 'one').map(({ at }) => at)
  expect(times).toEqual([HAVE_MS, HAVE_MS + ANEW_MS, HAVE_MS + 2 * ANEW_MS])
})

test('nothing is told by a node that has ended', async () => {
  const { clock, told, telling, came } = bench()
  came(1)
  telling.copied('one')
  telling.end()
  telling.anew()
  await clock.advance(HAVE_LATE_MS)
  expect(told).toEqual([])
})

test('a copy that one had sent before it went is not remembered: come again, it is told late', async () => {
  const clock = new ManualClock()
  const said: string[] = []
  const streamsOutbound = new Map([['one', {}]])
  // What is used of gossipsub.
  const gossip = {
    opts: {},
    mesh: new Map([[TOPIC, new Set(['one'])]]),
    streamsOutbound,
    score: { duplicateMessage: (_from: string, _id: string, _wire: string) => {} },
    msgIdToStrFn: (id: Uint8Array) => String(id[0]),
    sendRpc: (peer: string) => said.push(peer) > 0,
    sendIDontWants: (_id: Uint8Array, _wire: string, _source: string) => {},
    handleIHave: () => [],
    mcache: {},
  }
  const forwarding = new Forwarding(
    { clock, counts: emptyCounts() },
    gossip as unknown as ConstructorParameters<typeof Forwarding>[1],
  )
  streamsOutbound.delete('one')
  forwarding.gone('one')
  gossip.score.duplicateMessage('one', '0', TOPIC)
  streamsOutbound.set('one', {})
  gossip.sendIDontWants(Uint8Array.of(1), TOPIC, 'source')
  await clock.advance(HAVE_LATE_MS - 1)
  expect(said).toEqual([])
  await clock.advance(1)
  expect(said).toEqual(['one'])
  // While it is here, a copy has it told soon.
  gossip.score.duplicateMessage('one', '1', TOPIC)
  gossip.sendIDontWants(Uint8Array.of(2), TOPIC, 'source')
  await clock.advance(HAVE_MS)
  expect(said).toEqual(['one', 'one'])
  forwarding.end()
})
