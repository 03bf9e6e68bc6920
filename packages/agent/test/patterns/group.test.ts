import { explanationOf } from '../../src/explanation-of.ts'
import { matches, parsePattern } from '@ixj/names'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bodies, CREW, outcomeOf, Town } from '../town.ts'

describe('join()', () => {
  it('needs a subscribe grant, or to be the owner', async () => {
    await using town = await Town.open(1)
    const stranger = await town.agent('a', 1, {
      grants: [{ actions: ['publish'], topics: [CREW] }],
    })
    await expect(stranger.join(CREW)).rejects.toMatchObject({ code: 'no-authority' })
    const owner = await town.nodes[0]!.host.openAgent(town.acme)
    expect((await owner.join(CREW)).members()).toMatchObject([{ name: 'acme.example' }])
  })

  it('refuses a name that is open as an inbox, and the other way round', async () => {
    await using town = await Town.open(1)
    const { agent } = await town.member('a', 1)
    const owner = await town.nodes[0]!.host.openAgent(town.acme)
    await expect(owner.join(agent.name)).rejects.toMatchObject({ code: 'mixed-topic' })
    await expect(owner.gather(CREW)).rejects.toMatchObject({ code: 'mixed-topic' })
  })

  it('refuses one agent twice, and takes it again after it left', async () => {
    await using town = await Town.open(1)
    const { agent, crew } = await town.member('a', 1)
    await expect(agent.join(CREW)).rejects.toMatchObject({ code: 'open-already' })
    await town.world.until(crew[Symbol.asyncDispose]())
    await town.world.until(crew[Symbol.asyncDispose]())
    expect((await agent.join(CREW)).members()).toHaveLength(1)
    await expect(crew.publish('x')).rejects.toMatchObject({ code: 'closed' })
    expect(() => crew.fanOut('x')).toThrow(expect.objectContaining({ code: 'closed' }))
  })
})

describe('publish()', () => {
  it('reaches every other member once, wherever it is, and not the sender', async () => {
    await using town = await Town.open(3)
    const members = await Promise.all(
      ['a', 'b', 'c', 'd'].map((label, index) => town.member(label, (index % 3) + 1)),
    )
    await town.world.pass(1_000)
    const inboxes = members.map(({ crew }) => crew.messages())
    for (const { agent, crew } of members) await town.world.until(crew.publish(`by ${agent.name}`))
    await town.world.pass(100)
    for (const [index, inbox] of inboxes.entries()) {
      const others = members.filter((_, other) => other !== index)
      const expected = others.map(({ agent }) => `by ${agent.name}`).toSorted()
      expect(bodies(inbox).map(String).toSorted()).toEqual(expected)
    }
  })

  it('needs a publish grant', async () => {
    await using town = await Town.open(1)
    const agent = await town.agent('a', 1, { grants: [{ actions: ['subscribe'], topics: [CREW] }] })
    const crew = await agent.join(CREW)
    await expect(crew.publish('x')).rejects.toMatchObject({ code: 'no-authority' })
  })

  it('says 0 when nobody else is there, and is repaired for those who come later', async () => {
    await using town = await Town.open(2)
    const a = await town.member('a', 1)
    expect((await a.crew.publish('alone')).peers).toBe(0)
    const b = await town.member('b', 2)
    await town.world.pass(1_000)
    const inbox = b.crew.messages()
    expect((await town.world.until(a.crew.publish('together'))).peers).toBe(1)
    await town.world.pass(50)
    expect(inbox.drain()).toMatchObject([
      { body: 'alone', gap: 0 },
      { body: 'together', gap: 0 },
    ])
  })

  it('is not handed over when members are there and none can be reached within 1 s', async () => {
    await using town = await Town.open(3, { line: true })
    const a = await town.member('a', 1)
    await town.member('b', 2)
    await town.member('c', 3)
    await town.world.pass(6_000)
    expect(a.crew.members()).toHaveLength(3)
    town.world.network.disconnect('n1.acme.example', 'n2.acme.example')
    await town.world.pass(50)
    // C is still believed to be there; its own connection may stand.
    expect(a.crew.members().map(({ name }) => name)).toContain('c.acme.example')
    const sent = outcomeOf(a.crew.publish('x'))
    await town.world.pass(990)
    expect(sent).toEqual({})
    await town.world.pass(20)
    expect(sent.code).toBe('not-handed-over')
  })

  it('gathers messages into few bundles while one is on its way, in order', async () => {
    await using town = await Town.open(2)
    const [a, b] = [await town.member('a', 1), await town.member('b', 2)]
    await town.world.pass(1_000)
    const inbox = b.crew.messages({ queueMax: 2_000 })
    const decisions = town.nodes[1]!.host.decisions()
    const all = Array.from({ length: 1_000 }, (_, index) => a.crew.publish(index))
    await town.world.until(Promise.all(all))
    await town.world.pass(100)
    expect(bodies(inbox)).toEqual(Array.from({ length: 1_000 }, (_, index) => index))
    const bundles = decisions.drain().filter(({ about }) => about === 'bundle')
    expect(bundles.length).toBeLessThan(10)
  })
})

