import { execFile } from 'node:child_process'
import process from 'node:process'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import {
  CLASS,
  parseRecord,
  RCODE,
  sendUpdate,
  signTsig,
  TYPE,
  UPDATE_UDP_JUNK_MAX,
  type ZoneUpdate,
} from '@ixj/dns'
import { UDP_LINE_IDLE_MS } from '../../src/update/limits.ts'
import { newTsigKey } from '../../../../test/world/dns/tsig-secret.ts'
import { NOW, replyTo, signedReplyTo, startFakePrimary, zone } from './fake-primary.ts'

const small: ZoneUpdate = {
  zone,
  prerequisites: [],
  updates: [parseRecord(`w1.${zone}. 60 IN TXT x`)],
}
const large = {
  ...small,
  updates: Array.from({ length: 20 }, (_, index) =>
    parseRecord(`w${index}.${zone}. 60 IN TXT ${'x'.repeat(100)}`),
  ),
}

describe('sendUpdate()', () => {
  test('sends one message of zone, prerequisites and changes, by UDP if it fits', async () => {
    await using fake = await startFakePrimary((request, key) => [signedReplyTo(request, key)])
    const absent = { name: zone, type: TYPE.ANY, class: CLASS.NONE, ttl: 0, data: new Uint8Array() }
    await sendUpdate({ ...small, prerequisites: [absent] }, fake.primary)
    const [{ message, transport } = { message: undefined, transport: '' }] = fake.received
    expect(transport).toBe('udp')
    expect(message).toMatchObject({
      id: 1,
      opcode: 5,
      questions: [{ name: zone, type: TYPE.SOA, class: CLASS.IN }],
      answers: [absent],
      authorities: small.updates,
    })
  })

  test('carries messages under way at once over one socket, and gives each its own answer', async () => {
    // Answered in pairs, the later one first.
    const waiting: Uint8Array[] = []
    await using fake = await startFakePrimary((request, key) => {
      waiting.unshift(signedReplyTo(request, key))
      return waiting.length < 2 ? [] : waiting.splice(0)
    })
    const sent = await Promise.allSettled(
      Array.from({ length: 32 }, () => sendUpdate(small, fake.primary)),
    )
    expect(sent.map(({ status }) => status)).toEqual(Array.from({ length: 32 }, () => 'fulfilled'))
    expect(new Set(fake.received.map(({ port }) => port)).size).toBe(1)
    expect(fake.received).toHaveLength(32)
  })

  test('keeps no process alive by a socket that is idle', async () => {
    await using bind = await startFakePrimary((request, key) => [signedReplyTo(request, key)])
    const { server, key } = bind.primary
    const program = `
      import { sendUpdate } from '@ixj/dns'
      const key = { ...${JSON.stringify(key)}, secret: Uint8Array.of(${[...key.secret].join()}) }
      const primary = { server: ${JSON.stringify(server)}, key, now: () => ${NOW}, random: () => [1, 2] }
      await sendUpdate({ zone: '${zone}', prerequisites: [], updates: [] }, primary)
      process.stdout.write(String(process.uptime()))
      process.on('exit', () => process.stdout.write(' ' + process.uptime()))`
    const words = ['--conditions=ixj:src', '--input-type=module', '--eval', program]
    const cwd = new URL('../../', import.meta.url)
    const { stdout } = await promisify(execFile)(process.execPath, words, { cwd })
    const [sent = 0, ended = Infinity] = stdout.split(' ').map(Number)
    expect((ended - sent) * 1_000).toBeLessThan(UDP_LINE_IDLE_MS / 2)
  })

  test('takes TCP for what does not fit into 1,232 bytes', async () => {
    await using fake = await startFakePrimary((request, key) => [signedReplyTo(request, key)])
    await sendUpdate(large, fake.primary)
    expect(fake.received.map(({ transport }) => transport)).toEqual(['tcp'])
  })

  test('sends an update of nearly 64 KiB in whole', async () => {
    await using fake = await startFakePrimary((request, key) => [signedReplyTo(request, key)])
    const text = `${'x'.repeat(255)} `.repeat(250)
    const updates = [parseRecord(`w1.${zone}. 60 IN TXT ${text}`)]
    await sendUpdate({ ...small, updates }, fake.primary)
    expect(fake.received[0]!.message.authorities).toEqual(updates)
  })

  test('refuses an update over 64 KiB before it sends anything', async () => {
    await using fake = await startFakePrimary(() => [])
    const updates = Array.from({ length: 400 }, () => parseRecord(`a. 1 IN TXT ${'x'.repeat(200)}`))
    const sent = sendUpdate({ ...small, updates }, fake.primary)
    await expect(sent).rejects.toMatchObject({ code: 'limit' })
    expect(fake.received).toEqual([])
  })

  test('sends the same bytes again where an answer is lost', async () => {
    await using fake = await startFakePrimary((request, key) =>
      request.index === 0 ? [] : [signedReplyTo(request, key)],
    )
    await sendUpdate(small, fake.primary)
    const [first, second] = fake.received
    expect(second!.transport).toBe('udp')
    expect(second!.bytes).toEqual(first!.bytes)
  })

  const stranger = newTsigKey('ourtool')
  test.each([
    ['is cut off', (request, key) => signedReplyTo(request, key, { truncated: true })],
    ['is not signed', (request) => replyTo(request)],
    ['refuses without a signature', (request) => replyTo(request, { rcode: RCODE.REFUSED })],
    ['has the signature of another key', (request) => signedReplyTo(request, stranger)],
    [
      'answers another request',
      (request, key) =>
        signTsig(replyTo(request), { key, now: NOW, priorMac: new Uint8Array(32) }).bytes,
    ],
    [
      'was signed long ago',
      (request, key) =>
        signTsig(replyTo(request), { key, now: NOW - 301_000, priorMac: request.mac }).bytes,
    ],
    ['cannot be read', (request) => replyTo(request).subarray(0, 13)],
  ] satisfies [
    string,
    (...args: Parameters<Parameters<typeof startFakePrimary>[0]>) => Uint8Array,
  ][])('does not believe a packet that %s, and asks over TCP', async (_, packet) => {
    await using fake = await startFakePrimary((request, key) =>
      request.transport === 'udp' ? [packet(request, key)] : [signedReplyTo(request, key)],
    )
    await sendUpdate(small, fake.primary)
    expect(fake.received.map(({ transport }) => transport)).toEqual(['udp', 'tcp'])
  })

  test('passes over packets with other ids, but not over a flood of them', async () => {
    let junk = UPDATE_UDP_JUNK_MAX - 1
    await using fake = await startFakePrimary((request, key) => {
      const other = replyTo(request, { id: request.message.id ^ 1 })
      return [...Array.from({ length: junk }, () => other), signedReplyTo(request, key)]
    })
    await sendUpdate(small, fake.primary)
    expect(fake.received.map(({ transport }) => transport)).toEqual(['udp'])
    junk++
    await expect(sendUpdate(small, fake.primary)).rejects.toMatchObject({ code: 'format' })
    expect(fake.received.map(({ transport }) => transport)).toEqual(['udp', 'udp', 'tcp'])
  })

  test.each([
    ['says yes without a signature', 'tsig', (request) => [replyTo(request)]],
    ['signs with another key', 'tsig', (request) => [signedReplyTo(request, stranger)]],
    ['answers something else', 'format', (request) => [replyTo(request, { opcode: 0 })]],
    ['ends the connection', 'unreachable', () => ['close']],
    ['ends within a message', 'unreachable', () => ['cut']],
    ['sends an empty message', 'format', () => [new Uint8Array()]],
    ['says no without a signature', 'refused', (request) => [replyTo(request, { rcode: 4 })]],
  ] satisfies [string, string, Parameters<typeof startFakePrimary>[0]][])(
    'fails where a server %s over TCP: %s',
    async (_, code, respond) => {
      await using fake = await startFakePrimary(respond)
      await expect(sendUpdate(large, fake.primary)).rejects.toMatchObject({ code })
    },
  )

  test.each([
    [RCODE.YXDOMAIN, 'zone'],
    [RCODE.YXRRSET, 'zone'],
    [RCODE.NXDOMAIN, 'zone'],
    [RCODE.NXRRSET, 'zone'],
    [RCODE.NOTZONE, 'zone'],
    [RCODE.REFUSED, 'refused'],
    [RCODE.SERVFAIL, 'refused'],
    [RCODE.FORMERR, 'refused'],
    [RCODE.NOTAUTH, 'refused'],
  ])('turns the signed response code %i into %s', async (rcode, code) => {
    await using fake = await startFakePrimary((request, key) => [
      signedReplyTo(request, key, { rcode }),
    ])
    await expect(sendUpdate(small, fake.primary)).rejects.toMatchObject({ code })
  })

  test('ends at once when it is aborted, with the reason', async () => {
    const controller = new AbortController()
    const reason = new Error('enough')
    await using fake = await startFakePrimary(() => {
      controller.abort(reason)
      return []
    })
    const { signal } = controller
    await expect(sendUpdate(small, fake.primary, { signal })).rejects.toBe(reason)
    await expect(sendUpdate(small, fake.primary, { signal })).rejects.toBe(reason)
    expect(fake.received).toHaveLength(1)
  })

  test('says that a server is unreachable where nothing can be sent to its address', async () => {
    const server = { address: '255.255.255.255', port: 53 }
    const random = () => Uint8Array.of(0, 1)
    const primary = { server, key: newTsigKey('ourtool'), now: () => NOW, random }
    await expect(sendUpdate(small, primary)).rejects.toMatchObject({ code: 'unreachable' })
  })
})
