import { explanationOf } from '../../src/explanation-of.ts'
import { describe, expect, it } from 'vitest'
import { name } from '../../../../test/world/world.ts'
import { bodies, CREW, toInbox, Town } from '../town.ts'

const DESK = 'desk.acme.example'
const LIFETIME = { lifetimeSeconds: 60 }

/** Two nodes, a desk on the second, and a pool under the first that may write to it. */
async function office(options: { readonly grants?: readonly string[] } = {}) {
  const town = await Town.open(2)
  const desk = await town.agent('desk', 2)
  const { host } = town.nodes[0]!
  const { grants = [DESK] } = options
  const wishes = { ...LIFETIME, grants: [toInbox(...grants)], by: town.acme }
  const pool = await host.openPool(wishes)
  return { town, desk, host, pool, wishes }
}

describe('openPool()', () => {
  it('has agents that nobody bound, each heard elsewhere as some agent of its node', async () => {
    const { town, desk, pool } = await office()
    await using _ = town
    expect(pool.name).toBe('pool.n1.acme.example')
    const agents = await Promise.all(Array.from({ length: 20 }, () => pool.agent()))
    const inbox = desk.messages()
    const told = town.nodes[1]!.host.decisions()
    await town.world.until(Promise.all(agents.map((agent) => agent.send(DESK, agent.name))))
    await town.world.pass(100)
    const heard = inbox.drain()
    expect(new Set(heard.map(({ sender }) => sender))).toEqual(
      new Set(agents.map((agent) => agent.name)),
    )
    expect(heard).toMatchObject(agents.map(() => ({ onBehalfOf: 'acme.example' })))
    const [decision] = told.drain().filter(({ about }) => about === 'bundle')
    expect(explanationOf(decision!).name).toMatchObject({
      lines: expect.arrayContaining(['some agent that n1.acme.example vouches for']) as unknown,
    })
  })

  it('answers requests to its agents, and theirs are answered', async () => {
    const { town, desk, pool } = await office()
    await using _ = town
    const agent = await pool.agent('a7')
    expect(agent.name).toBe('a7.pool.n1.acme.example')
    void (async () => {
      for await (const request of desk.requests()) await request.reply(`hello ${request.sender}`)
    })()
    const answer = await town.world.until(agent.request(DESK, 'hello'))
    expect(answer.body).toBe(`hello ${agent.name}`)
    const asker = await town.agent('asker', 2, { grants: [toInbox(agent.name)] })
    void (async () => {
      for await (const request of agent.requests()) await request.reply('from the pool')
    })()
    const other = await town.world.until(asker.request(agent.name, 'there?'))
    expect(other.body).toBe('from the pool')
  })

  it('signs nothing and tells neighbours nothing for a further agent', async () => {
    const { town, host, pool } = await office()
    await using _ = town
    await town.world.pass(1_000)
    const before = [...host.counts.values()].reduce((sum, count) => sum + count, 0)
    for (let index = 0; index < 100; index++) await pool.agent()
    await town.world.pass(1_000)
    expect([...host.counts.values()].reduce((sum, count) => sum + count, 0)).toBe(before)
  })

  it('signs what 300 agents send in one turn by two signatures, and each is heard', async () => {
    const { town, desk, pool } = await office()
    await using _ = town
    const agents = await Promise.all(Array.from({ length: 300 }, () => pool.agent()))
    const signer = agents[0]!.identity.signer as { sign: (data: Uint8Array) => Uint8Array }
    const genuine = signer.sign.bind(signer)
    let signatures = 0
    signer.sign = (data) => {
      signatures += 1
      return genuine(data)
    }
    const inbox = desk.messages({ queueMax: 300 })
    await town.world.until(Promise.all(agents.map((agent) => agent.send(DESK, 'hello'))))
    await town.world.pass(100)
    expect([inbox.drain().length, signatures]).toEqual([300, 2])
    await town.world.until(agents[0]!.send(DESK, 'alone'))
    await town.world.pass(100)
    expect([inbox.drain().length, signatures]).toEqual([1, 3])
  })

  it('is open once on a node; closed, its agents are, and its key is void', async () => {
    const { town, desk, host, pool, wishes } = await office()
    await using _ = town
    await expect(host.openPool(wishes)).rejects.toMatchObject({ code: 'open-already' })
    const agent = await pool.agent()
    await pool[Symbol.asyncDispose]()
    await pool[Symbol.asyncDispose]()
    await expect(agent.send(DESK, 'late')).rejects.toMatchObject({ code: 'closed' })
    await expect(pool.agent()).rejects.toMatchObject({ code: 'closed' })
    await town.world.pass(5_000)
    const again = await host.openPool(wishes)
    const next = await again.agent()
    await town.world.until(next.send(DESK, 'anew'))
    await town.world.pass(100)
    expect(bodies(desk.messages())).toEqual(['anew'])
  })

  it('is refused to a node that may not bind, and by a name that is not above it', async () => {
    const town = await Town.open(1)
    await using _ = town
    const { host } = town.nodes[0]!
    await expect(host.openPool(LIFETIME)).rejects.toMatchObject({ code: 'uses' })
    const boss = await town.agent('boss', 1, { uses: 'both', depth: 1 })
    await expect(host.openPool({ ...LIFETIME, by: boss.identity })).rejects.toMatchObject({
      code: 'not-below',
    })
  })

  it('has agents that join no group, gather nothing, and bear nobody', async () => {
    const { town, pool } = await office({ grants: [CREW] })
    await using _ = town
    const agent = await pool.agent()
    await expect(agent.join(CREW)).rejects.toMatchObject({ code: 'argument' })
    await expect(agent.gather(agent.name)).rejects.toMatchObject({ code: 'argument' })
    await expect(agent.spawn('child', LIFETIME)).rejects.toMatchObject({ code: 'form' })
  })

  it('opens no agent of a pool by its statements', async () => {
    const { town, host, pool } = await office()
    await using _ = town
    const { identity } = await pool.agent('a1')
    const other = { ...identity, name: name('a2.pool.n1.acme.example') }
    await expect(host.openAgent(other)).rejects.toMatchObject({ code: 'argument' })
  })
})

describe('a quorum', () => {
  it.each(['key', 'name'] as const)('per %s counts the agents of a pool once', async (per) => {
    const topic = 'in.results.acme.example'
    const { town, pool } = await office({ grants: [topic] })
    await using _ = town
    const owner = await town.agent('results', 2)
    await using results = await owner.gather(topic, { quorum: 2, per, windowMs: 1_000 })
    const ann = await town.agent('ann', 1, { grants: [toInbox(topic)] })
    const batches = results[Symbol.asyncIterator]()
    const first = batches.next()
    for (const label of ['a1', 'a2', 'a3']) {
      const agent = await pool.agent(label)
      await town.world.until(agent.send(topic, 'yes'))
    }
    expect((await town.world.until(first)).value).toMatchObject({ senders: 1, complete: false })
    const second = batches.next()
    const last = await pool.agent('a4')
    await town.world.until(last.send(topic, 'yes'))
    await town.world.until(ann.send(topic, 'yes'))
    expect((await town.world.until(second)).value).toMatchObject({ senders: 2, complete: true })
  })
})
