import { parsePattern } from '@ixj/names'
import { describe, expect, it } from 'vitest'
import { makeBundle, partOf } from '../../../../test/world/made-bundle.ts'
import { ACKNOWLEDGEMENT_TYPE } from '../../src/patterns/control-types.ts'
import { correlationOf, decodeMessages } from '../../src/bundles/message.ts'
import { decodeBundle } from '../../src/bundles/bundle.ts'
import { nodeSha256 } from '../../../../test/world/native-keys.ts'
import { DELIVER_PROTOCOL } from '../../src/deliver/deliver.ts'
import { TASKS_OPEN_PER_SENDER_MAX } from '../../src/limits.ts'
import {
  ACCEPTED,
  annsBundle,
  carry,
  DESK,
  grantOn,
  NODE,
  openScene,
  refusedAs,
  type Scene,
} from '../scene.ts'
import { outcomeOf } from '../town.ts'

const task = { class: 'task', lifespanMs: 600_000 } as const

/** The desk sends a task to the neighbour's inbox; the bundle as the neighbour got it. */
async function taskOfDesk(scene: Scene) {
  const { desk, raw, world } = scene
  await raw.openInbox(NODE)
  const sent = outcomeOf(desk.send(raw.identity.name, 'x', { ...task, lifespanMs: 60_000 }))
  await world.pass(50)
  const { bytes } = raw.heard.findLast(({ topic }) => topic === raw.identity.name)!
  const bundle = decodeBundle(bytes, nodeSha256)
  const [part] = decodeMessages(bundle.messagesBytes, 1)
  return { sent, correlation: correlationOf(bundle.id, part!.id) }
}

describe('who did not get a task', () => {
  it('cannot acknowledge it; who got it can, once', async () => {
    await using scene = await openScene()
    const { world, ann, raw } = scene
    const { sent, correlation } = await taskOfDesk(scene)
    const acknowledgement = (by: typeof ann, about: Uint8Array) =>
      makeBundle(world, by, DESK, {
        action: 'answer',
        parts: [partOf(world, '', { correlation: about, contentType: ACKNOWLEDGEMENT_TYPE })],
      })
    const forged = await acknowledgement(ann, correlation)
    expect(await carry(scene, forged)).toEqual(refusedAs('not-asked'))
    const other = await acknowledgement(raw.identity, world.bytes(48))
    expect(await carry(scene, other)).toEqual(refusedAs('not-asked'))
    expect(sent.value?.acknowledged.missing).toEqual([raw.identity.name])
    expect(await carry(scene, await acknowledgement(raw.identity, correlation))).toEqual(ACCEPTED)
    expect(sent.value?.acknowledged.missing).toEqual([])
    const again = await acknowledgement(raw.identity, correlation)
    expect(await carry(scene, again)).toEqual(refusedAs('not-asked'))
  })

  it('cannot end a request by acknowledging it: an acknowledgement is no answer', async () => {
    await using scene = await openScene()
    const { world, desk, raw } = scene
    await raw.openInbox(NODE)
    const asked = outcomeOf(desk.request(raw.identity.name, 'x', { lifespanMs: 5_000 }))
    await world.pass(50)
    const { bytes } = raw.heard.findLast(({ topic }) => topic === raw.identity.name)!
    const bundle = decodeBundle(bytes, nodeSha256)
    const [part] = decodeMessages(bundle.messagesBytes, 1)
    const correlation = correlationOf(bundle.id, part!.id)
    const made = await makeBundle(world, raw.identity, DESK, {
      action: 'answer',
      parts: [partOf(world, '', { correlation, contentType: ACKNOWLEDGEMENT_TYPE })],
    })
    expect(await carry(scene, made)).toEqual(refusedAs('not-asked'))
    expect(asked).toEqual({})
  })
})

describe('a sender of tasks', () => {
  it('has one message done once, in however many bundles it comes', async () => {
    await using scene = await openScene()
    const part = partOf(scene.world, 'once')
    const first = await annsBundle(scene, DESK, { ...task, parts: [part] })
    const second = await annsBundle(scene, DESK, { ...task, parts: [part], first: 2 })
    expect(await carry(scene, first)).toEqual(ACCEPTED)
    expect(await carry(scene, second)).toEqual(refusedAs('duplicate'))
    expect(scene.node.host.load.tasks.open).toBe(1)
  })

  it('fills its own part of the book and no more; what has no room is not acknowledged', async () => {
    await using scene = await openScene()
    const { world, acme, node } = scene
    const grants = [{ actions: ['publish'], topics: [DESK] }] as const
    const bob = await world.bind(acme, 'bob.acme.example', { grants })
    for (let first = 1; first <= TASKS_OPEN_PER_SENDER_MAX; first++) {
      expect(await carry(scene, await annsBundle(scene, DESK, { ...task, first }))).toEqual(
        ACCEPTED,
      )
    }
    const over = await annsBundle(scene, DESK, { ...task, first: TASKS_OPEN_PER_SENDER_MAX + 1 })
    expect(await carry(scene, over)).toEqual(refusedAs('table-full'))
    const others = await makeBundle(world, bob, DESK, { ...task, under: grantOn(bob, DESK) })
    expect(await carry(scene, others)).toEqual(ACCEPTED)
    expect(node.host.load.tasks.open).toBe(TASKS_OPEN_PER_SENDER_MAX + 1)
    const reading = scene.desk.tasks()[Symbol.asyncIterator]()
    const { value } = (await reading.next()) as { readonly value: { done(): Promise<void> } }
    await value.done()
    // Its sender tries again, past what gossip remembers.
    await world.pass(16_000)
    expect(await carry(scene, over)).toEqual(ACCEPTED)
  })

  it('is acknowledged twice a second at most, however many copies come', async () => {
    const rule = {
      id: 'raw may send',
      effect: 'permit',
      sender: parsePattern('raw.acme.example'),
      actions: ['publish'],
      topic: parsePattern(DESK),
    } as const
    await using scene = await openScene({ rules: [rule] })
    const { world, raw } = scene
    await raw.openInbox(NODE)
    const channel = await world.until(raw.transport.openChannel(NODE, DELIVER_PROTOCOL))
    const made = await makeBundle(world, raw.identity, DESK, task)
    await raw.prove(NODE, made.proof)
    for (let copy = 0; copy < 100; copy++) {
      await channel.send(made.bytes)
      await world.pass(20)
    }
    const acknowledgements = raw.heard.filter(({ topic }) => topic === raw.identity.name)
    expect(acknowledgements.length).toBeGreaterThan(2)
    expect(acknowledgements.length).toBeLessThanOrEqual(5)
    expect(scene.node.host.counts.get('duplicate')).toBe(99)
  })
})
