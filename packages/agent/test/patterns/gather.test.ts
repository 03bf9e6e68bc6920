import type { Batch, Gather } from '@ixj/agent'
import { parsePattern } from '@ixj/names'
import { describe, expect, it } from 'vitest'
import { foreignAnchor, name, World } from '../../../../test/world/world.ts'
import { outcomeOf, toInbox, Town } from '../town.ts'

const RESULTS = name('results.ledger.acme.example')

async function openLedger(senders: readonly string[]) {
  const town = await Town.open(2)
  const ledger = await town.agent('ledger', 1)
  const agents = await Promise.all(
    senders.map((label) => town.agent(label, 2, { grants: [toInbox(RESULTS)] })),
  )
  return { town, ledger, agents, [Symbol.asyncDispose]: () => town[Symbol.asyncDispose]() }
}

const next = async (gather: Gather): Promise<Batch | undefined> =>
  (await gather[Symbol.asyncIterator]().next()).value

const shown = (batch: Batch | undefined) => ({
  bodies: batch?.messages.map(({ body }) => body),
  senders: batch?.senders,
  complete: batch?.complete,
})

describe('gather()', () => {
  it('gives what came within the window after the first message', async () => {
    await using scene = await openLedger(['a', 'b', 'c'])
    const { town, ledger, agents } = scene
    const gather = await ledger.gather(RESULTS, { windowMs: 500 })
    const batch = outcomeOf(next(gather))
    const [a, b, c] = agents
    await town.world.until(a!.send(RESULTS, 1))
    await town.world.pass(200)
    await town.world.until(b!.send(RESULTS, 2))
    await town.world.pass(700)
    await town.world.until(c!.send(RESULTS, 3))
    await town.world.pass(10)
    expect(shown(batch.value)).toEqual({ bodies: [1, 2], senders: 2, complete: false })
  })

  it('gives a batch as soon as the quorum of different senders is there', async () => {
    await using scene = await openLedger(['a', 'b'])
    const { town, ledger, agents } = scene
    const gather = await ledger.gather(RESULTS, { quorum: 2, windowMs: 10_000 })
    const batch = outcomeOf(next(gather))
    const [a, b] = agents
    await town.world.until(a!.send(RESULTS, 1))
    await town.world.until(a!.send(RESULTS, 2))
    expect(batch).toEqual({})
    await town.world.until(b!.send(RESULTS, 3))
    await town.world.pass(20)
    expect(shown(batch.value)).toEqual({ bodies: [1, 2, 3], senders: 2, complete: true })
  })

  it('counts what `per` says: two names of one organisation are one organisation', async () => {
    const world = new World(1)
    const acme = world.organisation('acme.example')
    const globex = world.organisation('globex.example')
    const rule = {
      id: 'globex may send results',
      effect: 'permit',
      sender: parsePattern('*.globex.example'),
      actions: ['publish'],
      topic: parsePattern('**.acme.example'),
    } as const
    const home = await world.node(acme, 'n1.acme.example', {
      anchors: [foreignAnchor(globex)],
      rules: [rule],
    })
    const far = await world.node(globex, 'n1.globex.example', { anchors: [foreignAnchor(acme)] })
    const near = await world.node(acme, 'n2.acme.example')
    await world.connect('n1.acme.example', 'n1.globex.example', 'n2.acme.example')
    const ledger = await home.host.openAgent(await world.bind(acme, 'ledger.acme.example'))
    const gather = await ledger.gather(RESULTS, {
      quorum: 2,
      per: 'organisation',
      windowMs: 5_000,
    })
    const batch = outcomeOf(next(gather))
    for (const label of ['x', 'y']) {
      const agent = await far.host.openAgent(await world.bind(globex, `${label}.globex.example`))
      await world.until(agent.send(RESULTS, label))
    }
    await world.pass(100)
    expect(batch).toEqual({})
    const a = await near.host.openAgent(
      await world.bind(acme, 'a.acme.example', { grants: [toInbox(RESULTS)] }),
    )
    await world.until(a.send(RESULTS, 'a'))
    await world.pass(100)
    expect(shown(batch.value)).toEqual({ bodies: ['x', 'y', 'a'], senders: 2, complete: true })
    await world.close()
  })

  it('counts two keys of one name as two by default, and as one per name', async () => {
    for (const [per, senders] of [
      ['key', 2],
      ['name', 1],
    ] as const) {
      await using scene = await openLedger(['a'])
      const { town, ledger, agents } = scene
      const gather = await ledger.gather(RESULTS, { per })
      const batch = outcomeOf(next(gather))
      await town.world.until(agents[0]!.send(RESULTS, 1))
      const twin = await town.nodes[0]!.host.openAgent(
        await town.world.bind(town.acme, 'a.acme.example', { grants: [toInbox(RESULTS)] }),
      )
      await town.world.until(twin.send(RESULTS, 2))
      await town.world.pass(600)
      expect(shown(batch.value)).toMatchObject({ bodies: [1, 2], senders })
    }
  })

  it('counts the gathering agent’s own message too', async () => {
    await using scene = await openLedger([])
    const { town, ledger } = scene
    const gather = await ledger.gather(RESULTS, { quorum: 1 })
    const batch = outcomeOf(next(gather))
    await town.world.until(ledger.send(RESULTS, 'mine'))
    await town.world.pass(10)
    expect(shown(batch.value)).toEqual({ bodies: ['mine'], senders: 1, complete: true })
  })

  it('ends a batch at its most messages, and tells how many batches were lost', async () => {
    await using scene = await openLedger(['a'])
    const { town, ledger, agents } = scene
    const gather = await ledger.gather(RESULTS, { messagesMax: 2, queueMax: 1 })
    for (const body of [1, 2, 3, 4]) await town.world.until(agents[0]!.send(RESULTS, body))
    await town.world.pass(100)
    expect(gather.lost).toBe(1)
    expect(shown(await next(gather))).toMatchObject({ bodies: [3, 4] })
  })

  it('gives what is there when it is closed, and then ends; closing twice is fine', async () => {
    await using scene = await openLedger(['a'])
    const { town, ledger, agents } = scene
    const gather = await ledger.gather(RESULTS, { windowMs: 10_000 })
    await town.world.until(agents[0]!.send(RESULTS, 1))
    await town.world.pass(50)
    await town.world.until(gather[Symbol.asyncDispose]())
    await town.world.until(gather[Symbol.asyncDispose]())
    const iterator = gather[Symbol.asyncIterator]()
    expect(shown((await iterator.next()).value as Batch)).toMatchObject({ bodies: [1] })
    expect((await iterator.next()).done).toBe(true)
    const sent = outcomeOf(agents[0]!.send(RESULTS, 2, { lifespanMs: 1_000 }))
    await town.world.pass(1_100)
    expect(sent.code).toBe('unreachable')
  })

  it.each([{ quorum: 0 }, { windowMs: 0 }, { quorum: 1.5 }])('refuses %o', async (options) => {
    await using town = await Town.open(1)
    const ledger = await town.agent('ledger', 1)
    await expect(ledger.gather(RESULTS, options)).rejects.toMatchObject({ code: 'argument' })
  })

  it('needs a host grant that may be delegated to the node, where the topic is not its own', async () => {
    await using town = await Town.open(2)
    const topic = name('results.acme.example')
    const poor = await town.agent('poor', 1)
    await expect(poor.gather(topic)).rejects.toMatchObject({ code: 'not-granted' })
    const rich = await town.agent('rich', 1, {
      uses: 'both',
      grants: [{ actions: ['host'], topics: [topic], mayDelegate: ['*.acme.example'] }],
    })
    const gather = await rich.gather(topic)
    const batch = outcomeOf(next(gather))
    const a = await town.agent('a', 2, { grants: [toInbox(topic)] })
    await town.world.until(a.send(topic, 1))
    await town.world.pass(600)
    expect(shown(batch.value)).toMatchObject({ bodies: [1] })
  })
})
