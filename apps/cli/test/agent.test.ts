import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openRfc2136Backend, parseDnsName, parseZoneAnchors, TYPE } from '@ixj/dns'
import { parseName } from '@ixj/names'
import { openHome } from '@ixj/node/home'
import { toBase64url } from '@ixj/trust'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../../../test/world/dns/free-port.ts'
import { delv, runProgram } from '../../../test/world/dns/programs.ts'
import { realTools } from '../../../test/world/dns/real-tools.ts'
import { newTsigKey, secretText } from '../../../test/world/dns/tsig-secret.ts'
import {
  openProgramBench,
  type ProgramBench,
  records,
  type RunningProgram,
} from './program-bench.ts'
import { commandsOf } from './run-here.ts'
import { eventOf, serveHome, type ServedHome } from './zone-bench.ts'

let bench: ProgramBench
let acme: ServedHome
let team: ServedHome
/** Keeps the leases of a zone in a file. */
let keeper: RunningProgram
/** A command that nobody serves: it waits for a while, so it runs beside the tests. */
let alone: RunningProgram

beforeAll(async () => {
  bench = await openProgramBench()
  const home = join(bench.folder, 'alone')
  const port = await freePort()
  await commandsOf(home).done('zone', 'init', 'alone.example', '--listen', `127.0.0.1:${port}`)
  alone = bench.start(['--home', home, 'agent', 'list', '--json'])
  const kept = commandsOf(join(bench.folder, 'kept'))
  const init = ['zone', 'init', 'kept.example', '--backend', 'file', '--ns', 'ns.provider.example']
  await kept.done(...init)
  await kept.done('agent', 'add', 'brief.kept.example', '--lease', '10s')
  keeper = bench.start(['--home', join(bench.folder, 'kept'), 'zone', 'serve', '--json'])
  acme = await serveHome(bench, 'acme.example')
  team = await serveHome(bench, 'team.acme.example')
  // The shortest lease that there is; its end is looked for by the last test.
  await team.ixj.done('agent', 'add', 'brief.team.acme.example', '--lease', '10s')
})

afterAll(async () => {
  await bench[Symbol.asyncDispose]()
})

/** What `ixj resolve` says first: of the key record. */
async function keyRecord({ ixj }: ServedHome, name: string) {
  const { stdout } = await ixj.run('resolve', name, '--json')
  return records(stdout)[0] ?? {}
}

test('two homes, one zone below the other: names come, pause and go', async () => {
  const acceptance = join(bench.folder, 'team.acceptance')
  await writeFile(acceptance, await team.ixj.done('zone', 'accept', team.zone))
  const ask = ['--ask', `127.0.0.1:${team.port}`]
  await acme.ixj.done('zone', 'delegate', team.zone, acceptance, ...ask)
  await team.ixj.done('agent', 'add', 'w1.team.acme.example', '--uses', 'sign,bind')

  const found = await keyRecord(acme, 'w1.team.acme.example')
  expect(found).toMatchObject({ state: 'secure', answer: 'positive' })
  const zones = (found['steps'] as { zone: string; what: string }[]).map(({ zone }) => zone)
  expect(zones).toEqual(['acme.example', 'acme.example', team.zone, team.zone])

  await team.ixj.done('agent', 'suspend', 'w1.team.acme.example')
  expect(await keyRecord(acme, 'w1.team.acme.example')).toMatchObject({ answer: 'nxdomain' })
  expect(await team.ixj.refused('agent', 'renew', 'w1.team.acme.example')).toMatchObject({
    exit: 1,
    code: 'zone',
  })
  await team.ixj.done('agent', 'resume', 'w1.team.acme.example')
  expect(await keyRecord(acme, 'w1.team.acme.example')).toMatchObject({ answer: 'positive' })
  await team.ixj.done('agent', 'remove', 'w1.team.acme.example')
  expect(await keyRecord(acme, 'w1.team.acme.example')).toMatchObject({ answer: 'nxdomain' })

  // Taken back: signed by the zone above, there is no such slice any more.
  await acme.ixj.done('zone', 'undelegate', team.zone)
  const gone = await keyRecord(acme, 'w1.team.acme.example')
  expect(gone).toMatchObject({ state: 'secure', answer: 'nxdomain' })
})

