import { createHash } from 'node:crypto'
import { MESSAGE_BYTES_MAX, VERDICT_MS_MAX } from '@ixj/agent'
import { StrictNoSign } from '@libp2p/gossipsub'
import { RPC } from '@libp2p/gossipsub/message'
import type { Stream } from '@libp2p/interface'
import { describe, expect, test } from 'vitest'
import { GRAYLIST_SCORE, gossipProfile } from '../src/mesh/gossip-profile.ts'
import { messageId, parseWireTopic } from '../src/mesh/wire-topic.ts'
import {
  bytesOf,
  MeshBench,
  messageOn,
  openGossip,
  type Raw,
  roundTrip,
  sendRpc,
  type Victim,
  wire,
} from './mesh-bench.ts'

const crew = 'crew.acme.example'
const other = 'other.acme.example'

/** A victim that has joined the topic and admitted a raw peer, which may send by hand. */
async function siege(bench: MeshBench): Promise<{ victim: Victim; raw: Raw; gossip: Stream }> {
  const [victim, raw] = [await bench.victim(), await bench.raw()]
  await victim.mesh.subscribe(crew)
  const connection = await raw.dial(victim.mesh.addresses)
  await bench.until(() => victim.told.connections.length === 1)
  victim.mesh.admit(raw.peer)
  return { victim, raw, gossip: await openGossip(connection) }
}

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
    const { victim, gossip } = await siege(bench)
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
    const { victim, raw, gossip } = await siege(bench)
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

describe('rows 3 and 4: verdicts that take their time', () => {
  test('gossipsub by itself forgets what a validator ignored for a passing cause', async () => {
    await using bench = new MeshBench()
    const plain = await bench.plain({ globalSignaturePolicy: StrictNoSign })
    const raw = await bench.raw()
    plain.gossip.subscribe(wire(crew))
    let known = false
    const validate = () => (known ? 'accept' : 'ignore')
    plain.gossip.topicValidators.set(wire(crew), validate as never)
    const gossip = await openGossip(await raw.dial(plain.addresses))
    sendRpc(gossip, messageOn(crew, 'proof is missing'))
    await roundTripPlain(bench, gossip, plain)
    known = true
    sendRpc(gossip, messageOn(crew, 'proof is missing'))
    sendRpc(gossip, messageOn(crew, 'end'))
    await bench.until(() => plain.messages.some(({ text }) => text === 'end'))
    expect(plain.messages.map(({ text }) => text)).toEqual(['end'])
  })

  test('gossipsub by itself hands out a message before the verdict', async () => {
    await using bench = new MeshBench()
    const plain = await bench.plain({ globalSignaturePolicy: StrictNoSign, asyncValidation: true })
    const raw = await bench.raw()
    plain.gossip.subscribe(wire(crew))
    sendRpc(await openGossip(await raw.dial(plain.addresses)), messageOn(crew, 'unchecked'))
    await bench.until(() => plain.messages.length > 0)
  })

  test('a message is passed on when its verdict comes, and not before', async () => {
    await using bench = new MeshBench()
    const { victim, gossip } = await siege(bench)
    const member = await bench.raw()
    const connection = await member.dial(victim.mesh.addresses)
    await bench.until(() => victim.told.connections.length === 2)
    victim.mesh.admit(member.peer)
    victim.mesh.allow(member.peer, crew)
    sendRpc(await openGossip(connection), {
      subscriptions: [{ topic: wire(crew), subscribe: true }],
    })
    await bench.until(() => victim.mesh.subscribers(crew).length === 1)
    const verdict = Promise.withResolvers<'accept'>()
    victim.told.verdict = (text) => (text === 'slow' ? verdict.promise : 'accept')
    sendRpc(gossip, messageOn(crew, 'slow'))
    sendRpc(gossip, messageOn(crew, 'quick'))
    const texts = (): readonly string[] =>
      member.received.flatMap(({ messages }) =>
        messages.map(({ data }) => new TextDecoder().decode(data)),
      )
    await bench.until(() => texts().length > 0)
    await roundTrip(connection)
    expect(texts()).toEqual(['quick'])
    verdict.resolve('accept')
    await bench.until(() => texts().length > 1)
    expect(texts()).toEqual(['quick', 'slow'])
  })

  test('the message cache outlives the longest verdict', () => {
    const { mcacheLength, heartbeatInterval = 1_000 } = gossipProfile()
    // A message that came just before a heartbeat has one heartbeat less.
    expect(((mcacheLength ?? 0) - 1) * heartbeatInterval).toBeGreaterThanOrEqual(VERDICT_MS_MAX)
  })

  test('a receiver that never answers is bounded in time and in bytes', async () => {
    await using bench = new MeshBench()
    const { victim, raw, gossip } = await siege(bench)
    victim.told.verdict = () => new Promise(() => undefined)
    const count = 70
    for (let index = 0; index < count; index++) {
      const data = new Uint8Array(64 * 1024).fill(index)
      sendRpc(gossip, { messages: [{ topic: wire(crew), data }] })
    }
    // 4 MiB of 64 KiB each are 64 messages.
    await bench.until(() => victim.told.messages.length === 64)
    sendRpc(gossip, messageOn(crew, 'small'))
    await roundTripTo(victim, raw)
    expect(victim.mesh.counts.shed).toBe(count - 64 + 1)
    await bench.clock.advance(VERDICT_MS_MAX)
    expect(victim.mesh.counts.verdictLate).toBe(64)
    victim.told.verdict = () => 'accept'
    sendRpc(gossip, messageOn(crew, 'again'))
    await bench.until(() => victim.told.texts().at(-1) === 'again')
    expect(victim.mesh.score(raw.peer)).toBe(0)
  })
})

