import { issueRevocation, memoryStore, type Identity, type SpawnOptions } from '@ixj/agent'
import { SKEW_MS, PARTITION_MS_MAX, type FreshnessRule, type RevocationTarget } from '@ixj/trust'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { nodeSha256 } from '../../../../test/world/native-keys.ts'
import { foreignAnchor, name, World, type WorldNode } from '../../../../test/world/world.ts'
import { CREW, CREW_GRANT } from '../town.ts'

const SECOND = 1_000
let world: World
let acme: Identity

beforeEach(() => {
  world = new World(7)
  acme = world.organisation('acme.example')
})
afterEach(() => world.close())

const context = () => ({ clock: world.clock, random: world.bytes, hash: nodeSha256 })
const keyOf = ({ name: of, signer }: Identity): RevocationTarget => ({
  kind: 'key',
  name: of,
  key: signer.publicKey,
})

/** Two connected nodes of acme; the first publishes the status of acme. */
async function openTwo(freshness: FreshnessRule = 'when-known') {
  const n1 = await world.node(acme, 'n1.acme.example', { authorities: [acme], freshness })
  const n2 = await world.node(acme, 'n2.acme.example', { freshness })
  await world.connect('n1.acme.example', 'n2.acme.example')
  return [n1, n2] as const
}

/** A member of the crew on a node. */
async function member(node: WorldNode, label: string, how: Partial<SpawnOptions> = {}) {
  const identity = await world.bind(acme, `${label}.acme.example`, {
    grants: [CREW_GRANT],
    ...how,
  })
  const agent = await node.host.openAgent(identity)
  const crew = await agent.join(CREW)
  return { identity, agent, crew, inbox: crew.messages() }
}

async function revokeAt(node: WorldNode, target: RevocationTarget, by: Identity = acme) {
  return await node.host.takeNotice((await issueRevocation(by, target, context())).bytes)
}

