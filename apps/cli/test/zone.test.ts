import { mkdtempDisposable, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseDnsName, parseZone, parseZoneAnchors, readTsigKey, TYPE } from '@ixj/dns'
import { parseName } from '@ixj/names'
import { openHome } from '@ixj/node/home'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startBind } from '../../../test/world/dns/bind.ts'
import { freePort } from '../../../test/world/dns/free-port.ts'
import { startKnot } from '../../../test/world/dns/knot.ts'
import { realTools } from '../../../test/world/dns/real-tools.ts'
import { secretText } from '../../../test/world/dns/tsig-secret.ts'
import { zoneText } from '../../../test/world/dns/zone-text.ts'
import { Output } from '../src/output.ts'
import { openBackend, zoneSettings } from '../src/zones/managed-zone.ts'
import { records } from './program-bench.ts'
import { commandsOf } from './run-here.ts'

let folder: Awaited<ReturnType<typeof mkdtempDisposable>>
let home: string
let ixj: ReturnType<typeof commandsOf>

beforeEach(async () => {
  folder = await mkdtempDisposable(join(tmpdir(), 'ixj-zone-'))
  home = join(folder.path, 'home')
  ixj = commandsOf(home)
})

afterEach(async () => {
  await folder[Symbol.asyncDispose]()
})

function inZone(...path: readonly string[]): string {
  return join(home, 'zones', 'acme.example', ...path)
}

describe('zone init', () => {
  test('makes a zone with its key, trusts it, and has this home ask its server', async () => {
    const [made] = records(await ixj.done('zone', 'init', 'acme.example', '--json'))
    expect(made).toEqual({
      zone: 'acme.example',
      backend: 'embedded',
      server: { address: '127.0.0.1', port: 5300 },
      file: null,
      trust: 'own',
      updateKey: inZone('update.key'),
    })
    expect(await readdir(inZone())).toEqual(['update.key', 'zone.json', 'zone.sqlite'])
    for (const file of ['update.key', 'zone.json', 'zone.sqlite']) {
      expect((await stat(inZone(file))).mode & 0o777, file).toBe(0o600)
    }
    const opened = await openHome(home)
    const anchor = (await opened.readAnchors()).list[0]
    expect(anchor).toMatchObject({
      name: 'acme.example',
      kind: 'zone',
      purposes: ['connect', 'grant', 'send'],
      records: [expect.stringMatching(/^DNSKEY 257 3 15 /)],
    })
    const { upstreams } = await opened.readDnsSettings()
    expect(upstreams).toMatchObject([
      { suffix: 'acme.example', transport: 'udp', address: '127.0.0.1', port: 5300 },
    ])
    const { name } = await readTsigKey(inZone('update.key'))
    expect(name).toBe('update.acme.example')
  })

  test('takes the name servers, mailbox and place that it is told', async () => {
    const words = ['--listen', '0.0.0.0:53', '--mailbox', 'dns@acme.example']
    const servers = ['--ns', 'ns1.acme.example=192.0.2.1,2001:db8::1', '--ns', 'ns.globex.example']
    await ixj.done('zone', 'init', 'acme.example', ...words, ...servers)
    const [listed] = records(await ixj.done('zone', 'list', '--json'))
    expect(listed).toMatchObject({ server: { address: '0.0.0.0', port: 53 } })
    // Nobody can be asked at "all addresses".
    const { upstreams } = await (await openHome(home)).readDnsSettings()
    expect(upstreams).toMatchObject([{ address: '127.0.0.1', port: 53 }])
  })

  test('never takes the place of a zone, or of an anchor; says what to do', async () => {
    await ixj.done('zone', 'init', 'acme.example')
    const before = await readFile(inZone('update.key'), 'utf8')
    const again = await ixj.refused('zone', 'init', 'acme.example', '--no-anchor')
    expect(again).toMatchObject({ exit: 1, code: 'exists' })
    expect(await readFile(inZone('update.key'), 'utf8')).toBe(before)

    await ixj.done('key', 'new', 'globex.example')
    await ixj.done('trust', 'anchor', 'add', 'globex.example')
    const other = await ixj.refused('zone', 'init', 'globex.example')
    expect(other).toMatchObject({ exit: 1, code: 'exists' })
    expect(other.message).toContain('ixj trust anchor remove globex.example')
    expect(await readdir(join(home, 'zones'))).toEqual(['acme.example'])
    const [kept] = records(
      await ixj.done('zone', 'init', 'globex.example', '--no-anchor', '--json'),
    )
    expect(kept).toMatchObject({ trust: 'none' })
  })

  test('trusts a zone below a trusted one through that', async () => {
    await ixj.done('zone', 'init', 'acme.example')
    const [made] = records(await ixj.done('zone', 'init', 'team.acme.example', '--json'))
    expect(made).toMatchObject({ trust: 'above' })
    expect((await (await openHome(home)).readAnchors()).size).toBe(1)
  })

  test.each([
    [['--listen', '127.0.0.1'], 'usage'],
    [['--listen', '127.0.0.1:0'], 'usage'],
    [['--listen', 'localhost:53'], 'usage'],
    [['--listen', '0.0.0.0:53'], 'usage'],
    [['--ns', 'ns1.acme.example'], 'usage'],
    [['--ns', 'ns1.acme.example=here'], 'usage'],
    [['--ns', 'ns1.globex.example=192.0.2.1'], 'usage'],
    [['--ns', 'not a name=192.0.2.1'], 'character'],
    [['--mailbox', 'first.last@acme.example'], 'usage'],
    [['--server', '192.0.2.1:53'], 'usage'],
    [['--file', 'zone.txt'], 'usage'],
    [['--backend', 'rfc2136'], 'usage'],
    [['--backend', 'rfc2136', '--server', '192.0.2.1:53'], 'usage'],
    [['--backend', 'rfc2136', '--listen', '127.0.0.1:53'], 'usage'],
    [['--backend', 'file', '--key', 'tools.key'], 'usage'],
    [['--backend', 'file', '--file', '/nowhere/zone.txt'], 'usage'],
    [['--backend', 'fly'], 'usage'],
  ])('%j is a wrong command line, and leaves nothing behind', async (words, code) => {
    const refused = await ixj.refused('zone', 'init', 'acme.example', ...words)
    expect(refused).toMatchObject({ exit: 2, code })
    const left = await readdir(join(home, 'zones')).catch(() => [])
    expect(left).toEqual([])
  })
})

