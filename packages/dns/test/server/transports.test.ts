import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  decodeMessage,
  encodeMessage,
  type Message,
  RCODE,
  signTsig,
  TYPE,
  writeTxt,
} from '@ixj/dns'
import { ask, exchange } from '../../../../test/world/dns/ask.ts'
import { type MadeZone, makeZone, named, serveZones, TEST_KEY } from './made-zone.ts'
import { updateOf } from './packets.ts'
import { queryFor, SIGNED } from './served-zone.ts'
import { connectTcp } from './tcp-client.ts'

const held = new AsyncDisposableStack()
let made: MadeZone
let server: Awaited<ReturnType<typeof serveZones>>

beforeAll(async () => {
  made = held.use(await makeZone('z.example', 'a TXT "a"'))
  const large = writeTxt(new Uint8Array(2_000).fill(0x61))
  const medium = writeTxt(new Uint8Array(900).fill(0x61))
  await made.store.apply([
    { kind: 'set', name: named('large.z.example'), type: TYPE.TXT, ttl: 60, data: [large] },
    { kind: 'set', name: named('medium.z.example'), type: TYPE.TXT, ttl: 60, data: [medium] },
  ])
  server = held.use(await serveZones([made.store]))
})
afterAll(async () => await held.disposeAsync())

const query = (text: string, more: Partial<Message> = {}) => encodeMessage(queryFor(text, more))

describe('over UDP', () => {
  test('what does not fit is cut off, and whole over TCP', async () => {
    const cut = await ask({ port: server.port, name: 'large.z.example', type: TYPE.TXT })
    expect([cut.truncated, cut.answers]).toEqual([true, []])
    const whole = await ask({
      port: server.port,
      name: 'large.z.example',
      type: TYPE.TXT,
      tcp: true,
    })
    expect([whole.truncated, whole.answers.length]).toEqual([false, 1])
  })

  test.each([
    ['without EDNS', undefined, true],
    ['that says less than 512', 100, true],
    ['of a sender that takes enough', 1_000, false],
    ['of a sender that takes more than is safe', 65_535, false],
  ])('an answer of 900 bytes to a query %s', async (_, udpBytes, isCut) => {
    const edns = { version: 0, dnssecOk: false, options: [] }
    const more = udpBytes === undefined ? {} : { edns: { ...edns, udpBytes } }
    const bytes = await exchange(query('TXT medium.z.example', more), { port: server.port })
    expect(decodeMessage(bytes).truncated).toBe(isCut)
    expect(bytes.length).toBeLessThanOrEqual(1_232)
  })

  test('the question comes back as it was spelled', async () => {
    const packet = query('TXT a.z.example')
    const at = packet.indexOf('z'.charCodeAt(0))
    packet[at] = 'Z'.charCodeAt(0)
    const bytes = await exchange(packet, { port: server.port })
    expect(bytes.subarray(12, packet.length)).toEqual(packet.subarray(12))
    expect(decodeMessage(bytes).answers).toHaveLength(1)
  })

  test('an answer gets no answer: two servers would never end', async () => {
    const packet = query('TXT a.z.example', { response: true, id: 1 })
    const socket = createSocket('udp4')
    socket.connect(server.port, '127.0.0.1')
    await once(socket, 'connect')
    socket.send(packet)
    socket.send(query('TXT a.z.example', { id: 2 }))
    const [first] = (await once(socket, 'message')) as [Buffer]
    expect(decodeMessage(first).id).toBe(2)
    socket.close()
  })

  test('bytes that are no message get FORMERR and nothing more', async () => {
    const broken = query('TXT a.z.example').subarray(0, 20)
    const bytes = await exchange(broken, { port: server.port })
    expect([bytes.length, decodeMessage(bytes).rcode]).toEqual([12, RCODE.FORMERR])
    const notify = query('SOA z.example', { opcode: 4 })
    expect(decodeMessage(await exchange(notify, { port: server.port })).rcode).toBe(RCODE.NOTIMP)
  })
})

