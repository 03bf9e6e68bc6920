import type { Agent, Batch, Gather } from '@ixj/agent'
import { sha256 } from '@ixj/trust'
import { describe, expect, it } from 'vitest'
import { makeBundle, partOf, type BundleChanges } from '../../../../test/world/made-bundle.ts'
import { RawNode } from '../../../../test/world/raw-node.ts'
import { name } from '../../../../test/world/world.ts'
import { combinedTopic } from '../../src/combine/combined-topic.ts'
import { COMBINED_TYPE, summaryBody } from '../../src/combine/summary.ts'
import { NO_JOURNAL } from '../../src/pipeline/replay-journal.ts'
import { grantOn } from '../scene.ts'
import { outcomeOf, toInbox, Town } from '../town.ts'

const RESULTS = name('results.ledger.acme.example')
const READER = name('n1.acme.example')
const RAW = name('raw.acme.example')

const next = async (gather: Gather): Promise<Batch | undefined> =>
  (await gather[Symbol.asyncIterator]().next()).value

/**
 * The ledger gathers on node 1. A combiner on node 2 tells of a bundle that was never sent, and says
 * that the raw node keeps it; that shows whatever a test has it show.
 */
async function openScene(changes: BundleChanges = {}) {
  let written = 0
  const town = await Town.open(2, {
    journal: { ...NO_JOURNAL, append: () => void (written += 1) },
  })
  const { world, acme } = town
  const ledger = await town.agent('ledger', 1)
  const gather = await ledger.gather(RESULTS, { windowMs: 500, combine: { reducer: 'count' } })
  const passUp = { actions: ['publish'], topics: [combinedTopic(RESULTS)] } as const
  const combiner: Agent = await town.agent('combiner', 2, { grants: [passUp] })
  const sender = await world.bind(acme, 'a.acme.example', { grants: [toInbox(RESULTS)] })
  const part = partOf(world, 'hello')
  const made = await makeBundle(world, sender, RESULTS, {
    under: grantOn(sender, RESULTS),
    lifespanMs: 60_000,
    parts: [part],
    ...changes,
  })
  const raw = await new RawNode(world, acme, await world.bind(acme, RAW)).meet(READER)
  raw.askedForOriginals = (channel) => {
    void (async () => {
      for await (const question of channel.frames())
        if (question.length > 0) await channel.send(made.bytes)
    })()
  }
  await raw.prove(READER, made.proof)
  const { id: bundle, header } = made.bundle
  const contribution = { sender: sender.name, key: header.key, bundle, message: part.id }
  const summary = { node: RAW, reducer: 'count', value: 1, contributions: [contribution] }
  const batch = outcomeOf(next(gather))
  const body = summaryBody(summary, sha256)
  await world.until(combiner.send(combinedTopic(RESULTS), body, { contentType: COMBINED_TYPE }))
  await world.pass(2_000)
  if (batch.value === undefined) throw new Error('Expected a batch')
  return {
    town,
    world,
    raw,
    made,
    batch: batch.value,
    written: () => written,
    [Symbol.asyncDispose]: () => town[Symbol.asyncDispose](),
  }
}

describe('an original that is looked at', () => {
  it('leaves its place among what waits, and none in the journal', async () => {
    await using scene = await openScene()
    const { town, world, batch, written } = scene
    const before = written()
    expect(await world.until(batch.verify())).toEqual({ checked: 1, findings: [] })
    expect([town.nodes[0]!.host.load.waiting, written() - before]).toEqual([0, 0])
  })

  it.each(['event', 'task'] as const)('of class %s is taken when it comes', async (kind) => {
    await using scene = await openScene({ class: kind })
    const { town, world, batch, raw, made } = scene
    expect(await world.until(batch.verify())).toEqual({ checked: 1, findings: [] })
    const decisions = town.nodes[0]!.host.decisions()
    await raw.reach(READER, RESULTS)
    await raw.give(READER, made)
    const codes = decisions.drain().flatMap(({ about, code }) => (about === 'bundle' ? [code] : []))
    expect(codes).toEqual([null])
  })
})