describe('a revocation', () => {
  it('reaches every connected node, and what the key signs counts no longer', async () => {
    const [n1, n2] = await openTwo()
    const ann = await member(n2, 'ann')
    const bob = await member(n1, 'bob')
    await world.pass(500)
    await world.until(ann.crew.publish('before'))
    await world.pass(100)
    expect(bob.inbox.drain().map(({ body }) => body)).toEqual(['before'])
    expect(await revokeAt(n1, keyOf(ann.identity))).toBe(true)
    await world.pass(100)
    expect(n2.host.generation).toBeGreaterThan(0)
    await world.until(ann.crew.publish('after').catch(() => undefined))
    await world.pass(1_500)
    expect(bob.inbox.size).toBe(0)
    expect(n1.host.counts.get('revoked')).toBeGreaterThan(0)
  })

  it('by its id takes back one grant, and no more', async () => {
    const [n1, n2] = await openTwo()
    const ann = await member(n2, 'ann')
    const bob = await member(n1, 'bob')
    await world.pass(500)
    const [grant] = ann.agent.grants
    await revokeAt(n1, { kind: 'statement', id: grant!.id })
    await world.pass(100)
    await world.until(ann.crew.publish('after').catch(() => undefined))
    await world.pass(200)
    expect(bob.inbox.size).toBe(0)
    expect(n1.host.counts.get('revoked')).toBeGreaterThan(0)
  })

  it('of one member leaves the others of its node in the group, whose right was not shown', async () => {
    const [n1, n2] = await openTwo()
    const ann = await member(n2, 'ann')
    const cat = await member(n2, 'cat')
    const bob = await member(n1, 'bob')
    await world.pass(500)
    await revokeAt(n1, keyOf(ann.identity))
    await world.pass(500)
    await world.until(bob.crew.publish('to those who are left'))
    await world.pass(100)
    expect(cat.inbox.drain().map(({ body }) => body)).toEqual(['to those who are left'])
  })

  it('ends the connection with a node whose key it voids', async () => {
    const [n1, n2] = await openTwo()
    expect(n1.host.neighbours).toContain(n2.host.name)
    await revokeAt(n1, keyOf(n2.identity))
    await world.pass(100)
    expect(n1.host.neighbours).not.toContain(n2.host.name)
    await world.connect('n1.acme.example', 'n2.acme.example')
    expect(n1.host.neighbours).not.toContain(n2.host.name)
  })

  it('of a sibling, or a stranger, changes nothing and is not passed on', async () => {
    const [n1, n2] = await openTwo()
    const ann = await member(n2, 'ann')
    const bob = await member(n1, 'bob')
    const thief = await world.bind(acme, 'thief.acme.example', { uses: 'both' })
    const stranger = { ...acme, signer: world.key() }
    const before = n1.host.generation
    for (const by of [thief, stranger]) {
      await expect(revokeAt(n1, keyOf(ann.identity), by)).rejects.toMatchObject({
        name: 'TrustError',
      })
    }
    await world.pass(100)
    expect(n1.host.generation).toBe(before)
    await world.until(ann.crew.publish('still here'))
    await world.pass(100)
    expect(bob.inbox.size).toBe(1)
  })

  it('is known to a node that was away, once it meets a neighbour again', async () => {
    const [n1, n2] = await openTwo()
    const thief = await world.bind(acme, 'thief.acme.example')
    world.network.disconnect('n1.acme.example', 'n2.acme.example')
    await world.pass(100)
    const before = n2.host.generation
    await revokeAt(n1, keyOf(thief))
    await world.pass(1_000)
    expect(n2.host.generation).toBe(before)
    await world.connect('n1.acme.example', 'n2.acme.example')
    expect(n2.host.generation).toBeGreaterThan(before)
  })

  it('is known after a restart, before anybody is met', async () => {
    const store = memoryStore()
    const thief = await world.bind(acme, 'thief.acme.example')
    const identity = await world.bind(acme, 'n3.acme.example')
    const first = await world.host(acme, identity, world.network.open('n3'), { store })
    await first.takeNotice((await issueRevocation(acme, keyOf(thief), context())).bytes)
    await first[Symbol.asyncDispose]()
    const again = await world.host(acme, identity, world.network.open('n3 again'), { store })
    await expect(again.openAgent(thief)).rejects.toMatchObject({ code: 'revoked' })
  })

  it('is published when a spawned name closes, by its parent', async () => {
    const [n1, n2] = await openTwo()
    const parent = await n2.host.openAgent(
      await world.bind(acme, 'planner.acme.example', { uses: 'both', depth: 1 }),
    )
    const child = await parent.spawn('w1', { lifetimeSeconds: 3_600 })
    const { identity } = child
    await child[Symbol.asyncDispose]()
    await world.pass(3_000)
    await expect(n1.host.openAgent(identity)).rejects.toMatchObject({ code: 'revoked' })
    const next = await parent.spawn('w1', { lifetimeSeconds: 3_600 })
    expect(next.name).toBe(child.name)
  })
})

describe('a node whose members are revoked', () => {
  it('shows a right that holds, also when another was revoked while it was not shown', async () => {
    const [n1, n2] = await openTwo()
    const longest = await member(n2, 'longest', { lifetimeSeconds: 300 })
    const revoked = await member(n2, 'revoked', { lifetimeSeconds: 200 })
    const left = await member(n2, 'left', { lifetimeSeconds: 100 })
    const ann = await member(n1, 'ann')
    await world.pass(500)
    await revokeAt(n1, keyOf(revoked.identity))
    await world.pass(500)
    await world.until(longest.crew[Symbol.asyncDispose]())
    world.network.disconnect('n1.acme.example', 'n2.acme.example')
    await world.pass(500)
    await world.connect('n1.acme.example', 'n2.acme.example')
    await world.pass(500)
    left.inbox.drain()
    await world.until(ann.crew.publish('still here'))
    await world.pass(100)
    expect(left.inbox.drain().map(({ body }) => body)).toEqual(['still here'])
    expect(n1.host.counts.get('revoked') ?? 0).toBe(0)
  })
})

