import { HELD_SUBSCRIPTIONS_MAX } from '@ixj/agent'
import type { Connection, Stream } from '@libp2p/interface'
import { describe, expect, test } from 'vitest'
import { messageId } from '../src/mesh/wire-topic.ts'
import { messageOn, openGossip, type Raw, roundTrip, sendRpc } from './mesh-attackers.ts'
import { bytesOf, MeshBench, type Victim, wire } from './mesh-bench.ts'

const crew = 'crew.acme.example'

/** A victim that serves a topic, and a stranger connected to it with a gossip stream of its own. */
async function siege(
  bench: MeshBench,
): Promise<{ victim: Victim; raw: Raw; connection: Connection; gossip: Stream }> {
  const [victim, raw] = [await bench.victim(), await bench.raw()]
  await victim.mesh.subscribe(crew)
  const connection = await raw.dial(victim.mesh.addresses)
  await bench.until(() => victim.told.connections.length === 1)
  return { victim, raw, connection, gossip: await openGossip(connection) }
}

const subscribe = (...topics: string[]) => ({
  subscriptions: topics.map((topic) => ({ topic: wire(topic), subscribe: true })),
})

const control = {
  ihave: [],
  iwant: [],
  graft: [],
  prune: [],
  idontwant: [],
}

describe('row 22: who may listen', () => {
  test('gossipsub by itself tells a stranger its topics and sends it every message', async () => {
    await using bench = new MeshBench()
    const [plain, raw] = [await bench.plain(), await bench.raw()]
    plain.gossip.subscribe(wire(crew))
    const connection = await raw.dial(plain.addresses)
    sendRpc(await openGossip(connection), subscribe(crew))
    await bench.until(() => plain.gossip.getSubscribers(wire(crew)).length > 0)
    await bench.until(() => raw.topics().has(wire(crew)))
    await plain.gossip.publish(wire(crew), bytesOf('secret'))
    await bench.until(() => raw.received.some(({ messages }) => messages.length > 0))
    expect(raw.topics()).toEqual(new Set([wire(crew)]))
  })

  test('before admission a stranger gets no byte of gossip, not even a stream', async () => {
    await using bench = new MeshBench()
    const { victim, raw, connection, gossip } = await siege(bench)
    sendRpc(gossip, subscribe(crew))
    expect(await victim.mesh.publish(crew, bytesOf('secret'))).toBe(0)
    await roundTrip(connection)
    expect(raw.received).toEqual([])
    expect(raw.inbound).toEqual([])
    expect(victim.told.held).toEqual([])
  })

  test('after admission a peer without a right learns no topic name and gets no message', async () => {
    await using bench = new MeshBench()
    const { victim, raw, connection, gossip } = await siege(bench)
    sendRpc(gossip, {
      ...subscribe(crew),
      control: { ...control, graft: [{ topicID: wire(crew) }] },
    })
    victim.mesh.admit(raw.peer)
    await bench.until(() => victim.told.held.length > 0)
    await victim.mesh.subscribe('late.acme.example')
    expect(await victim.mesh.publish(crew, bytesOf('secret'))).toBe(0)
    await victim.mesh.unsubscribe('late.acme.example')
    await roundTrip(connection)
    expect(raw.inbound).toHaveLength(1)
    expect(raw.received).toEqual([])
  })

  test('the right makes the early SUBSCRIBE count, without a second one', async () => {
    await using bench = new MeshBench()
    const { victim, raw, gossip } = await siege(bench)
    sendRpc(gossip, subscribe(crew))
    victim.mesh.admit(raw.peer)
    await bench.until(() => victim.told.held.length > 0)
    victim.mesh.allow(raw.peer, crew)
    expect(await victim.mesh.publish(crew, bytesOf('for members'))).toBe(1)
    await bench.until(() => raw.received.some(({ messages }) => messages.length > 0))
    expect(raw.topics()).toEqual(new Set([wire(crew)]))
  })

  test('IWANT with a guessed message id gets nothing without the right, and the message with it', async () => {
    await using bench = new MeshBench()
    const { victim, raw, connection, gossip } = await siege(bench)
    const member = await bench.raw()
    const memberConnection = await member.dial(victim.mesh.addresses)
    await bench.until(() => victim.told.connections.length === 2)
    for (const { peer } of victim.told.connections) victim.mesh.admit(peer)
    victim.mesh.allow(member.peer, crew)
    const memberGossip = await openGossip(memberConnection)
    sendRpc(memberGossip, subscribe(crew))
    await bench.until(() => victim.mesh.subscribers(crew).length === 1)
    expect(await victim.mesh.publish(crew, bytesOf('secret'))).toBe(1)
    const iwant = [{ messageIDs: [messageId(crew, bytesOf('secret'))] }]
    sendRpc(gossip, { control: { ...control, iwant } })
    await roundTrip(connection)
    expect(raw.received).toEqual([])
    // The id was right: a member gets the message once more.
    sendRpc(memberGossip, { control: { ...control, iwant } })
    await bench.until(
      () => member.received.filter(({ messages }) => messages.length > 0).length === 2,
    )
  })

  test('IHAVE and PRUNE are not answered without the right, which would tell of the topic', async () => {
    await using bench = new MeshBench()
    const { victim, raw, connection, gossip } = await siege(bench)
    victim.mesh.admit(raw.peer)
    const ihave = [{ topicID: wire(crew), messageIDs: [new Uint8Array(32).fill(1)] }]
    const prune = [{ topicID: wire(crew), peers: [] }]
    sendRpc(gossip, { control: { ...control, ihave, prune } })
    await bench.until(() => raw.inbound.length > 0)
    await roundTrip(connection)
    await bench.passOn()
    await roundTrip(connection)
    expect(raw.received).toEqual([])
    expect(victim.mesh.counts.withoutRight).toBe(2)
    // Whoever may know of the topic is asked for the message, when it has not come by then.
    victim.mesh.announce(raw.peer, crew)
    sendRpc(gossip, { control: { ...control, ihave } })
    await roundTrip(connection)
    await bench.passOn()
    await bench.until(() => raw.received.some((rpc) => (rpc.control?.iwant.length ?? 0) > 0))
  })

  test('GRAFT without the right puts nobody in the mesh; nothing is forwarded', async () => {
    await using bench = new MeshBench()
    const { victim, raw, connection, gossip } = await siege(bench)
    const sender = await bench.raw()
    const senderConnection = await sender.dial(victim.mesh.addresses)
    await bench.until(() => victim.told.connections.length === 2)
    for (const { peer } of victim.told.connections) victim.mesh.admit(peer)
    sendRpc(gossip, {
      ...subscribe(crew),
      control: { ...control, graft: [{ topicID: wire(crew) }] },
    })
    await bench.until(() => victim.told.held.length > 0)
    sendRpc(await openGossip(senderConnection), messageOn(crew, 'passed on'))
    await bench.until(() => victim.told.messages.length > 0)
    await bench.passOn()
    await roundTrip(connection)
    expect(raw.received).toEqual([])
  })

  test('disallow() takes a peer out of the mesh of a topic', async () => {
    await using bench = new MeshBench()
    const { victim, raw, connection, gossip } = await siege(bench)
    const sender = await bench.raw()
    const senderGossip = await openGossip(await sender.dial(victim.mesh.addresses))
    await bench.until(() => victim.told.connections.length === 2)
    for (const { peer } of victim.told.connections) victim.mesh.admit(peer)
    victim.mesh.allow(raw.peer, crew)
    sendRpc(gossip, {
      ...subscribe(crew),
      control: { ...control, graft: [{ topicID: wire(crew) }] },
    })
    await bench.until(() => victim.told.changes.length > 0)
    sendRpc(senderGossip, messageOn(crew, 'one'))
    await bench.until(() => victim.told.messages.length === 1)
    await bench.passOn()
    await bench.until(() => raw.received.some(({ messages }) => messages.length === 1))
    victim.mesh.disallow(raw.peer, crew)
    await roundTrip(connection)
    const before = raw.received.length
    sendRpc(senderGossip, messageOn(crew, 'two'))
    await bench.until(() => victim.told.messages.length === 2)
    // Neither the message nor that this node has it: IDONTWANT goes to the mesh of the topic.
    await bench.passOn()
    expect(await victim.mesh.publish(crew, bytesOf('three'))).toBe(0)
    await roundTrip(connection)
    expect(raw.received.slice(before)).toEqual([])
    expect(raw.received.at(-1)?.subscriptions).toEqual([{ topic: wire(crew), subscribe: false }])
  })

  test('a peer that unsubscribes is sent nothing more, though it sent no PRUNE', async () => {
    await using bench = new MeshBench()
    const { victim, raw, connection, gossip } = await siege(bench)
    const sender = await bench.raw()
    const senderGossip = await openGossip(await sender.dial(victim.mesh.addresses))
    await bench.until(() => victim.told.connections.length === 2)
    for (const { peer } of victim.told.connections) victim.mesh.admit(peer)
    victim.mesh.allow(raw.peer, crew)
    sendRpc(gossip, {
      ...subscribe(crew),
      control: { ...control, graft: [{ topicID: wire(crew) }] },
    })
    await bench.until(() => victim.told.changes.length === 1)
    sendRpc(gossip, { subscriptions: [{ topic: wire(crew), subscribe: false }] })
    await bench.until(() => victim.told.changes.length === 2)
    sendRpc(senderGossip, messageOn(crew, 'for others'))
    await bench.until(() => victim.told.messages.length === 1)
    await bench.passOn()
    await roundTrip(connection)
    expect(raw.received.some(({ messages }) => messages.length > 0)).toBe(false)
  })

  test('subscriptions without a right are kept up to a limit, then refused and counted', async () => {
    await using bench = new MeshBench()
    const { victim, raw, connection, gossip } = await siege(bench)
    victim.mesh.admit(raw.peer)
    const topics = Array.from(
      { length: HELD_SUBSCRIPTIONS_MAX + 10 },
      (_, index) => `t${index}.example`,
    )
    for (const topic of topics) sendRpc(gossip, subscribe(topic))
    await bench.until(() => raw.inbound.length > 0)
    await roundTrip(connection)
    expect(victim.told.held).toHaveLength(HELD_SUBSCRIPTIONS_MAX)
    expect(victim.mesh.counts.heldRefused).toBe(10)
    // One taken back makes room for one more.
    sendRpc(gossip, { subscriptions: [{ topic: wire('t0.example'), subscribe: false }] })
    sendRpc(gossip, subscribe('one.more.example'))
    await roundTrip(connection)
    expect(victim.told.held.at(-1)).toBe(`one.more.example ${raw.peer}`)
  })

  test('a subscription to what is no topic of ours is dropped, however long it is', async () => {
    await using bench = new MeshBench()
    const { victim, raw, connection, gossip } = await siege(bench)
    victim.mesh.admit(raw.peer)
    for (const topic of ['crew.acme.example', '/ixj/1/', `/ixj/1/${'a'.repeat(60_000)}`]) {
      sendRpc(gossip, { subscriptions: [{ topic, subscribe: true }] })
    }
    await bench.until(() => raw.inbound.length > 0)
    await roundTrip(connection)
    expect(victim.told.held).toEqual([])
    expect(victim.mesh.counts.malformed).toBe(3)
  })
})

