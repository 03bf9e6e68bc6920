import type { Group } from '@ixj/agent'
import { describe, expect, it } from 'vitest'
import { RawNode } from '../../../../test/world/raw-node.ts'
import { AgentError } from '../../src/agent-error.ts'
import { isSheaf } from '../../src/bundles/is-sheaf.ts'
import { readSheaf } from '../../src/bundles/sheaf.ts'
import { GroupSheaves } from '../../src/host/group-sheaves.ts'
import { allAbilities } from '../../src/host/open-host.ts'
import { ManualClock } from '../../src/manual-clock.ts'
import { isAnnouncement } from '../../src/presence/announcement.ts'
import { SHEAF_GATHER_MS } from '../../src/limits.ts'
import { CREW, CREW_GRANT, Town } from '../town.ts'

const NODE = 'n1.acme.example'

/** Three members on one node, one on another, and a node that notes every message of the group. */
async function openCrowd() {
  const town = await Town.open(2)
  const { world, acme } = town
  const raw = await new RawNode(
    world,
    acme,
    await world.bind(acme, 'raw.acme.example', { grants: [CREW_GRANT] }),
  ).meet(NODE)
  const crews = []
  for (const label of ['a', 'b', 'c']) crews.push((await town.member(label, 1)).crew)
  await raw.join(NODE, CREW)
  const { crew: far } = await town.member('d', 2)
  await world.pass(2_000)
  raw.heard.length = 0
  /** How many bundles each message of the group held, since it was asked last. */
  const heard = () =>
    raw.heard
      .splice(0)
      .filter(({ topic, bytes }) => topic === CREW && !isAnnouncement(bytes))
      .map(({ bytes }) => (isSheaf(bytes) ? readSheaf(bytes).length : 1))
  return { town, crews, far, heard, [Symbol.asyncDispose]: () => town[Symbol.asyncDispose]() }
}

describe('a sheaf', () => {
  it('is passed over, and told, while the code that takes sheaves in cannot be had', async () => {
    let isThere = false
    const sheaves = async () => {
      if (!isThere) throw new AgentError('unreachable', 'Cannot download sheaves')
      return await allAbilities.sheaves()
    }
    await using town = await Town.open(2, { abilities: { ...allAbilities, sheaves } })
    const crews: Group[] = []
    for (const label of ['a', 'b', 'c']) crews.push((await town.member(label, 1)).crew)
    const { crew: far } = await town.member('d', 2)
    await town.world.pass(2_000)
    const decisions = town.nodes[1]!.host.decisions()
    const setAll = async (value: number) => {
      for (const crew of crews) crew.state.set('pose', value)
      await town.world.pass(50)
    }
    await setAll(1)
    expect(far.state.entries()).toEqual([])
    const shed = decisions.drain().filter(({ about }) => about === 'state')
    expect(shed.map(({ verdict, code }) => [verdict, code])).toEqual([['ignore', 'own-fault']])
    isThere = true
    await setAll(2)
    expect(far.state.entries().map(({ value }) => value)).toEqual([2, 2, 2])
  })
})

describe('the state of a node’s members', () => {
  it('goes out in one message if it is set in one turn', async () => {
    await using crowd = await openCrowd()
    const { town, crews, far, heard } = crowd
    for (const [index, crew] of crews.entries()) crew.state.set('pose', index)
    await town.world.pass(50)
    expect(heard()).toEqual([3])
    expect(far.state.entries().map(({ value }) => value)).toEqual([0, 1, 2])
  })

  it('goes at once, and then what comes meanwhile goes together', async () => {
    await using crowd = await openCrowd()
    const { town, crews, far, heard } = crowd
    for (let round = 0; round < 3; round++) {
      for (const crew of crews) {
        crew.state.set('pose', round)
        await town.world.pass(1)
      }
    }
    await town.world.pass(SHEAF_GATHER_MS + 50)
    const messages = heard()
    expect(messages[0]).toBe(1)
    expect(messages.length).toBeLessThan(5)
    expect(far.state.entries().map(({ value }) => value)).toEqual([2, 2, 2])
  })

  it('waits no longer when somebody leaves', async () => {
    const clock = new ManualClock()
    const handed: Uint8Array[] = []
    const sheaves = new GroupSheaves({
      clock,
      hand: async (_, { bytes }) => handed.push(bytes),
    })
    const load = (seed: number) => ({
      bytes: new Uint8Array(10).fill(seed),
      proofs: [],
      given: () => {},
    })
    await sheaves.hand(CREW, load(1))
    const waiting = Promise.all([sheaves.hand(CREW, load(2)), sheaves.hand(CREW, load(3))])
    sheaves.flush()
    await waiting
    expect(handed.map((bytes) => (isSheaf(bytes) ? readSheaf(bytes).length : 1))).toEqual([1, 2])
  })

  it('is told to each that could not be handed over', async () => {
    const hand = () => Promise.reject(new AgentError('not-handed-over', 'Nobody is there'))
    const sheaves = new GroupSheaves({ clock: new ManualClock(), hand })
    const load = { bytes: new Uint8Array(10), proofs: [], given: () => {} }
    const outcomes = await Promise.allSettled([sheaves.hand(CREW, load), sheaves.hand(CREW, load)])
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  })
})