describe('over TCP', () => {
  test('messages of one connection are answered as they come, also in one piece or bytewise', async () => {
    using client = await connectTcp(server.port)
    const message = query('TXT a.z.example')
    const framed = Buffer.concat([Buffer.from([0, message.length]), message])
    client.socket.write(Buffer.concat([framed, framed, framed]))
    for (const byte of framed) client.socket.write(Uint8Array.of(byte))
    for (let count = 0; count < 4; count++) {
      expect(decodeMessage(await client.next()).answers).toHaveLength(1)
    }
  })

  test('many updates may be on their way at once', async () => {
    using client = await connectTcp(server.port)
    const count = 400
    for (let id = 0; id < count; id++) {
      const update = { ...updateOf('z.example', { changes: [`u${id} 60 IN TXT "a"`] }), id }
      client.send(signTsig(encodeMessage(update), { key: TEST_KEY, now: Date.now() }).bytes)
    }
    const ids = new Set<number>()
    while (ids.size < count) {
      const { id, rcode } = decodeMessage(await client.next())
      expect(rcode).toBe(RCODE.NOERROR)
      ids.add(id)
    }
  })

  test('who says nothing, or a byte now and then, is closed', async () => {
    await using impatient = await serveZones([made.store], { limits: { idleMs: 60 } })
    using silent = await connectTcp(impatient.port)
    using slow = await connectTcp(impatient.port)
    const drip = setInterval(() => slow.socket.write(Uint8Array.of(0)), 20)
    slow.socket.write(Uint8Array.of(1, 0))
    await Promise.all([silent.closed, slow.closed])
    clearInterval(drip)
    expect(impatient.counters.connectionsCut).toBe(2)
  })

  test('connections are bounded, in all and from one address', async () => {
    const limits = { connectionsPerAddressMax: 2 }
    await using small = await serveZones([made.store], { limits })
    const clients = await Promise.all([1, 2, 3].map(() => connectTcp(small.port)))
    await Promise.any(clients.map(({ closed }) => closed))
    expect(small.counters.connectionsCut).toBe(1)
    for (const client of clients) client[Symbol.dispose]()
    await Promise.all(clients.map(({ closed }) => closed))
    const again = await ask({ port: small.port, name: 'a.z.example', type: TYPE.TXT, tcp: true })
    expect(again.answers).toHaveLength(1)
  })

  test('who asks and never reads is cut before much waits for it', async () => {
    using client = await connectTcp(server.port)
    const cut = server.counters.connectionsCut
    client.socket.pause()
    const message = query('TXT large.z.example', SIGNED)
    const framed = Buffer.concat([Buffer.from([0, message.length]), message])
    const many = Buffer.concat(Array.from({ length: 1_000 }, () => framed))
    while (!client.socket.destroyed && server.counters.connectionsCut === cut) {
      client.socket.write(many)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(server.counters.connectionsCut).toBe(cut + 1)
  })
})

test('a server is on all its addresses, IPv6 too, and gone when it is disposed of', async () => {
  const listen = ['127.0.0.1', '127.0.0.2', '::1'].map((address) => ({ address, port: 0 }))
  const many = await serveZones([made.store], { listen })
  expect(many.addresses.map(({ address }) => address)).toEqual(['127.0.0.1', '127.0.0.2', '::1'])
  expect(many.zone(named('z.example'))).toBe(made.store)
  expect(() => many.zone(named('other.example'))).toThrow('Cannot find zone other.example')
  const taken = serveZones([made.store], { listen: [{ address: '127.0.0.1', port: many.port }] })
  await expect(taken).rejects.toEqual(expect.objectContaining({ code: 'unreachable' }))
  await many[Symbol.asyncDispose]()
  await many[Symbol.asyncDispose]()
  await using again = await serveZones([made.store], {
    listen: [{ address: '127.0.0.1', port: many.port }],
  })
  expect(again.port).toBe(many.port)
})
