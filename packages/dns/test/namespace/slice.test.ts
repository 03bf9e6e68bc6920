import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseName } from '@ixj/names'
import {
  acceptanceOf,
  CLASS,
  createZone,
  type Delegation,
  type DnsName,
  type DnsRecord,
  formatAcceptance,
  parseAcceptance,
  parseDnsName,
  TYPE,
  writeDs,
} from '@ixj/dns'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { coded, keyRecord, openScene, seed } from './scene.ts'

const team = parseDnsName('team.acme.example')

function dsRecord(child: DnsName, changes: Partial<Parameters<typeof writeDs>[0]> = {}): DnsRecord {
  const digest = new Uint8Array(32).fill(7)
  const data = writeDs({ keyTag: 1, algorithm: 15, digestType: 2, digest, ...changes })
  return { name: child, type: TYPE.DS, class: CLASS.IN, ttl: 300, data }
}

const slice: Delegation = {
  child: team,
  nameservers: [
    { name: parseDnsName('ns1.team.acme.example'), addresses: ['192.0.2.1', '2001:db8::1'] },
    { name: parseDnsName('ns.globex.example'), addresses: [] },
  ],
  ds: [dsRecord(team)],
}

const text = `team.acme.example. 300 IN NS ns1.team.acme.example.
team.acme.example. 300 IN NS ns.globex.example.
team.acme.example. 300 IN DS 1 15 2 ${'07'.repeat(32)}
ns1.team.acme.example. 300 IN A 192.0.2.1
ns1.team.acme.example. 300 IN AAAA 2001:db8::1
`

describe('an acceptance', () => {
  test('is a zone file of NS, DS and addresses', () => {
    expect(formatAcceptance(slice)).toBe(text)
    expect(parseAcceptance(text)).toEqual(slice)
  })

  test('comes from the zone of the slice and its key', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ixj-slice-'))
    await using zone = await createZone({
      file: join(folder, 'zone.db'),
      zone: team,
      nameservers: slice.nameservers,
      mailbox: parseDnsName('hostmaster.acme.example'),
    })
    const accepted = acceptanceOf(team, await zone.list(), [zone.ds])
    expect(accepted.nameservers).toEqual(expect.arrayContaining([...slice.nameservers]))
    expect(parseAcceptance(formatAcceptance(accepted))).toEqual(accepted)
    await rm(folder, { recursive: true, force: true })
  })

  test('gives back every slice', () => {
    const label = fc.stringMatching(/^[a-z0-9]{1,8}$/)
    const ipv4 = fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => bytes.join('.'))
    const server = fc.record({
      name: label.map((each) => parseDnsName(`${each}.team.acme.example`)),
      addresses: fc.uniqueArray(ipv4, { minLength: 1, maxLength: 4 }),
    })
    const slices: fc.Arbitrary<Delegation> = fc.record({
      child: fc.constant(team),
      nameservers: fc.uniqueArray(server, {
        minLength: 1,
        maxLength: 13,
        selector: ({ name }) => name,
      }),
      ds: fc.array(
        fc
          .uint8Array({ minLength: 48, maxLength: 48 })
          .map((digest) => dsRecord(team, { digestType: 4, digest, algorithm: 13 })),
        { minLength: 1, maxLength: 4 },
      ),
    })
    fc.assert(
      fc.property(slices, (each) => {
        expect(parseAcceptance(formatAcceptance(each))).toEqual(each)
      }),
      { seed, numRuns: 100 },
    )
  })

  test.each<[string, string, string]>([
    ['nothing', '', 'record'],
    ['no NS', text.replaceAll(/.* NS .*\n/g, ''), 'record'],
    ['no DS: nothing in it could be believed', text.replace(/.* DS .*\n/, ''), 'argument'],
    ['no address of a server in it', text.replaceAll(/.* A+ .*\n/g, ''), 'argument'],
    ['a DS of another name', text.replace(/team(.* DS)/, 'blue$1'), 'record'],
    [
      'an NS of another name',
      text.replace('team.acme.example. 300 IN NS ns.', 'acme.example. 300 IN NS ns.'),
      'record',
    ],
    ['a record of the parent', `${text}www.acme.example. 300 IN A 192.0.2.66\n`, 'record'],
    ['a key of the parent', `${text}_ixjkey.acme.example. 300 IN TXT "v=ixj1"\n`, 'record'],
    [
      'a record in the slice that is no address',
      `${text}team.acme.example. 9 IN TXT "x"\n`,
      'record',
    ],
    ['an address of no server', `${text}w1.team.acme.example. 9 IN A 192.0.2.1\n`, 'record'],
    ['an address of a server outside', `${text}ns.globex.example. 9 IN A 192.0.2.1\n`, 'record'],
    ['a DS with SHA-1', text.replace(/15 2 .*/, `15 1 ${'07'.repeat(20)}`), 'argument'],
    ['a DS that is too short', text.replace('0707', '07'), 'argument'],
    ['a DS of an algorithm that nobody checks', text.replace('1 15 2', '1 5 2'), 'argument'],
    ['a server twice', `${text}team.acme.example. 9 IN NS ns.globex.example.\n`, 'argument'],
    ['an instruction', `$INCLUDE /etc/passwd\n${text}`, 'unsupported'],
    ['over 16,384 characters', `${text};${'x'.repeat(16_384)}`, 'limit'],
  ])('is refused with %s', (_, bad, code) => {
    expect(() => parseAcceptance(bad)).toThrow(coded(code))
  })
})

