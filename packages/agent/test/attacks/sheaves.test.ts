import { encode } from '@ixj/trust'
import { describe, expect, it } from 'vitest'
import type { MadeBundle } from '../../../../test/world/made-bundle.ts'
import { encodeSheaf } from '../../src/bundles/sheaf.ts'
import { SHEAF_WHOLE_MS } from '../../src/limits.ts'
import { annsBundle, carryBytes, CREW, crewGrant, DESK, openScene, type Scene } from '../scene.ts'

const NODE = 'n1.acme.example'

/** A scene with one more member, on a node that only the first node knows. */
async function openLine() {
  const scene = await openScene()
  const { world, acme } = scene
  const far = await world.node(acme, 'n2.acme.example')
  world.network.connect(NODE, 'n2.acme.example')
  await world.pass(500)
  const identity = await world.bind(acme, 'far.acme.example', { grants: [crewGrant()] })
  const crew = await (await far.host.openAgent(identity)).join(CREW)
  await world.pass(1_000)
  return { scene, far, inbox: crew.messages(), [Symbol.asyncDispose]: () => world.close() }
}

/** Events of ann's, one after the other. */
async function annsEvents(scene: Scene, count: number): Promise<readonly MadeBundle[]> {
  const epoch = scene.world.clock.now()
  const made: MadeBundle[] = []
  for (let first = 1; first <= count; first++) {
    made.push(await annsBundle(scene, CREW, { epoch, first }))
  }
  return made
}

/** Has the neighbour bring them in one message; the codes of all decisions, and what it was blamed. */
async function bring(scene: Scene, bundles: readonly Uint8Array[], waitMs = 200) {
  const { decisions, node, raw, world } = scene
  decisions.drain()
  const before = node.transport.blame(raw.peer)
  await raw.transport.publish(CREW, encodeSheaf(bundles))
  await world.pass(waitMs)
  const found = decisions.drain().filter(({ about }) => about === 'bundle')
  const codes = found.map(({ code }) => code ?? 'accepted')
  return { codes, blame: node.transport.blame(raw.peer) - before }
}

/** With a signature that is none of its key's. */
function forged({ bytes, bundle }: MadeBundle): Uint8Array {
  const { headerBytes, messagesBytes } = bundle
  const signature = bundle.signature.map((byte, index) => (index === 2 ? byte ^ 1 : byte))
  const made = encode([headerBytes, messagesBytes, signature, null], { bytesMax: Infinity })
  expect(made.length).toBe(bytes.length)
  return made
}

describe('a sheaf that a neighbour brings', () => {
  it('is passed on, and each of its bundles is delivered on both nodes', async () => {
    await using line = await openLine()
    const { scene, inbox } = line
    const made = await annsEvents(scene, 3)
    await scene.raw.prove(NODE, made[0]!.proof)
    const outcome = await bring(
      scene,
      made.map(({ bytes }) => bytes),
    )
    expect(outcome).toEqual({ codes: ['accepted', 'accepted', 'accepted'], blame: 0 })
    expect([scene.crewInbox.size, inbox.size]).toEqual([3, 3])
  })

  it('is blamed for one forged bundle in it; the true ones go on without it', async () => {
    await using line = await openLine()
    const { scene, far, inbox } = line
    const made = await annsEvents(scene, 3)
    await scene.raw.prove(NODE, made[0]!.proof)
    const outcome = await bring(scene, [made[0]!.bytes, forged(made[2]!), made[1]!.bytes])
    expect(outcome.codes.toSorted()).toEqual(['accepted', 'accepted', 'bad-signature'])
    expect(outcome.blame).toBe(1)
    expect([scene.crewInbox.size, inbox.size]).toEqual([2, 2])
    expect(far.host.counts.get('bad-signature')).toBeUndefined()
    expect(far.transport.blame(NODE)).toBe(0)
  })

  it('stops no bundle of an honest one that comes after it', async () => {
    await using line = await openLine()
    const { scene, inbox } = line
    const made = await annsEvents(scene, 3)
    await scene.raw.prove(NODE, made[0]!.proof)
    await bring(scene, [made[0]!.bytes, forged(made[2]!)])
    const honest = await bring(
      scene,
      made.map(({ bytes }) => bytes),
    )
    expect(honest.codes.toSorted()).toEqual(['accepted', 'accepted', 'duplicate'])
    expect(honest.blame).toBe(0)
    expect([scene.crewInbox.size, inbox.size]).toEqual([3, 3])
  })

  it('is not held up by a bundle whose proof does not come', async () => {
    await using line = await openLine()
    const { scene, inbox } = line
    const [known] = await annsEvents(scene, 1)
    await scene.raw.prove(NODE, known!.proof)
    const { world, acme } = scene
    const eve = await world.bind(acme, 'eve.acme.example', { grants: [crewGrant()] })
    const unknown = await annsBundle({ ...scene, ann: eve }, CREW)
    await bring(scene, [unknown.bytes, known!.bytes], SHEAF_WHOLE_MS + 20)
    expect([scene.crewInbox.size, inbox.size]).toEqual([1, 1])
    await world.pass(5_000)
    expect(scene.node.host.counts.get('proof-missing')).toBe(1)
    expect(scene.node.transport.blame(scene.raw.peer)).toBe(0)
  })

  it('brings nothing that came before once more', async () => {
    await using line = await openLine()
    const { scene, inbox } = line
    const made = await annsEvents(scene, 2)
    await scene.raw.prove(NODE, made[0]!.proof)
    const bytes = made.map((each) => each.bytes)
    await bring(scene, bytes)
    expect(await bring(scene, bytes.toReversed())).toEqual({
      codes: ['duplicate', 'duplicate'],
      blame: 0,
    })
    expect([scene.crewInbox.size, inbox.size]).toEqual([2, 2])
  })

  it.each([
    ['in a sheaf', (sheaf: Uint8Array, bundle: Uint8Array) => encodeSheaf([sheaf, bundle])],
    ['of one bundle', (_: Uint8Array, bundle: Uint8Array) => encode([[bundle]])],
  ])('%s is refused and blamed', async (_, make) => {
    await using scene = await openScene()
    const made = await annsEvents(scene, 3)
    await scene.raw.prove(NODE, made[0]!.proof)
    const sheaf = encodeSheaf(made.slice(0, 2).map(({ bytes }) => bytes))
    await scene.raw.transport.publish(CREW, make(sheaf, made[2]!.bytes))
    await scene.world.pass(100)
    expect(scene.node.host.counts.get('form')).toBe(1)
    expect(scene.node.transport.blame(scene.raw.peer)).toBe(1)
  })

  it('is none on an inbox', async () => {
    await using scene = await openScene()
    const made = await annsBundle(scene, DESK)
    await scene.raw.prove(NODE, made.proof)
    const sheaf = encodeSheaf([made.bytes, made.bytes])
    expect(await carryBytes(scene, sheaf, { on: DESK })).toMatchObject({ code: 'form', blame: 1 })
    expect(scene.deskInbox.size).toBe(0)
  })
})
