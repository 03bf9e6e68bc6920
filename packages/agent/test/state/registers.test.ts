import { explanationOf } from '../../src/explanation-of.ts'
import { describe, expect, it } from 'vitest'
import { encodeApplication, SKEW_MS, toHex } from '@ixj/trust'
import { partOf } from '../../../../test/world/made-bundle.ts'
import { STATE_REGISTER_LIFESPAN_MS, STATE_WAITING_BYTES_MAX } from '../../src/limits.ts'
import { STATE_TYPE } from '../../src/state/register-update.ts'
import { ACCEPTED, annsBundle, carry, CREW, openScene, refusedAs, type Scene } from '../scene.ts'
import { Town } from '../town.ts'
import { threeMembers } from './three-members.ts'

const A = 'a.acme.example'
const digests = (states: readonly { snapshot(): { readonly digest: Uint8Array } }[]) =>
  new Set(states.map((state) => toHex(state.snapshot().digest)))

describe('state.set()', () => {
  it('is seen by every member, its owner included, under its owner’s name', async () => {
    await using scene = await threeMembers()
    const { town, a, b, c } = scene
    a.set('pose', { x: 1.5, y: 2 })
    await town.world.pass(50)
    for (const state of [a, b, c]) {
      expect(state.get(A, 'pose')).toMatchObject({
        sender: A,
        onBehalfOf: 'acme.example',
        register: 'pose',
        value: { x: 1.5, y: 2 },
      })
    }
    expect(explanationOf(b.get(A, 'pose')!).outcome).toBe('accepted')
    expect(b.get('b.acme.example', 'pose')).toBeUndefined()
  })

  it('sends what is set in one turn in one bundle', async () => {
    await using scene = await threeMembers()
    const { town, a, b } = scene
    const decisions = town.nodes[1]!.host.decisions()
    a.set('pose', 1)
    a.set('mode', 'idle')
    a.set('arm/left', [0, 1])
    await town.world.pass(50)
    expect(decisions.drain().filter(({ about }) => about === 'bundle')).toHaveLength(1)
    expect(b.entries().map(({ register }) => register)).toEqual(['arm/left', 'mode', 'pose'])
  })

  it('sends the newest eight values of what waits, in their order', async () => {
    await using scene = await threeMembers()
    const { town, a, b } = scene
    const decisions = town.nodes[1]!.host.decisions()
    const changes = b.changes()
    for (let value = 0; value < 100; value++) a.set('pose', value)
    await town.world.pass(100)
    expect(b.get(A, 'pose')?.value).toBe(99)
    expect(changes.drain().map(({ register }) => register.value)).toEqual([
      92, 93, 94, 95, 96, 97, 98, 99,
    ])
    expect(a.counts).toMatchObject({ sent: 8, replaced: 92, failed: 0 })
    expect(decisions.drain().filter(({ about }) => about === 'bundle')).toHaveLength(1)
  })

  it('repeats the last value alone', async () => {
    await using scene = await threeMembers()
    const { town, a, b } = scene
    for (let value = 0; value < 3; value++) a.set('pose', value)
    await town.world.pass(100)
    const changes = b.changes()
    await town.world.pass(STATE_REGISTER_LIFESPAN_MS)
    expect(a.counts.sent).toBeGreaterThan(3)
    expect([changes.drain(), b.get(A, 'pose')?.value]).toEqual([[], 2])
  })

  it('sends only the newest of large values, and of what is set in other ways', async () => {
    await using scene = await threeMembers()
    const { town, a, b } = scene
    const changes = b.changes()
    const large = 'x'.repeat(STATE_WAITING_BYTES_MAX / 2)
    for (const value of [`1${large}`, `2${large}`, `3${large}`]) a.set('picture', value)
    a.set('pose', 1)
    a.set('pose', 2, { lifespanMs: 5_000 })
    await town.world.pass(100)
    expect(changes.drain().map(({ register }) => register.value)).toEqual([`3${large}`, 2])
    expect(a.counts).toMatchObject({ sent: 2, replaced: 3 })
  })

  it('tells what was set and taken back while it waited', async () => {
    await using scene = await threeMembers()
    const { town, a, b } = scene
    const changes = b.changes()
    a.set('pose', 1)
    a.clear('pose')
    await town.world.pass(100)
    expect(changes.drain().map(({ kind }) => kind)).toEqual(['set', 'gone'])
    expect(b.get(A, 'pose')).toBeUndefined()
  })

  it('sends the newest value alone under a grant that counts messages', async () => {
    await using town = await Town.open(2)
    const conditions = [['messagesPerSecond', 20]] as const
    const grants = [{ actions: ['publish', 'subscribe'], topics: [CREW], conditions }] as const
    const { state } = await (await town.agent('slow', 1, { grants })).join(CREW)
    const { crew } = await town.member('b', 2)
    await town.world.pass(1_000)
    const changes = crew.state.changes()
    for (let value = 0; value < 4; value++) state.set('pose', value)
    await town.world.pass(100)
    expect(changes.drain().map(({ register }) => register.value)).toEqual([3])
    expect(state.counts).toMatchObject({ sent: 1, replaced: 3, failed: 0 })
  })

  it.each([
    ['a register of no name', '', 1],
    ['a register with a blank', 'my pose', 1],
    ['a register that is too long', 'x'.repeat(65), 1],
  ])('refuses %s', async (_what, register, value) => {
    await using scene = await threeMembers()
    const { a } = scene
    expect(() => a.set(register, value)).toThrow(expect.objectContaining({ code: 'argument' }))
  })

  it('refuses more bytes than a register has room for, and one register too many', async () => {
    await using scene = await threeMembers()
    const { a } = scene
    expect(() => a.set('pose', 'x'.repeat(4_096))).toThrow(
      expect.objectContaining({ code: 'too-large' }),
    )
    for (let index = 0; index < 64; index++) a.set(`r${index}`, index)
    expect(() => a.set('one-more', 1)).toThrow(expect.objectContaining({ code: 'argument' }))
    a.set('r0', 'again')
  })

  it('needs a grant to publish', async () => {
    await using town = await Town.open(1)
    const grants = [{ actions: ['subscribe'], topics: [CREW] }] as const
    const crew = await (await town.agent('reader', 1, { grants })).join(CREW)
    expect(() => crew.state.set('pose', 1)).toThrow(
      expect.objectContaining({ code: 'no-authority' }),
    )
  })

  it('is refused once the group was left', async () => {
    await using scene = await threeMembers()
    const { town, members, a } = scene
    await town.world.until(members[0].crew[Symbol.asyncDispose]())
    expect(() => a.set('pose', 1)).toThrow(expect.objectContaining({ code: 'closed' }))
    expect(a.entries()).toEqual([])
  })
})

