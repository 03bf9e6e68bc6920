import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createZone,
  formatZoneAnchors,
  keyOwner,
  openZoneServer,
  parseDnsName,
  TYPE,
  writeKeyRecord,
  writeTxt,
  type ZoneServer,
  type ZoneStore,
} from '@ixj/dns'
import { parseName } from '@ixj/names'
import { generateNodeKey } from '@ixj/node/home'
import { toBase64url } from '@ixj/trust'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from '../../../test/world/dns/free-port.ts'
import { records } from './program-bench.ts'
import { commandsOf } from './run-here.ts'

const zone = parseDnsName('acme.example')
const w1 = parseName('w1.acme.example')
const { publicKey } = generateNodeKey()
const opened = new AsyncDisposableStack()
let folder: string
let store: ZoneStore
let server: ZoneServer
let place: readonly string[]
let ixj: ReturnType<typeof commandsOf>

beforeAll(async () => {
  folder = opened.use(await mkdtempDisposable(join(tmpdir(), 'ixj-resolve-'))).path
  store = opened.use(
    await createZone({
      file: join(folder, 'zone', 'zone.sqlite'),
      zone,
      nameservers: [{ name: parseDnsName('ns1.acme.example'), addresses: ['127.0.0.1'] }],
      mailbox: parseDnsName('hostmaster.acme.example'),
    }),
  )
  server = opened.use(
    await openZoneServer({ zones: [store], listen: [{ address: '127.0.0.1', port: 0 }] }),
  )
  const none = { strict: false, notBefore: 0, encryptionKey: null, next: null, hosts: [] }
  const record = writeKeyRecord({ key: publicKey, uses: 'both', depth: 1, ...none })
  const set = { kind: 'set', type: TYPE.TXT, ttl: 60 } as const
  await store.apply([
    {
      ...set,
      name: keyOwner(w1),
      data: [record, writeTxt(Buffer.from('v=ixj1; p=no\u001B[2Jkey'))],
    },
  ])
  place = ['--server', `127.0.0.1:${server.addresses[0]!.port}`]
  await writeFile(join(folder, 'anchor'), formatZoneAnchors([store.anchor]))
  ixj = commandsOf(join(folder, 'home'))
})

afterAll(async () => {
  await opened.disposeAsync()
})

function anchored(): readonly string[] {
  return [...place, '--anchors', join(folder, 'anchor')]
}

test('resolve shows each step to people, the keys, and why others do not count', async () => {
  const { code, stdout } = await ixj.run('resolve', w1, ...anchored())
  expect(code).toBe(0)
  const lines = stdout.split('\n')
  expect(lines[0]).toBe(`SECURE  _ixjkey.${w1} TXT  (from your anchor acme.example, 60 s)`)
  expect(lines[1]).toMatch(/^ {2}✓ {2}acme\.example {2}DNSKEY of acme\.example, signed by key \d+$/)
  expect(lines[2]).toMatch(/^ {2}✓ {2}acme\.example {2}TXT of _ixjkey/)
  expect(stdout).toContain(`    key ${toBase64url(publicKey)} signs and binds, 1 link deep\n`)
  expect(stdout).toMatch(/ {4}not counted: record \d is void/)
  expect(stdout).toMatch(/^SECURE {2}_ixj\.w1\.acme\.example SVCB: no such name/m)
  // What others wrote does not move the cursor.
  expect(stdout).not.toContain('\u001B')
})

test('resolve --json gives one object for each question', async () => {
  const { stdout } = await ixj.run('resolve', w1, ...anchored(), '--json')
  expect(records(stdout)).toMatchObject([
    { name: `_ixjkey.${w1}`, type: 'TXT', state: 'secure', answer: 'positive', reason: null },
    { name: `_ixj.${w1}`, type: 'SVCB', state: 'secure', answer: 'nxdomain', records: [] },
    { name: `_dnsaddr.${w1}`, type: 'TXT', state: 'secure', answer: 'nxdomain' },
  ])
})

test('resolve --type asks for one type at the name itself', async () => {
  const { code, stdout } = await ixj.run(
    'resolve',
    'ns1.acme.example',
    '--type',
    'a',
    ...anchored(),
    '--json',
  )
  expect(code).toBe(0)
  expect(records(stdout)).toMatchObject([{ records: ['ns1.acme.example. 300 IN A 127.0.0.1'] }])
})

/** Nothing was seen signed from it. */
const stranger = () => commandsOf(join(folder, 'stranger'))

test.each([
  ['nobody.acme.example', () => anchored(), { state: 'secure', answer: 'nxdomain' }],
  [w1, () => [...place, '--root'], { state: 'unreachable' }],
  ['w1.globex.example', () => anchored(), { state: 'unreachable' }],
] as const)('resolve %s of which no key follows ends with 1', async (name, words, found) => {
  const { code, stdout } = await stranger().run('resolve', name, ...words(), '--json')
  expect(records(stdout)[0]).toMatchObject(found)
  expect(code).toBe(1)
})

test('a home that is quite new remembers what was signed, too', async () => {
  const home = join(folder, 'new')
  await commandsOf(home).done('resolve', w1, ...anchored())
  const zones = await readFile(join(home, 'trust', 'secure-names'), 'utf8')
  expect(JSON.parse(zones)).toMatchObject({ zones: ['acme.example'] })
})

test('resolve takes the home’s own anchors and servers, and remembers what was signed', async () => {
  const home = commandsOf(join(folder, 'other'))
  const port = await freePort()
  await home.done('zone', 'init', 'globex.example', '--listen', `127.0.0.1:${port}`)
  const silent = await home.run('resolve', 'w1.globex.example', '--json')
  expect(records(silent.stdout)[0]).toMatchObject({ state: 'unreachable' })

  await home.done('trust', 'anchor', 'add', zone, '--zone', join(folder, 'anchor'))
  const signed = await home.run('resolve', w1, ...place, '--json')
  expect(records(signed.stdout)[0]).toMatchObject({ state: 'secure' })
  await home.done('trust', 'anchor', 'remove', zone)
  const stripped = await home.run('resolve', w1, ...place, '--json')
  expect(records(stripped.stdout)[0]).toMatchObject({ state: 'bogus', reason: 'downgrade' })
  expect(await home.done('trust', 'forget', zone)).toContain('forgotten: acme.example')
  const forgotten = await home.run('resolve', w1, ...place, '--json')
  expect(records(forgotten.stdout)[0]).toMatchObject({ state: 'insecure' })
  expect(await home.refused('trust', 'forget', zone)).toMatchObject({ exit: 1, code: 'absent' })
})

test('resolve gives no key of what no anchor covers', async () => {
  const { code, stdout } = await commandsOf(join(folder, 'unanchored')).run('resolve', w1, ...place)
  expect(code).toBe(1)
  expect(stdout).toContain('INSECURE')
  expect(stdout).not.toContain('    key ')
})

test.each([
  [['_ixjkey.w1.acme.example'], 'name'],
  [['w1.acme.example', '--type', 'FLY'], 'usage'],
  [['w1.acme.example', '--server', 'here'], 'usage'],
  [['w1.acme.example', '--transport', 'tls'], 'usage'],
  [['w1.acme.example', '--transport', 'pigeon'], 'usage'],
])('resolve %j is a wrong command line', async (words, code) => {
  expect(await ixj.refused('resolve', ...words)).toMatchObject({ exit: 2, code })
})
