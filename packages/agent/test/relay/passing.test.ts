import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openStation, type Station } from '../../../../test/scoreboard/bench.ts'
import { makeBundle, type BundleChanges } from '../../../../test/world/made-bundle.ts'
import { name, World } from '../../../../test/world/world.ts'
import type { Identity } from '../../src/host/identity.ts'
import { CarriedTopics } from '../../src/relay/carried-topics.ts'
import {
  PASS_MS_MAX,
  PASS_SOUGHT_PER_SECOND,
  PASS_WAITING_MAX,
  PASSED_KEPT_MAX,
} from '../../src/relay/limits.ts'
import { Passing, type Passed } from '../../src/relay/passing.ts'

let world: World
let station: Station
let ann: Identity
let passing: Passing
beforeEach(async () => {
  world = new World(5)
  const acme = world.organisation('acme.example')
  station = await openStation(world, acme)
  ann = await world.bind(acme, 'ann.acme.example')
  const { core } = station
  passing = new Passing(core, new CarriedTopics(core, { isPage: () => true }), () => true)
})
afterEach(async () => {
  await station[Symbol.asyncDispose]()
  await world.close()
})

const nobody = (index: number) => name(`nobody${index}.acme.example`)

/** Bundles to inboxes that nobody hosts. */
async function made(topics: readonly string[], changes: BundleChanges = {}) {
  const making = topics.map((topic, index) =>
    makeBundle(world, ann, topic, { first: 1 + index, lifespanMs: 60_000, ...changes }),
  )
  const bundles = await Promise.all(making)
  const { core } = station
  core.proofs.compose(await core.keepStatements(bundles[0]!.proof.statements))
  return bundles.map(({ bytes }) => bytes)
}

/** Gives them to be passed on; what became of each so far. */
async function give(bundles: readonly Uint8Array[], from = 'page') {
  const outcomes: Passed[] = []
  for (const bytes of bundles) void passing.pass(bytes, from).then((each) => outcomes.push(each))
  await world.pass(10)
  return outcomes
}

const sought = (count: number) =>
  Array.from({ length: count }, (_, index) => nobody(index)).filter((each) =>
    station.core.neighbours.isSought(each),
  ).length

const UNDECIDED: Passed = { code: 'not-hosted', verdict: 'ignore' }
const names = (count: number) => Array.from({ length: count }, (_, index) => nobody(index))

describe('a relay that passes bundles on', () => {
  it('looks for so many names of one page in a second, and says of the others that nobody hosts them', async () => {
    const bundles = await made(names(2 * PASS_SOUGHT_PER_SECOND))
    const refused = await give(bundles)
    expect(sought(bundles.length)).toBe(PASS_SOUGHT_PER_SECOND)
    expect(refused).toEqual(Array.from({ length: PASS_SOUGHT_PER_SECOND }, () => UNDECIDED))
    expect(passing.counts.shed).toBe(PASS_SOUGHT_PER_SECOND)
    // What was not passed on may be given again, and a second later it is looked for.
    await world.pass(1_000)
    expect(await give(bundles.slice(PASS_SOUGHT_PER_SECOND))).toEqual([])
    expect(sought(bundles.length)).toBe(2 * PASS_SOUGHT_PER_SECOND)
  })

  it('looks for those of another page all the same', async () => {
    const bundles = await made(names(2 * PASS_SOUGHT_PER_SECOND))
    await give(bundles.slice(0, PASS_SOUGHT_PER_SECOND), 'greedy')
    expect(await give(bundles.slice(PASS_SOUGHT_PER_SECOND), 'other')).toEqual([])
    expect(sought(bundles.length)).toBe(2 * PASS_SOUGHT_PER_SECOND)
  })

  it('has so many of one page wait for a host, and others of another', async () => {
    const more = 6
    const bundles = await made(Array.from({ length: PASS_WAITING_MAX + more }, () => nobody(0)))
    expect(await give(bundles)).toEqual(Array.from({ length: more }, () => UNDECIDED))
    expect(passing.counts).toMatchObject({ shed: more, undecided: more })
    expect(await give(await made([nobody(0)], { first: 500 }), 'other')).toEqual([])
  })

  it('waits so long for a host to be found, and not past a lifespan', async () => {
    const [long, brief] = [await made([nobody(0)]), await made([nobody(1)], { lifespanMs: 1_000 })]
    const outcomes = await give([...long, ...brief])
    await world.pass(900)
    expect(outcomes).toEqual([])
    await world.pass(200)
    expect(outcomes).toEqual([UNDECIDED])
    await world.pass(PASS_MS_MAX - 1_200)
    expect(outcomes).toEqual([UNDECIDED])
    await world.pass(200)
    expect(outcomes).toEqual([UNDECIDED, UNDECIDED])
    expect(passing.counts).toMatchObject({ undecided: 2, shed: 0 })
  })

  it('passes what is given again on once, as far as it remembers', async () => {
    const bundles = await made(Array.from({ length: PASSED_KEPT_MAX + 1 }, () => nobody(0)))
    await give(bundles.slice(0, PASSED_KEPT_MAX))
    await give([bundles[0]!])
    expect(passing.counts.repeated).toBe(1)
    // One more pushes out the first, of the same page alone.
    await give([bundles[PASSED_KEPT_MAX]!])
    await give([bundles[0]!, bundles[1]!])
    expect(passing.counts.repeated).toBe(2)
  })
})
