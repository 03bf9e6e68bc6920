import { once } from 'node:events'
import { type IncomingMessage, request as plainRequest } from 'node:http'
import { connect } from 'node:http2'
import { request } from 'node:https'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { toBase64url } from '@ixj/trust'
import { decodeMessage, encodeMessage, RCODE, signTsig } from '@ixj/dns'
import { newCertificate } from '../../../../test/world/dns/unbound.ts'
import { makeZone, type MadeZone, serveZones, TEST_KEY } from './made-zone.ts'
import { updateOf } from './packets.ts'
import { queryFor, SIGNED } from './served-zone.ts'

interface Fetched {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: Uint8Array
}

const held = new AsyncDisposableStack()
let made: MadeZone
let port: number
let certificate: string

beforeAll(async () => {
  made = held.use(await makeZone('z.example', 'a 30 TXT "a"'))
  const identity = await newCertificate('dns.z.example')
  certificate = identity.certificate
  const https = { address: '127.0.0.1', port: 0, ...identity }
  const server = held.use(await serveZones([made.store], { https }))
  port = server.https!.port
})
afterAll(async () => await held.disposeAsync())

const DNS_MESSAGE = { 'content-type': 'application/dns-message' }
const query = encodeMessage(queryFor('TXT a.z.example', { ...SIGNED, id: 0 }))
const inUrl = (bytes: Uint8Array) => `/dns-query?dns=${toBase64url(bytes)}`

interface Asked {
  readonly method: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
}

async function overHttp1({ body, ...asked }: Asked): Promise<Fetched> {
  const sent = request({
    port,
    host: '127.0.0.1',
    servername: 'dns.z.example',
    ca: certificate,
    ...asked,
  })
  sent.end(body)
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  const parts: Buffer[] = []
  for await (const part of answer as AsyncIterable<Buffer>) parts.push(part)
  return { status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(parts) }
}

async function overHttp2({ body, method, path, headers = {} }: Asked): Promise<Fetched> {
  const options = { ca: certificate, servername: 'dns.z.example' }
  const session = connect(`https://127.0.0.1:${port}`, options)
  try {
    const stream = session.request({ ':method': method, ':path': path, ...headers })
    stream.end(body)
    const [answer] = (await once(stream, 'response')) as [Record<string, unknown>]
    const parts: Buffer[] = []
    for await (const part of stream as AsyncIterable<Buffer>) parts.push(part)
    return { status: Number(answer[':status']), headers: answer, body: Buffer.concat(parts) }
  } finally {
    session.close()
  }
}

describe.each([
  ['HTTP/1.1', overHttp1],
  ['HTTP/2', overHttp2],
])('a query over %s', (_, fetched) => {
  test.each([
    ['in the URL', { method: 'GET', path: inUrl(query) }],
    ['in the body', { method: 'POST', path: '/dns-query', headers: DNS_MESSAGE, body: query }],
  ])(
    '%s is answered, for pages of any origin, and may be kept as long as its records',
    async (_where, asked) => {
      const { status, headers, body } = await fetched(asked)
      expect([status, decodeMessage(body).answers.length]).toEqual([200, 2])
      expect(headers).toMatchObject({
        'content-type': 'application/dns-message',
        'access-control-allow-origin': '*',
        'cache-control': 'max-age=30',
      })
    },
  )

  test('a denial is kept as long as denials are, an error not at all', async () => {
    const ask = async (text: string) =>
      (await fetched({ method: 'GET', path: inUrl(encodeMessage(queryFor(text))) })).headers
    expect(await ask('A ghost.z.example')).toMatchObject({ 'cache-control': 'max-age=1' })
    expect(await ask('A elsewhere.example')).toMatchObject({ 'cache-control': 'no-store' })
  })

  test('browsers may ask whether they may', async () => {
    const { status, headers } = await fetched({ method: 'OPTIONS', path: '/dns-query' })
    expect([status, headers['access-control-allow-headers']]).toEqual([204, 'content-type, accept'])
  })

  test.each([
    [404, { method: 'GET', path: '/' }],
    [404, { method: 'GET', path: '//' }],
    [405, { method: 'PUT', path: '/dns-query' }],
    [400, { method: 'GET', path: '/dns-query' }],
    [400, { method: 'GET', path: '/dns-query?dns=*' }],
    [400, { method: 'GET', path: '/dns-query?dns=AAAA' }],
    [414, { method: 'GET', path: `/dns-query?dns=${'A'.repeat(4_100)}` }],
    [415, { method: 'POST', path: '/dns-query', body: query }],
    [
      413,
      { method: 'POST', path: '/dns-query', headers: DNS_MESSAGE, body: new Uint8Array(5_000) },
    ],
  ])('%i for what is no query', async (status, asked) => {
    expect((await fetched(asked)).status).toBe(status)
  })

  test('nothing is changed or copied over HTTPS', async () => {
    const update = updateOf('z.example', { changes: ['x 60 IN TXT "a"'] })
    for (const message of [update, queryFor('AXFR z.example')]) {
      const { bytes } = signTsig(encodeMessage(message), { key: TEST_KEY, now: Date.now() })
      const asked = { method: 'POST', path: '/dns-query', headers: DNS_MESSAGE, body: bytes }
      expect(decodeMessage((await fetched(asked)).body).rcode).toBe(RCODE.REFUSED)
    }
  })
})

test('who leaves in the middle of a query ends nothing but that', async () => {
  const path = '/dns-query'
  const headers = { ...DNS_MESSAGE, 'content-length': '100' }
  const identity = { servername: 'dns.z.example', ca: certificate }
  const sent = request({ port, host: '127.0.0.1', path, method: 'POST', headers, ...identity })
  sent.on('error', () => undefined)
  await new Promise((resolve) => sent.write(query.subarray(0, 10), resolve))
  sent.destroy()
  const session = connect(`https://127.0.0.1:${port}`, identity)
  const stream = session.request({ ':method': 'POST', ':path': path, ...DNS_MESSAGE })
  stream.on('error', () => undefined)
  await new Promise((resolve) => stream.write(query.subarray(0, 10), resolve))
  session.destroy()
  expect((await overHttp1({ method: 'GET', path: inUrl(query) })).status).toBe(200)
})

test('behind a proxy on the same machine it is plain HTTP; elsewhere that is refused', async () => {
  await using server = await serveZones([made.store], { https: { address: '127.0.0.1', port: 0 } })
  const sent = plainRequest({ port: server.https!.port, host: '127.0.0.1', path: inUrl(query) })
  sent.end()
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  answer.resume()
  expect(answer.statusCode).toBe(200)
  const open = serveZones([made.store], { https: { address: '0.0.0.0', port: 0 } })
  await expect(open).rejects.toEqual(expect.objectContaining({ code: 'argument' }))
})