describe('zone export', () => {
  test('gives the key of a zone in every form, without its server', async () => {
    await ixj.done('zone', 'init', 'acme.example')
    const [anchor] = parseZoneAnchors(
      await ixj.done('zone', 'export', 'acme.example', '--as', 'anchor'),
    )
    expect(anchor).toMatchObject({ zone: 'acme.example', records: [{ type: TYPE.DNSKEY }] })
    const [ds] = parseZoneAnchors(await ixj.done('zone', 'export', 'acme.example', '--as', 'ds'))
    expect(ds).toMatchObject({ zone: 'acme.example', records: [{ type: TYPE.DS }] })
    const delv = await ixj.done('zone', 'export', 'acme.example', '--as', 'delv')
    expect(delv).toMatch(/^trust-anchors \{\n {2}"acme\.example\." static-key 257 3 15 "/)
  })

  test('says which zones there are not', async () => {
    const refused = await ixj.refused('zone', 'export', 'acme.example')
    expect(refused).toMatchObject({ exit: 1, code: 'absent' })
    expect(refused.message).toContain('ixj zone init acme.example')
    expect(await ixj.refused('zone', 'serve')).toMatchObject({ exit: 1, code: 'absent' })
    expect(await ixj.refused('agent', 'add', 'w1.acme.example')).toMatchObject({ code: 'absent' })
  })
})

describe('a zone in a file', () => {
  const init = ['zone', 'init', 'acme.example', '--backend', 'file']

  test('is printed with the names that are published, and has no server', async () => {
    await ixj.done(...init, '--ns', 'ns1.provider.example')
    const { stderr } = await ixj.run('agent', 'add', 'w1.acme.example', '--mirror')
    expect(stderr).toContain('ixj zone serve acme.example')
    const text = await ixj.done('zone', 'export', 'acme.example')
    const zone = parseZone(text, { origin: parseDnsName('acme.example') })
    expect(zone.map(({ name, type }) => [name, type])).toEqual([
      ['acme.example', TYPE.SOA],
      ['acme.example', TYPE.NS],
      ['_ixj.w1.acme.example', TYPE.TLSA],
      ['_ixjkey.w1.acme.example', TYPE.TXT],
    ])
    await ixj.done('agent', 'remove', 'w1.acme.example')
    expect(await ixj.done('zone', 'export', 'acme.example')).not.toContain('_ixjkey')
    expect(await ixj.refused('zone', 'export', 'acme.example', '--as', 'anchor')).toMatchObject({
      code: 'absent',
    })
  })

  test('is the file of its owner, who may change it by hand', async () => {
    const file = join(folder.path, 'acme.zone')
    await writeFile(file, zoneText('acme.example'))
    await ixj.done(...init, '--file', file)
    await ixj.done('agent', 'add', 'w1.acme.example')
    const text = await readFile(file, 'utf8')
    expect(text).toContain('_ixjkey.w1')
    await writeFile(file, `${text}by-hand 300 IN A 192.0.2.9\n`)
    await ixj.done('agent', 'add', 'w2.acme.example')
    const shown = records(await ixj.done('zone', 'show', 'acme.example', '--json'))
    expect(shown).toContainEqual(
      expect.objectContaining({ kind: 'record', name: 'by-hand.acme.example', by: '' }),
    )
    expect(shown).toContainEqual(
      expect.objectContaining({
        kind: 'record',
        name: '_ixjkey.w2.acme.example',
        by: 'w2.acme.example',
      }),
    )
  })
})

test('changes of a file by several tools at once are all kept', async () => {
  await ixj.done('zone', 'init', 'acme.example', '--backend', 'file', '--ns', 'ns.provider.example')
  const opened = await openHome(home)
  const settings = await zoneSettings(opened, parseName('acme.example'))
  const output = new Output({ json: true })
  const names = ['w1', 'w2', 'w3', 'w4', 'w5', 'w6', 'w7', 'w8'].map((label) =>
    parseDnsName(`${label}.acme.example`),
  )
  await Promise.all(
    names.map(async (name) => {
      // Each as a process of its own would: it knows nothing of the others.
      const backend = await openBackend(opened, settings, { output })
      const data = [Uint8Array.of(192, 0, 2, 1)]
      await backend.apply([{ kind: 'set', name, type: TYPE.A, ttl: 60, data }])
    }),
  )
  const text = await ixj.done('zone', 'export', 'acme.example')
  const zone = parseZone(text, { origin: parseDnsName('acme.example') })
  expect(zone.filter(({ type }) => type === TYPE.A).map(({ name }) => name)).toEqual(names)
})

describe.runIf(realTools('zones on BIND and Knot by ixj zone', 'named', 'knotd'))(
  'a zone on a server that takes updates',
  () => {
    test.each([
      ['BIND', startBind],
      ['Knot', startKnot],
    ] as const)('of %s is taken, changed and listed', async (_, start) => {
      await using server = await start({
        zones: [{ name: 'acme.example', text: zoneText('acme.example') }],
      })
      const { key, port } = server
      const keyFile = join(folder.path, 'tools.key')
      const text = `key "${key.name}" { algorithm ${key.algorithm}; secret "${secretText(key)}"; };`
      await writeFile(keyFile, text, { mode: 0o600 })
      const place = ['--server', `127.0.0.1:${port}`, '--key', keyFile]
      await ixj.done('zone', 'init', 'acme.example', '--backend', 'rfc2136', ...place)
      await ixj.done('agent', 'add', 'w1.acme.example', '--lease', 'never')
      const [found] = records(await ixj.done('resolve', 'w1.acme.example', '--json'))
      expect(found).toMatchObject({ state: 'secure', answer: 'positive' })
      const listed = records(await ixj.done('agent', 'list', '--json'))
      const own = { name: 'w1.acme.example', state: 'published', inZone: 'same' }
      expect(listed).toContainEqual(expect.objectContaining(own))
      // Somebody put it there by other ways; it is shown, and not touched.
      const other = { name: 'planner.acme.example', state: 'not-ours' }
      expect(listed).toContainEqual(expect.objectContaining(other))
      expect(await ixj.refused('agent', 'remove', 'planner.acme.example')).toMatchObject({
        code: 'absent',
      })
      // Another home that trusts the zone already goes on as before.
      const anchor = join(folder.path, 'anchor')
      await writeFile(anchor, await ixj.done('zone', 'export', 'acme.example', '--as', 'anchor'))
      const friend = commandsOf(join(folder.path, 'other'))
      await friend.done('trust', 'anchor', 'add', 'acme.example', '--zone', anchor)
      const init = ['zone', 'init', 'acme.example', '--backend', 'rfc2136', ...place, '--json']
      expect(records(await friend.done(...init))).toMatchObject([{ trust: 'before' }])
      await ixj.done('agent', 'remove', 'w1.acme.example')
      expect((await ixj.run('resolve', 'w1.acme.example')).code).toBe(1)
    })
  },
)

test('a server that nobody reaches, or that does not know the key, leaves no zone behind', async () => {
  const keyFile = join(folder.path, 'tools.key')
  const secret = Buffer.alloc(32, 7).toString('base64')
  await writeFile(keyFile, `key "k" { algorithm hmac-sha256; secret "${secret}"; };`, {
    mode: 0o600,
  })
  const place = ['--server', `127.0.0.1:${await freePort()}`, '--key', keyFile]
  const refused = await ixj.refused(
    'zone',
    'init',
    'acme.example',
    '--backend',
    'rfc2136',
    ...place,
  )
  expect(refused).toMatchObject({ exit: 1, code: 'unreachable' })
  expect(await readdir(home)).toEqual([])
})
