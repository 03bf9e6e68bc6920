import { parsePattern } from '@ixj/names'
import type { Grant, SignedStatement } from '@ixj/trust'
import type { Identity } from '@ixj/agent'
import { describe, expect, it } from 'vitest'
import { makeBundle, partOf, type BundleChanges } from '../../../../test/world/made-bundle.ts'
import { bindAnyhow, grantAnyhow, withStatements } from '../../../../test/world/made-statement.ts'
import { ACCEPTED, carry, CREW, openScene, refusedAs, type Outcome, type Scene } from '../scene.ts'

/** Sends to the crew under one grant, one bundle of so many messages after the other. */
type Send = (messages: number, changes?: BundleChanges) => Promise<Outcome>

function sender(scene: Scene, identity: Identity, grant: SignedStatement<Grant>): Send {
  const { world } = scene
  const epoch = world.clock.now()
  let first = 1
  return async (messages, changes = {}) => {
    const parts = Array.from({ length: messages }, () => partOf(world, 'x'))
    const made = await makeBundle(world, withStatements(identity, grant), CREW, {
      under: grant,
      epoch,
      first,
      parts,
      ...changes,
    })
    first += messages
    return await carry(scene, made, { waitMs: 1 })
  }
}

/** Bob with 2 messages a second. */
async function openBob(scene: Scene): Promise<Send> {
  const { world, acme } = scene
  const bob = await bindAnyhow(world, acme, 'bob.acme.example')
  const grant = await grantAnyhow(world, acme, {
    subject: bob.name,
    topics: [CREW],
    conditions: [['messagesPerSecond', 2]],
  })
  return sender(scene, bob, grant)
}

/** Two children of one parent with 100 messages a second: one has 1 a second, the other all. */
async function openFamily(scene: Scene): Promise<{ readonly slow: Send; readonly good: Send }> {
  const { world, acme } = scene
  const boss = await bindAnyhow(world, acme, 'boss.acme.example')
  const root = await grantAnyhow(world, acme, {
    subject: boss.name,
    topics: [CREW],
    mayDelegate: [parsePattern('*.boss.acme.example')],
    conditions: [['messagesPerSecond', 100]],
  })
  const child = async (label: string, perSecond: number) => {
    const identity = await bindAnyhow(world, boss, `${label}.boss.acme.example`)
    const grant = await grantAnyhow(world, boss, {
      subject: identity.name,
      topics: [CREW],
      onBehalfOf: acme.name,
      notBefore: root.statement.notBefore,
      notAfter: root.statement.notAfter,
      parent: root.id,
      conditions: [['messagesPerSecond', perSecond]],
    })
    return sender(scene, withStatements(identity, root), grant)
  }
  return { slow: await child('slow', 1), good: await child('good', 100) }
}

/** What 20 messages come to that are sent at once, each said to be of another second. */
async function codesOf(send: Send, sentAt: (index: number) => number) {
  const codes: string[] = []
  for (let index = 0; index < 20; index++) {
    codes.push((await send(1, { sentAt: sentAt(index), lifespanMs: 600_000 })).code)
  }
  return codes
}

const TWO_OF_TWENTY = ['accepted', 'accepted', ...Array<string>(18).fill('condition')]

describe('a budget of messages a second', () => {
  it('is not drawn from seconds that are long over', async () => {
    await using scene = await openScene()
    const now = scene.world.clock.now()
    const send = await openBob(scene)
    expect(await codesOf(send, (index) => now - 300_000 + index * 1_000)).toEqual(TWO_OF_TWENTY)
  })

  it('is not drawn from seconds to come', async () => {
    await using scene = await openScene()
    const now = scene.world.clock.now()
    const send = await openBob(scene)
    expect(await codesOf(send, (index) => now + 10_000 + index * 1_000)).toEqual(TWO_OF_TWENTY)
  })

  it('bears a burst of two seconds of a sender that kept the pace', async () => {
    await using scene = await openScene()
    const now = scene.world.clock.now()
    const send = await openBob(scene)
    const codes: string[] = []
    for (const before of [1_900, 900]) codes.push((await send(2, { sentAt: now - before })).code)
    codes.push((await send(1)).code)
    expect(codes).toEqual(['accepted', 'accepted', 'accepted'])
    expect(await send(2)).toEqual(refusedAs('condition'))
  })

  it('is not used up for others by a message that says to be from the future', async () => {
    await using scene = await openScene()
    const { slow, good } = await openFamily(scene)
    const sentAt = scene.world.clock.now() + 59_000
    expect(await slow(1, { sentAt })).toEqual(ACCEPTED)
    expect(await good(90)).toEqual(ACCEPTED)
    await scene.world.pass(1_000)
    expect(await good(90)).toEqual(ACCEPTED)
  })

  it('is not drawn by what a child is refused for', async () => {
    await using scene = await openScene()
    const { slow, good } = await openFamily(scene)
    for (const round of [1, 2, 3]) {
      expect([round, await slow(60)]).toEqual([round, refusedAs('condition')])
    }
    expect(await good(100)).toEqual(ACCEPTED)
    expect(await good(60)).toEqual(refusedAs('condition'))
  })

  it('is not drawn by what is refused for another reason', async () => {
    await using scene = await openScene()
    const { world, acme } = scene
    const bob = await bindAnyhow(world, acme, 'bob.acme.example')
    const grant = await grantAnyhow(world, acme, {
      subject: bob.name,
      topics: [CREW],
      conditions: [
        ['bytesPerMessage', 100],
        ['messagesPerSecond', 2],
      ],
    })
    const send = sender(scene, bob, grant)
    const parts = [partOf(world, 'x'.repeat(200)), partOf(world, 'x'.repeat(200))]
    expect(await send(2, { parts })).toEqual(refusedAs('condition'))
    expect(await send(2)).toEqual(ACCEPTED)
    expect(await send(2)).toEqual(refusedAs('condition'))
  })
})