describe('an audience (i × j)', () => {
  const labels = ['w1.red', 'w2.red', 'w1.blue', 'w2.blue', 'chief']
  const patterns = fc.constantFrom(
    ...['*.red', '*.blue', '**.blue', 'w1.red', 'w1.blue', 'chief', 'blue', 'nobody'].map(
      (label) => `${label}.acme.example`,
    ),
    '*.acme.example',
    '**.acme.example',
    '**.globex.example',
  )

  it('is exactly the members whose names match', async () => {
    await using town = await Town.open(2)
    const sender = await town.member('sender', 1)
    const members = await Promise.all(
      labels.map((label, index) => town.member(label, (index % 2) + 1)),
    )
    await town.world.pass(1_000)
    const inboxes = members.map(({ crew }) => crew.messages())
    await fc.assert(
      fc.asyncProperty(fc.array(patterns, { minLength: 1, maxLength: 3 }), async (to) => {
        await town.world.until(sender.crew.publish('x', { to }))
        await town.world.pass(50)
        for (const [index, inbox] of inboxes.entries()) {
          const { name } = members[index]!.agent
          const meant = to.some((pattern) => matches(parsePattern(pattern), name))
          expect(bodies(inbox), `${name} of ${to.join(', ')}`).toEqual(meant ? ['x'] : [])
        }
      }),
      { seed: 0x1235, numRuns: 60 },
    )
  })

  it.each([[[]], [['a.*']], [Array.from({ length: 65 }, (_, index) => `a${index}.b`)]])(
    'is refused when it is %j',
    async (to) => {
      await using town = await Town.open(1)
      const { crew } = await town.member('a', 1)
      await expect(crew.publish('x', { to })).rejects.toMatchObject({ code: 'argument' })
    },
  )
})

describe('messages()', () => {
  it('gives the first reader what came since joining, later ones what comes from then on', async () => {
    await using town = await Town.open(2)
    const [a, b] = [await town.member('a', 1), await town.member('b', 2)]
    await town.world.pass(1_000)
    await town.world.until(a.crew.publish('before'))
    await town.world.pass(50)
    const [first, second] = [b.crew.messages(), b.crew.messages()]
    await town.world.until(a.crew.publish('after'))
    await town.world.pass(50)
    expect([bodies(first), bodies(second)]).toEqual([['before', 'after'], ['after']])
  })

  it('lets a slow reader lose its own oldest, and nobody else’s', async () => {
    await using town = await Town.open(2)
    const [a, b] = [await town.member('a', 1), await town.member('b', 2)]
    await town.world.pass(1_000)
    const [slow, other] = [b.crew.messages({ queueMax: 2 }), b.crew.messages()]
    for (const body of [1, 2, 3, 4, 5]) await town.world.until(a.crew.publish(body))
    await town.world.pass(50)
    expect([slow.lost, other.lost]).toEqual([3, 0])
    expect([bodies(slow), bodies(other)]).toEqual([
      [4, 5],
      [1, 2, 3, 4, 5],
    ])
  })

  it('ends with its signal, its disposal, or the group', async () => {
    await using town = await Town.open(1)
    const { crew } = await town.member('a', 1)
    const stop = new AbortController()
    const readers = [crew.messages({ signal: stop.signal }), crew.messages(), crew.messages()]
    const ends = readers.map((reader) => reader.take())
    stop.abort()
    await readers[1]![Symbol.asyncDispose]()
    await readers[1]![Symbol.asyncDispose]()
    await town.world.until(crew[Symbol.asyncDispose]())
    expect(await Promise.all(ends)).toEqual(readers.map(() => ({ done: true, value: undefined })))
  })
})