test('agent add publishes all that is said, and the key that it made', async () => {
  await acme.ixj.done('agent', 'add', 'node1.acme.example', '--ip', '127.0.0.1')
  const places =
    '--endpoint node1.acme.example:4001 --endpoint node1.acme.example:4002 --address /ip4/127.0.0.1/tcp/4001'
  const key = '--uses sign,bind --depth 2 --strict --host node1.acme.example --mirror --alias'
  const words = `agent add planner.acme.example ${key} ${places} --lease never --ttl 10m --json`
  const [added] = records(await acme.ixj.done(...words.split(' ')))
  const home = await openHome(acme.home)
  const { publicKey } = await home.readSigner(parseName('planner.acme.example'))
  const opening = await home.readOpening(parseName('planner.acme.example'))
  expect(added).toMatchObject({ publicKey: toBase64url(publicKey), isNew: true, endsAt: null })
  const shown = records(await acme.ixj.done('zone', 'show', 'acme.example', '--json'))
  const own = shown.filter(({ by }) => by === 'planner.acme.example')
  expect(
    own.map(({ name, ttl, type, data }) => [name, ttl, type, data].join(' ')).toSorted(),
  ).toEqual([
    '_dnsaddr.planner.acme.example 60 TXT "dnsaddr=/ip4/127.0.0.1/tcp/4001"',
    '_ixj.planner.acme.example 60 SVCB 1 node1.acme.example. alpn="ixj/1" port=4001',
    '_ixj.planner.acme.example 60 SVCB 2 node1.acme.example. alpn="ixj/1" port=4002',
    expect.stringMatching(/^_ixj\.planner\.acme\.example 600 TLSA 3 1 1 [0-9a-f]{64}$/),
    `_ixjkey.planner.acme.example 600 TXT "v=ixj1; k=ed25519; p=${toBase64url(publicKey)}; u=sign,bind; d=2; s=1; e=${toBase64url(opening.publicKey)}; h=node1.acme.example"`,
    '_planner._agents.acme.example 60 SVCB 0 _ixj.planner.acme.example.',
  ])
  const again = await acme.ixj.refused('agent', 'add', 'planner.acme.example')
  expect(again).toMatchObject({ exit: 1, code: 'zone' })

  // New places take the place of all old ones.
  await acme.ixj.done(
    'agent',
    'renew',
    'planner.acme.example',
    '--lease',
    '7d',
    '--ip',
    '127.0.0.9',
  )
  const [listed] = records(await acme.ixj.done('agent', 'list', 'acme.example', '--json')).filter(
    ({ name }) => name === 'planner.acme.example',
  )
  expect(Number(listed?.['endsAt']) - Date.now()).toBeGreaterThan(6.9 * 86_400_000)
  const moved = records(await acme.ixj.done('zone', 'show', 'acme.example', '--json'))
  expect(moved).toContainEqual(
    expect.objectContaining({ name: 'planner.acme.example', type: 'A', data: '127.0.0.9' }),
  )
  expect(moved.filter(({ name }) => name === '_dnsaddr.planner.acme.example')).toEqual([])
})