describe('rows 5 and 6: blame', () => {
  test('a receiver that throws, at once or later, costs the neighbour nothing', async () => {
    await using bench = new MeshBench()
    const { victim, raw, gossip } = await siege(bench)
    victim.told.verdict = (text) => {
      if (text === 'at once') throw new Error('a bug')
      return text === 'later' ? Promise.reject(new Error('a bug')) : 'accept'
    }
    for (const text of ['at once', 'later', 'end']) sendRpc(gossip, messageOn(crew, text))
    await bench.until(() => victim.told.messages.length === 3)
    await roundTripTo(victim, raw)
    expect(victim.mesh.counts.verdictFailed).toBe(2)
    expect(victim.mesh.score(raw.peer)).toBe(0)
  })

  test('gossipsub by itself does not score a topic that it has no parameters for', async () => {
    await using bench = new MeshBench()
    const plain = await bench.plain({ globalSignaturePolicy: StrictNoSign })
    const raw = await bench.raw()
    plain.gossip.subscribe(wire(crew))
    plain.gossip.topicValidators.set(wire(crew), ((
      _peer: unknown,
      { data }: { data: Uint8Array },
    ) => (new TextDecoder().decode(data) === 'end' ? 'accept' : 'reject')) as never)
    const gossip = await openGossip(await raw.dial(plain.addresses))
    for (let index = 0; index < 300; index++) sendRpc(gossip, messageOn(crew, `bad ${index}`))
    sendRpc(gossip, messageOn(crew, 'end'))
    await bench.until(() => plain.messages.length > 0)
    expect(plain.score(raw.peer)).toBe(0)
  })

  test('20 rejected messages graylist a neighbour; 300 ignored ones cost it nothing', async () => {
    await using bench = new MeshBench()
    const { victim, raw, gossip } = await siege(bench)
    victim.told.verdict = (text) => (text.startsWith('bad') ? 'reject' : 'ignore')
    for (let index = 0; index < 300; index++) sendRpc(gossip, messageOn(crew, `dull ${index}`))
    await bench.until(() => victim.told.messages.length === 300)
    await roundTripTo(victim, raw)
    expect(victim.mesh.score(raw.peer)).toBe(0)
    for (let index = 0; index < 20; index++) sendRpc(gossip, messageOn(crew, `bad ${index}`))
    await bench.until(() => victim.told.messages.length === 320)
    await roundTripTo(victim, raw)
    expect(victim.mesh.score(raw.peer)).toBeLessThan(GRAYLIST_SCORE)
  })

  test('a topic is scored again after it was left and joined', async () => {
    await using bench = new MeshBench()
    const { victim, raw, gossip } = await siege(bench)
    victim.told.verdict = () => 'reject'
    await victim.mesh.unsubscribe(crew)
    await victim.mesh.subscribe(crew)
    sendRpc(gossip, messageOn(crew, 'bad'))
    await bench.until(() => victim.told.messages.length === 1)
    await roundTripTo(victim, raw)
    expect(victim.mesh.score(raw.peer)).toBeLessThan(0)
  })
})

describe('row 10: many peers behind one address', () => {
  test('gossipsub by itself punishes them, and we do not', async () => {
    await using bench = new MeshBench()
    const [victim, plain] = [await bench.victim(), await bench.plain()]
    const count = 15
    for (let index = 0; index < count; index++) {
      const raw = await bench.raw()
      await openGossip(await raw.dial(victim.mesh.addresses))
      await openGossip(await raw.dial(plain.addresses))
      victim.mesh.admit(raw.peer)
      await bench.until(() => raw.inbound.length === 2)
    }
    const peers = victim.told.connections.map(({ peer }) => peer)
    expect(peers).toHaveLength(count)
    expect(peers.map((peer) => victim.mesh.score(peer))).toEqual(peers.map(() => 0))
    expect(Math.max(...peers.map((peer) => plain.score(peer)))).toBeLessThan(GRAYLIST_SCORE)
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
    await expect(toVictim.newStream('/floodsub/1.0.0')).rejects.toThrow('select')
    await bench.until(() => victim.told.connections.length === 1)
    victim.mesh.admit(raw.peer)
    await bench.until(() => victim.told.disconnections.length === 1)
    expect(streams).toEqual([plain.peer])
  })

  test('an RPC over a limit is thrown away whole, one at the limit is read', async () => {
    await using bench = new MeshBench()
    const { victim, raw, gossip } = await siege(bench)
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

/** Waits until the victim has dealt with all that the raw peer sent. */
async function roundTripTo(victim: Victim, raw: Raw): Promise<void> {
  const [connection] = raw.node
    .getConnections()
    .filter(({ remotePeer }) => remotePeer.toString() === victim.mesh.peer)
  if (connection === undefined) throw new Error('It is not connected')
  await roundTrip(connection)
}

/** A message that comes after all before it; it must be valid whatever the validator says. */
async function roundTripPlain(
  bench: MeshBench,
  gossip: Stream,
  plain: { readonly gossip: { subscribe(topic: string): void }; readonly messages: unknown[] },
): Promise<void> {
  plain.gossip.subscribe(wire(other))
  sendRpc(gossip, messageOn(other, 'marker'))
  const before = plain.messages.length
  await bench.until(() => plain.messages.length > before)
  plain.messages.length = before
}
