import { expect, test } from 'vitest'
import { Lineup } from '../../bench/patterns/lineup.ts'
import { rounds, turnsOf } from '../../bench/patterns/rounds.ts'
import { CONTENDERS } from '../../bench/patterns/rows.ts'

const PAIR = { processes: 2, crews: [1] }

test('turnsOf() gives ixj as many turns as four of its eight peers, in between them', () => {
  const turns = turnsOf(CONTENDERS, 0)
  expect(turns.filter((_, place) => place % 3 === 0)).toEqual(Array(4).fill('ixj'))
  expect(turns.filter((contender) => contender !== 'ixj')).toEqual(CONTENDERS.slice(1))
})

test('turnsOf() begins each round with another peer, so that nobody always follows the same', () => {
  const firsts = CONTENDERS.slice(1).map((_, round) => turnsOf(CONTENDERS, round)[1])
  expect(firsts).toEqual(CONTENDERS.slice(1))
  expect(turnsOf(CONTENDERS, 3)).toHaveLength(12)
})

test('turnsOf() gives ixj a turn where it is alone, and its peers theirs where it is not there', () => {
  expect(turnsOf(['ixj'], 2)).toEqual(['ixj'])
  expect(turnsOf(['nats', 'a2a'], 1)).toEqual(['a2a', 'nats'])
})

test('rounds() gives turns to those alone who have not enough, and at most so many', async () => {
  await using lineup = await Lineup.open(['https-1', 'nats', 'https-2'], PAIR, () => {})
  const found = await rounds(lineup, {
    title: 'a scene',
    count: 4,
    isEnough: (results: readonly string[]) => results[0] === 'https-2' && results.length === 2,
    turn: async ({ contender }, before) => (before === 0 ? contender : `${contender}, ${before}`),
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
    had: new Map([['nats', ['before']]]),
    isEnough: (results: readonly string[]) => results.length === 2,
    turn: async (_team, before) => `turn ${before}`,
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
    turn: async ({ contender }) => {
      turns += 1
      if (contender === 'nats' && turns > 2) throw new Error('broken off')
      return turns
    },
  })
  expect(found.map(([contender]) => contender)).toEqual(['https-1'])
  expect(lineup.notRun.map(({ contender, at }) => [contender, at])).toEqual([['nats', 'a scene']])
})
