import { once } from 'node:events'
import { rename, symlink, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Relay } from '../src/relay.ts'
import { PageFiles } from '../src/web/page-files.ts'
import { fetchRaw, openRelayBench, type RelayBench } from './relay-bench.ts'

const TOKEN = 'a-token-of-some-length'
const PROXIED = { 'x-forwarded-for': '192.0.2.7' }
let bench: RelayBench
let relay: Relay

beforeAll(async () => {
  bench = await openRelayBench()
  const folder = await bench.files('page', {
    'index.html': '<!doctype html>',
    'assets/app-BxYz0123.js': `// ${'x'.repeat(5_000)}`,
    'assets/style.css': 'body {}',
    'vite-external.js': '//',
    '.env': 'SECRET=1',
  })
  await bench.files('beside', { 'secret.txt': 'secret' })
  await symlink(join(bench.folder, 'beside', 'secret.txt'), join(folder, 'link.txt'))
  relay = await bench.relay({
    'page.folder': folder,
    'page.connect': ['wss://relay2.acme.example'],
    'metrics.token': TOKEN,
    proxies: ['127.0.0.1'],
  })
})
afterAll(() => bench[Symbol.asyncDispose]())

const get = (path: string, headers: Readonly<Record<string, string>> = {}) =>
  fetchRaw(relay.url, path, { headers })

test('health and readiness are told', async () => {
  const health = await get('/healthz')
  expect([health.status, String(health.body)]).toEqual([200, '{"status":"ok"}\n'])
  const ready = await get('/readyz')
  expect([ready.status, String(ready.body)]).toEqual([
    200,
    '{"ready":true,"reason":"it takes pages"}\n',
  ])
})

test('a relay that has met none of its neighbours is not ready', async () => {
  await using other = await openRelayBench()
  const lonely = await other.relay({ 'mesh.connect': ['/ip4/127.0.0.1/tcp/9'] })
  const { status, body } = await fetchRaw(lonely.url, '/readyz')
  expect([status, String(body)]).toEqual([
    503,
    '{"ready":false,"reason":"no neighbour has been met yet"}\n',
  ])
})

describe('the page', () => {
  test.each([
    ['/', 'text/html;charset=utf-8', 'no-cache'],
    [
      '/assets/app-BxYz0123.js',
      'text/javascript;charset=utf-8',
      'public, max-age=31536000, immutable',
    ],
    ['/assets/style.css', 'text/css;charset=utf-8', 'no-cache'],
    ['/vite-external.js', 'text/javascript;charset=utf-8', 'no-cache'],
  ])('%s has its type, and is kept as long as its name says', async (path, type, cache) => {
    const { status, headers } = await get(path)
    expect(status).toBe(200)
    expect(headers).toMatchObject({ 'content-type': type, 'cache-control': cache })
  })

  test('is compressed for who takes that, and not sent again to who has it', async () => {
    const path = '/assets/app-BxYz0123.js'
    const packed = await get(path, { 'accept-encoding': 'gzip, deflate' })
    expect(packed.headers['content-encoding']).toBe('gzip')
    expect(packed.body.length).toBeLessThan(1_000)
    expect(gunzipSync(packed.body)).toEqual((await get(path)).body)
    const again = await get(path, { 'if-none-match': packed.headers.etag ?? '' })
    expect([again.status, again.body.length]).toEqual([304, 0])
  })

  test.each([
    '/../beside/secret.txt',
    '/%2e%2e/beside/secret.txt',
    '/assets/..%2f..%2fbeside/secret.txt',
    '//etc/passwd',
    '/link.txt',
    '/.env',
    '/assets',
    '/assets/app-BxYz0123.js%00.css',
    '/INDEX.html',
  ])('%s is none of its files', async (path) => {
    const { status, body } = await get(path)
    expect([status, String(body)]).toEqual([404, '{"error":"absent"}\n'])
  })

  test('takes GET and HEAD alone', async () => {
    const head = await fetchRaw(relay.url, '/', { method: 'HEAD' })
    expect([head.status, head.body.length, head.headers['content-length']]).toEqual([200, 0, '15'])
    expect((await fetchRaw(relay.url, '/', { method: 'POST' })).status).toBe(405)
  })

  test('is sent by gzip as its build has packed it, if that is the same file', async () => {
    const script = `// ${'y'.repeat(5_000)}`
    const stored = gzipSync(script, { level: 0 })
    await using other = await openRelayBench()
    const folder = await other.files('page', {
      'index.html': '<!doctype html>',
      'script.js': script,
      'alone.gz': 'a file of its own',
    })
    const packed = join(folder, 'script.js.gz')
    await writeFile(packed, gzipSync(script, { level: 1 }))
    const pages = await PageFiles.open(folder)
    expect(pages.size).toBe(3)
    const packing = await other.relay({ 'page.folder': folder })
    const headers = { 'accept-encoding': 'gzip' }
    const sent = await fetchRaw(packing.url, '/script.js', { headers })
    expect(sent.headers['content-encoding']).toBe('gzip')
    expect(sent.body).toEqual(gzipSync(script, { level: 1 }))
    expect((await fetchRaw(packing.url, '/script.js.gz', {})).status).toBe(404)
    for (const bytes of [gzipSync(`${script} `), gzipSync('x'), stored.subarray(0, 99), 'no']) {
      await writeFile(packed, bytes)
      await expect(PageFiles.open(folder)).rejects.toMatchObject({
        code: 'page',
        message: expect.stringContaining('it is not what lies beside it') as string,
      })
    }
  })

  test('is read again with the relay’s other files; one that is broken changes nothing', async () => {
    const folder = await bench.files('page', { 'new.html': 'new' })
    await relay.reload()
    expect((await get('/new.html')).status).toBe(200)
    await rename(join(folder, 'index.html'), join(folder, 'elsewhere.html'))
    const after = bench.log.length
    await relay.reload()
    expect(await bench.logged({ event: 'page', code: 'page' }, after)).toMatchObject({
      msg: expect.stringContaining('it has no index.html; the old one goes on') as string,
    })
    expect((await get('/')).status).toBe(200)
    await rename(join(folder, 'elsewhere.html'), join(folder, 'index.html'))
  })
})

