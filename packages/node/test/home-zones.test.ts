import { chmod, mkdir, mkdtempDisposable, readdir, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ROOT } from '@ixj/dns'
import { parseName } from '@ixj/names'
import {
  createZoneFolder,
  DNS_SETTINGS_DEFAULT,
  type Home,
  openHome,
  readZoneSettings,
  upstreamsOf,
  zoneFor,
  zoneNames,
  zonePaths,
  type ZoneSettings,
} from '@ixj/node/home'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const acme = parseName('acme.example')
const team = parseName('team.acme.example')
const served: ZoneSettings = {
  zone: acme,
  backend: 'embedded',
  server: { address: '127.0.0.1', port: 5300 },
  file: null,
  records: ['DNSKEY 257 3 15 AAAA'],
}
let folder: Awaited<ReturnType<typeof mkdtempDisposable>>
let home: Home

beforeEach(async () => {
  folder = await mkdtempDisposable(join(tmpdir(), 'ixj-zones-'))
  home = await openHome(join(folder.path, 'home'))
})

afterEach(async () => {
  await folder[Symbol.asyncDispose]()
})

async function make(settings: ZoneSettings): Promise<void> {
  await createZoneFolder(home, settings.zone, async () => settings)
}

describe('zones of a home', () => {
  test('are kept in folders of their own, and found by the names in them', async () => {
    await make(served)
    const inFile: ZoneSettings = {
      zone: team,
      backend: 'file',
      server: null,
      file: '/zones/team',
      records: [],
    }
    await make(inFile)
    expect(await readZoneSettings(home, acme)).toEqual(served)
    expect(await readZoneSettings(home, team)).toEqual(inFile)
    expect((await stat(zonePaths(home, acme).folder)).mode & 0o777).toBe(0o700)
    expect(await zoneNames(home)).toEqual([acme, team])
    expect(await zoneFor(home, parseName('w1.acme.example'))).toBe(acme)
    expect(await zoneFor(home, team)).toBe(team)
    expect(await zoneFor(home, parseName('w1.team.acme.example'))).toBe(team)
    expect(await zoneFor(home, parseName('notacme.example'))).toBeUndefined()
    expect(await readZoneSettings(home, parseName('globex.example'))).toBeUndefined()
  })

  test('leave nothing behind when making one fails, and are never made twice', async () => {
    const failing = createZoneFolder(home, acme, async ({ store }) => {
      await writeFile(store, 'half')
      throw new Error('no room')
    })
    await expect(failing).rejects.toThrow('no room')
    expect(await readdir(join(home.folder, 'zones'))).toEqual([])
    await make(served)
    await expect(make(served)).rejects.toMatchObject({ code: 'exists' })
    expect(await readZoneSettings(home, acme)).toEqual(served)
  })

  test('that were not finished are none', async () => {
    await mkdir(zonePaths(home, acme).folder, { recursive: true })
    expect(await zoneNames(home)).toEqual([])
  })

  test.each([
    ['another zone', { ...served, zone: team }],
    ['no zone', { ...served, zone: 'Acme.example' }],
    ['a back-end that is none', { ...served, backend: 'fly' }],
    ['a server without a port', { ...served, server: { address: '127.0.0.1', port: 0 } }],
    ['a server without an address', { ...served, server: { address: 'here', port: 53 } }],
    ['no server', { ...served, server: null }],
    ['a server and a file', { ...served, file: '/zones/acme' }],
    ['a member that is not known', { ...served, more: 1 }],
    ['too many records', { ...served, records: Array(5).fill('DNSKEY 257 3 15 AAAA') }],
  ])('whose settings have %s are refused', async (_, settings) => {
    await make(served)
    const text = JSON.stringify({ version: 1, ...settings })
    await writeFile(zonePaths(home, acme).settings, text)
    await expect(readZoneSettings(home, acme)).rejects.toMatchObject({
      code: expect.stringMatching(/^(malformed|too-large)$/) as string,
    })
  })

  test('whose settings others may change are refused', async () => {
    await make(served)
    await chmod(zonePaths(home, acme).settings, 0o666)
    await expect(readZoneSettings(home, acme)).rejects.toMatchObject({ code: 'unsafe-mode' })
  })
})

describe('whom a home asks', () => {
  const own = {
    suffix: 'acme.example',
    transport: 'udp',
    address: '127.0.0.1',
    port: 5300,
  } as never

  test('changes at the same time are all kept', async () => {
    const ports = Array.from({ length: 8 }, (_, index) => 5_300 + index)
    await Promise.all(
      ports.map((port) =>
        home.updateDnsSettings((settings) => ({
          ...settings,
          upstreams: [...settings.upstreams, { ...(own as object), port } as never],
        })),
      ),
    )
    const { upstreams } = await home.readDnsSettings()
    expect(new Set(upstreams.map(({ port }) => port))).toEqual(new Set(ports))
  })

  test('is the system’s name servers for every name that nobody was named for', () => {
    const suffixes = upstreamsOf({ ...DNS_SETTINGS_DEFAULT, upstreams: [own] }).map(
      ({ suffix }) => suffix,
    )
    expect(suffixes[0]).toBe('acme.example')
    expect(suffixes.slice(1)).toContain(ROOT)
    const all = { suffix: ROOT, transport: 'udp', address: '127.0.0.1', port: 53 } as const
    expect(upstreamsOf({ ...DNS_SETTINGS_DEFAULT, upstreams: [own, all] })).toEqual([own, all])
  })
})
