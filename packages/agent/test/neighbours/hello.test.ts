import type { Identity } from '@ixj/agent'
import { decode, type Value } from '@ixj/trust'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bindAnyhow } from '../../../../test/world/made-statement.ts'
import { RawNode } from '../../../../test/world/raw-node.ts'
import { World, type WorldNode } from '../../../../test/world/world.ts'
import { HELLO_PROTOCOL, type Channel, type Receiver } from '../../src/transport.ts'

const A = 'n1.acme.example'
const B = 'n2.acme.example'

let world: World
let acme: Identity
beforeEach(() => {
  world = new World(1)
  acme = world.organisation('acme.example')
})
afterEach(() => world.close())

/** Codes of the hellos that a host decided on, and who was named. */
function watchHellos({ host }: WorldNode) {
  const queue = host.decisions()
  return () =>
    queue
      .drain()
      .filter(({ about }) => about === 'hello')
      .map(({ code }) => code ?? 'admitted')
}

async function rawOf(organisation: Identity, name: string, label?: string): Promise<RawNode> {
  return new RawNode(world, organisation, await world.bind(organisation, name), label)
}

/** Kinds of the frames that come on a channel, until it ends. */
function recorded(channel: Channel): readonly unknown[] {
  const kinds: unknown[] = []
  const read = async () => {
    for await (const frame of channel.frames()) kinds.push(kindOf(frame))
  }
  read().catch(() => kinds.push('ended'))
  return kinds
}

const kindOf = (frame: Uint8Array) => (decode(frame) as readonly Value[])[1]