test('agent rotate publishes a next key that counts later, and keeps it apart', async () => {
  await acme.ixj.done('agent', 'add', 'r1.acme.example', '--ttl', '60s')
  const before = await (await openHome(acme.home)).readSigner(parseName('r1.acme.example'))
  const [rotation] = records(
    await acme.ixj.done('agent', 'rotate', 'r1.acme.example', '--overlap', '12h', '--json'),
  )
  const { switchAt, dropAt, nextKey, path } = rotation as Record<string, number> & { path: string }
  // The TTL, and the life of signatures.
  expect(Number(switchAt) - Date.now()).toBeGreaterThan(4 * 3_600_000)
  expect(Number(dropAt) - Number(switchAt)).toBe(12 * 3_600_000)
  const { records: texts } = await keyRecord(acme, 'r1.acme.example')
  expect(texts).toHaveLength(2)
  const waiting = await openHome(join(acme.home, 'next'))
  const opening = await waiting.readOpening(parseName('r1.acme.example'))
  const counts = `nb=${Number(switchAt) / 1_000}; e=${toBase64url(opening.publicKey)}"`
  expect(texts).toContainEqual(expect.stringContaining(counts))
  expect(texts).toContainEqual(expect.stringContaining(toBase64url(before.publicKey)))
  const kept = await waiting.readSigner(parseName('r1.acme.example'))
  expect(toBase64url(kept.publicKey)).toBe(nextKey)
  expect(path).toBe(waiting.keyPath(parseName('r1.acme.example')))
  const again = await acme.ixj.refused('agent', 'rotate', 'r1.acme.example')
  expect(again).toMatchObject({ exit: 1, code: 'zone' })
  const foreign = await acme.ixj.refused('agent', 'rotate', 'nobody.acme.example')
  expect(foreign).toMatchObject({ exit: 2, code: 'usage' })
})

test('agent add waits for a server that is about to start, which keeps what it is told', async () => {
  const late = await serveHome(bench, 'late.example')
  // Not waited for: the process has only just begun.
  await late.ixj.done('agent', 'add', 'w1.late.example')
  expect((await late.server.stop('SIGINT')).stdout).toContain('"stopped"')
  // What it has published is on disk.
  const again = bench.start(['--home', late.home, 'zone', 'serve'])
  await again.line('stdout', 'listening')
  expect(records(await late.ixj.done('agent', 'list', '--json'))).toMatchObject([
    { name: 'w1.late.example', state: 'published', inZone: 'same' },
  ])
})

test('zone serve listens where it is told besides, answers over HTTP, and lets a key copy', async () => {
  const home = join(bench.folder, 'more')
  const ixj = commandsOf(home)
  const [own, second, http] = [await freePort(), await freePort(), await freePort()]
  await ixj.done('zone', 'init', 'more.example', '--listen', `127.0.0.1:${own}`)
  const key = newTsigKey('ns2.more.example')
  const file = join(bench.folder, 'ns2.key')
  const text = `key "${key.name}" { algorithm ${key.algorithm}; secret "${secretText(key)}"; };\n`
  await writeFile(file, text, { mode: 0o600 })
  const words = `--listen 127.0.0.1:${second} --https 127.0.0.1:${http} --transfer-key ${file} --json`
  const server = bench.start(['--home', home, 'zone', 'serve', ...words.split(' ')])
  expect(await eventOf(server, 'listening')).toMatchObject({
    zones: ['more.example'],
    addresses: [{ port: own }, { port: second }],
    https: { port: http },
  })
  const zone = parseDnsName('more.example')
  const copy = openRfc2136Backend({ zone, server: { address: '127.0.0.1', port: second }, key })
  const types = (await copy.list()).map(({ type }) => type)
  expect(new Set(types)).toEqual(new Set([TYPE.SOA, TYPE.NS, TYPE.A]))
  // It may copy, and no more.
  const edit = {
    kind: 'set',
    name: zone,
    type: TYPE.TXT,
    ttl: 60,
    data: [Uint8Array.of(1, 97)],
  } as const
  await expect(copy.apply([edit])).rejects.toMatchObject({ code: 'refused' })
  expect((await fetch(`http://127.0.0.1:${http}/dns-query`)).status).toBe(400)
  expect((await server.stop('SIGINT')).code).toBe(0)
})

test('a zone is served once, for whoever comes first', async () => {
  await acme.server.line('stdout', '"listening"')
  expect(await acme.ixj.refused('zone', 'serve')).toMatchObject({ exit: 1, code: 'exists' })
})

