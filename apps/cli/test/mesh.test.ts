import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import {
  openProgramBench,
  type ProgramBench,
  records,
  type RunningProgram,
} from './program-bench.ts'

const crew = 'crew.acme.example'
const listen = ['--listen', '/ip4/127.0.0.1/tcp/0']
let bench: ProgramBench

// Each test starts some processes, of which each loads libp2p.
vi.setConfig({ testTimeout: 90_000 })

beforeAll(async () => {
  bench = await openProgramBench()
  await bench.organisation({
    'node1.acme.example': [`subscribe ${crew}`],
    'node2.acme.example': [],
    'w1.acme.example': [`publish,subscribe ${crew}`],
    'w2.acme.example': [`publish,subscribe ${crew}`],
    'mute.acme.example': [`subscribe ${crew}`],
  })
})

afterAll(async () => {
  await bench[Symbol.asyncDispose]()
})

/** The address that a process has told. */
async function addressOf(program: RunningProgram, stream: 'stdout' | 'stderr'): Promise<string> {
  const [record] = records(await program.line(stream, '"addresses"'))
  const addresses = record?.['addresses'] as readonly string[] | undefined
  return addresses?.[0] ?? ''
}

function subscribe(...words: readonly string[]): RunningProgram {
  return bench.start(['sub', crew, '--as', 'w1.acme.example', ...words, '--json'])
}

function publish(
  text: string,
  ...words: readonly string[]
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  return bench.run(['pub', crew, text, '--as', 'w2.acme.example', '--json', ...words], {
    input: 'from a pipe',
  })
}

test('sub and pub talk through node run, which tells who comes and goes, and ends cleanly', async () => {
  const node = bench.start([
    'node',
    'run',
    '--name',
    'node1.acme.example',
    '--join',
    crew,
    '--json',
  ])
  const connect = ['--connect', await addressOf(node, 'stdout')]
  const reader = subscribe(...connect, '--node', 'node2.acme.example', '--count', '1', '--explain')
  await reader.line('stderr', '"joined"')
  await node.line('stdout', '"node2.acme.example"')
  const published = await publish('hello', ...connect, '--to', 'w1.acme.example')
  expect(published).toMatchObject({ code: 0, stderr: '' })
  expect(records(published.stdout)).toMatchObject([
    { topic: crew, peers: 1, members: ['w1.acme.example'] },
  ])
  const { code, stdout } = await reader.end()
  expect(code).toBe(0)
  expect(records(stdout)).toMatchObject([
    {
      id: records(published.stdout)[0]?.['id'],
      topic: crew,
      sender: 'w2.acme.example',
      onBehalfOf: 'acme.example',
      text: 'hello',
      explanation: { outcome: 'accepted' },
    },
  ])
  await node.line('stdout', '"left","name":"node2.acme.example"')
  const id = String(records(published.stdout)[0]?.['id'])
  const explained = await bench.run(['explain', id.slice(0, 8), '--json'])
  expect(explained.code).toBe(0)
  const about = { about: 'bundle', messageIds: [id], outcome: 'accepted', code: null, topic: crew }
  expect(records(explained.stdout)).toContainEqual(
    expect.objectContaining({ ...about, node: 'node2.acme.example', sender: 'w2.acme.example' }),
  )
  const ended = await node.stop('SIGTERM')
  expect(ended.code).toBe(0)
  expect(records(ended.stdout).at(-1)).toEqual({ event: 'stopped', name: 'node1.acme.example' })
})

test('sub listens itself, reads files and pipes of pub, and ends at SIGINT with 0', async () => {
  const reader = bench.start(['sub', crew, '--as', 'w1.acme.example', ...listen])
  const address = (await reader.line('stderr', 'listening  /ip4')).replace('listening  ', '')
  const piped = await publish('-', '--connect', address)
  expect(piped.code).toBe(0)
  expect(await reader.line('stdout', 'from a pipe')).toMatch(
    /w2\.acme\.example for acme\.example {2}from a pipe$/,
  )
  const { code, stdout } = await reader.stop('SIGINT')
  expect(code).toBe(0)
  expect(stdout).not.toContain('\u001B[')
})

test('--seal has a member give the group its secret, and the others seal with it', async () => {
  const grants = {
    's1.acme.example': 'publish,subscribe,invite',
    's2.acme.example': 'publish,subscribe',
  }
  for (const [name, actions] of Object.entries(grants)) {
    await bench.done('key', 'new', name)
    await bench.done('bind', name, '--by', 'acme.example', '--grant', `${actions} ${crew}`)
  }
  const words = ['sub', crew, '--as', 's1.acme.example', '--seal', '--count', '1']
  const reader = bench.start([...words, ...listen, '--json'])
  const connect = ['--connect', await addressOf(reader, 'stderr')]
  const sealed = await bench.run([
    'pub',
    crew,
    'hush',
    '--as',
    's2.acme.example',
    '--seal',
    ...connect,
  ])
  expect(sealed).toMatchObject({ code: 0, stderr: '' })
  const { stdout } = await reader.end()
  expect(records(stdout)).toMatchObject([{ text: 'hush', sealed: true }])
})

test('pub says why nobody was there, and joins only where it may', async () => {
  const alone = await publish('hello', '--connect', '/ip4/127.0.0.1/tcp/9', '--wait', '0')
  expect(alone).toMatchObject({ code: 1, stdout: '' })
  expect(records(alone.stderr)[0]).toMatchObject({ error: { code: 'nobody-there' } })
  const outside = ['pub', 'other.acme.example', 'hello', '--as', 'w2.acme.example', ...listen]
  const refused = await bench.run(outside)
  expect(refused).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('ixj: no-authority:') as string,
  })
})

test('a second process of one name is refused, and a reader that may not publish', async () => {
  const reader = subscribe(...listen)
  const connect = ['--connect', await addressOf(reader, 'stderr')]
  const second = await bench.run(['sub', crew, '--as', 'w1.acme.example', ...connect])
  expect(second).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('ixj: in-use:') as string,
  })
  const mute = await bench.run(['pub', crew, 'hello', '--as', 'mute.acme.example', ...connect])
  expect(mute).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('ixj: no-authority:') as string,
  })
  expect((await reader.stop('SIGTERM')).code).toBe(0)
})

test('node run tells refusals with their code', async () => {
  const node = bench.start([
    'node',
    'run',
    '--name',
    'node1.acme.example',
    '--join',
    crew,
    '--json',
  ])
  const address = await addressOf(node, 'stdout')
  const stranger = ['--home', `${bench.folder}/stranger`]
  await bench.done(...stranger, 'key', 'new', 'stranger.example')
  await bench.done(...stranger, 'trust', 'anchor', 'add', 'stranger.example', '--own')
  const other = bench.start([
    ...stranger,
    'node',
    'run',
    '--name',
    'stranger.example',
    '--connect',
    address,
  ])
  const [refusal] = records(await node.line('stdout', '"refused"'))
  expect(refusal).toMatchObject({ event: 'refused', about: 'hello', code: 'no-anchor' })
  expect((await other.stop('SIGINT')).code).toBe(0)
  expect((await node.stop('SIGINT')).code).toBe(0)
})
