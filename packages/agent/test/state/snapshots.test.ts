import { explanationOf } from '../../src/explanation-of.ts'
import { describe, expect, it } from 'vitest'
import { encode, encodeApplication, toHex } from '@ixj/trust'
import { partOf, repackBundle } from '../../../../test/world/made-bundle.ts'
import { RawNode } from '../../../../test/world/raw-node.ts'
import { STATE_TYPE } from '../../src/state/register-update.ts'
import { STATE_PROTOCOL } from '../../src/state/snapshots.ts'
import { annsBundle, carry, CREW, NODE, openScene, type Scene } from '../scene.ts'
import { Town } from '../town.ts'

const A = 'a.acme.example'

/** Two members with state, of which half comes from each. */
async function openTwo() {
  const town = await Town.open(3)
  const a = await town.member('a', 1)
  const b = await town.member('b', 2)
  await town.world.pass(1_000)
  for (let index = 0; index < 20; index++) {
    a.crew.state.set(`r${index}`, 'x'.repeat(1_000))
    b.crew.state.set(`r${index}`, index)
  }
  await town.world.pass(100)
  return { town, a: a.crew, b: b.crew, [Symbol.asyncDispose]: () => town[Symbol.asyncDispose]() }
}

describe('a member that joins', () => {
  it('is given the registers of all before any of them is said again', async () => {
    await using two = await openTwo()
    const { town, a } = two
    const c = await town.member('c', 3)
    await town.world.pass(600)
    expect(c.crew.state.entries()).toHaveLength(40)
    expect(toHex(c.crew.state.snapshot().digest)).toBe(toHex(a.state.snapshot().digest))
    const { age } = c.crew.state.get(A, 'r0')!
    expect(age[0]).toBeLessThanOrEqual(700)
    expect(age[1]).toBeGreaterThanOrEqual(700)
  })

  it('is given them as they were signed, through its own pipeline', async () => {
    await using two = await openTwo()
    const { town } = two
    const decisions = town.nodes[2]!.host.decisions()
    const c = await town.member('c', 3)
    await town.world.pass(600)
    const accepted = decisions
      .drain()
      .filter((each) => each.about === 'bundle' && each.code === null)
    expect(accepted).toHaveLength(2)
    expect(explanationOf(c.crew.state.get(A, 'r0')!)).toMatchObject({
      outcome: 'accepted',
      sender: A,
    })
  })

  it('is given what it missed when it meets the others again', async () => {
    await using two = await openTwo()
    const { town, a } = two
    const c = await town.member('c', 3)
    await town.world.pass(1_000)
    for (const label of ['n1', 'n2']) {
      town.world.network.disconnect(`${label}.acme.example`, 'n3.acme.example')
    }
    await town.world.pass(5_000)
    a.state.set('r0', 'news')
    await town.world.pass(100)
    town.world.network.connect('n1.acme.example', 'n3.acme.example')
    await town.world.pass(600)
    expect(c.crew.state.get(A, 'r0')?.value).toBe('news')
  })

  it('is given nothing past its lifespan', async () => {
    await using town = await Town.open(2)
    const a = await town.member('a', 1)
    await town.world.pass(1_000)
    a.crew.state.set('pose', 1, { lifespanMs: 500 })
    a.crew.state.set('mode', 1)
    await town.world.pass(50)
    town.world.network.disconnect('n1.acme.example', 'n2.acme.example')
    await a.agent[Symbol.asyncDispose]()
    const b = await town.member('b', 2)
    town.world.network.connect('n1.acme.example', 'n2.acme.example')
    await town.world.pass(2_000)
    expect(b.crew.state.entries()).toEqual([])
  })
})

/** The neighbour opens a channel and says this; what it is given until the channel ends. */
async function ask(scene: Scene, question: Uint8Array) {
  const channel = await scene.world.until(scene.raw.transport.openChannel(NODE, STATE_PROTOCOL))
  await channel.send(question)
  const given: Uint8Array[] = []
  const reading = (async () => {
    for await (const frame of channel.frames()) given.push(frame)
  })()
  await scene.world.pass(200)
  await channel.close()
  await reading
  return given
}

