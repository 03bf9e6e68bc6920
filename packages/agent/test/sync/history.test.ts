import { explanationOf } from '../../src/explanation-of.ts'
import { describe, expect, it } from 'vitest'
import { bodies, outcomeOf, Town } from '../town.ts'

const [N1, N2] = ['n1.acme.example', 'n2.acme.example'] as const

/** Two members; `a` has published one to five, a second apart. */
async function openFive() {
  const town = await Town.open(2)
  const [a, b] = [await town.member('a', 1), await town.member('b', 2)]
  await town.world.pass(1_000)
  const times: number[] = []
  for (const text of ['1', '2', '3', '4', '5']) {
    times.push(town.world.clock.now())
    await town.world.until(a.crew.publish(text))
    await town.world.pass(1_000)
  }
  return { town, a, b, times, [Symbol.asyncDispose]: () => town[Symbol.asyncDispose]() }
}

describe('messages({ history })', () => {
  it('gives the last n, then what comes, each once; what waited is as it was sent', async () => {
    await using five = await openFive()
    const { town, a, b } = five
    // The first reader of a member has what came since it joined, as it was sent.
    expect(bodies(b.crew.messages())).toHaveLength(5)
    const inbox = b.crew.messages({ history: 3 })
    await town.world.until(a.crew.publish('6'))
    await town.world.pass(100)
    const got = inbox.drain()
    expect(got.map(({ body }) => body)).toEqual(['3', '4', '5', '6'])
    expect(got.map(({ historical }) => historical)).toEqual([true, true, true, false])
    expect(explanationOf(got[0]!)).toMatchObject({
      outcome: 'accepted',
      notes: ['history: it was delivered when it came'],
    })
  })

  it('gives what there is since a time, and nothing of what waits already twice', async () => {
    await using five = await openFive()
    const { town, b, times } = five
    const inbox = b.crew.messages({ history: { since: times[3]! } })
    await town.world.pass(100)
    // The first reader: all five wait for it, so history adds none.
    expect(inbox.drain().map(({ body, historical }) => [body, historical])).toEqual(
      ['1', '2', '3', '4', '5'].map((body) => [body, false]),
    )
    const second = b.crew.messages({ history: { since: times[3]! } })
    await town.world.pass(100)
    expect(bodies(second)).toEqual(['4', '5'])
  })

  it('gives neither what the reader sent itself, nor what was for others', async () => {
    await using five = await openFive()
    const { town, a, b } = five
    await town.world.until(a.crew.publish('for nobody here', { to: ['c.acme.example'] }))
    await town.world.until(b.crew.publish('from b'))
    await town.world.pass(100)
    const [ofA, ofB] = [a.crew, b.crew].map((crew) => crew.messages({ history: 100 }))
    bodies(a.crew.messages())
    await town.world.pass(100)
    expect(bodies(ofA!)).toEqual(['from b'])
    expect(bodies(ofB!)).toEqual(['1', '2', '3', '4', '5'])
  })

  it('refuses what is no number of messages and no time', async () => {
    await using five = await openFive()
    for (const history of [-1, 1.5, 10_001, { last: NaN }, { since: -1 }]) {
      expect(() => five.b.crew.messages({ history })).toThrow(
        expect.objectContaining({ code: 'argument' }),
      )
    }
  })

  it('shows what came after its lifespan, marked, and to those alone who ask for it', async () => {
    await using town = await Town.open(2)
    const [a, b] = [await town.member('a', 1), await town.member('b', 2)]
    await town.world.pass(1_000)
    const asked = b.crew.messages({ history: 0 })
    const other = b.crew.messages()
    const requests: unknown[] = []
    void (async () => {
      for await (const request of b.agent.requests()) requests.push(request.body)
    })()
    town.world.network.disconnect(N1, N2)
    outcomeOf(a.crew.publish('short', { lifespanMs: 5_000 }))
    const run = a.crew.fanOut('asked', { lifespanMs: 5_000 })
    await town.world.pass(10_000)
    expect(run.missing).toEqual(['b.acme.example'])
    town.world.network.connect(N1, N2)
    await town.world.pass(10_000)
    expect(asked.drain()).toMatchObject([{ body: 'short', historical: true, late: true }])
    expect([other.size, requests]).toEqual([0, []])
    const later = b.crew.messages({ history: 10 })
    await town.world.pass(100)
    expect(later.drain()).toMatchObject([{ body: 'short', historical: true }])
    expect(town.nodes[1]!.host.counts.get('lifespan')).toBeUndefined()
  })

  it('keeps nothing longer than 10 minutes and the skew', async () => {
    await using five = await openFive()
    const { town, b } = five
    const read = async () => {
      const inbox = b.crew.messages({ history: 10 })
      await town.world.pass(50)
      return bodies(inbox)
    }
    bodies(b.crew.messages())
    await town.world.pass(600_000)
    expect(await read()).toHaveLength(5)
    await town.world.pass(80_000)
    expect(await read()).toEqual([])
  })
})