describe('delegate() and undelegate()', () => {
  const given = [
    'ns1.team.acme.example A',
    'ns1.team.acme.example AAAA',
    'team.acme.example DS',
    'team.acme.example NS',
  ]

  test('give a slice away, list it, and take it back', async () => {
    await using scene = await openScene()
    await using namespace = await scene.open()
    await namespace.delegate(slice)
    expect(await scene.rrsets()).toEqual(given)
    expect((await namespace.list()).slices).toEqual([
      {
        child: team,
        nameservers: expect.arrayContaining(slice.nameservers.map(({ name }) => name)),
        secure: true,
      },
    ])
    const inside = namespace.publish(parseName('w1.team.acme.example'), { keys: [keyRecord()] })
    await expect(inside).rejects.toThrow(coded('zone'))
    await namespace.undelegate(team)
    expect(await scene.rrsets()).toEqual([])
    await expect(namespace.undelegate(team)).rejects.toThrow(coded('zone'))
  })

  test('give a slice to others only if that is asked for', async () => {
    await using scene = await openScene()
    await using namespace = await scene.open()
    await expect(namespace.delegate(slice, { replace: true })).rejects.toThrow(coded('zone'))
    await namespace.delegate(slice)
    await expect(namespace.delegate(slice)).rejects.toThrow(coded('zone'))
    const other = { name: parseDnsName('ns9.team.acme.example'), addresses: ['192.0.2.9'] }
    await namespace.delegate({ ...slice, nameservers: [other] }, { replace: true })
    expect(await scene.rrsets()).toEqual(['ns9.team.acme.example A', ...given.slice(2)])
  })

  test('give nothing away that is in use', async () => {
    await using scene = await openScene()
    await using namespace = await scene.open()
    const worker = parseName('w1.team.acme.example')
    await namespace.publish(worker, { keys: [keyRecord()] })
    await expect(namespace.delegate(slice)).rejects.toThrow(coded('zone'))
    await namespace.suspend(worker)
    await expect(namespace.delegate(slice)).rejects.toThrow(coded('zone'))
    await namespace.remove(worker)
    await namespace.delegate(slice)
    const deeper = parseDnsName('blue.team.acme.example')
    const server = { name: parseDnsName('ns.globex.example') }
    const inner = { child: deeper, nameservers: [server], ds: [dsRecord(deeper)] }
    await expect(namespace.delegate(inner)).rejects.toThrow(coded('zone'))
  })

  test.each(['acme.example', 'globex.example', 'example'])('do not touch %s', async (name) => {
    await using scene = await openScene()
    await using namespace = await scene.open()
    const child = parseDnsName(name)
    const server = { name: parseDnsName('ns.initech.example') }
    const other = { child, nameservers: [server], ds: [dsRecord(child)] }
    const before = await scene.records()
    // A server at or below the child needs an address; this one stands outside.
    await expect(namespace.delegate(other)).rejects.toThrow(/Cannot (change|delegate)/)
    await expect(namespace.undelegate(child)).rejects.toThrow(coded('zone'))
    expect(await scene.records()).toEqual(before)
  })
})
