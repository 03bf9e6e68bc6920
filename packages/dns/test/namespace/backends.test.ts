import { mkdtempDisposable, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseName } from '@ixj/names'
import {
  openFileBackend,
  openLeaseFile,
  openNamespace,
  openRfc2136Backend,
  parseDnsName,
  type Publication,
  type TsigKey,
  type ZoneBackend,
} from '@ixj/dns'
import { describe, expect, test } from 'vitest'
import { startBind } from '../../../../test/world/dns/bind.ts'
import { startKnot } from '../../../../test/world/dns/knot.ts'
import { realTools } from '../../../../test/world/dns/real-tools.ts'
import { zoneText } from '../../../../test/world/dns/zone-text.ts'
import { makeZone, serveZones, TEST_KEY } from '../server/made-zone.ts'
import { coded, heard, keyRecord, KEYS, manualClock } from './scene.ts'

const zone = parseDnsName('agents.test')
const text = zoneText(zone)
const name = parseName('w1.agents.test')
const node = parseName('node1.agents.test')
const publication: Publication = {
  keys: [keyRecord({ hosts: [node] })],
  endpoints: [{ priority: 1, target: node, port: 4_001, hints: ['127.0.0.1'] }],
  addresses: ['/dns4/node1.agents.test/tcp/4001'],
  mirrorKeys: true,
  agentAlias: true,
  leaseSeconds: 3_600,
}

interface Server extends AsyncDisposable {
  readonly port: number
  readonly key: TsigKey
}

interface Opened extends AsyncDisposable {
  readonly backend: ZoneBackend
}

function overUpdates(server: Server): Opened {
  const { port, key } = server
  return {
    backend: openRfc2136Backend({ zone, server: { address: '127.0.0.1', port }, key }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

async function openFile(): Promise<Opened> {
  const folder = await mkdtempDisposable(join(tmpdir(), 'ixj-file-'))
  const file = join(folder.path, 'agents.zone')
  await writeFile(file, text)
  const backend = await openFileBackend({ zone, file })
  return { backend, [Symbol.asyncDispose]: () => folder.remove() }
}

async function openEmbedded(): Promise<Opened> {
  const made = await makeZone(zone)
  const server = await serveZones([made.store])
  return overUpdates({
    port: server.port,
    key: TEST_KEY,
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]()
      await made[Symbol.asyncDispose]()
    },
  })
}

const bind = realTools('the life of a name on BIND', 'named')
const knot = realTools('the life of a name on Knot', 'knotd')
const zones = [{ name: zone, text }]

describe.each<[string, boolean, () => Promise<Opened>]>([
  ['a file', true, openFile],
  ['the embedded server, from afar,', true, openEmbedded],
  ['BIND', bind, async () => overUpdates(await startBind({ zones }))],
  ['Knot', knot, async () => overUpdates(await startKnot({ zones }))],
])('a namespace on %s', (_, runs, open) => {
  test.runIf(runs)('publishes, moves, rotates, suspends and removes a name', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'ixj-names-'))
    await using opened = await open()
    await using leases = openLeaseFile(join(folder.path, 'leases.db'))
    await using others = openLeaseFile(join(folder.path, 'others.db'))
    const { backend } = opened
    const clock = manualClock()
    await using namespace = await openNamespace({ backend, leases, clock, signatureSeconds: 60 })
    await using second = await openNamespace({ backend, leases: others, clock })
    const { all } = heard(namespace.events())
    const start = (await backend.list()).length

    await namespace.publish(name, publication)
    const listed = (await namespace.list()).names.find((each) => each.name === name)
    expect(listed).toMatchObject({ state: 'published', zone: 'same' })
    expect(await backend.list()).toHaveLength(start + 5)
    const taken = second.publish(name, { keys: [keyRecord({ key: KEYS[1]! })] })
    await expect(taken).rejects.toThrow(coded('zone'))
    await namespace.renew(name, { places: { endpoints: publication.endpoints! } })
    expect(await backend.list()).toHaveLength(start + 4)
    await namespace.rotate(name, { nextKey: KEYS[1]! })
    expect(await backend.list()).toHaveLength(start + 6)
    await namespace.suspend(name)
    expect(await backend.list()).toHaveLength(start)
    await namespace.resume(name)
    await namespace.remove(name)
    expect(await backend.list()).toHaveLength(start)
    expect(all.map(({ kind }) => kind)).toEqual([
      'published',
      'renewed',
      'rotating',
      'suspended',
      'resumed',
      'removed',
    ])
  })
})