describe('hello', () => {
  it('admits both sides, whoever began', async () => {
    const node = await world.node(acme, A)
    const [raw, other] = [
      await rawOf(acme, 'r1.acme.example'),
      await rawOf(acme, 'r2.acme.example'),
    ]
    await raw.meet(A)
    node.transport.connect(other.peer)
    await world.pass(100)
    expect(node.host.neighbours.toSorted()).toEqual(['r1.acme.example', 'r2.acme.example'])
    expect([...raw.failures, ...other.failures]).toEqual([])
  })

  it('proves the initiator first: a stranger learns the name that it dialled and a code', async () => {
    const node = await world.node(acme, A)
    await node.host.openAgent(await world.bind(acme, 'desk.acme.example'))
    const hellos = watchHellos(node)
    const evil = world.organisation('evil.example')
    const stranger = await rawOf(evil, 'n1.evil.example')
    await stranger.meet(A)
    expect(hellos()).toEqual(['no-anchor'])
    expect(node.host.neighbours).toEqual([])
    await world.pass(500)
    expect(world.network.isConnected(A, stranger.peer)).toBe(false)
    expect(String(stranger.failures[0])).toContain('refused (no-anchor)')
    expect([stranger.heard, stranger.frames, [...stranger.told]]).toEqual([[], [], []])
    const [challenge, refused] = stranger.helloFrames.got.map((frame) => decode(frame))
    expect(challenge).toEqual([1, 'challenge', expect.any(Uint8Array), A])
    expect(refused).toEqual([1, 'refused', 'no-anchor'])
    expect(stranger.helloFrames.got).toHaveLength(2)
  })

  it('refuses a responder of an organisation that is not trusted', async () => {
    const node = await world.node(acme, A)
    const hellos = watchHellos(node)
    const evil = world.organisation('evil.example')
    // It trusts acme, so that it goes on to its own proof.
    const stranger = new RawNode(world, acme, await world.bind(evil, 'n1.evil.example'))
    node.transport.connect(stranger.peer)
    await world.pass(100)
    expect(hellos()).toEqual(['no-anchor'])
    expect(node.host.neighbours).toEqual([])
  })

  it('refuses a name that its binding does not give', async () => {
    const node = await world.node(acme, A)
    const hellos = watchHellos(node)
    const honest = await world.bind(acme, B)
    const thief = new RawNode(world, acme, { ...honest, signer: world.key() }, 'thief')
    await thief.meet(A)
    expect(hellos()).toEqual(['no-chain'])
  })

  it('refuses a relayed hello: each side signs both ends of its own channel', async () => {
    const [a, b] = [await world.node(acme, A), await world.node(acme, B)]
    const [hellosA, hellosB] = [watchHellos(a), watchHellos(b)]
    const relay = world.network.open('mallory')
    const ended: unknown[] = []
    const pass = async (from: Channel, to: Channel) => {
      for await (const frame of from.frames()) await to.send(frame)
    }
    const passOn = async (near: Channel) => {
      const far = await relay.openChannel(B, HELLO_PROTOCOL)
      await Promise.all([pass(near, far), pass(far, near)])
    }
    const receiver: Receiver = {
      connected: () => {},
      disconnected: () => {},
      channel: (_peer, _protocol, near) => {
        passOn(near).catch((cause: unknown) => ended.push(cause))
      },
      message: async () => 'ignore',
      subscriptionChanged: () => {},
      subscriptionHeld: () => {},
    }
    relay.attach(receiver)
    relay.connect(B)
    await world.pass(50)
    a.transport.connect('mallory')
    await world.pass(500)
    expect(hellosB()).toEqual(['hello'])
    expect(hellosA()).toEqual(['hello'])
    expect([...a.host.neighbours, ...b.host.neighbours]).toEqual([])
  })

  it('refuses the frames of an earlier hello, from the same peer and from another', async () => {
    const node = await world.node(acme, A)
    const raw = await rawOf(acme, B)
    await raw.meet(A)
    expect(node.host.neighbours).toEqual([B])
    const replay = [...raw.helloFrames.sent]
    expect(replay.map(kindOf)).toEqual(['open', 'prove'])
    world.network.disconnect(A, B)
    await world.pass(100)
    const hellos = watchHellos(node)
    raw.greets = false
    const thief = new RawNode(world, acme, raw.identity, 'thief')
    thief.greets = false
    for (const replayer of [raw, thief]) {
      await replayer.meet(A)
      const channel = await world.until(replayer.transport.openChannel(A, HELLO_PROTOCOL))
      const answers = recorded(channel)
      for (const frame of replay) await channel.send(frame)
      await world.pass(100)
      expect(answers).toEqual(['challenge', 'refused'])
    }
    expect(hellos()).toEqual(['hello', 'hello'])
    expect(node.host.neighbours).toEqual([])
  })

  it.each([
    [59_000, 'admitted'],
    [-59_000, 'admitted'],
    [61_000, 'hello'],
    [-61_000, 'hello'],
  ])('between clocks %i ms apart ends as: %s', async (clockAheadMs, outcome) => {
    const node = await world.node(acme, A)
    const hellos = watchHellos(node)
    await world.node(acme, B, { clockAheadMs, identity: await bindAnyhow(world, acme, B) })
    world.network.connect(B, A)
    await world.pass(500)
    expect(hellos()).toEqual([outcome])
    expect(node.host.neighbours).toEqual(outcome === 'admitted' ? [B] : [])
  })

  it('refuses a node whose binding ended more than the skew ago', async () => {
    const node = await world.node(acme, A)
    const hellos = watchHellos(node)
    const notAfter = world.clock.now() - 60_000
    const old = await bindAnyhow(world, acme, B, { notAfter })
    await world.pass(1)
    await new RawNode(world, acme, old).meet(A)
    expect(hellos()).toEqual(['expired'])
  })

  it('ends the connection when the neighbour’s binding ends', async () => {
    const node = await world.node(acme, A)
    const notAfter = world.clock.now() + 10_000
    const raw = new RawNode(world, acme, await bindAnyhow(world, acme, B, { notAfter }))
    await raw.meet(A)
    await world.pass(notAfter + 60_000 - world.clock.now())
    expect(node.host.neighbours).toEqual([B])
    await world.pass(1_001)
    expect(node.host.neighbours).toEqual([])
    expect(world.network.isConnected(A, B)).toBe(false)
  })

  it('ends a connection on which nobody says hello within 5 s', async () => {
    const node = await world.node(acme, A)
    const silent = await rawOf(acme, B)
    silent.greets = false
    node.transport.connect(B)
    await world.pass(4_990)
    expect(world.network.isConnected(A, B)).toBe(true)
    await world.pass(50)
    expect(world.network.isConnected(A, B)).toBe(false)
  })

  it('ends a connection whose first frame is no hello', async () => {
    const node = await world.node(acme, A)
    const hellos = watchHellos(node)
    const raw = await rawOf(acme, B)
    raw.greets = false
    await raw.meet(A)
    const channel = await world.until(raw.transport.openChannel(A, HELLO_PROTOCOL))
    await channel.send(Uint8Array.of(0xc1))
    await world.pass(600)
    expect(hellos()).toEqual(['encoding'])
    expect(world.network.isConnected(A, B)).toBe(false)
  })
})
