import { describe, expect, it } from 'vitest'
import { bodies, CREW, CREW_GRANT, outcomeOf, toInbox, Town } from '../town.ts'

const [N1, N2, N3] = ['n1.acme.example', 'n2.acme.example', 'n3.acme.example'] as const

/** Publishes these bodies one after the other; whether anybody took them is no matter. */
async function publishAll(
  town: Town,
  crew: { publish(body: string): Promise<unknown> },
  texts: readonly string[],
): Promise<void> {
  for (const text of texts) {
    outcomeOf(crew.publish(text))
    await town.world.pass(1_100)
  }
}

const DELEGABLE = { ...CREW_GRANT, mayDelegate: ['*.a.acme.example'] } as const

const numbered = (label: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${label} ${index + 1}`)

describe('after a partition', () => {
  it('both sides have all events of the other within 10 s, in order, and nothing twice', async () => {
    await using town = await Town.open(2)
    const [a, b] = [await town.member('a', 1), await town.member('b', 2)]
    await town.world.pass(1_000)
    const [fromB, fromA] = [a.crew.messages(), b.crew.messages()]
    town.world.network.disconnect(N1, N2)
    const [as, bs] = [numbered('a', 30), numbered('b', 30)]
    await publishAll(town, a.crew, as)
    await publishAll(town, b.crew, bs)
    expect([fromA.size, fromB.size]).toEqual([0, 0])
    town.world.network.connect(N1, N2)
    await town.world.pass(10_000)
    expect([bodies(fromA), bodies(fromB)]).toEqual([as, bs])
    await town.world.pass(60_000)
    expect([fromA.size, fromB.size]).toEqual([0, 0])
  })

  it('nodes several hops off are repaired too, within 10 s', async () => {
    await using town = await Town.open(5, { line: true })
    const members = []
    for (let node = 1; node <= 5; node++) members.push(await town.member(`m${node}`, node))
    await town.world.pass(8_000)
    const [first] = members
    const inboxes = members.slice(1).map(({ crew }) => crew.messages())
    town.world.network.disconnect(N2, N3)
    const sent = numbered('m1', 20)
    await publishAll(town, first!.crew, sent)
    town.world.network.connect(N2, N3)
    await town.world.pass(10_000)
    for (const inbox of inboxes) expect(bodies(inbox)).toEqual(sent)
  })

  it('what a sub-agent said before it closed is had by the other side, with what proves it', async () => {
    await using town = await Town.open(2)
    const [a, b] = [
      await town.member('a', 1, { uses: 'both', depth: 1, grants: [DELEGABLE] }),
      await town.member('b', 2),
    ]
    await town.world.pass(1_000)
    const inbox = b.crew.messages()
    town.world.network.disconnect(N1, N2)
    const child = await a.agent.spawn('child', {
      lifetimeSeconds: 600,
      grants: [{ actions: ['publish', 'subscribe'], topics: [CREW] }],
    })
    const crew = await child.join(CREW)
    await publishAll(town, crew, ['one', 'two'])
    await town.world.until(child[Symbol.asyncDispose]())
    await town.world.pass(1_000)
    town.world.network.connect(N1, N2)
    await town.world.pass(10_000)
    expect(bodies(inbox)).toEqual(['one', 'two'])
  })

  it('an event whose lifespan has ended meanwhile is delivered to nobody', async () => {
    await using town = await Town.open(2)
    const [a, b] = [await town.member('a', 1), await town.member('b', 2)]
    await town.world.pass(1_000)
    const inbox = b.crew.messages()
    town.world.network.disconnect(N1, N2)
    outcomeOf(a.crew.publish('short', { lifespanMs: 5_000 }))
    outcomeOf(a.crew.publish('long'))
    await town.world.pass(10_000)
    town.world.network.connect(N1, N2)
    await town.world.pass(10_000)
    expect(bodies(inbox)).toEqual(['long'])
    await town.world.pass(60_000)
    expect(inbox.size).toBe(0)
  })
})

describe('loss', () => {
  it('of events of a group is repaired, the last one too', async () => {
    await using town = await Town.open(3, { loss: 0.3, seed: 7 })
    const a = await town.member('a', 1)
    const others = [await town.member('b', 2), await town.member('c', 3)]
    await town.world.pass(20_000)
    const inboxes = others.map(({ crew }) => crew.messages())
    const sent = numbered('a', 40)
    for (const text of sent) {
      await town.world.until(a.crew.publish(text))
      await town.world.pass(100)
    }
    await town.world.pass(5_000)
    for (const inbox of inboxes) expect(new Set(bodies(inbox))).toEqual(new Set(sent))
  })

  it('of what was sent to an inbox is repaired by its sender', async () => {
    await using town = await Town.open(2, { loss: 0.3, seed: 3 })
    const a = await town.agent('a', 1, { grants: [toInbox('b.acme.example')] })
    const b = await town.agent('b', 2)
    const inbox = b.messages()
    const sent = numbered('a', 40)
    for (const text of sent) {
      await town.world.until(a.send(b.name, text))
      await town.world.pass(100)
    }
    await town.world.pass(5_000)
    expect(new Set(bodies(inbox))).toEqual(new Set(sent))
  })
})

describe('who joins late', () => {
  it('gets what lives still from whoever has it, though its sender has gone', async () => {
    await using town = await Town.open(3)
    const a = await town.member('a', 1)
    await town.member('b', 2)
    await town.world.pass(1_000)
    for (const text of ['one', 'two']) await town.world.until(a.crew.publish(text))
    await town.nodes[0]!.transport[Symbol.asyncDispose]()
    await town.world.pass(2_000)
    const c = await town.member('c', 3)
    const inbox = c.crew.messages()
    await town.world.pass(10_000)
    expect(bodies(inbox)).toEqual(['one', 'two'])
  })
})