describe('a status', () => {
  const cutOff = async (ms: number) => {
    world.network.disconnect('n1.acme.example', 'n2.acme.example')
    await world.pass(ms)
  }

  it('is renewed for as long as its publisher is there', async () => {
    const [, n2] = await openTwo('required')
    const ann = await member(n2, 'ann')
    const bob = await member(n2, 'bob')
    await world.pass(600 * SECOND)
    await world.until(ann.crew.publish('on time'))
    await world.pass(100)
    expect(bob.inbox.drain().map(({ body }) => body)).toEqual(['on time'])
  })

  it('that is demanded and was never heard refuses everything', async () => {
    const n2 = await world.node(acme, 'n2.acme.example', { freshness: 'required' })
    const ann = await member(n2, 'ann')
    const bob = await member(n2, 'bob')
    await world.until(ann.crew.publish('who says').catch(() => undefined))
    await world.pass(100)
    expect(bob.inbox.size).toBe(0)
    expect(n2.host.counts.get('no-status')).toBeGreaterThan(0)
  })

  it('that lapses lets one’s own go on for 10 min, and state for longer', async () => {
    const [, n2] = await openTwo()
    const ann = await member(n2, 'ann')
    const bob = await member(n2, 'bob')
    const heard = async (body: string, options: object = {}) => {
      await world.until(ann.crew.publish(body, options).catch(() => undefined))
      await world.pass(100)
      return bob.inbox.drain().length
    }
    await cutOff(PARTITION_MS_MAX - 25 * SECOND)
    expect(await heard('within')).toBe(1)
    await world.pass(30 * SECOND)
    expect(await heard('past')).toBe(0)
    expect(await heard('pose', { class: 'state' })).toBe(1)
  })

  it('that lapses ends other organisations within 120 s, at a node that is cut off', async () => {
    const globex = world.organisation('globex.example')
    const anchors = [foreignAnchor(globex)]
    await world.node(acme, 'n1.acme.example', { authorities: [acme], anchors })
    const there = await world.node(acme, 'n2.acme.example', { anchors })
    const here = await world.node(globex, 'n1.globex.example', {
      anchors: [foreignAnchor(acme)],
      rules: [
        {
          id: 'all of acme',
          effect: 'permit',
          sender: '**.acme.example' as never,
          actions: ['publish'],
          topic: '**.globex.example' as never,
        },
      ],
    })
    await world.connect('n1.acme.example', 'n2.acme.example', 'n1.globex.example')
    const ann = await there.host.openAgent(await world.bind(acme, 'ann.acme.example'))
    const bob = await here.host.openAgent(await world.bind(globex, 'bob.globex.example'))
    const inbox = bob.messages()
    const heard = async (body: string) => {
      await world.until(ann.send(bob.name, body, { lifespanMs: 1_000 }).catch(() => undefined))
      await world.pass(100)
      return inbox.drain().length
    }
    expect(await heard('in time')).toBe(1)
    world.network.disconnect('n1.acme.example', 'n2.acme.example')
    world.network.disconnect('n1.acme.example', 'n1.globex.example')
    await world.pass(30 * SECOND)
    expect(await heard('cut off for 30 s')).toBe(1)
    await world.pass(60 * SECOND + SKEW_MS - 30 * SECOND)
    expect(await heard('cut off for 120 s')).toBe(0)
    expect(here.host.counts.get('stale')).toBeGreaterThan(0)
  })

  it('speaks of revocations that a node lacks, and makes nothing fresh until they are there', async () => {
    const [n1, n2] = await openTwo()
    const thief = await world.bind(acme, 'thief.acme.example')
    await revokeAt(n1, keyOf(thief))
    await world.pass(2_000)
    await expect(n2.host.openAgent(thief)).rejects.toMatchObject({ code: 'revoked' })
    const third = await world.node(acme, 'n3.acme.example')
    await world.connect('n2.acme.example', 'n3.acme.example')
    await expect(third.host.openAgent(thief)).rejects.toMatchObject({ code: 'revoked' })
    expect(name('n3.acme.example')).toBe(third.host.name)
  })
})
