import { expect, test } from 'vitest'
import { Lineup } from '../../bench/patterns/lineup.ts'
import { rounds, roundsOfAll, turnsOf } from '../../bench/patterns/rounds.ts'
import { CONTENDERS } from '../../bench/patterns/rows.ts'

const PAIR = { processes: 2, crews: [1] }

test('turnsOf() gives ixj a turn before each peer, or before every second', () => {
  for (const peersForATurn of [1, 2]) {
    const turns = turnsOf(CONTENDERS, { round: 0, peersForATurn })
    const own = turns.filter((_, place) => place % (peersForATurn + 1) === 0)
    expect(own).toEqual(Array(8 / peersForATurn).fill('ixj'))
    expect(turns.filter((contender) => contender !== 'ixj')).toEqual(CONTENDERS.slice(1))
  }
})

test('turnsOf() begins each round with another peer, so that nobody always follows the same', () => {
  const firsts = CONTENDERS.slice(1).map(
    (_, round) => turnsOf(CONTENDERS, { round, peersForATurn: 2 })[1],
  )
  expect(firsts).toEqual(CONTENDERS.slice(1))
  expect(turnsOf(CONTENDERS, { round: 3, peersForATurn: 2 })).toHaveLength(12)
})

test('turnsOf() gives ixj a turn where it is alone, and its peers theirs where it is not there', () => {
  expect(turnsOf(['ixj'], { round: 2, peersForATurn: 1 })).toEqual(['ixj'])
  expect(turnsOf(['nats', 'a2a'], { round: 1, peersForATurn: 1 })).toEqual(['a2a', 'nats'])
})

test('rounds() gives turns to those alone who have not enough, and at most so many', async () => {
  await using lineup = await Lineup.open(['https-1', 'nats', 'https-2'], PAIR, () => {})
  const found = await rounds(lineup, {
    title: 'a scene',
    count: 4,
    peersForATurn: 1,
    isEnough: (results: readonly string[]) => results[0] === 'https-2' && results.length === 2,
    turn: async ({ contender }, before) =>
      before.length === 0 ? contender : `${contender}, ${before.length}`,
  })
  const four = (contender: string) => [
    contender,
    ...[1, 2, 3].map((turn) => `${contender}, ${turn}`),
  ]
  expect(found).toEqual([
    ['https-1', four('https-1')],
    ['nats', four('nats')],
    ['https-2', ['https-2', 'https-2, 1']],
  ])
})

test('rounds() counts what was measured before, and takes no turn in its place', async () => {
  await using lineup = await Lineup.open(['https-1', 'nats'], PAIR, () => {})
  const found = await rounds(lineup, {
    title: 'a scene',
    count: 3,
    peersForATurn: 1,
    had: new Map([['nats', ['before']]]),
    isEnough: (results: readonly string[]) => results.length === 2,
    turn: async (_team, before) => `turn ${before.length}`,
  })
  expect(new Map(found)).toEqual(
    new Map([
      ['https-1', ['turn 0', 'turn 1']],
      ['nats', ['before', 'turn 1']],
    ]),
  )
})

test('rounds() tells how many turns a team was offered, taken or not', async () => {
  await using lineup = await Lineup.open(['https-1', 'nats'], PAIR, () => {})
  const offers: string[] = []
  await rounds(lineup, {
    title: 'a scene',
    count: 3,
    peersForATurn: 1,
    isEnough: (results: readonly string[], { offered, of }) => {
      offers.push(`${results.length} of ${offered}, ${of} in all`)
      return offered === 1
    },
    turn: async () => 'done',
  })
  const each = ['0 of 0, 3 in all', '1 of 1, 3 in all', '1 of 2, 3 in all']
  expect(offers).toEqual(each.flatMap((offer) => [offer, offer]))
})

test('rounds() has no outcome of who fails in a later round', async () => {
  await using lineup = await Lineup.open(['https-1', 'nats'], PAIR, () => {})
  let turns = 0
  const found = await rounds(lineup, {
    title: 'a scene',
    count: 2,
    peersForATurn: 1,
    turn: async ({ contender }) => {
      turns += 1
      if (contender === 'nats' && turns > 2) throw new Error('broken off')
      return turns
    },
  })
  expect(found.map(([contender]) => contender)).toEqual(['https-1'])
  expect(lineup.notRun.map(({ contender, at }) => [contender, at])).toEqual([['nats', 'a scene']])
})

test('roundsOfAll() has turns at all works in each round; who fails at one keeps what it did at others', async () => {
  await using lineup = await Lineup.open(['https-1', 'nats'], PAIR, () => {})
  const turns: string[] = []
  const works = ['one', 'other'].map((title) => ({
    title,
    turn: async ({ contender }: { readonly contender: string }) => {
      turns.push(`${contender}: ${title}`)
      if (turns.length === 7) throw new Error('broken off')
      return turns.length
    },
  }))
  const [one, other] = await roundsOfAll(lineup, { count: 2, peersForATurn: 1, works })
  expect(turns).toEqual([
    'https-1: one',
    'nats: one',
    'https-1: other',
    'nats: other',
    'nats: one',
    'https-1: one',
    'nats: other',
    'https-1: other',
  ])
  expect(new Map(one)).toEqual(
    new Map([
      ['https-1', [1, 6]],
      ['nats', [2, 5]],
    ]),
  )
  expect(other).toEqual([['https-1', [3, 8]]])
  expect(lineup.notRun.map(({ contender, at }) => [contender, at])).toEqual([['nats', 'other']])
})

test('roundsOfAll() has nothing of who had been measured before and is out', async () => {
  await using lineup = await Lineup.open(['https-1', 'nats'], PAIR, () => {})
  await lineup.turn('nats', 'the search', () => Promise.reject(new Error('broken off')))
  const had = new Map([['nats', ['before']]] as const)
  const work = { title: 'a scene', had, turn: async () => 'turn' }
  expect(await rounds(lineup, { count: 1, peersForATurn: 1, ...work })).toEqual([
    ['https-1', ['turn']],
  ])
})
