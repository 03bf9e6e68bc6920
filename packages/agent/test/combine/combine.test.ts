import type { Agent, Batch, Combiner, CombineOptions, Gather } from '@ixj/agent'
import { describe, expect, it } from 'vitest'
import { name } from '../../../../test/world/world.ts'
import { combinedTopic } from '../../src/combine/combined-topic.ts'
import { outcomeOf, toInbox, Town } from '../town.ts'

const RESULTS = name('results.ledger.acme.example')

/** What lets an agent combine for the topic on the node with this number. */
function combinerGrants(node: number) {
  return [
    { actions: ['host'], topics: [RESULTS], mayDelegate: [`n${node}.acme.example`] },
    { actions: ['publish'], topics: [combinedTopic(RESULTS)] },
  ] as const
}

/** The ledger on node 1, combiners on nodes 2 and on, senders on the last. */
async function openLedger(
  options: Partial<CombineOptions> & { readonly combiners: number; readonly senders: number },
) {
  const { combiners: count, senders: senderCount, ...combine } = options
  const town = await Town.open(count + 2)
  const ledger = await town.agent('ledger', 1)
  const combiners: { readonly agent: Agent; readonly combiner: Combiner }[] = []
  const reducer = combine.reducer ?? 'sum'
  for (let index = 0; index < count; index++) {
    const node = index + 2
    const agent = await town.agent(`c${index}`, node, { grants: combinerGrants(node) })
    combiners.push({ agent, combiner: await agent.combine(RESULTS, { ...combine, reducer }) })
  }
  const senders: Agent[] = []
  for (let index = 0; index < senderCount; index++) {
    senders.push(await town.agent(`s${index}`, count + 2, { grants: [toInbox(RESULTS)] }))
  }
  return {
    town,
    ledger,
    combiners,
    senders,
    [Symbol.asyncDispose]: () => town[Symbol.asyncDispose](),
  }
}

const next = async (gather: Gather): Promise<Batch | undefined> =>
  (await gather[Symbol.asyncIterator]().next()).value