describe('row 33: who a peer is', () => {
  test('connected() names the peer that noise proved, on both sides', async () => {
    await using bench = new MeshBench()
    const { victim, raw, connection } = await siege(bench)
    expect(victim.told.connections).toEqual([{ peer: raw.peer, initiator: false }])
    expect(connection.remotePeer.toString()).toBe(victim.mesh.peer)
    expect(connection.encryption).toBe('/noise')
  })

  test('dial() refuses a peer that is not the one in the address', async () => {
    await using bench = new MeshBench()
    const [a, b, c] = [await bench.victim(), await bench.victim(), await bench.victim()]
    const forged = b.mesh.addresses[0]?.replace(b.mesh.peer, c.mesh.peer) ?? ''
    await expect(a.mesh.dial(forged)).rejects.toMatchObject({ code: 'refused' })
    expect(a.told.connections).toEqual([])
    const honest = b.mesh.addresses[0] ?? ''
    expect(await a.mesh.dial(honest)).toBe(b.mesh.peer)
  })

  test('the same seed gives the same peer; other keys than Ed25519 are refused', async () => {
    await using bench = new MeshBench()
    const privateKeyBytes = new Uint8Array(32).fill(7)
    const [a, b] = [
      await bench.victim({ privateKeyBytes }),
      await bench.victim({ privateKeyBytes }),
    ]
    expect(a.mesh.peer).toBe(b.mesh.peer)
    // A libp2p key of type Secp256k1: field 1 = 2, field 2 = 32 bytes.
    const other = Uint8Array.from([8, 2, 18, 32, ...new Uint8Array(32).fill(1)])
    await expect(bench.victim({ privateKeyBytes: other })).rejects.toThrow(RangeError)
  })
})