test.each([
  [['add', 'w9.acme.example', '--lease', '5s'], 1, 'argument'],
  [['add', 'w9.acme.example', '--lease', 'long'], 2, 'usage'],
  [['add', 'w9.acme.example', '--uses', 'fly'], 2, 'usage'],
  [['add', 'w9.acme.example', '--key', 'AAAA'], 2, 'bad-key'],
  [['add', 'w9.acme.example', '--ip', 'here'], 2, 'usage'],
  [['add', 'w9.acme.example', '--endpoint', 'node1.acme.example'], 2, 'usage'],
  [['add', 'w9.acme.example', '--endpoint', 'node1.acme.example:4001'], 1, 'argument'],
  [['add', 'w9.globex.example'], 1, 'absent'],
  [['renew', 'w9.acme.example'], 1, 'absent'],
  [['remove', 'w9.acme.example'], 1, 'absent'],
  [['resume', 'w9.acme.example'], 1, 'absent'],
])('agent %j is refused with %i and %s', async (words, exit, code) => {
  expect(await acme.ixj.refused('agent', ...words)).toMatchObject({ exit, code })
})

describe.runIf(realTools('ixj zone serve beside BIND’s tools', 'delv', 'nsupdate'))(
  'a served zone',
  () => {
    test('is validated by delv from the exported key, names that are not there too', async () => {
      await acme.ixj.done('agent', 'add', 'd1.acme.example')
      const text = await acme.ixj.done('zone', 'export', 'acme.example', '--as', 'anchor')
      const anchors = parseZoneAnchors(text)[0]!.records
      const query = { port: acme.port, type: 'TXT', anchors }
      expect(await delv({ ...query, name: '_ixjkey.d1.acme.example' })).toMatchObject({
        validated: true,
        negative: false,
      })
      expect(await delv({ ...query, name: '_ixjkey.nobody.acme.example' })).toMatchObject({
        validated: true,
        negative: true,
      })
    })

    test('takes updates of nsupdate with the key file as it is', async () => {
      const key = join(acme.home, 'zones', 'acme.example', 'update.key')
      expect(await readFile(key, 'utf8')).toMatch(/^key "update\.acme\.example" \{/)
      const script = [
        `server 127.0.0.1 ${acme.port}`,
        'zone acme.example',
        'update add by-hand.acme.example 300 A 192.0.2.9',
        'send',
      ]
      const { status, output } = await runProgram('nsupdate', ['-k', key], `${script.join('\n')}\n`)
      expect(status, output).toBe(0)
      const [found] = records(
        await acme.ixj.done('resolve', 'by-hand.acme.example', '--type', 'A', '--json'),
      )
      expect(found).toMatchObject({ state: 'secure', answer: 'positive' })
    })
  },
)

test('what nobody renews ends by itself, and is told', async () => {
  expect(await eventOf(team.server, 'lease-ended')).toMatchObject({
    zone: team.zone,
    name: 'brief.team.acme.example',
  })
  const brief = await keyRecord(team, 'brief.team.acme.example')
  expect(brief).toMatchObject({ state: 'secure', answer: 'nxdomain' })
  expect(records(await team.ixj.done('agent', 'list', '--json'))).toEqual([])
  expect((await team.server.stop('SIGTERM')).code).toBe(0)
})

test('leases of a zone in a file end, too, while zone serve keeps them', async () => {
  expect(await eventOf(keeper, 'listening')).toMatchObject({ zones: [], kept: ['kept.example'] })
  expect(await eventOf(keeper, 'lease-ended')).toMatchObject({ name: 'brief.kept.example' })
  const kept = commandsOf(join(bench.folder, 'kept'))
  expect(await kept.done('zone', 'export', 'kept.example')).not.toContain('_ixjkey')
  expect((await keeper.stop('SIGTERM')).code).toBe(0)
})

test('a command whose server does not run waits, says so, and tells how to start it', async () => {
  const { code, stderr } = await alone.end()
  expect(code).toBe(1)
  const [waiting, failed] = records(stderr)
  expect(waiting).toMatchObject({ note: 'waiting', zone: 'alone.example' })
  expect(failed).toMatchObject({
    error: {
      code: 'unreachable',
      message: expect.stringContaining('run: ixj zone serve') as string,
    },
  })
})
