import { join } from 'node:path'
import { issueTo } from '@ixj/agent'
import { parseName } from '@ixj/names'
import { nodeRandom, nodeSha256, openHome, systemClock } from '@ixj/node/home'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { approvalsOf } from '../../../test/world/made-approval.ts'
import {
  openProgramBench,
  type ProgramBench,
  records,
  type RunningProgram,
} from './program-bench.ts'

const crew = 'crew.acme.example'
const ann = 'ann.acme.example'
let bench: ProgramBench
/** A member of the crew that all publish to. */
let reader: RunningProgram
let connect: readonly string[]

function addressIn(line: string): string {
  return line.replace('listening  ', '')
}

beforeAll(async () => {
  bench = await openProgramBench()
  await bench.organisation({ 'w1.acme.example': [`subscribe ${crew}`], [ann]: [] })
  const home = await openHome(join(bench.folder, '.ixj'))
  const acme = parseName('acme.example')
  const planner = parseName('planner.acme.example')
  const { publicKey } = await home.createKey(planner)
  const statements = await issueTo(
    { name: acme, signer: await home.readSigner(acme), statements: [] },
    { name: planner, key: publicKey },
    {
      lifetimeSeconds: 3_600,
      grants: [
        { actions: ['subscribe'], topics: [crew] },
        { actions: ['publish'], topics: [crew], conditions: [approvalsOf(1, ann)] },
        { actions: ['request'], topics: [ann] },
      ],
    },
    { clock: systemClock, random: nodeRandom, hash: nodeSha256 },
  )
  await home.writeStatements(planner, statements)
  const listen = ['--listen', '/ip4/127.0.0.1/tcp/0']
  reader = bench.start(['sub', crew, '--as', 'w1.acme.example', ...listen, '--explain'])
  connect = ['--connect', addressIn(await reader.line('stderr', 'listening  /ip4'))]
}, 60_000)

afterAll(async () => {
  await bench[Symbol.asyncDispose]()
})

test('approve answers by itself for those whom --yes-to names, once with --once', async () => {
  const listen = ['--listen', '/ip4/127.0.0.1/tcp/0']
  const flags = ['--yes-to', '*.acme.example', '--once', '--json']
  const guard = bench.start(['approve', '--as', ann, ...listen, ...flags])
  const [waiting] = records(await guard.line('stderr', '"waiting"'))
  const [door = ''] = (waiting?.['addresses'] ?? []) as readonly string[]
  const words = [...connect, '--connect', door]
  const sent = await bench.run(['pub', crew, 'go', '--as', 'planner.acme.example', ...words])
  expect(sent.code).toBe(0)
  const { code, stdout } = await guard.end()
  expect(code).toBe(0)
  expect(records(stdout)).toMatchObject([
    { event: 'asked', sender: 'planner.acme.example', topic: crew, action: 'publish', text: 'go' },
    { event: 'approved', sender: 'planner.acme.example' },
  ])
}, 60_000)

test('approve shows a person what is asked, and y lets one message pass, n none', async () => {
  const person = bench.start(['approve', '--as', ann, '--listen', '/ip4/127.0.0.1/tcp/0'])
  const door = addressIn(await person.line('stderr', 'listening  /ip4'))
  const publish = (text: string, ...words: readonly string[]) =>
    bench.run([
      'pub',
      crew,
      text,
      '--as',
      'planner.acme.example',
      ...connect,
      '--connect',
      door,
      ...words,
    ])
  const sent = publish('open the valve')
  await person.line('stdout', 'open the valve')
  person.child.stdin.write('y\n')
  expect((await sent).code).toBe(0)
  expect(await reader.line('stdout', 'approved by')).toContain(ann)
  const again = publish('burst it', '--json')
  await person.line('stdout', 'burst it')
  person.child.stdin.write('n\n')
  const refused = await again
  expect(refused).toMatchObject({ code: 1, stdout: '' })
  expect(records(refused.stderr)).toMatchObject([
    { event: 'asking', topic: crew, count: 1, names: [ann] },
    {
      error: {
        code: 'unapproved',
        message: expect.stringContaining(`missing: ${ann} (declined`) as string,
      },
    },
  ])
  const { stdout } = await person.stop('SIGINT')
  expect(stdout).toContain(
    [
      `planner.acme.example wants to publish on ${crew}, on behalf of acme.example`,
      '  to       all who receive it',
      `  needs    1 of ${ann}`,
      '  message  open the valve',
    ].join('\n'),
  )
  expect(stdout).toContain(`approved   publish on ${crew} by planner.acme.example`)
  expect(stdout).toContain(`refused    publish on ${crew} by planner.acme.example`)
  expect((await reader.stop('SIGINT')).stdout).not.toContain('burst it')
}, 60_000)
