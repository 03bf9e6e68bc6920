import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { commandsOf } from './run-here.ts'

let folder: string
let acme: ReturnType<typeof commandsOf>
let fed: ReturnType<typeof commandsOf>
let fedKey: string
let globexKey: string

/** A home with the key of an organisation that trusts itself; gives the key. */
async function found(ixj: ReturnType<typeof commandsOf>, name: string): Promise<string> {
  const { publicKey } = JSON.parse(await ixj.done('key', 'new', name, '--json')) as {
    readonly publicKey: string
  }
  await ixj.done('trust', 'anchor', 'add', name, '--own')
  return publicKey
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ixj-cross-'))
  acme = commandsOf(join(folder, 'acme'))
  fed = commandsOf(join(folder, 'fed'))
  await found(acme, 'acme.example')
  fedKey = await found(fed, 'fed.example')
  globexKey = await found(commandsOf(join(folder, 'globex')), 'globex.example')
})

afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

const as = ['--as', 'node1.acme.example']

test('trust cross tells in words what it lets in, and trust path and list show it', async () => {
  const flags = ['--by', 'acme.example', '--key', globexKey]
  const told = await acme.done('trust', 'cross', 'globex.example', ...flags)
  expect(told).toContain('acme.example lets globex.example in, until ')
  expect(told).toContain('globex.example speaks for **.globex.example, globex.example')
  expect(told).toContain('its nodes may connect; its names count as senders')
  expect(told).toContain('it lets nobody else in')
  expect(await acme.done('trust', 'path', 'scout.globex.example', ...as)).toBe(
    'scout.globex.example, seen from node1.acme.example\n└─ yes  acme.example → globex.example: connect, send\n',
  )
  const explained = await acme.done('explain', 'globex.example')
  expect(explained).toMatch(/^ACCEPTED {2}sign on any topic {2}by globex\.example/)
  expect(explained).toContain('globex.example is cross-certified by acme.example')
  const list = await acme.done('trust', 'list')
  expect(list).toMatch(/^anchors\n└─ acme\.example/)
  expect(list).toMatch(
    /cross-certificates\n└─ acme\.example lets globex\.example in\n {3}purposes +connect, send\n/,
  )
})

test('trust path shows ways through a federation, and why others do not count', async () => {
  const out = join(folder, 'globex.cross')
  const byAcme = ['--by', 'acme.example', '--key', fedKey, '--introduces-only']
  await acme.done('trust', 'cross', 'fed.example', ...byAcme, '--introduces', 'globex.example')
  const byFed = ['--by', 'fed.example', '--key', globexKey]
  await fed.done('trust', 'cross', 'globex.example', ...byFed, '--out', out)
  expect((await acme.run('trust', 'path', 'globex.example', ...as)).code).toBe(1)
  expect(await acme.done('trust', 'accept', out)).toContain('fed.example lets globex.example in')
  expect(await acme.done('trust', 'path', 'globex.example', ...as)).toContain(
    '└─ yes  acme.example → fed.example → globex.example: connect, send',
  )
  await acme.done('trust', 'cross', 'fed.example', ...byAcme, '--introduces', 'other.example')
  const { code, stdout } = await acme.run('trust', 'path', 'globex.example', ...as, '--json')
  expect(code).toBe(1)
  expect(JSON.parse(stdout)).toMatchObject({
    paths: [],
    refused: [
      {
        organisations: ['acme.example', 'fed.example', 'globex.example'],
        code: 'cross-limits',
        reason: 'fed.example may not introduce globex.example',
      },
    ],
  })
})

test('trust path says that an anchor alone decides, and that nothing leads to a stranger', async () => {
  expect(await acme.done('trust', 'path', 'crew.acme.example', ...as)).toContain(
    '└─ anchor acme.example, from your trust store: it alone decides',
  )
  const { code, stdout } = await acme.run('trust', 'path', 'initech.example', ...as)
  expect(code).toBe(1)
  expect(stdout).toContain('no cross-certificate leads there')
})

test('trust cross refuses a key that may not bind, and a subject in its own slice', async () => {
  await acme.done('key', 'new', 'w1.acme.example')
  await acme.done('bind', 'w1.acme.example', '--by', 'acme.example')
  const cross = ['trust', 'cross', 'globex.example', '--key', globexKey, '--by']
  expect(await acme.refused(...cross, 'w1.acme.example')).toMatchObject({ exit: 1, code: 'uses' })
  const own = ['trust', 'cross', 'w1.acme.example', '--key', globexKey, '--by', 'acme.example']
  expect(await acme.refused(...own)).toMatchObject({ exit: 1, code: 'form' })
  const both = ['acme.example', '--introduces-only', '--names', 'globex.example']
  expect(await acme.refused(...cross, ...both)).toMatchObject({ exit: 2, code: 'usage' })
})
