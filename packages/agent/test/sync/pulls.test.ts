import { fromHex } from '@ixj/trust'
import { describe, expect, it } from 'vitest'
import { name } from '../../../../test/world/world.ts'
import { ManualClock } from '../../src/manual-clock.ts'
import { PULL_LONG_MS, PULL_MS, PULL_TRIES_MAX } from '../../src/sync/limits.ts'
import { Pulls, type Outcome } from '../../src/sync/pulls.ts'

const CREW = name('crew.acme.example')
const ID = 'ab'.repeat(32)

const idText = (number: number) => number.toString(16).padStart(64, '0')
const idTexts = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => idText(from + index))

function openPulls() {
  const clock = new ManualClock()
  const asked: { readonly peer: string; readonly ids: readonly Uint8Array[] }[] = []
  const pulls = new Pulls({
    clock,
    has: () => false,
    ask: (peer, _topic, ids) => void asked.push({ peer, ids }),
    done: () => {},
  })
  const list = (peer: string, ids: readonly string[]) =>
    pulls.listed(
      CREW,
      ids.map((each) => fromHex(each)),
      peer,
    )
  /** The neighbour answers for one after the other, at this pace. */
  const answerEach = async (peer: string, ids: readonly string[], how: [Outcome, number]) => {
    const [outcome, everyMs] = how
    for (const each of ids) {
      await clock.advance(everyMs)
      pulls.answered(each, peer, outcome)
    }
  }
  return { clock, pulls, asked, list, answerEach, peers: () => asked.map(({ peer }) => peer) }
}

it('a neighbour that was asked twice over a slow link may answer twice, and no more', async () => {
  const { clock, pulls, asked, list } = openPulls()
  list('n2', [ID])
  await clock.advance(PULL_MS)
  expect(asked).toHaveLength(2)
  for (const outcome of ['accepted', 'settled'] as const) {
    expect(pulls.asked(ID, 'n2')).toBe(CREW)
    pulls.answered(ID, 'n2', outcome)
  }
  expect(pulls.asked(ID, 'n2')).toBeUndefined()
})

describe('a neighbour that holds up repair', () => {
  it.each<Outcome>(['again', 'worthless', 'lapsed'])(
    'buys no time by answers that are %s',
    async (outcome) => {
      const { list, answerEach, peers } = openPulls()
      list('slow', idTexts(0, 10))
      list('honest', idTexts(100, 10))
      await answerEach('slow', idTexts(0, 2), [outcome, PULL_MS / 2])
      expect(peers()).toEqual(['slow', 'honest'])
    },
  )

  it('is asked last from then on, whatever it lists first', async () => {
    const { clock, list, answerEach, peers } = openPulls()
    list('slow', idTexts(0, 10))
    list('honest', idTexts(100, 10))
    await clock.advance(PULL_MS)
    list('slow', idTexts(50, 10))
    await answerEach('honest', idTexts(100, 10), ['accepted', 1])
    list('honest', idTexts(200, 10))
    // It is asked when there is nothing else, and what it lists later waits for nobody.
    expect(peers()).toEqual(['slow', 'honest', 'slow'])
    await clock.advance(PULL_MS)
    expect(peers()).toEqual(['slow', 'honest', 'slow', 'honest'])
  })

  it('is not forgiven for ending what it was asked for without giving it', async () => {
    const { list, answerEach, peers } = openPulls()
    list('slow', idTexts(0, 3))
    list('honest', idTexts(100, 3))
    await answerEach('slow', idTexts(0, 3), ['worthless', 600])
    list('slow', idTexts(10, 3))
    await answerEach('honest', idTexts(100, 2), ['accepted', 1])
    list('honest', idTexts(103, 3))
    await answerEach('honest', idTexts(102, 1), ['accepted', 1])
    expect(peers()).toEqual(['slow', 'honest', 'honest'])
  })

  it('by giving slowly is left after 8 s for another that has the rest', async () => {
    const { list, answerEach, peers } = openPulls()
    const ids = idTexts(0, 100)
    list('slow', ids)
    list('honest', ids)
    const everyMs = PULL_MS - 100
    const count = Math.ceil(PULL_LONG_MS / everyMs)
    await answerEach('slow', ids.slice(0, count - 1), ['accepted', everyMs])
    expect(peers()).toEqual(['slow'])
    await answerEach('slow', ids.slice(count - 1, count), ['accepted', everyMs])
    expect(peers()).toEqual(['slow', 'honest'])
  })

  it('by giving slowly is waited for where nobody else has it', async () => {
    const { list, answerEach, peers } = openPulls()
    const ids = idTexts(0, 20)
    list('slow', ids)
    await answerEach('slow', ids, ['accepted', PULL_MS - 100])
    expect(peers()).toEqual(['slow'])
  })

  it('is given up for an id after three tries', async () => {
    const { clock, list, peers } = openPulls()
    list('slow', [ID])
    await clock.advance(10 * PULL_MS)
    expect(peers()).toEqual(Array.from({ length: PULL_TRIES_MAX }, () => 'slow'))
  })
})

it('what a neighbour cannot vouch for is not asked of it again, and of others it is', async () => {
  const { list, answerEach, peers } = openPulls()
  list('n2', [ID])
  await answerEach('n2', [ID], ['lapsed', 1])
  list('n2', [ID])
  list('n3', [ID])
  expect(peers()).toEqual(['n2', 'n3'])
})
