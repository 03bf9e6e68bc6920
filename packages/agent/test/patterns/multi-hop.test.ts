import { describe, expect, it } from 'vitest'
import { bodies, outcomeOf, Town } from '../town.ts'

/** Three nodes in a line, a member of the crew on each. */
async function openLine() {
  const town = await Town.open(3, { line: true })
  const members = []
  for (const [index, label] of ['a', 'b', 'c'].entries()) {
    members.push(await town.member(label, index + 1))
  }
  await town.world.pass(6_000)
  const [a, b, c] = members
  return { town, a: a!, b: b!, c: c!, [Symbol.asyncDispose]: () => town[Symbol.asyncDispose]() }
}

describe('a group over several hops', () => {
  it('knows its members from end to end, and carries messages both ways', async () => {
    await using line = await openLine()
    const { a, c, town } = line
    for (const { crew } of [a, line.b, c]) expect(crew.members()).toHaveLength(3)
    const inboxes = [a, c].map(({ crew }) => crew.messages())
    await town.world.until(a.crew.publish('from a'))
    await town.world.until(c.crew.publish('from c'))
    await town.world.pass(100)
    expect(inboxes.map(bodies)).toEqual([['from c'], ['from a']])
  })

  it('fetches a proof from the neighbour that forwarded, two hops from the sender', async () => {
    await using line = await openLine()
    const { a, c, town } = line
    // A grant that c has not seen: a new member on node 1.
    const d = await town.member('d', 1)
    const inbox = c.crew.messages()
    await town.world.until(d.crew.publish('new here'))
    await town.world.pass(100)
    expect(bodies(inbox)).toEqual(['new here'])
    expect(town.nodes[2]!.host.counts.get('proof-missing')).toBeUndefined()
    expect(a.crew.members().map(({ name }) => name)).toContain('c.acme.example')
  })

  it('fans out, and the answers come back, where neighbours can be reached', async () => {
    await using line = await openLine()
    const { b, a, town } = line
    void (async () => {
      for await (const request of a.agent.requests()) await request.reply('done')
    })()
    const run = b.crew.fanOut('task', { to: 'a.acme.example' })
    const replies = async () => {
      const names: string[] = []
      for await (const reply of run) names.push(reply.name)
      return names
    }
    expect(await town.world.until(replies())).toEqual(['a.acme.example'])
  })

  it('says lost of a node that is gone, at its neighbour within 4 s, further off within 18 s', async () => {
    await using line = await openLine()
    const { a, b, town } = line
    const left = [a, b].map(({ crew }) => crew.presence())
    await town.nodes[2]!.transport[Symbol.asyncDispose]()
    await town.world.pass(4_000)
    const told = () =>
      left.map((queue) => queue.drain().map(({ kind, member }) => `${kind} ${member.name}`))
    expect(told()).toEqual([[], ['lost c.acme.example']])
    await town.world.pass(15_100)
    expect(told()).toEqual([['lost c.acme.example'], []])
  })

  it('goes on after a partition has healed', async () => {
    await using line = await openLine()
    const { a, c, town } = line
    const [n2, n3] = ['n2.acme.example', 'n3.acme.example'] as const
    town.world.network.disconnect(n2, n3)
    await town.world.pass(30_000)
    expect(a.crew.members()).toHaveLength(2)
    town.world.network.connect(n2, n3)
    await town.world.pass(7_000)
    expect(a.crew.members()).toHaveLength(3)
    const inbox = c.crew.messages()
    const sent = outcomeOf(a.crew.publish('again'))
    await town.world.pass(100)
    expect(sent.value?.peers).toBe(1)
    expect(bodies(inbox)).toEqual(['again'])
  })
})
