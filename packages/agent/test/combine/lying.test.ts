import type { Batch, Body, Gather, Identity } from '@ixj/agent'
import { sha256 } from '@ixj/trust'
import { describe, expect, it } from 'vitest'
import { name } from '../../../../test/world/world.ts'
import { combinedTopic } from '../../src/combine/combined-topic.ts'
import {
  COMBINED_TYPE,
  readSummary,
  summaryBody,
  type Contribution,
  type Summary,
} from '../../src/combine/summary.ts'
import { outcomeOf, toInbox, Town } from '../town.ts'

const RESULTS = name('results.ledger.acme.example')
const PASS_UP = { actions: ['publish'], topics: [combinedTopic(RESULTS)] } as const

const next = async (gather: Gather): Promise<Batch | undefined> =>
  (await gather[Symbol.asyncIterator]().next()).value

/**
 * The ledger on node 1; on node 2 a combiner that passes up the truth, and agents of the same node
 * that may pass up too, and say what a test has them say; three senders on node 3.
 */
async function openScene(reducer: 'list' | 'min' | 'sum' = 'sum') {
  const town = await Town.open(3)
  const ledger = await town.agent('ledger', 1)
  const open = () => ledger.gather(RESULTS, { windowMs: 1_000, combine: { reducer } })
  const gather = await open()
  const honest = await town.agent('honest', 2, {
    grants: [{ actions: ['host'], topics: [RESULTS], mayDelegate: ['n2.acme.example'] }, PASS_UP],
  })
  await honest.combine(RESULTS, { reducer, windowMs: 200 })
  await town.world.pass(100)
  const batch = outcomeOf(next(gather))
  const senders: Identity[] = []
  for (const [index, label] of ['a', 'b', 'c'].entries()) {
    const sender = await town.agent(label, 2, { grants: [toInbox(RESULTS)] })
    senders.push(sender.identity)
    await town.world.until(sender.send(RESULTS, index + 1))
  }
  await town.world.pass(2_000)
  const truth = batch.value?.parts[0]
  if (truth === undefined) throw new Error('Expected a part')
  const liar = await town.agent('liar', 2, { grants: [PASS_UP] })
  let told: { readonly value?: Batch | undefined } | undefined
  const say = async (lie: Partial<Summary>, to = gather): Promise<Batch | undefined> => {
    // A queue has one reader: one that still waits hears of the next batch.
    if (told === undefined || told.value !== undefined || to !== gather) told = outcomeOf(next(to))
    const { node, value, contributions } = truth
    const summary = { node, reducer, value, contributions, ...lie }
    const body = summaryBody(summary, sha256)
    await town.world.until(liar.send(combinedTopic(RESULTS), body, { contentType: COMBINED_TYPE }))
    await town.world.pass(2_000)
    return told.value
  }
  return {
    town,
    gather,
    truth,
    say,
    /** The ledger begins anew: nothing was told to it yet, and the originals are still kept. */
    again: async () => {
      await town.world.until(gather[Symbol.asyncDispose]())
      const anew = await open()
      await town.world.pass(500)
      return anew
    },
    [Symbol.asyncDispose]: () => town[Symbol.asyncDispose](),
  }
}

/** A contribution that nobody made. */
function invented(of: Contribution, byte: number): Contribution {
  return { ...of, bundle: new Uint8Array(32).fill(byte), message: new Uint8Array(16).fill(byte) }
}

