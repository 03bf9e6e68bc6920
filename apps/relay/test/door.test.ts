import { once } from 'node:events'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import type { Relay } from '../src/relay.ts'
import { ownOrigins } from '../src/web/own-origins.ts'
import { openRelayBench, type RelayBench } from './relay-bench.ts'

let bench: RelayBench
let relay: Relay

beforeAll(async () => {
  bench = await openRelayBench()
  relay = await bench.relay({
    origins: ['https://acme.example'],
    proxies: ['127.0.0.1'],
    'door.socketsPerAddressMax': '2',
    'drain.seconds': '5',
  })
})
afterAll(() => bench[Symbol.asyncDispose]())

/** A socket of a page, which has not logged in. */
function call(origin: string, address = '192.0.2.1', to = relay): WebSocket {
  const headers = { 'x-forwarded-for': address }
  return new WebSocket(to.url.replace('http', 'ws'), 'ixj.1', { origin, headers })
}

/** The status with which the relay refuses one. */
async function refusal(socket: WebSocket): Promise<number | undefined> {
  socket.on('error', () => undefined)
  const [, answer] = (await once(socket, 'unexpected-response')) as [
    unknown,
    { readonly statusCode?: number },
  ]
  return answer.statusCode
}

test('pages of its own origin and of those on its list come in, others do not', async () => {
  for (const origin of ['https://acme.example', 'https://relay1.acme.example']) {
    const socket = call(origin)
    const [challenge] = (await once(socket, 'message')) as [Buffer]
    expect(challenge.length).toBeGreaterThan(32)
    socket.close()
    await once(socket, 'close')
  }
  expect(await refusal(call('https://globex.example'))).toBe(403)
})

test('sockets are charged to the address that the proxy tells', async () => {
  const own = [call('https://acme.example'), call('https://acme.example')]
  await Promise.all(own.map((socket) => once(socket, 'message')))
  expect(await refusal(call('https://acme.example'))).toBe(429)
  const other = call('https://acme.example', '192.0.2.2')
  await once(other, 'message')
  for (const socket of [...own, other]) {
    socket.close()
    await once(socket, 'close')
  }
})

test('a relay that ends tells its sockets to go to the other one, and waits for them', async () => {
  await using ending = await openRelayBench()
  const another = await ending.relay({ origins: ['none', 'https://acme.example'] })
  const sockets = [1, 2, 3].map(() => call('https://acme.example', '', another))
  await Promise.all(sockets.map((socket) => once(socket, 'message')))
  const closes = Promise.all(sockets.map((socket) => once(socket, 'close')))
  const ended = another.drain(new AbortController().signal)
  expect(another.readiness).toMatchObject({ ready: false })
  for (const [code, reason] of (await closes) as [number, Buffer][]) {
    expect([code, String(reason)]).toEqual([1001, 'the relay is closing: use your other relay'])
  }
  await ended
  const late = call('https://acme.example', '', another)
  await expect(once(late, 'open')).rejects.toThrow('ECONNREFUSED')
})

test.each([
  [
    { hasCertificate: false, isProxied: false },
    ['http://127.0.0.1:8080', 'http://localhost:8080', 'http://[::1]:8080'],
  ],
  [{ hasCertificate: true, isProxied: false }, ['https://r.example:8080']],
  [{ hasCertificate: false, isProxied: true }, ['https://r.example']],
])('the own origins of a relay with %j', (options, origins) => {
  expect(ownOrigins({ name: 'r.example', port: 8_080, ...options })).toEqual(origins)
})

test('the port of HTTPS is no part of an origin', () => {
  const options = { name: 'r.example', port: 443, hasCertificate: true, isProxied: false }
  expect(ownOrigins(options)).toEqual(['https://r.example'])
})