test('every answer has the headers that hold a page to its relays', async () => {
  for (const path of ['/', '/healthz', '/nowhere', '/metrics']) {
    const { headers } = await get(path)
    expect(headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'")
    expect(headers['content-security-policy']).toContain(
      "connect-src 'self' wss://relay2.acme.example https://relay2.acme.example",
    )
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'")
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'strict-transport-security': 'max-age=31536000',
    })
  }
})

describe('metrics', () => {
  test('have the relay, its node, its process, and requests by route and status', async () => {
    await get('/healthz')
    const { status, headers, body } = await get('/metrics', { authorization: `Bearer ${TOKEN}` })
    expect([status, headers['content-type']]).toEqual([
      200,
      'text/plain; version=0.0.4; charset=utf-8',
    ])
    const lines = String(body).split('\n')
    for (const name of [
      'ixj_relay_connections',
      'ixj_neighbours',
      'ixj_waiting',
      'process_resident_memory_bytes',
    ]) {
      expect(
        lines.some((line) => line.startsWith(`${name} `)),
        name,
      ).toBe(true)
    }
    expect(lines).toContain('ixj_relay_ready 1')
    expect(lines).toContain('ixj_mesh_total{reason="flooded"} 0')
    expect(lines).toContain('ixj_passed_total{outcome="shed"} 0')
    expect(lines.find((line) => line.includes('route="health",status="200"'))).toMatch(/ [1-9]\d*$/)
  })

  test.each([
    ['from elsewhere without a token', PROXIED, 401],
    ['from elsewhere with another token', { ...PROXIED, authorization: 'Bearer another' }, 401],
    ['from elsewhere with the token', { ...PROXIED, authorization: `Bearer ${TOKEN}` }, 200],
    [
      'from who writes himself into the header before the proxy does',
      { 'x-forwarded-for': '127.0.0.1, 192.0.2.7' },
      401,
    ],
    ['from this machine without a token', {}, 401],
  ])('%s', async (_, headers, status) => {
    expect((await get('/metrics', headers)).status).toBe(status)
  })
})

test('metrics are told without a token on a port of their own, and nothing else is there', async () => {
  await using other = await openRelayBench()
  await other.relay({ 'metrics.port': '0' })
  const { url } = (await other.logged({ event: 'metrics' })) as { readonly url: string }
  expect(new URL(url).hostname).toBe('127.0.0.1')
  const { status, body } = await fetchRaw(url, '/metrics')
  expect([status, String(body)]).toEqual([200, expect.stringContaining('ixj_relay_ready 1')])
  expect((await fetchRaw(url, '/readyz')).status).toBe(404)
})

describe('connections', () => {
  test('an address that is no proxy has as many as it may', async () => {
    await using other = await openRelayBench()
    const { url } = await other.relay({ 'limits.connectionsPerAddress': '2' })
    const port = Number(new URL(url).port)
    const held = [1, 2].map(() => connect(port, '127.0.0.1'))
    await Promise.all(held.map((socket) => once(socket, 'connect')))
    const third = connect(port, '127.0.0.1')
    third.on('error', () => third.destroy())
    await once(third, 'close')
    held[0]!.destroy()
    await once(held[0]!, 'close')
    const again = await vi.waitFor(() => fetchRaw(url, '/healthz'))
    expect(again.status).toBe(200)
    held[1]!.destroy()
  })

  test('who keeps a malformed request half open loses the connection', async () => {
    const socket = connect({
      port: Number(new URL(relay.url).port),
      host: '127.0.0.1',
      allowHalfOpen: true,
    })
    socket.resume()
    socket.write('NONSENSE\r\n\r\n')
    await once(socket, 'end')
    // Our side goes on: what is written now finds nobody.
    const ended = once(socket, 'error')
    const writing = setInterval(() => socket.write('more'), 5)
    expect((await ended)[0]).toMatchObject({ code: expect.stringMatching(/EPIPE|ECONNRESET/) })
    clearInterval(writing)
  })
})

test('the log has no path, header or body of a request', async () => {
  await using other = await openRelayBench()
  const { url } = await other.relay({ 'log.level': 'debug' })
  await fetchRaw(url, '/secret-path?secret-query', {
    method: 'POST',
    headers: { authorization: 'Bearer secret-token' },
    body: Buffer.from('secret-body'),
  })
  expect(await other.logged({ event: 'request' })).toMatchObject({ route: 'none', status: 404 })
  expect(JSON.stringify(other.log)).not.toContain('secret')
})
