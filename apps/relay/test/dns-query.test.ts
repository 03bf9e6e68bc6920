import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import {
  decodeMessage,
  encodeMessage,
  FORWARD_MS_MAX,
  openResolver,
  parseDnsName,
  RCODE,
  signTsig,
  TYPE,
} from '@ixj/dns'
import { toBase64url } from '@ixj/trust'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  makeZone,
  type MadeZone,
  serveZones,
  TEST_KEY,
} from '../../../packages/dns/test/server/made-zone.ts'
import { updateOf } from '../../../packages/dns/test/server/packets.ts'
import { queryFor, SIGNED } from '../../../packages/dns/test/server/served-zone.ts'
import type { Relay } from '../src/relay.ts'
import { fetchRaw, openRelayBench, RELAY, type RelayBench } from './relay-bench.ts'

const held = new AsyncDisposableStack()
const DNS_MESSAGE = { 'content-type': 'application/dns-message' }
let bench: RelayBench
let made: MadeZone
let relay: Relay
let authority: string
let silent: Socket[]

beforeAll(async () => {
  bench = held.use(await openRelayBench())
  made = held.use(await makeZone('acme.example', 'a 30 TXT "a"'))
  const zone = held.use(await serveZones([made.store]))
  silent = []
  const deaf = createServer((socket) => silent.push(socket)).listen(0, '127.0.0.1')
  await once(deaf, 'listening')
  held.defer(() => {
    for (const socket of silent) socket.destroy()
    deaf.close()
  })
  const { key, certificate, pem } = await bench.certificate()
  authority = pem
  relay = await bench.relay({
    'tls.key': key,
    'tls.certificate': certificate,
    dns: [
      `acme.example=127.0.0.1:${zone.port}`,
      `deaf.example=127.0.0.1:${(deaf.address() as AddressInfo).port}`,
      'gone.example=127.0.0.1:9',
    ],
  })
})
afterAll(() => held.disposeAsync())

async function asked(text: string, more = {}) {
  const body = encodeMessage(queryFor(text, { ...SIGNED, id: 0, ...more }))
  const answer = await fetchRaw(relay.url, '/dns-query', {
    method: 'POST',
    headers: DNS_MESSAGE,
    body,
    authority,
  })
  return { ...answer, message: () => decodeMessage(answer.body) }
}

test('the resolver of this project validates what comes through a relay', async () => {
  await using resolver = openResolver({
    anchors: [made.store.anchor],
    upstreams: [
      {
        suffix: parseDnsName('.'),
        transport: 'https',
        address: '127.0.0.1',
        port: Number(new URL(relay.url).port),
        serverName: RELAY,
        certificateAuthority: authority,
      },
    ],
  })
  const there = await resolver.resolve(parseDnsName('a.acme.example'), TYPE.TXT)
  expect(there).toMatchObject({ state: 'secure', answer: 'positive' })
  const ghost = await resolver.resolve(parseDnsName('ghost.acme.example'), TYPE.TXT)
  expect(ghost).toMatchObject({ state: 'secure' })
  expect(ghost).not.toMatchObject({ answer: 'positive' })
})

test('a query in the URL is answered for pages of any origin, and kept as long as its records', async () => {
  const query = toBase64url(encodeMessage(queryFor('TXT a.acme.example', { id: 0 })))
  const { status, headers, body } = await fetchRaw(relay.url, `/dns-query?dns=${query}`, {
    authority,
  })
  expect([status, decodeMessage(body).answers.length]).toEqual([200, 1])
  expect(headers).toMatchObject({
    'content-type': 'application/dns-message',
    'access-control-allow-origin': '*',
    'cache-control': 'max-age=30',
  })
})

test.each([
  ['A elsewhere.example', {}, RCODE.REFUSED],
  ['A example', {}, RCODE.REFUSED],
  ['A notacme.example', {}, RCODE.REFUSED],
  ['AXFR acme.example', {}, RCODE.REFUSED],
  ['TXT a.acme.example', { opcode: 2 }, RCODE.NOTIMP],
])('%s, %j, is for no server of ours: code %i', async (text, more, rcode) => {
  const before = made.store.serial
  const { status, headers, message } = await asked(text, more)
  expect([status, message().rcode, headers['cache-control']]).toEqual([200, rcode, 'no-store'])
  expect(made.store.serial).toBe(before)
})

test('an update is not passed on, whoever signed it', async () => {
  const message = updateOf('acme.example', { changes: ['b 30 IN TXT "b"'] })
  const update = signTsig(encodeMessage(message), { key: TEST_KEY, now: Date.now() }).bytes
  const before = made.store.serial
  const { body } = await fetchRaw(relay.url, '/dns-query', {
    method: 'POST',
    headers: DNS_MESSAGE,
    body: update,
    authority,
  })
  expect([decodeMessage(body).rcode, made.store.serial]).toEqual([RCODE.NOTIMP, before])
})

test('a server that is gone is told as SERVFAIL at once', async () => {
  expect((await asked('A gone.example')).message().rcode).toBe(RCODE.SERVFAIL)
})

test(
  'an address that waits for a deaf server has its share, and no more',
  async () => {
    const waiting = Array.from({ length: 20 }, () => asked('A deaf.example'))
    const answers = await Promise.all(waiting)
    expect(answers.filter(({ status }) => status === 429).length).toBe(4)
    const codes = answers
      .filter(({ status }) => status === 200)
      .map(({ message }) => message().rcode)
    expect(codes).toEqual(Array.from({ length: 16 }, () => RCODE.SERVFAIL))
  },
  FORWARD_MS_MAX + 10_000,
)

test('what is no query is refused', async () => {
  const get = (path: string) => fetchRaw(relay.url, path, { authority })
  expect((await get('/dns-query')).status).toBe(400)
  expect((await get('/dns-query?dns=AAAA')).status).toBe(400)
  expect((await fetchRaw(relay.url, '/dns-query', { method: 'PUT', authority })).status).toBe(405)
})