describe('a combiner that lies', () => {
  it('is named when it invents contributions', async () => {
    await using scene = await openScene()
    const { town, truth, say } = scene
    const contributions = [
      invented(truth.contributions[0]!, 1),
      invented(truth.contributions[1]!, 2),
    ]
    const batch = await say({ value: 1_000, contributions })
    expect(batch).toMatchObject({ value: 1_000, senders: 2 })
    const { checked, findings } = await town.world.until(batch!.verify())
    expect(checked).toBe(2)
    expect(findings.map(({ combiner, failure }) => [combiner, failure])).toEqual([
      ['liar.acme.example', 'withheld'],
      ['liar.acme.example', 'withheld'],
    ])
  })

  it.each<['list' | 'min' | 'sum', Body, number]>([
    ['sum', 6_000, 3],
    ['min', 2, 3],
    ['list', [1, 2, 4], 3],
  ])('is named when its %s of what was really sent is false', async (reducer, value, sample) => {
    await using scene = await openScene(reducer)
    const { town, say, again } = scene
    const batch = await say({ value }, await again())
    expect(batch).toMatchObject({ value, senders: 3 })
    const { checked, findings } = await town.world.until(batch!.verify(sample))
    expect(checked).toBe(3)
    expect(findings.length).toBeGreaterThan(0)
    for (const { combiner, failure } of findings) {
      expect([combiner, failure]).toEqual(['liar.acme.example', 'lie'])
    }
  })

  it('is named when it gives a message to another sender', async () => {
    await using scene = await openScene()
    const { town, truth, say, again } = scene
    const [first, second, third] = truth.contributions
    const swapped = { ...first!, sender: second!.sender, key: second!.key }
    const batch = await say({ contributions: [swapped, second!, third!] }, await again())
    const { findings } = await town.world.until(batch!.verify())
    expect(findings).toMatchObject([
      { combiner: 'liar.acme.example', failure: 'lie', contribution: swapped },
    ])
  })

  it('is not named by the originals of an honest one, whoever tells of them', async () => {
    await using scene = await openScene()
    const { town, say, again } = scene
    const batch = await say({}, await again())
    expect(await town.world.until(batch!.verify())).toEqual({ checked: 3, findings: [] })
  })

  it('cannot count again what another has counted, nor what it counted itself', async () => {
    await using scene = await openScene()
    const { gather, say } = scene
    expect(await say({ value: 6_000 })).toBeUndefined()
    expect(gather.combined).toEqual({ repeated: 3, unresolved: 0 })
  })

  it('cannot have its value counted with contributions of which one was counted before', async () => {
    await using scene = await openScene()
    const { gather, truth, say } = scene
    const [first] = truth.contributions
    const batch = await say({ value: 6_000, contributions: [first!, invented(first!, 3)] })
    expect(batch).toBeUndefined()
    expect(gather.combined).toEqual({ repeated: 1, unresolved: 1 })
    // What could not be seen is not counted, and does not stand in the way of who can show it.
    expect(await say({ value: 1, contributions: [invented(first!, 3)] })).toMatchObject({
      value: 1,
    })
  })
})

describe('a summary', () => {
  it.each<[string, (scene: Awaited<ReturnType<typeof openScene>>) => Partial<Summary>]>([
    ['by another reducer', () => ({ reducer: 'max' })],
    ['whose value is none of its reducer', () => ({ value: 'much' })],
    [
      'with a contribution twice',
      ({
        truth: {
          contributions: [first],
        },
      }) => ({
        contributions: [first!, first!],
      }),
    ],
    ['of nothing', () => ({ contributions: [] })],
  ])('%s is refused, and counts for nothing', async (_what, lie) => {
    await using scene = await openScene()
    const { town, gather, say } = scene
    const decisions = town.nodes[0]!.host.decisions()
    expect(await say(lie(scene))).toBeUndefined()
    const told = decisions.drain().filter(({ about }) => about === 'delivery')
    expect(told.map(({ code }) => code)).toEqual(['body'])
    expect(gather.combined).toEqual({ repeated: 0, unresolved: 0 })
  })

  it('needs the right to pass up: one who may only send to the topic says nothing of others', async () => {
    await using scene = await openScene()
    const { town, gather, truth } = scene
    const sender = await town.agent('d', 2, { grants: [toInbox(RESULTS)] })
    const batch = outcomeOf(next(gather))
    const summary = {
      ...truth,
      reducer: 'sum',
      contributions: [invented(truth.contributions[0]!, 4)],
    }
    const body = summaryBody(summary, sha256)
    const options = { contentType: COMBINED_TYPE, lifespanMs: 2_000 }
    await town.world.until(sender.send(combinedTopic(RESULTS), body, options))
    await town.world.pass(3_000)
    expect(batch).toEqual({})
    expect(town.nodes[0]!.host.counts.get('policy')).toBeGreaterThan(0)
  })

  it('is read only whole: each field of its kind, its root that of its list', async () => {
    await using scene = await openScene()
    const { truth } = scene
    const body = summaryBody({ ...truth, reducer: 'sum' }, sha256) as readonly Body[]
    expect(readSummary(body, sha256)).toMatchObject({ value: 6, node: 'n2.acme.example' })
    const wrong = [new Uint8Array(31), new Uint8Array(32), new Uint8Array(16)] as const
    const changes: readonly [number, Body, string][] = [
      [0, 2, 'version'],
      [1, 7, 'name'],
      [1, 'No Name', 'Cannot'],
      [2, 1, 'kind'],
      [4, new Uint8Array(32), 'root'],
      [5, [], 'no contribution'],
      [5, [['a.acme.example', ...wrong]], '32 bytes'],
    ]
    for (const [place, value, reason] of changes) {
      expect(() => readSummary(body.with(place, value), sha256)).toThrow(reason)
    }
    expect(() => readSummary(body.slice(1), sha256)).toThrow('array of 6')
    expect(() => readSummary('all is well', sha256)).toThrow('array of 6')
  })
})
