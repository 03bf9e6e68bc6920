import { toHex } from '@ixj/trust'
import { describe, expect, it } from 'vitest'
import { RawNode } from '../../../../test/world/raw-node.ts'
import { SOUGHT_MAX, SOUGHT_MS, WANTS_PER_NEIGHBOUR_MAX } from '../../src/limits.ts'
import { NODE, openScene, type Scene } from '../scene.ts'
import { bodies, outcomeOf, Town, toInbox } from '../town.ts'

const GHOST = 'ghost.acme.example'

/** What the host said of an inbox to the neighbour, by its mark. */
function said(scene: Scene, topic: string): readonly string[] {
  const mark = toHex(scene.raw.mark(NODE, topic))
  return scene.raw.frames.flatMap((frame) =>
    (frame.kind === 'want' || frame.kind === 'unwant') && toHex(frame.mark) === mark
      ? [frame.kind]
      : [],
  )
}

/** Inboxes to which the host showed its right. */
const shown = (raw: RawNode) =>
  raw.frames.flatMap((frame) => (frame.kind === 'right' ? [frame.topic] : []))

/** Has the desk write to a name that nobody has. */
async function writeTo(scene: Scene, topic: string): Promise<void> {
  const sent = outcomeOf(scene.desk.send(topic, 'anybody?', { lifespanMs: 100 }))
  await scene.world.pass(150)
  expect(sent.code).toBe('unreachable')
}

describe('wishes', () => {
  it('of a planner that writes to thousands of short-lived names cost no neighbour', async () => {
    await using town = await Town.open(2)
    const { world } = town
    const planner = await town.agent('planner', 1, {
      grants: [toInbox('bob.acme.example')],
    })
    const sent: ReturnType<typeof outcomeOf>[] = []
    for (let index = 0; index < WANTS_PER_NEIGHBOUR_MAX + 100; index++) {
      const worker = `w${index}.planner.acme.example`
      sent.push(outcomeOf(planner.send(worker, 'work', { lifespanMs: 500 })))
      if (index % 100 === 99) await world.pass(20)
    }
    await world.pass(1_000)
    expect(new Set(sent.map(({ code }) => code))).toEqual(new Set(['unreachable']))
    const [one, other] = town.nodes.map(({ host }) => host)
    expect([one!.neighbours, other!.neighbours]).toEqual([[other!.name], [one!.name]])
    expect([...other!.counts.keys()]).toEqual(['accepted'])
    const bob = await town.agent('bob', 2)
    const inbox = bob.messages()
    await world.until(planner.send(bob.name, 'still there'))
    await world.pass(50)
    expect(bodies(inbox)).toEqual(['still there'])
  })

  it('beyond what a node asks for are taken back, the oldest first', async () => {
    await using scene = await openScene()
    const { world, desk } = scene
    await writeTo(scene, GHOST)
    const write = (index: number) =>
      outcomeOf(desk.send(`g${index}.acme.example`, 'x', { lifespanMs: 500 }))
    for (let index = 1; index < SOUGHT_MAX; index++) write(index)
    await world.pass(50)
    expect(said(scene, GHOST)).toEqual(['want'])
    write(SOUGHT_MAX)
    await world.pass(50)
    expect(said(scene, GHOST)).toEqual(['want', 'unwant'])
    expect(said(scene, 'g1.acme.example')).toEqual(['want'])
    await world.pass(1_000)
  })

  it('are taken back when nobody wrote to the inbox for 10 minutes', async () => {
    await using scene = await openScene()
    const { world } = scene
    await writeTo(scene, GHOST)
    await world.pass(SOUGHT_MS - 1_000)
    expect(said(scene, GHOST)).toEqual(['want'])
    // Written to again, it counts from here.
    await writeTo(scene, GHOST)
    await world.pass(SOUGHT_MS - 1_000)
    expect(said(scene, GHOST)).toEqual(['want'])
    await world.pass(2_000)
    expect(said(scene, GHOST)).toEqual(['want', 'unwant'])
    await writeTo(scene, GHOST)
    expect(said(scene, GHOST)).toEqual(['want', 'unwant', 'want'])
  })

  it('too many of one neighbour make it lose its oldest, and nobody else any', async () => {
    await using scene = await openScene()
    const { world, acme, raw, node } = scene
    const quiet = await new RawNode(world, acme, await world.bind(acme, 'quiet.acme.example')).meet(
      NODE,
    )
    const [early, late] = ['early.acme.example', 'late.acme.example']
    await quiet.say(NODE, { kind: 'want', mark: quiet.mark(NODE, early) })
    await raw.say(NODE, { kind: 'want', mark: raw.mark(NODE, early) })
    for (let index = 1; index < WANTS_PER_NEIGHBOUR_MAX; index++) {
      await raw.say(NODE, { kind: 'want', mark: world.bytes(32) })
      if (index % 500 === 0) await world.pass(20)
    }
    await raw.say(NODE, { kind: 'want', mark: raw.mark(NODE, late) })
    await world.pass(50)
    for (const label of [early, late]) await node.host.openAgent(await world.bind(acme, label))
    await world.pass(50)
    expect(shown(raw)).toContain(late)
    expect(shown(raw)).not.toContain(early)
    expect(shown(quiet)).toContain(early)
    expect(node.host.neighbours).toContain(raw.identity.name)
    expect(scene.decisions.drain().filter(({ code }) => code !== null)).toEqual([])
  })

  it('that were taken back are forgotten', async () => {
    await using scene = await openScene()
    const { world, acme, raw, node } = scene
    const mark = raw.mark(NODE, GHOST)
    await raw.say(NODE, { kind: 'want', mark }, { kind: 'unwant', mark })
    await world.pass(50)
    await node.host.openAgent(await world.bind(acme, GHOST))
    await world.pass(50)
    expect(shown(raw)).not.toContain(GHOST)
    await raw.say(NODE, { kind: 'want', mark })
    await world.pass(50)
    expect(shown(raw)).toContain(GHOST)
  })
})
