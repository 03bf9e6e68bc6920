import { describe, expect, it } from 'vitest'
import { encodeApplication } from '@ixj/trust'
import { partOf } from '../../../../test/world/made-bundle.ts'
import { STATE_TYPE } from '../../src/state/register-update.ts'
import { ACCEPTED, annsBundle, carry, CREW, openScene, refusedAs } from '../scene.ts'
import { Town } from '../town.ts'

/** Members on nodes in a line, n3's clock being that far ahead, each hop taking 5 to 40 ms. */
async function openLine(aheadMs: number) {
  const town = await Town.open(0, { latencyMs: [5, 40], seed: 3 })
  const { world, acme } = town
  for (const [index, clockAheadMs] of [0, 0, aheadMs].entries()) {
    town.nodes.push(await world.node(acme, `n${index + 1}.acme.example`, { clockAheadMs }))
  }
  world.network.connect('n1.acme.example', 'n2.acme.example')
  world.network.connect('n2.acme.example', 'n3.acme.example')
  await world.pass(500)
  const members = [await town.member('a', 1), await town.member('b', 2), await town.member('c', 3)]
  await world.pass(8_000)
  const [a, b, c] = members.map(({ crew }) => crew.state)
  return { world, a: a!, b: b!, c: c!, [Symbol.asyncDispose]: () => town[Symbol.asyncDispose]() }
}

const A = 'a.acme.example'
const C = 'c.acme.example'

describe('the age of a register', () => {
  it.each([0, 20_000, -20_000, 59_000, -59_000])(
    'holds the true one, within the way there and back, from a clock %i ms ahead',
    async (aheadMs) => {
      await using line = await openLine(aheadMs)
      const { world, a, b, c } = line
      c.set('pose', 1)
      a.set('pose', 1)
      await world.pass(300)
      // Next to it by hello, two hops away by what presence echoes.
      for (const [state, owner] of [
        [a, C],
        [b, C],
        [b, A],
        [c, A],
      ] as const) {
        const { age } = state.get(owner, 'pose')!
        expect(age[0]).toBeLessThanOrEqual(300)
        expect(age[1]).toBeGreaterThanOrEqual(300)
        expect(age[1] - age[0]).toBeLessThan(400)
      }
    },
  )

  it('grows from when it was set, however often it is repeated', async () => {
    await using line = await openLine(0)
    const { world, a, c } = line
    c.set('mode', 'idle')
    await world.pass(60_000)
    const { age, asOf } = a.get(C, 'mode')!
    expect(asOf).toBe(world.clock.now() - 60_000)
    expect(age[0]).toBeLessThanOrEqual(60_000)
    expect(age[1]).toBeGreaterThanOrEqual(60_000)
  })

  it('is 0 for one’s own node', async () => {
    await using line = await openLine(30_000)
    const { world, c } = line
    c.set('pose', 1)
    await world.pass(50)
    expect(c.get(C, 'pose')?.age).toEqual([50, 50])
  })
})

/** What ann says of her pose, sent and set at these distances from now. */
async function annsPose(
  scene: Awaited<ReturnType<typeof openScene>>,
  sent: { readonly inMs: number; readonly setInMs?: number },
) {
  const { world } = scene
  const sentAt = world.clock.now() + sent.inMs
  const asOf = world.clock.now() + (sent.setInMs ?? sent.inMs)
  const body = encodeApplication(['pose', asOf, 1])
  const parts = [partOf(world, '', { contentType: STATE_TYPE, body })]
  return await annsBundle(scene, CREW, { class: 'state', lifespanMs: 5_000, parts, sentAt })
}

const ANN = 'ann.acme.example'

