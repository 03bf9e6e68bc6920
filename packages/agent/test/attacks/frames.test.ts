import { encode, STORE_OWNERS_MAX } from '@ixj/trust'
import { describe, expect, it } from 'vitest'
import { makeBundle } from '../../../../test/world/made-bundle.ts'
import { bindAnyhow } from '../../../../test/world/made-statement.ts'
import { RawNode } from '../../../../test/world/raw-node.ts'
import { NEIGHBOUR_FAULTS_MAX } from '../../src/limits.ts'
import {
  ACCEPTED,
  carry,
  CREW,
  DESK,
  grantOn,
  NODE,
  openScene,
  refusedAs,
  type Scene,
} from '../scene.ts'

const TIMES = NEIGHBOUR_FAULTS_MAX + 4

/** A statement of a later version, in today's envelope. */
function laterStatement({ acme, world }: Scene): Uint8Array {
  const target = world.bytes(32)
  const body = [1, 'decree', acme.name, acme.signer.publicKey, 1, 2, world.bytes(16), [0, target]]
  return encode([encode(body), world.bytes(64), null])
}

const isNeighbour = (scene: Scene) => scene.node.host.neighbours.includes(scene.raw.identity.name)

/** Says a frame more often than a neighbour may be at fault. */
async function sayOften(scene: Scene, frame: () => Uint8Array): Promise<void> {
  for (let time = 0; time < TIMES; time++) {
    await scene.raw.say(NODE, frame())
    await scene.world.pass(5)
  }
}

describe('no fault of a neighbour is', () => {
  it.each<readonly [string, (scene: Scene) => Uint8Array]>([
    [
      'a statement of a later version',
      (scene) => encode([1, 'statements', [laterStatement(scene)]]),
    ],
    ['a frame that is not known', (scene) => encode([1, 'gossip', scene.world.bytes(8)])],
    ['a frame of a later version', () => encode([2, 'want', 'more', 'fields'])],
  ])('%s', async (_, frame) => {
    await using scene = await openScene()
    await sayOften(scene, () => frame(scene))
    expect(isNeighbour(scene)).toBe(true)
    // Each is told of all the same.
    expect(scene.node.host.counts.get('unsupported')).toBe(TIMES)
  })

  it('a right that it does not have', async () => {
    await using scene = await openScene()
    const { raw } = scene
    const none = { agent: null, agentKey: null, subscribe: null, host: null }
    for (let time = 0; time < TIMES; time++) {
      const proof = scene.world.bytes(32)
      await raw.say(NODE, {
        kind: 'right',
        topic: DESK,
        of: 'inbox',
        carrier: DESK,
        ...none,
        proof,
      })
      await scene.world.pass(5)
    }
    expect(isNeighbour(scene)).toBe(true)
    expect(scene.node.host.counts.get('proof-missing')).toBe(TIMES)
  })

  it('a statement for which our own table has no room', async () => {
    await using scene = await openScene()
    const { world, acme, raw, node } = scene
    // What it has told so far was used, so that it owns nothing in the table.
    const own = await makeBundle(world, raw.identity, CREW, { under: grantOn(raw.identity, CREW) })
    expect(await carry(scene, own)).toEqual(ACCEPTED)
    for (let index = 0; index < STORE_OWNERS_MAX; index++) {
      const identity = await bindAnyhow(world, acme, `o${index}.acme.example`)
      const owner = new RawNode(world, acme, identity)
      owner.transport.connect(NODE)
      if (index % 64 === 63) await world.pass(20)
    }
    await world.pass(100)
    expect(node.host.neighbours).toHaveLength(STORE_OWNERS_MAX + 1)
    const bob = await bindAnyhow(world, acme, 'bob.acme.example')
    const made = await makeBundle(world, bob, CREW)
    for (let time = 0; time < TIMES; time++) await raw.prove(NODE, made.proof)
    await world.pass(50)
    expect(node.host.counts.get('store-full')).toBe(TIMES)
    expect(isNeighbour(scene)).toBe(true)
    world.network.disconnect(NODE, 'o0.acme.example')
    await world.pass(50)
    await raw.prove(NODE, made.proof)
    expect(await carry(scene, made, { proved: false })).toEqual(refusedAs('not-granted'))
  })

  it('while bytes that no version sends are', async () => {
    await using scene = await openScene()
    for (let time = 0; time <= NEIGHBOUR_FAULTS_MAX; time++) {
      expect(isNeighbour(scene)).toBe(true)
      await scene.raw.say(NODE, encode([1, 'want', 'no mark']))
      await scene.world.pass(5)
    }
    await scene.world.pass(50)
    expect(isNeighbour(scene)).toBe(false)
  })
})

describe('a frame of statements', () => {
  it('is kept but for those that are refused', async () => {
    await using scene = await openScene()
    const { world, acme, raw } = scene
    const bob = await bindAnyhow(world, acme, 'bob.acme.example')
    const made = await makeBundle(world, bob, CREW)
    const [genuine] = made.proof.statements.map(({ envelope }) => envelope)
    const forged = genuine!.with(genuine!.length - 2, genuine!.at(-2)! ^ 1)
    const envelopes = [laterStatement(scene), forged, world.bytes(40), genuine!]
    await raw.say(
      NODE,
      { kind: 'statements', envelopes },
      { kind: 'proof', bytes: made.proof.bytes },
    )
    raw.frames.length = 0
    // Its proof is complete without a fetch, so it is judged at once.
    expect(await carry(scene, made, { proved: false })).toEqual(refusedAs('not-granted'))
    expect(raw.frames.filter(({ kind }) => kind === 'fetch')).toEqual([])
    expect(scene.node.host.counts.get('bad-signature')).toBe(1)
    expect(isNeighbour(scene)).toBe(true)
  })
})
