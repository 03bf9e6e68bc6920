import { mkdtempDisposable, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openProgramBench, records } from './program-bench.ts'
import { commandsOf } from './run-here.ts'

const DNSKEY = 'DNSKEY 257 3 15 epgigbmBgw71uDnNHVmsOTIbRrwotfeTfCl2BvLCUEg='
const DS = `DS 12345 15 2 ${'ab'.repeat(32)}`
let folder: Awaited<ReturnType<typeof mkdtempDisposable>>
let ixj: ReturnType<typeof commandsOf>

beforeAll(async () => {
  folder = await mkdtempDisposable(join(tmpdir(), 'ixj-trust-'))
  ixj = commandsOf(join(folder.path, 'home'))
})

afterAll(async () => {
  await folder[Symbol.asyncDispose]()
})

async function fileOf(name: string, text: string): Promise<string> {
  const path = join(folder.path, name)
  await writeFile(path, text)
  return path
}

test('trust anchor add --zone takes the zone that is named, and list shows it', async () => {
  const two = await fileOf(
    'two',
    `; keys of two zones\nacme.example. 3600 IN ${DNSKEY}\nglobex.example. ${DS}\n`,
  )
  await ixj.done('trust', 'anchor', 'add', 'acme.example', '--zone', two, '--own')
  await ixj.done('trust', 'anchor', 'add', 'globex.example', '--zone', two, '--purposes', 'send')
  await ixj.done('key', 'new', 'initech.example')
  await ixj.done('trust', 'anchor', 'add', 'initech.example')
  expect(records(await ixj.done('trust', 'anchor', 'list', '--json'))).toMatchObject([
    {
      name: 'acme.example',
      kind: 'zone',
      keys: [],
      records: [DNSKEY],
      purposes: ['connect', 'grant', 'send'],
    },
    { name: 'globex.example', kind: 'zone', records: [DS], purposes: ['send'] },
    { name: 'initech.example', kind: 'key', records: [] },
  ])
  const text = await ixj.done('trust', 'anchor', 'list')
  expect(text).toMatch(
    /^├─ acme\.example {2}by its zone in the DNS\n│ {2}key +DNSKEY \d+ \(Ed25519\)\n│ {2}purposes +connect, grant, send\n/,
  )
  expect(text).toMatch(
    /^├─ globex\.example .*\n│ {2}key +DS 12345 \(Ed25519\)\n│ +purposes +send\n/m,
  )
  expect(text).toMatch(/^└─ initech\.example {2}by its key\n +key +[\w-]{43}\n/m)
})

test('trust anchor add . trusts the root of the DNS, until it is removed', async () => {
  const home = commandsOf(join(folder.path, 'rooted'))
  await home.done('trust', 'anchor', 'add', '.')
  await home.done('trust', 'anchor', 'add', '.', '--purposes', 'send')
  const [root] = records(await home.done('trust', 'anchor', 'list', '--json'))
  expect(root).toMatchObject({ name: '.', kind: 'zone', keys: [], names: [], purposes: ['send'] })
  const table = await home.done('trust', 'anchor', 'list')
  expect(table).toMatch(
    /^└─ \. .*\n +key +DS 20326 \(RSA\), DS 38696 \(RSA\)\n +purposes +send\n +names +all others\n/,
  )
  const own = await fileOf('own-root', `. ${DNSKEY}\n`)
  const other = await home.refused('trust', 'anchor', 'add', '.', '--zone', own)
  expect(other).toMatchObject({ exit: 1, code: 'exists' })
  await home.done('trust', 'anchor', 'remove', '.')
  await home.done('trust', 'anchor', 'add', '.', '--zone', own)
  const [mine] = records(await home.done('trust', 'anchor', 'list', '--json'))
  expect(mine).toMatchObject({ records: [DNSKEY], purposes: ['connect', 'send'] })
  await home.done('trust', 'anchor', 'remove', '.')
  expect(await home.refused('trust', 'anchor', 'remove', '.')).toMatchObject({ code: 'absent' })
  for (const words of [['--own'], ['--names', 'a.example'], ['A'.repeat(43)]]) {
    const refused = await home.refused('trust', 'anchor', 'add', '.', ...words)
    expect(refused).toMatchObject({ exit: 2 })
  }
})

test('trust anchor add --zone may be said again, and never slips another key in', async () => {
  const one = await fileOf('one', `again.example. ${DNSKEY}\n`)
  const other = await fileOf('other', `again.example. ${DS}\n`)
  await ixj.done('trust', 'anchor', 'add', 'again.example', '--zone', one)
  await ixj.done('trust', 'anchor', 'add', 'again.example', '--zone', one, '--own')
  const refused = await ixj.refused('trust', 'anchor', 'add', 'again.example', '--zone', other)
  expect(refused).toMatchObject({ exit: 1, code: 'exists' })
  await ixj.done('key', 'new', 'again.example')
  expect(await ixj.refused('trust', 'anchor', 'add', 'again.example')).toMatchObject({
    exit: 1,
    code: 'exists',
  })
})

test.each([
  ['of other zones', `x.example. ${DNSKEY}\ny.example. ${DS}\n`, 'absent'],
  ['of nobody', '\n', 'absent'],
  ['with other records', 'new.example. 60 IN A 192.0.2.1\n', 'record'],
  ['with a key of no known algorithm', 'new.example. DNSKEY 257 3 16 AAAA\n', 'unsupported'],
  ['that is no zone file', '{ "no": "zone" }\n', 'record'],
])('a file %s is refused', async (what, text, code) => {
  const path = await fileOf(`refused-${what.length}`, text)
  const refused = await ixj.refused('trust', 'anchor', 'add', 'new.example', '--zone', path)
  expect(refused).toMatchObject({ exit: 1, code })
})

test('a zone and a key are not one anchor, and a file has to be there', async () => {
  const add = ['trust', 'anchor', 'add', 'new.example'] as const
  const key = 'epgigbmBgw71uDnNHVmsOTIbRrwotfeTfCl2BvLCUEg'
  expect(await ixj.refused(...add, key, '--zone', 'x')).toMatchObject({ exit: 2, code: 'usage' })
  const nowhere = join(folder.path, 'nowhere')
  expect(await ixj.refused(...add, '--zone', nowhere)).toMatchObject({ exit: 1, code: 'file' })
})

test('an exported anchor goes from home to home through a pipe', async () => {
  await using bench = await openProgramBench()
  const owner = commandsOf(join(bench.folder, 'owner'))
  await owner.done('zone', 'init', 'piped.example')
  const input = await owner.done('zone', 'export', 'piped.example', '--as', 'anchor')
  const added = await bench.run(
    ['trust', 'anchor', 'add', 'piped.example', '--zone', '-', '--json'],
    { input },
  )
  expect(added).toMatchObject({ code: 0, stderr: '' })
  expect(records(added.stdout)).toMatchObject([{ name: 'piped.example', kind: 'zone' }])
})
