import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import {
  openProgramBench,
  type ProgramBench,
  records,
  type RunningProgram,
} from './program-bench.ts'

const crew = 'crew.acme.example'
const node = 'node1.acme.example'
const asker = 'asker.acme.example'
let bench: ProgramBench

// Each test starts some processes, of which each loads libp2p.
vi.setConfig({ testTimeout: 90_000 })

beforeAll(async () => {
  bench = await openProgramBench()
  await bench.organisation({
    [node]: [],
    [asker]: [`request,subscribe ${crew}`, `request *.pool.${node}`],
  })
})

afterAll(async () => {
  await bench[Symbol.asyncDispose]()
})

/** Starts a command of the organisation's owner on its node; how others connect to it. */
async function start(
  ...words: readonly string[]
): Promise<readonly [RunningProgram, readonly string[]]> {
  const where = ['--as', 'acme.example', '--node', node, '--listen', '/ip4/127.0.0.1/tcp/0']
  const program = bench.start(['agent', ...words, ...where, '--json'])
  const [record] = records(await program.line('stderr', '"addresses"'))
  const addresses = record?.['addresses'] as readonly string[]
  return [program, ['--connect', addresses[0] ?? '']]
}

test('agent spawn has short-lived agents answer in a group, each by the command', async () => {
  const wishes = ['--grant', `subscribe,answer ${crew}`, '--join', crew, '--exec', 'echo yes']
  const [program, connect] = await start('spawn', '3', '--lifetime', '10m', ...wishes)
  const asking = ['fanout', crew, 'who is there?', '--as', asker, ...connect]
  const run = await bench.run([...asking, '--members', '3', '--json'])
  expect(run).toMatchObject({ code: 0 })
  expect(records(run.stdout).at(-1)).toMatchObject({ event: 'done', missing: [] })
  const names = ['w1.acme.example', 'w2.acme.example', 'w3.acme.example']
  expect(new Set(records(run.stdout).at(-1)?.['expected'] as string[])).toEqual(new Set(names))
  const { code, stdout } = await program.stop('SIGTERM')
  expect(code).toBe(0)
  const born = records(stdout).filter(({ event }) => event === 'born')
  expect(born.map(({ name }) => name)).toEqual(names)
})

test('agent pool opens agents of one key that are asked by name', async () => {
  const [program, connect] = await start('pool', '5', '--exec', 'printf "to %s" "$IXJ_TOPIC"')
  const [born] = records(await program.line('stdout', '"born"'))
  const name = String(born?.['name'])
  expect(name.split('.').slice(1).join('.')).toBe(`pool.${node}`)
  const asked = await bench.run(['request', name, 'who?', '--as', asker, ...connect])
  expect(asked).toEqual({ code: 0, stdout: `to ${name}\n`, stderr: '' })
  const { code, stdout } = await program.stop('SIGTERM')
  expect(code).toBe(0)
  expect(records(stdout).filter(({ event }) => event === 'born')).toHaveLength(5)
})

test('agent spawn is refused to a name that may not bind', async () => {
  const words = ['agent', 'spawn', '1', '--as', asker, '--listen', '/ip4/127.0.0.1/tcp/0']
  const refused = await bench.run([...words, '--json'])
  expect(refused).toMatchObject({ code: 1, stdout: '' })
  expect(records(refused.stderr).at(-1)).toMatchObject({ error: { code: 'uses' } })
})
