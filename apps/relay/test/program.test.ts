import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fetchRaw, type LogLine, openRelayBench, RELAY, type RelayBench } from './relay-bench.ts'

const program = fileURLToPath(new URL('../bin/ixj-relay.js', import.meta.url))
let bench: RelayBench

beforeAll(async () => {
  bench = await openRelayBench()
})
afterAll(() => bench[Symbol.asyncDispose]())

/** The real program in a process of its own. */
function start(...words: readonly string[]) {
  const child = spawn(process.execPath, ['--conditions=ixj:src', program, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: join(bench.folder, '.compiled') },
  })
  const lines: string[] = []
  const errors: string[] = []
  let heard = Promise.withResolvers<void>()
  createInterface(child.stdout).on('line', (line) => {
    lines.push(line)
    heard.resolve()
  })
  createInterface(child.stderr).on('line', (line) => errors.push(line))
  const closed = once(child, 'close').then(([code]) => {
    heard.resolve()
    return code as number | null
  })
  return {
    child,
    lines,
    errors,
    closed,
    /** The first line of its log about an event. */
    event: async (name: string): Promise<LogLine> => {
      for (;;) {
        const found = lines.find((line) => line.includes(`"event":"${name}"`))
        if (found !== undefined) return JSON.parse(found) as LogLine
        if (child.exitCode !== null) throw new Error(`It ended: ${errors.join('\n')}`)
        await heard.promise
        heard = Promise.withResolvers()
      }
    },
  }
}

function serve(...words: readonly string[]) {
  const home = join(bench.folder, 'home')
  return start('--name', RELAY, '--home', home, '--listen-port', '0', ...words)
}

/** A connection that stands, and asks for nothing. */
async function idleConnection(url: string) {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}

test('it serves, drains at SIGTERM, and ends with 0 when the last connection has gone', async () => {
  const relay = serve()
  const { url } = (await relay.event('listening')) as { url: string }
  await relay.event('opened')
  expect((await fetchRaw(url, '/readyz')).status).toBe(200)
  const asking = await idleConnection(url)
  asking.write('GET /readyz HTTP/1.1\r\nhost: x\r\n')
  await fetchRaw(url, '/healthz')
  relay.child.kill('SIGTERM')
  expect(await relay.event('draining')).toMatchObject({ seconds: 10, relay: RELAY })
  await expect(fetchRaw(url, '/healthz')).rejects.toThrow('ECONNREFUSED')
  // What was asked before is still answered, and says that nothing more is.
  asking.write('\r\n')
  const [answer] = (await once(asking, 'data')) as [Buffer]
  expect(String(answer)).toMatch(/^HTTP\/1\.1 503 .*connection: close/is)
  expect(await relay.closed).toBe(0)
  expect(JSON.parse(relay.lines.at(-1) ?? '')).toMatchObject({ event: 'stopped' })
  expect(relay.errors).toEqual([])
})

test('it waits for a connection that stays no longer than it was told', async () => {
  const relay = serve('--drain-seconds', '1')
  const { url } = (await relay.event('listening')) as { url: string }
  await relay.event('opened')
  const socket = await idleConnection(url)
  socket.write('GET /')
  relay.child.kill('SIGTERM')
  expect(await relay.closed).toBe(0)
})

test('a second signal ends it at once', async () => {
  const relay = serve('--drain-seconds', '600')
  const { url } = (await relay.event('listening')) as { url: string }
  await relay.event('opened')
  const socket = await idleConnection(url)
  socket.write('GET /')
  relay.child.kill('SIGTERM')
  await relay.event('draining')
  relay.child.kill('SIGTERM')
  expect(await relay.closed).toBe(0)
})

test('SIGHUP reads the page again', async () => {
  const folder = await bench.files('page', { 'index.html': 'old' })
  const relay = serve('--page-folder', folder)
  const { url } = (await relay.event('listening')) as { url: string }
  await relay.event('opened')
  await bench.files('page', { 'index.html': 'new' })
  expect(String((await fetchRaw(url, '/')).body)).toBe('old')
  relay.child.kill('SIGHUP')
  await relay.event('page')
  expect(String((await fetchRaw(url, '/')).body)).toBe('new')
  relay.child.kill('SIGTERM')
  expect(await relay.closed).toBe(0)
})

test('what is wrong with its configuration is told, one line for each, and ends it with 2', async () => {
  const relay = start('--name', 'x', '--listen-port', 'y')
  expect(await relay.closed).toBe(2)
  expect(relay.errors).toEqual([
    'ixj-relay: configuration: --name: name is "x": it must be a name: Cannot read the name "x": it has 1 label, the least is 2',
    'ixj-relay: configuration: --listen-port: listen.port is "y": it must be a whole number from 0 to 65535',
  ])
})

test('--check tells what holds, and --json tells it and failures to programs', async () => {
  const check = start('--check', '--json', '--name', RELAY, '--listen-port', '1')
  expect(await check.closed).toBe(0)
  expect(JSON.parse(check.lines[0] ?? '')).toMatchObject({ name: RELAY, listen: { port: 1 } })
  const wrong = start('--nonsense', '--json')
  expect(await wrong.closed).toBe(2)
  expect(JSON.parse(wrong.errors[0] ?? '')).toEqual({
    error: { code: 'usage', message: "unknown option '--nonsense'; see: ixj-relay --help" },
  })
})

test('a name whose key is not in the home ends it with 1', async () => {
  const relay = start(
    '--name',
    'other.acme.example',
    '--home',
    join(bench.folder, 'home'),
    '--listen-port',
    '0',
  )
  expect(await relay.closed).toBe(1)
  expect(relay.errors[0]).toMatch(
    /^ixj-relay: key-file: Cannot use the key of "other\.acme\.example"/,
  )
})