describe('an update that cannot be sent', () => {
  it('under a grant that has ended meanwhile is tried again later, and the node goes on', async () => {
    await using town = await Town.open(2)
    const grants = [{ actions: ['publish', 'subscribe'], topics: [CREW] }] as const
    const agent = await town.agent('brief', 1, { grants, lifetimeSeconds: 60 })
    const { state } = await agent.join(CREW)
    const decisions = town.nodes[0]!.host.decisions()
    // How it is sent is found once a second: what is set before that is over has its turn after it.
    await town.world.pass(60_000 + SKEW_MS - 100)
    state.set('pose', 1)
    await town.world.pass(993)
    state.set('pose', 2)
    await town.world.pass(5)
    state.set('pose', 3)
    await town.world.pass(3_000)
    const refused = decisions
      .drain()
      .filter(({ about, code }) => about === 'state' && code !== null)
    expect(refused.length).toBeGreaterThan(0)
    expect(refused.length).toBeLessThan(20)
  })

  it('is replaced by what was set meanwhile, and that goes out once it can', async () => {
    await using scene = await threeMembers()
    const { town, a, b } = scene
    for (const far of ['n2', 'n3']) {
      town.world.network.disconnect('n1.acme.example', `${far}.acme.example`)
    }
    a.set('pose', 1)
    await town.world.pass(5_000)
    a.set('pose', 2)
    for (const far of ['n2', 'n3']) {
      town.world.network.connect('n1.acme.example', `${far}.acme.example`)
    }
    await town.world.pass(3_000)
    expect(b.get(A, 'pose')?.value).toBe(2)
  })

  it('beyond what its grant allows in a second is tried again, and told', async () => {
    await using town = await Town.open(2)
    const slow = await town.agent('slow', 1, {
      grants: [
        {
          actions: ['publish', 'subscribe'],
          topics: [CREW],
          conditions: [['messagesPerSecond', 2]],
        },
      ],
    })
    const { state } = await slow.join(CREW)
    const { crew } = await town.member('b', 2)
    await town.world.pass(1_000)
    const decisions = town.nodes[0]!.host.decisions()
    for (let value = 0; value < 20; value++) {
      state.set('pose', value)
      await town.world.pass(50)
    }
    expect(state.counts.failed).toBeGreaterThan(0)
    expect(
      decisions.drain().some(({ about, code }) => about === 'state' && code === 'transport'),
    ).toBe(true)
    await town.world.pass(2_000)
    expect(crew.state.get('slow.acme.example', 'pose')?.value).toBe(19)
  })
})

