import { createHash } from 'node:crypto'
import { MESSAGE_BYTES_MAX } from '@ixj/agent'
import { StrictNoSign } from '@libp2p/gossipsub'
import type { RPC } from '@libp2p/gossipsub/message'
import { describe, expect, test } from 'vitest'
import { messageId, parseWireTopic } from '../src/mesh/wire-topic.ts'
import { besiege, messageOn, openGossip, roundTripTo, sendRpc } from './mesh-attackers.ts'
import { bytesOf, MeshBench, wire } from './mesh-bench.ts'

const crew = 'crew.acme.example'
const other = 'other.acme.example'

describe('row 2: message ids', () => {
  test('the id is SHA-256 over prefix, topic and all bytes', () => {
    const input = Buffer.concat([
      Buffer.from('ixj/1/gossip'),
      Buffer.of(0),
      Buffer.from('crew.acme.example'),
      Buffer.of(0),
      Buffer.from('hello'),
    ])
    const expected = createHash('sha256').update(input).digest()
    expect(Buffer.from(messageId(crew, bytesOf('hello')))).toEqual(expected)
    // From an independent implementation: printf 'ixj/1/gossip\0crew.acme.example\0hello' | sha256sum
    expect(expected.toString('hex')).toBe(
      '2a6bf539edcdb6bce6a8731ef5219ada41be978efbbbdc05a274466e94342696',
    )
  })

  test('only our own topic strings have a name', () => {
    expect(parseWireTopic('/ixj/1/crew.acme.example')).toBe(crew)
    expect(parseWireTopic(`/ixj/1/${'a'.repeat(253)}/revoked`)).toHaveLength(261)
    expect(parseWireTopic(`/ixj/1/${'a'.repeat(262)}`)).toBeUndefined()
    expect(parseWireTopic('/ixj/1/')).toBeUndefined()
    expect(parseWireTopic('/ixj/2/crew.acme.example')).toBeUndefined()
    expect(parseWireTopic(undefined)).toBeUndefined()
  })

  test('gossipsub with ids over the bytes loses a message whose bytes came under another topic', async () => {
    await using bench = new MeshBench()
    const plain = await bench.plain({ globalSignaturePolicy: StrictNoSign })
    const raw = await bench.raw()
    plain.gossip.subscribe(wire(crew))
    const gossip = await openGossip(await raw.dial(plain.addresses))
    sendRpc(gossip, messageOn(other, 'genuine'))
    sendRpc(gossip, messageOn(crew, 'genuine'))
    sendRpc(gossip, messageOn(crew, 'end'))
    await bench.until(() => plain.messages.length > 0)
    expect(plain.messages.map(({ text }) => text)).toEqual(['end'])
    expect(plain.score(raw.peer)).toBe(0)
  })

  test('bytes under another topic, joined or not, do not suppress the genuine message', async () => {
    await using bench = new MeshBench()
    const { victim, gossip } = await besiege(bench, crew)
    sendRpc(gossip, messageOn(other, 'genuine'))
    sendRpc(gossip, messageOn(crew, 'genuine'))
    await bench.until(() => victim.told.messages.length === 1)
    await victim.mesh.subscribe(other)
    // Sent before it was joined, it has not been seen: the seen-cache is filled for any topic.
    sendRpc(gossip, messageOn(other, 'genuine'))
    await bench.until(() => victim.told.messages.length === 2)
    expect(victim.told.messages.map(({ topic }) => topic)).toEqual([crew, other])
    expect(victim.mesh.counts.unjoined).toBe(1)
  })

  test('a message with fields that nobody signs is blamed, not forwarded', async () => {
    await using bench = new MeshBench()
    const { victim, raw, gossip } = await besiege(bench, crew)
    const data = bytesOf('with a passenger')
    for (const extra of [
      { from: bytesOf('anything') },
      { seqno: new Uint8Array(8) },
      { signature: bytesOf('anything') },
      { key: bytesOf('anything') },
    ]) {
      sendRpc(gossip, { messages: [{ topic: wire(crew), data, ...extra }] })
    }
    sendRpc(gossip, {
      messages: [{ topic: wire(crew), data: new Uint8Array(MESSAGE_BYTES_MAX + 1) }],
    })
    sendRpc(gossip, messageOn(crew, 'end'))
    await bench.until(() => victim.told.messages.length > 0)
    expect(victim.told.texts()).toEqual(['end'])
    expect(victim.mesh.score(raw.peer)).toBeLessThan(0)
    expect(victim.mesh.counts.malformed).toBe(2)
  })
})

