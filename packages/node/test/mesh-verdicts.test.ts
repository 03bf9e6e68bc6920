import { VERDICT_MS_MAX } from '@ixj/agent'
import { StrictNoSign } from '@libp2p/gossipsub'
import type { Stream } from '@libp2p/interface'
import { describe, expect, test } from 'vitest'
import { GRAYLIST_SCORE, gossipProfile } from '../src/mesh/gossip-profile.ts'
import {
  besiege,
  messageOn,
  openGossip,
  type Plain,
  roundTrip,
  roundTripTo,
  sendRpc,
} from './mesh-attackers.ts'
import { MeshBench, wire } from './mesh-bench.ts'

const crew = 'crew.acme.example'
const other = 'other.acme.example'

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
    expect(plain.messages).toEqual([{ topic: wire(crew), text: 'unchecked' }])
  })

  test('a message is passed on when its verdict comes, and not before', async () => {
    await using bench = new MeshBench()
    const { victim, gossip } = await besiege(bench, crew)
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
    await bench.until(() => victim.told.messages.length > 1)
    await bench.passOn()
    await bench.until(() => texts().length > 0)
    await roundTrip(connection)
    expect(texts()).toEqual(['quick'])
    verdict.resolve('accept')
    await bench.passOn()
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
    const { victim, raw, gossip } = await besiege(bench, crew)
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
    const { victim, raw, gossip } = await besiege(bench, crew)
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

  test('20 rejected messages end a connection; 300 ignored ones cost it nothing', async () => {
    await using bench = new MeshBench()
    const { victim, raw, gossip } = await besiege(bench, crew)
    victim.told.verdict = (text) => (text.startsWith('bad') ? 'reject' : 'ignore')
    for (let index = 0; index < 300; index++) sendRpc(gossip, messageOn(crew, `dull ${index}`))
    await bench.until(() => victim.told.messages.length === 300)
    await roundTripTo(victim, raw)
    expect(victim.mesh.score(raw.peer)).toBe(0)
    for (let index = 0; index < 20; index++) sendRpc(gossip, messageOn(crew, `bad ${index}`))
    await bench.until(() => victim.told.disconnections.length === 1)
    expect(victim.mesh.score(raw.peer)).toBeLessThan(GRAYLIST_SCORE)
    expect(victim.mesh.counts.graylisted).toBe(1)
  })

  test('a peer that was blamed for too much is not heard when it comes again', async () => {
    await using bench = new MeshBench()
    const { victim, raw, gossip } = await besiege(bench, crew)
    victim.told.verdict = () => 'reject'
    for (let index = 0; index < 20; index++) sendRpc(gossip, messageOn(crew, `bad ${index}`))
    await bench.until(() => victim.told.disconnections.length === 1)
    await bench.until(() => raw.node.getConnections().length === 0)
    const again = await raw.dial(victim.mesh.addresses)
    await bench.until(() => again.status !== 'open')
    expect(victim.told.connections).toHaveLength(1)
    expect(victim.mesh.counts.graylisted).toBe(2)
    await expect(victim.mesh.dial(raw.address)).rejects.toMatchObject({ code: 'refused' })
  })

  test('a topic is scored again after it was left and joined', async () => {
    await using bench = new MeshBench()
    const { victim, raw, gossip } = await besiege(bench, crew)
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

/** A message that comes after all before it; it must be valid whatever the validator says. */
async function roundTripPlain(bench: MeshBench, gossip: Stream, plain: Plain): Promise<void> {
  plain.gossip.subscribe(wire(other))
  sendRpc(gossip, messageOn(other, 'marker'))
  const before = plain.messages.length
  await bench.until(() => plain.messages.length > before)
  plain.messages.length = before
}