describe('combine()', () => {
  it('passes up one message for what many sent in its window, with who they were', async () => {
    await using scene = await openLedger({ combiners: 1, senders: 3, windowMs: 500 })
    const { town, ledger, senders, combiners } = scene
    const gather = await ledger.gather(RESULTS, { windowMs: 2_000, combine: { reducer: 'sum' } })
    const batch = outcomeOf(next(gather))
    await town.world.pass(100)
    for (const [index, sender] of senders.entries()) {
      await town.world.until(sender.send(RESULTS, index + 1))
    }
    await town.world.pass(3_000)
    expect(batch.value).toMatchObject({ messages: [], value: 6, senders: 3, complete: false })
    expect(batch.value?.parts.map(({ combiner, value }) => [combiner, value])).toEqual([
      ['c0.acme.example', 6],
    ])
    expect(batch.value?.parts[0]?.contributions.map(({ sender }) => sender)).toEqual(
      senders.map((sender) => sender.name),
    )
    expect(combiners[0]?.combiner.counts).toEqual({ taken: 3, passedUp: 3, skipped: 0, lost: 0 })
  })

  it('lets the receiver verify what was passed up, original by original', async () => {
    await using scene = await openLedger({ combiners: 1, senders: 4 })
    const { town, ledger, senders } = scene
    const gather = await ledger.gather(RESULTS, { windowMs: 2_000, combine: { reducer: 'sum' } })
    const batch = outcomeOf(next(gather))
    await town.world.pass(100)
    for (const sender of senders) await town.world.until(sender.send(RESULTS, 10))
    await town.world.pass(3_000)
    const check = await town.world.until(batch.value!.verify())
    expect(check).toEqual({ checked: 4, findings: [] })
    expect(await town.world.until(batch.value!.verify(2))).toEqual({ checked: 2, findings: [] })
  })

  it('counts distinct keys over all combiners towards the quorum', async () => {
    await using scene = await openLedger({ combiners: 2, senders: 0 })
    const { town, ledger, combiners } = scene
    const gather = await ledger.gather(RESULTS, {
      quorum: 3,
      windowMs: 30_000,
      combine: { reducer: 'count' },
    })
    await Promise.all(combiners.map(({ combiner }) => combiner[Symbol.asyncDispose]()))
    for (const { agent } of combiners) await agent.combine(RESULTS, { reducer: 'count' })
    const batch = outcomeOf(next(gather))
    // What is sent on a combiner's own node is its own to combine: two there, one on the other.
    const near = await town.agent('near', 2, { grants: [toInbox(RESULTS)] })
    const far = await town.agent('far', 3, { grants: [toInbox(RESULTS)] })
    const third = await town.agent('third', 3, { grants: [toInbox(RESULTS)] })
    for (const sender of [near, far, far]) await town.world.until(sender.send(RESULTS, 'yes'))
    await town.world.pass(1_000)
    expect(batch).toEqual({})
    await town.world.until(third.send(RESULTS, 'yes'))
    await town.world.pass(1_000)
    expect(batch.value).toMatchObject({ senders: 3, complete: true, value: 4 })
    expect(batch.value?.parts.map(({ combiner }) => combiner).toSorted()).toEqual([
      'c0.acme.example',
      'c1.acme.example',
      'c1.acme.example',
    ])
  })

  it('leaves its senders to the next when its node dies, and nothing of its window is lost', async () => {
    await using scene = await openLedger({ combiners: 2, senders: 1, windowMs: 2_000 })
    const { town, ledger, senders, combiners } = scene
    const [sender] = senders
    const gather = await ledger.gather(RESULTS, { windowMs: 100, combine: { reducer: 'sum' } })
    let total = 0
    void (async () => {
      for await (const { value } of gather) total += Number(value)
    })()
    // Which host a sender hears of first is chance; after this it knows both.
    await town.world.until(sender!.send(RESULTS, 1))
    await town.world.pass(6_000)
    const took = () => combiners.map(({ combiner }) => combiner.counts.taken)
    const before = took()
    await town.world.until(sender!.send(RESULTS, 2))
    await town.world.pass(500)
    const chosen = took()[0] === before[0] ? 1 : 0
    expect(took()[chosen]).toBe(before[chosen]! + 1)
    expect(total).toBe(1)
    // It dies with what it took in: nobody closes its agents, which would pass that up.
    town.world.network.disconnect('n4.acme.example', `n${chosen + 2}.acme.example`)
    town.world.network.disconnect('n1.acme.example', `n${chosen + 2}.acme.example`)
    await town.world.until(sender!.send(RESULTS, 4))
    await town.world.pass(20_000)
    expect(total).toBe(7)
  })

  it('is not needed: without one, senders reach the receiver', async () => {
    await using scene = await openLedger({ combiners: 0, senders: 1 })
    const { town, ledger, senders } = scene
    const gather = await ledger.gather(RESULTS, { windowMs: 100, combine: { reducer: 'sum' } })
    const batch = outcomeOf(next(gather))
    await town.world.pass(100)
    await town.world.until(senders[0]!.send(RESULTS, 5))
    await town.world.pass(500)
    expect(batch.value).toMatchObject({ parts: [], value: 5, senders: 1 })
    expect(batch.value?.messages.map(({ body }) => body)).toEqual([5])
  })

  it('skips and counts bodies that its reducer cannot take', async () => {
    await using scene = await openLedger({ combiners: 1, senders: 1 })
    const { town, ledger, senders, combiners } = scene
    const gather = await ledger.gather(RESULTS, { windowMs: 2_000, combine: { reducer: 'sum' } })
    // Which host a sender hears of first is chance; from now on it knows the combiner.
    await town.world.until(senders[0]!.send(RESULTS, 0))
    await town.world.pass(3_000)
    await town.world.until(next(gather))
    const before = combiners[0]!.combiner.counts.taken
    const batch = outcomeOf(next(gather))
    for (const body of [1, 'two', 3]) await town.world.until(senders[0]!.send(RESULTS, body))
    await town.world.pass(6_000)
    expect(batch.value).toMatchObject({ value: 4 })
    expect(combiners[0]?.combiner.counts).toEqual({
      taken: before + 3,
      passedUp: before + 2,
      skipped: 1,
      lost: 0,
    })
  })

  it('needs the rights to host the topic and to pass up', async () => {
    await using scene = await openLedger({ combiners: 0, senders: 1 })
    const { town } = scene
    const [host, publish] = combinerGrants(2)
    const refusals = { host: 'no-authority', publish: 'not-granted' }
    for (const [has, code] of Object.entries(refusals)) {
      const grants = has === 'host' ? [host] : [publish]
      const half = await town.agent(has, 2, { grants })
      await expect(town.world.until(half.combine(RESULTS, { reducer: 'sum' }))).rejects.toThrow(
        expect.objectContaining({ code }),
      )
    }
  })

  it('tells what it could not pass up', async () => {
    await using scene = await openLedger({ combiners: 1, senders: 1, windowMs: 100 })
    const { town, senders, combiners } = scene
    const decisions = town.nodes[1]!.host.decisions()
    await town.world.until(senders[0]!.send(RESULTS, 1))
    await town.world.pass(700_000)
    expect(combiners[0]?.combiner.counts).toEqual({ taken: 1, passedUp: 0, skipped: 0, lost: 1 })
    expect(decisions.drain().filter(({ about }) => about === 'delivery')).toHaveLength(1)
  })

  it('is passed by tasks, which only the reader acknowledges', async () => {
    await using scene = await openLedger({ combiners: 1, senders: 1, windowMs: 100 })
    const { town, ledger, senders, combiners } = scene
    const gather = await ledger.gather(RESULTS, { windowMs: 100, combine: { reducer: 'sum' } })
    const batch = outcomeOf(next(gather))
    await town.world.pass(100)
    const near = await town.agent('near', 2, { grants: [toInbox(RESULTS)] })
    await town.world.until(near.send(RESULTS, 3, { class: 'task' }))
    await town.world.until(senders[0]!.send(RESULTS, 4, { class: 'task' }))
    await town.world.pass(500)
    const rest = outcomeOf(next(gather))
    await town.world.pass(500)
    const values = [batch.value?.value, rest.value?.value].filter((value) => value !== undefined)
    expect(values.reduce((sum: number, value) => sum + Number(value), 0)).toBe(7)
    expect(combiners[0]?.combiner.counts.taken).toBe(0)
  })

  it('passes up what it has when it is closed; closing twice is fine', async () => {
    await using scene = await openLedger({ combiners: 1, senders: 1, windowMs: 10_000 })
    const { town, ledger, senders, combiners } = scene
    const gather = await ledger.gather(RESULTS, { windowMs: 100, combine: { reducer: 'sum' } })
    const batch = outcomeOf(next(gather))
    await town.world.pass(100)
    await town.world.until(senders[0]!.send(RESULTS, 9))
    const { combiner } = combiners[0]!
    await town.world.until(combiner[Symbol.asyncDispose]())
    await town.world.until(combiner[Symbol.asyncDispose]())
    await town.world.pass(500)
    expect(batch.value).toMatchObject({ value: 9 })
  })

  it('refuses windows and gatherings that cannot be', async () => {
    await using scene = await openLedger({ combiners: 0, senders: 0 })
    const { ledger } = scene
    for (const refused of [
      ledger.combine(RESULTS, { reducer: 'sum', windowMs: 0 }),
      ledger.combine(RESULTS, { reducer: 'sum', windowMs: 10_001 }),
      ledger.gather(RESULTS, { per: 'organisation', combine: { reducer: 'sum' } }),
    ]) {
      await expect(refused).rejects.toThrow(expect.objectContaining({ code: 'argument' }))
    }
  })
})