describe('a sender that lies about time', () => {
  it('is of unknown age where nothing is known of its clock', async () => {
    await using scene = await openScene()
    expect(await carry(scene, await annsPose(scene, { inMs: 0 }))).toEqual(ACCEPTED)
    const { age } = scene.crew.state.get(ANN, 'pose')!
    expect(age[0]).toBeLessThanOrEqual(20)
    expect(age[1]).toBeGreaterThanOrEqual(60_000)
  })

  it('looks no younger than it has been here, and is refused past 60 s ahead', async () => {
    await using scene = await openScene()
    expect(await carry(scene, await annsPose(scene, { inMs: 61_000 }))).toEqual(refusedAs('future'))
    expect(await carry(scene, await annsPose(scene, { inMs: 59_000 }))).toEqual(ACCEPTED)
    await scene.world.pass(1_000)
    expect(scene.crew.state.get(ANN, 'pose')?.age[0]).toBeGreaterThanOrEqual(1_000)
  })

  it('makes its values live no longer than their lifespan and 60 s', async () => {
    await using scene = await openScene()
    expect(await carry(scene, await annsPose(scene, { inMs: 59_000 }))).toEqual(ACCEPTED)
    await scene.world.pass(5_100)
    expect(scene.crew.state.get(ANN, 'pose')).toBeUndefined()
  })

  it('makes its values look as old as it likes, and nobody else’s', async () => {
    await using scene = await openScene()
    scene.crew.state.set('pose', 'mine')
    await scene.world.pass(10)
    const old = await annsPose(scene, { inMs: 0, setInMs: -1_000_000 })
    expect(await carry(scene, old)).toEqual(ACCEPTED)
    expect(scene.crew.state.get(ANN, 'pose')?.age[0]).toBeGreaterThanOrEqual(1_000_000)
    expect(scene.crew.state.get('desk.acme.example', 'pose')?.age[1]).toBeLessThan(100)
  })
})

describe('state.bound()', () => {
  it('tells stale when a register may be too old, and fresh when it is set again', async () => {
    await using line = await openLine(0)
    const { world, a, c } = line
    a.bound('pose', 500)
    const changes = a.changes()
    c.set('pose', 1)
    await world.pass(400)
    expect(a.get(C, 'pose')?.isStale).toBe(false)
    await world.pass(200)
    expect(a.get(C, 'pose')).toMatchObject({ isStale: true, value: 1 })
    c.set('pose', 2)
    await world.pass(200)
    const told = changes.drain()
    expect(told.map(({ kind, register }) => [kind, register.value])).toEqual([
      ['set', 1],
      ['stale', 1],
      ['set', 2],
      ['fresh', 2],
    ])
    const stale = told[1]!.register
    expect(stale.age[1]).toBeGreaterThan(500)
    expect(stale.age[0]).toBeLessThan(620)
  })

  it('is one member’s own, for the registers that it names', async () => {
    await using line = await openLine(0)
    const { world, a, b, c } = line
    a.bound('arm/*', 500)
    a.bound('arm/left', 5_000)
    for (const register of ['arm/left', 'arm/right', 'pose']) c.set(register, 1)
    await world.pass(1_000)
    const stale = (state: typeof a) =>
      state
        .entries()
        .filter(({ isStale }) => isStale)
        .map(({ register }) => register)
    expect(stale(a)).toEqual(['arm/right'])
    expect(stale(b)).toEqual([])
    a.bound('arm/*', Infinity)
    expect(stale(a)).toEqual([])
  })

  it('counts what it does not know as too old', async () => {
    await using scene = await openScene()
    scene.crew.state.bound('*', 10_000)
    const changes = scene.crew.state.changes()
    await carry(scene, await annsPose(scene, { inMs: 0 }))
    expect(changes.drain().map(({ kind }) => kind)).toEqual(['set', 'stale'])
  })

  it.each([
    ['pose ', 5],
    ['', 5],
    ['**', 5],
    ['pose', 0],
    ['pose', Number.NaN],
  ])('refuses "%s" within %d ms', async (registers, maxAgeMs) => {
    await using scene = await openScene()
    expect(() => scene.crew.state.bound(registers, maxAgeMs)).toThrow(
      expect.objectContaining({ code: 'argument' }),
    )
  })
})

describe('state.snapshot()', () => {
  it('says who is too old', async () => {
    await using line = await openLine(0)
    const { world, a, c } = line
    c.set('pose', 1)
    await world.pass(2_000)
    c.set('mode', 'idle')
    await world.pass(300)
    const { registers, tooOld, digest } = a.snapshot({ maxAgeMs: 1_000 })
    expect(registers.map(({ register }) => register)).toEqual(['mode', 'pose'])
    expect(tooOld.map(({ sender, register }) => [sender, register])).toEqual([[C, 'pose']])
    expect(digest).toEqual(c.snapshot().digest)
  })
})