describe('shared state', () => {
  it('is equal for all once nothing is set any more, though a third of all messages are lost', async () => {
    await using scene = await threeMembers({ loss: 0.3, seed: 7 })
    const { town, a, b, c } = scene
    for (let round = 0; round < 50; round++) {
      a.set('pose', round)
      b.set('pose', -round)
      c.set(`r${round % 5}`, round)
      await town.world.pass(20)
    }
    await town.world.pass(30_000)
    expect(digests([a, b, c]).size).toBe(1)
    expect(a.entries()).toHaveLength(7)
    expect(c.get('b.acme.example', 'pose')?.value).toBe(-49)
  })

  it('is repeated as long as its owner is here, and stays the same world', async () => {
    await using scene = await threeMembers()
    const { town, a, b } = scene
    a.set('mode', 'idle')
    await town.world.pass(50)
    const [before] = digests([b])
    const changes = b.changes()
    await town.world.pass(60_000)
    expect(b.get(A, 'mode')?.value).toBe('idle')
    expect(digests([a, b])).toEqual(new Set([before]))
    expect(changes.size).toBe(0)
  })

  it('is gone when it was cleared, and stays so', async () => {
    await using scene = await threeMembers()
    const { town, a, b } = scene
    a.set('pose', 1)
    await town.world.pass(50)
    const changes = b.changes()
    a.clear('pose')
    await town.world.pass(50)
    expect(b.get(A, 'pose')).toBeUndefined()
    expect(a.get(A, 'pose')).toBeUndefined()
    expect(changes.drain()).toMatchObject([{ kind: 'gone', why: 'cleared' }])
    await town.world.pass(20_000)
    expect(b.entries()).toEqual([])
    a.set('pose', 2)
    await town.world.pass(50)
    expect(b.get(A, 'pose')?.value).toBe(2)
  })

  it('is gone at once when its owner leaves, and when its node is lost', async () => {
    await using scene = await threeMembers()
    const { town, members, a, b, c } = scene
    a.set('pose', 1)
    c.set('pose', 3)
    await town.world.pass(50)
    const changes = b.changes()
    await town.world.until(members[0].crew[Symbol.asyncDispose]())
    await town.world.pass(50)
    expect(changes.drain()).toMatchObject([
      { kind: 'gone', why: 'left', register: { sender: A, value: 1 } },
    ])
    await town.nodes[2]!.transport[Symbol.asyncDispose]()
    await town.world.pass(4_000)
    expect(changes.drain()).toMatchObject([{ kind: 'gone', why: 'lost', register: { value: 3 } }])
    expect(b.entries()).toEqual([])
  })

  it('does not show in messages()', async () => {
    await using scene = await threeMembers()
    const { town, members, a } = scene
    const inbox = members[1].crew.messages()
    a.set('pose', 1)
    await town.world.until(members[0].crew.publish('words', { class: 'state' }))
    await town.world.pass(50)
    expect(inbox.drain().map(({ body }) => body)).toEqual(['words'])
  })
})

/** An update of ann's, as any program that has her key could send it. */
function update(
  scene: Scene,
  fields: readonly (string | number)[],
  changes: Parameters<typeof annsBundle>[2] = {},
) {
  const body = encodeApplication(fields)
  const parts = [partOf(scene.world, '', { contentType: STATE_TYPE, body })]
  return annsBundle(scene, CREW, { class: 'state', lifespanMs: 5_000, parts, ...changes })
}

const ANN = 'ann.acme.example'