describe('members() and presence()', () => {
  it('tell who comes and who goes', async () => {
    await using town = await Town.open(2)
    const a = await town.member('a', 1)
    const changes = a.crew.presence()
    const b = await town.member('b', 2)
    await town.world.pass(1_000)
    expect(a.crew.members().map(({ name, node, answers }) => [name, node, answers])).toEqual([
      ['a.acme.example', 'n1.acme.example', true],
      ['b.acme.example', 'n2.acme.example', true],
    ])
    await town.world.until(b.crew[Symbol.asyncDispose]())
    await town.world.pass(50)
    const told = changes.drain().map(({ kind, member }) => [kind, member.name])
    expect(told).toEqual([
      ['joined', 'b.acme.example'],
      ['left', 'b.acme.example'],
    ])
  })

  it('forget a member at once that leaves in the moment in which it is told of', async () => {
    await using town = await Town.open(2)
    const a = await town.member('a', 1)
    const b = await town.member('b', 2)
    await town.world.pass(1_000)
    const c = await town.member('c', 2)
    // Presence tells a change 100 ms later; c leaves in that very millisecond.
    const start = town.world.clock.now()
    town.world.clock.at(start + 100, () => void c.crew[Symbol.asyncDispose]())
    await town.world.pass(1_000)
    expect(b.crew.members()).toHaveLength(2)
    expect(a.crew.members().map(({ name }) => name)).toEqual(['a.acme.example', 'b.acme.example'])
  })

  it('say lost when a node’s connection ends, and joined when it is back', async () => {
    await using town = await Town.open(2)
    const a = await town.member('a', 1)
    await town.member('b', 2)
    await town.world.pass(1_000)
    const changes = a.crew.presence()
    const [n1, n2] = ['n1.acme.example', 'n2.acme.example'] as const
    town.world.network.disconnect(n1, n2)
    await town.world.pass(50)
    town.world.network.connect(n1, n2)
    await town.world.pass(7_000)
    expect(changes.drain().map(({ kind }) => kind)).toEqual(['lost', 'joined'])
  })

  it('know nobody whose grant has ended', async () => {
    await using town = await Town.open(2)
    const a = await town.member('a', 1)
    await town.member('b', 2, { lifetimeSeconds: 10 })
    await town.world.pass(1_000)
    expect(a.crew.members()).toHaveLength(2)
    const changes = a.crew.presence()
    await town.world.pass(69_000 + 1_000)
    expect(a.crew.members()).toHaveLength(1)
    expect(changes.drain()).toMatchObject([{ kind: 'lost', why: 'lapsed' }])
  })
})

describe('a right that several agents of one node share', () => {
  it('outlives the agent that showed it first', async () => {
    await using town = await Town.open(2)
    const a = await town.member('a', 1)
    await town.member('short', 2, { lifetimeSeconds: 10 })
    const long = await town.member('long', 2)
    await town.world.pass(80_000)
    const inbox = long.crew.messages()
    await town.world.until(a.crew.publish('still there?'))
    await town.world.pass(50)
    expect(bodies(inbox)).toEqual(['still there?'])
  })
})

describe('a connection that ends', () => {
  /** Three nodes in a ring, a member on each. */
  async function openRing() {
    const town = await Town.open(3)
    const { crew } = await town.member('a', 1)
    await town.member('b', 2)
    await town.member('c', 3)
    await town.world.pass(1_000)
    return { town, crew, [Symbol.asyncDispose]: () => town[Symbol.asyncDispose]() }
  }

  it('loses nobody of whom another still brings word', async () => {
    await using ring = await openRing()
    const { town, crew } = ring
    const changes = crew.presence()
    town.world.network.disconnect('n1.acme.example', 'n2.acme.example')
    await town.world.pass(30_000)
    expect(changes.drain()).toEqual([])
    expect(crew.members()).toHaveLength(3)
  })

  it('loses the members of a node that crashed within 4 s, others being there', async () => {
    await using ring = await openRing()
    const { town, crew } = ring
    const changes = crew.presence()
    await town.nodes[1]!.transport[Symbol.asyncDispose]()
    await town.world.pass(4_000)
    expect(changes.drain()).toMatchObject([
      { kind: 'lost', why: 'disconnected', member: { name: 'b.acme.example' } },
    ])
    expect(crew.members()).toHaveLength(2)
  })
})

describe('a member', () => {
  it('shows by which statements it is there', async () => {
    await using town = await Town.open(2)
    const a = await town.member('a', 1)
    await town.member('b', 2)
    await town.world.pass(1_000)
    for (const member of a.crew.members()) {
      expect(member.proof).toHaveLength(32)
      const { sender, onBehalfOf, name: chain, authority } = explanationOf(member)
      expect([sender, onBehalfOf]).toEqual([member.name, 'acme.example'])
      expect(chain.lines.join(' ')).toContain(`${member.name} ← acme.example`)
      expect(authority.lines.join(' ')).toContain('subscribe')
    }
  })
})
