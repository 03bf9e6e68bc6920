import { describe, expect, it } from 'vitest'
import { AgentError } from '../../src/agent-error.ts'
import { memoryHistory } from '../../src/history/memory-rows.ts'
import { memoryJournal, type ReplayJournal } from '../../src/pipeline/replay-journal.ts'
import { memoryStore } from '../../src/host/store.ts'
import { partOf } from '../../../../test/world/made-bundle.ts'
import {
  ACCEPTED,
  annsBundle,
  carry,
  CREW,
  NODE,
  openScene,
  refusedAs,
  type Scene,
} from '../scene.ts'
import { bodies, toInbox, Town } from '../town.ts'

/** What a node may remember over restarts. */
function openMemory() {
  return { store: memoryStore(), history: memoryHistory(), journal: memoryJournal() }
}

/** Ends the scene's node, and opens it anew with that memory; its crew has the same member. */
async function restart(scene: Scene, memory: Partial<ReturnType<typeof openMemory>>) {
  const { world, acme, node, desk, raw } = scene
  await world.until(node.host[Symbol.asyncDispose]())
  const again = await world.node(acme, NODE, { identity: node.identity, ...memory })
  const agent = await again.host.openAgent(desk.identity)
  const crew = await agent.join(CREW)
  await raw.meet(NODE)
  raw.transport.allow(NODE, NODE)
  await raw.join(NODE, CREW)
  const decisions = again.host.decisions()
  return { ...scene, node: again, crew, crewInbox: crew.messages(), decisions } as Scene
}

describe('after a restart', () => {
  it.each(['journal', 'history'] as const)('a node that has its %s takes no copy', async (kind) => {
    const memory = openMemory()
    await using scene = await openScene(memory)
    const made = []
    for (let first = 1; first <= 5; first++) {
      made.push(
        await annsBundle(scene, CREW, {
          epoch: scene.world.clock.now() - 1_000,
          first,
          lifespanMs: 60_000,
        }),
      )
    }
    for (const each of made) expect(await carry(scene, each)).toEqual(ACCEPTED)
    const again = await restart(scene, { [kind]: memory[kind] })
    for (const each of made) expect(await carry(again, each)).toEqual(refusedAs('duplicate'))
    const next = await annsBundle(scene, CREW, {
      epoch: scene.world.clock.now() - 1_000,
      first: 6,
      lifespanMs: 60_000,
    })
    expect(await carry(again, next)).toEqual(ACCEPTED)
    expect(again.crewInbox.size).toBe(1)
  })

  it('both bundles of an equivocation are evidence, and the key is refused', async () => {
    const memory = openMemory()
    await using scene = await openScene(memory)
    const [one, other] = await Promise.all(
      ['one', 'other'].map((body) =>
        annsBundle(scene, CREW, {
          epoch: scene.world.clock.now() - 1_000,
          parts: [partOf(scene.world, body)],
        }),
      ),
    )
    expect(await carry(scene, one!)).toEqual(ACCEPTED)
    expect(await carry(scene, other!)).toEqual(refusedAs('equivocation'))
    const bundles = [one!.bytes, other!.bytes]
    expect(scene.node.host.evidence).toMatchObject([{ bundles }])
    const again = await restart(scene, { history: memory.history })
    const later = await annsBundle(scene, CREW, {
      epoch: scene.world.clock.now() - 1_000,
      first: 9,
    })
    expect(await carry(again, later)).toEqual(refusedAs('equivocator'))
    expect(again.node.host.evidence).toMatchObject([{ bundles }])
  })
})

describe('what was handed over to a host before its sender restarted', () => {
  it('arrives, though it was under way and nobody writes to that inbox again', async () => {
    const history = memoryHistory()
    await using town = await Town.open(1, { history })
    const { world, acme, nodes } = town
    const [before] = nodes
    const there = await world.node(acme, 'n2.acme.example')
    await world.connect(before!.host.name, there.host.name)
    const a = await town.agent('a', 1, { grants: [toInbox('b.acme.example')] })
    const b = await there.host.openAgent(await world.bind(acme, 'b.acme.example'))
    const inbox = b.messages()
    await world.until(a.send(b.name, 'arrived'))
    await world.pass(100)
    world.network.part(before!.host.name, there.host.name)
    await world.until(a.send(b.name, 'under way'))
    const { identity } = a
    await world.until(before!.host[Symbol.asyncDispose]())
    expect(bodies(inbox)).toEqual(['arrived'])
    const again = await world.node(acme, before!.host.name, { identity: before!.identity, history })
    await again.host.openAgent(identity)
    world.network.mend(again.host.name, there.host.name)
    await world.connect(again.host.name, there.host.name)
    await world.pass(3_000)
    expect(bodies(inbox)).toEqual(['under way'])
  })
})

describe('where places cannot be written down', () => {
  it('state alone is accepted, and what was refused is taken when they can', async () => {
    const state = { isFull: true }
    const journal: ReplayJournal = {
      load: async () => [],
      append: () => {
        if (state.isFull) throw new AgentError('not-stored', 'The disk is full')
      },
    }
    await using scene = await openScene({ journal })
    const event = await annsBundle(scene, CREW)
    expect(await carry(scene, event)).toEqual(refusedAs('own-fault'))
    const now = await annsBundle(scene, CREW, { class: 'state', lifespanMs: 2_000 })
    expect(await carry(scene, now)).toEqual(ACCEPTED)
    state.isFull = false
    // The raw neighbour's transport has sent these very bytes, and forgets that after 15 s.
    await scene.world.pass(16_000)
    const again = await annsBundle(scene, CREW)
    expect(await carry(scene, again)).toEqual(ACCEPTED)
  })
})