describe('an update', () => {
  it('of one register is not lost because a newer one of another came first', async () => {
    await using scene = await openScene()
    const epoch = scene.world.clock.now()
    const pose = await update(scene, ['pose', epoch, 1], { epoch, first: 1 })
    const mode = await update(scene, ['mode', epoch, 'idle'], { epoch, first: 2 })
    expect(await carry(scene, mode)).toEqual(ACCEPTED)
    expect(await carry(scene, pose)).toEqual(ACCEPTED)
    expect(scene.crew.state.entries().map(({ value }) => value)).toEqual(['idle', 1])
  })

  it('that is older than what is known of its register is superseded', async () => {
    await using scene = await openScene()
    const epoch = scene.world.clock.now()
    const older = await update(scene, ['pose', epoch, 1], { epoch, first: 1 })
    const newer = await update(scene, ['pose', epoch, 2], { epoch, first: 2 })
    expect(await carry(scene, newer)).toEqual(ACCEPTED)
    expect(await carry(scene, older)).toEqual(refusedAs('superseded'))
    expect(scene.crew.state.get(ANN, 'pose')?.value).toBe(2)
  })

  it('of a register that was cleared does not bring it back', async () => {
    await using scene = await openScene()
    const epoch = scene.world.clock.now()
    const older = await update(scene, ['pose', epoch, 1], { epoch, first: 1 })
    const clear = await update(scene, ['pose', epoch], { epoch, first: 2 })
    expect(await carry(scene, clear)).toEqual(ACCEPTED)
    expect(await carry(scene, older)).toEqual(refusedAs('superseded'))
    expect(scene.crew.state.entries()).toEqual([])
  })

  it.each([
    ['that was set after it was sent', ['pose', 2 ** 45, 1], {}],
    ['that names no register', ['', 0, 1], {}],
    ['of a register with a star', ['*', 0, 1], {}],
    ['without a time', ['pose', 'now', 1], {}],
    ['of four', ['pose', 0, 1, 2], {}],
    ['for some of the group only', ['pose', 0, 1], { to: ['desk.acme.example'] }],
  ] as const)('%s is left out, and counted against its sender', async (_, fields, changes) => {
    await using scene = await openScene()
    await carry(scene, await update(scene, ['mode', 0, 'idle'], { epoch: 1 }))
    const outcome = carry(scene, await update(scene, fields, { ...changes, epoch: 2 }))
    await expect(outcome).rejects.toThrow('2 decisions')
    expect(scene.node.host.counts.get('body')).toBe(1)
    expect(scene.crew.state.get(ANN, 'mode')?.value).toBe('idle')
    expect(scene.crew.state.entries()).toHaveLength(1)
    expect(scene.node.transport.blame(scene.raw.peer)).toBe(0)
  })

  it('is gone when its lifespan has passed and nobody said it again', async () => {
    await using scene = await openScene()
    const changes = scene.crew.state.changes()
    const made = await update(scene, ['pose', 0, 1], { lifespanMs: 1_000 })
    expect(await carry(scene, made)).toEqual(ACCEPTED)
    await scene.world.pass(980)
    expect(scene.crew.state.get(ANN, 'pose')?.value).toBe(1)
    await scene.world.pass(5)
    expect(scene.crew.state.get(ANN, 'pose')).toBeUndefined()
    expect(changes.drain()).toMatchObject([{ kind: 'set' }, { kind: 'gone', why: 'expired' }])
  })

  it('speaks for its signer alone', async () => {
    await using scene = await openScene()
    scene.crew.state.set('pose', 'mine')
    await scene.world.pass(20)
    expect(await carry(scene, await update(scene, ['pose', 0, 'hers']))).toEqual(ACCEPTED)
    expect(scene.crew.state.entries().map(({ sender, value }) => [sender, value])).toEqual([
      [ANN, 'hers'],
      ['desk.acme.example', 'mine'],
    ])
  })

  it('of more registers than a sender may have fills that sender’s table alone', async () => {
    await using scene = await openScene()
    const epoch = scene.world.clock.now()
    const codes: string[] = []
    for (let index = 0; index < 130; index++) {
      const made = await update(scene, [`r${index}`, 0, index], { epoch, first: index + 1 })
      await carry(scene, made).then(
        ({ code }) => codes.push(code),
        () => codes.push('left out'),
      )
    }
    expect(codes.slice(0, 64)).toEqual(Array.from({ length: 64 }, () => 'accepted'))
    expect(codes.slice(64, 128)).toEqual(Array.from({ length: 64 }, () => 'left out'))
    expect(codes.slice(128)).toEqual(['table-full', 'table-full'])
    expect(scene.crew.state.entries()).toHaveLength(64)
    scene.crew.state.set('pose', 1)
    await scene.world.pass(20)
    expect(scene.crew.state.get('desk.acme.example', 'pose')?.value).toBe(1)
  })
})