describe('row 14: old protocols and floods', () => {
  test('gossipsub by itself gives a floodsub peer its topics; we open nothing to it', async () => {
    await using bench = new MeshBench()
    const [victim, plain] = [await bench.victim(), await bench.plain()]
    await victim.mesh.subscribe(crew)
    plain.gossip.subscribe(wire(crew))
    const raw = await bench.raw()
    await raw.node.unhandle('/meshsub/1.2.0')
    const streams: string[] = []
    await raw.node.handle(
      ['/floodsub/1.0.0', '/meshsub/1.0.0', '/meshsub/1.1.0'],
      (stream, from) => {
        streams.push(from.remotePeer.toString())
        stream.addEventListener('message', () => raw.note())
        raw.note()
      },
    )
    const connection = await raw.dial(plain.addresses)
    await connection.newStream('/floodsub/1.0.0')
    await bench.until(() => streams.length > 0)
    expect(streams).toEqual([plain.peer])
    const toVictim = await raw.dial(victim.mesh.addresses)
    for (const protocol of ['/floodsub/1.0.0', '/meshsub/1.0.0', '/meshsub/1.1.0']) {
      await expect(toVictim.newStream(protocol)).rejects.toThrow('select')
    }
    await bench.until(() => victim.told.connections.length === 1)
    victim.mesh.admit(raw.peer)
    await bench.until(() => victim.told.disconnections.length === 1)
    expect(streams).toEqual([plain.peer])
  })

  test('an RPC over a limit is thrown away whole, one at the limit is read', async () => {
    await using bench = new MeshBench()
    const { victim, raw, gossip } = await besiege(bench, crew)
    const subscriptions = (count: number, label: string): RPC.SubOpts[] =>
      Array.from({ length: count }, (_, index) => ({
        topic: wire(`${label}${index}.example`),
        subscribe: true,
      }))
    sendRpc(gossip, { subscriptions: subscriptions(129, 'a') })
    const text = 'carried along'
    const messages = Array.from({ length: 65 }, () => ({ topic: wire(crew), data: bytesOf(text) }))
    sendRpc(gossip, { messages })
    const none = { ihave: [], iwant: [], graft: [], prune: [], idontwant: [] }
    const px = [{ topicID: wire(crew), peers: [{ peerID: new Uint8Array(34) }] }]
    sendRpc(gossip, { ...messageOn(crew, text), control: { ...none, prune: px } })
    const messageIDs = Array.from({ length: 513 }, () => new Uint8Array(32))
    for (const control of [
      { ...none, ihave: [{ topicID: wire(crew), messageIDs }] },
      { ...none, iwant: [{ messageIDs }] },
      { ...none, idontwant: [{ messageIDs }] },
      { ...none, graft: Array.from({ length: 65 }, () => ({ topicID: wire(crew) })) },
    ]) {
      sendRpc(gossip, { ...messageOn(crew, text), control })
    }
    sendRpc(gossip, { subscriptions: subscriptions(128, 'b') })
    await bench.until(() => victim.told.held.length === 128)
    await roundTripTo(victim, raw)
    expect(victim.told.held.every((held) => held.startsWith('b'))).toBe(true)
    expect(victim.told.messages).toEqual([])
  })
})