/** A neighbour of the crew that gives these frames to whoever asks for registers. */
async function openGiver(frames: (scene: Scene) => Promise<readonly Uint8Array[]>) {
  const scene = await openScene()
  const { world, acme, node } = scene
  const grants = [{ actions: ['subscribe'], topics: [CREW] }] as const
  const giver = new RawNode(world, acme, await world.bind(acme, 'giver.acme.example', { grants }))
  const made = await frames(scene)
  giver.askedForState = (channel) =>
    void (async () => {
      for (const frame of made) await channel.send(frame)
      await channel.close()
    })()
  await giver.meet(NODE)
  await giver.reach(NODE, CREW)
  await giver.join(NODE, CREW)
  await world.pass(2_500)
  const dispose = () => scene[Symbol.asyncDispose]()
  return { crew: scene.crew.state, counts: node.host.counts, [Symbol.asyncDispose]: dispose }
}

/** A register of ann's, with its proof known at the host. */
async function annsRegister(scene: Scene, value: string, epoch: number) {
  const body = encodeApplication(['pose', 0, value])
  const parts = [partOf(scene.world, '', { contentType: STATE_TYPE, body })]
  const made = await annsBundle(scene, CREW, { class: 'state', epoch, parts })
  await scene.raw.prove(NODE, made.proof)
  return made
}

describe('a neighbour that is asked for state', () => {
  it('and gives false bundles is faulted, and believed in nothing that comes after', async () => {
    await using given = await openGiver(async (scene) => {
      const genuine = await annsRegister(scene, 'genuine', 2)
      const forged = repackBundle(await annsRegister(scene, 'forged', 1), (fields) => {
        fields[2] = (fields[2] as Uint8Array).map((byte, index) => (index === 8 ? byte ^ 1 : byte))
      })
      return [forged, genuine.bytes]
    })
    expect(given.counts.get('bad-signature')).toBe(2)
    expect(given.crew.entries()).toEqual([])
  })

  it('cannot bring back what its owner has replaced', async () => {
    await using given = await openGiver(async (scene) => {
      const older = await annsRegister(scene, 'older', 1)
      await carry(scene, await annsRegister(scene, 'newer', 2))
      return [older.bytes, older.bytes]
    })
    expect(given.crew.get('ann.acme.example', 'pose')?.value).toBe('newer')
    expect(given.counts.get('superseded')).toBeGreaterThan(0)
  })
})

const snapshotOf = (topic: string) => encode([1, 'snapshot', topic])

describe('a question for state', () => {
  it('is answered with the bundles that count, then an end', async () => {
    await using scene = await openScene()
    scene.crew.state.set('pose', 1)
    await scene.world.pass(10)
    scene.crew.state.set('pose', 2)
    await scene.world.pass(10)
    const given = await ask(scene, snapshotOf(CREW))
    expect(given.map((frame) => frame[0])).toEqual([0x94, 0x92])
  })

  it.each([
    ['of a group that the neighbour has no right to', 'other.acme.example'],
    ['of an inbox', 'desk.acme.example'],
  ])('%s is not answered', async (_, topic) => {
    await using scene = await openScene()
    scene.crew.state.set('pose', 1)
    await scene.world.pass(10)
    expect(await ask(scene, snapshotOf(topic))).toEqual([])
  })

  it('is answered four times a second at most', async () => {
    await using scene = await openScene()
    const given = []
    for (let round = 0; round < 20; round++) {
      const opening = scene.raw.transport.openChannel(NODE, STATE_PROTOCOL)
      await scene.world.pass(4)
      const channel = await opening
      await channel.send(snapshotOf(CREW))
      await scene.world.pass(4)
      for await (const frame of channel.frames()) {
        given.push(frame)
        break
      }
      await channel.close()
      await scene.world.pass(2)
    }
    expect(given.length).toBeLessThanOrEqual(5)
    expect(given.length).toBeGreaterThan(0)
  })

  it.each([
    ['that cannot be read', new Uint8Array([0xc1])],
    ['that is too long', encode([1, 'snapshot', 'x'.repeat(600)])],
    ['of a topic that is no name', encode([1, 'snapshot', 'no'])],
  ])('%s is a fault at most, and not answered', async (_, question) => {
    await using scene = await openScene()
    expect(await ask(scene, question)).toEqual([])
    expect(scene.node.host.neighbours).toHaveLength(1)
  })
})
