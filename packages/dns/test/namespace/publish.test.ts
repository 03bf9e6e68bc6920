import { parseName } from '@ixj/names'
import { type DnsName, type Publication, readDnsaddrs, readEndpoints, TYPE } from '@ixj/dns'
import { describe, expect, test } from 'vitest'
import {
  coded,
  endpoint,
  hosted,
  keyRecord,
  KEYS,
  node1,
  openScene,
  planner,
  START,
  whole,
} from './scene.ts'

const HOUR = 3_600_000

describe('publish()', () => {
  test('puts all records of a name into the zone', async () => {
    await using scene = await openScene()
    await using namespace = await scene.open()
    const published = await namespace.publish(planner, whole)
    expect(published).toEqual({ name: planner, endsAt: START + HOUR })
    expect(await scene.rrsets()).toEqual([
      '_dnsaddr.planner.acme.example TXT',
      '_ixj.planner.acme.example SVCB',
      '_ixj.planner.acme.example TLSA',
      '_ixjkey.planner.acme.example TXT',
      '_planner._agents.acme.example SVCB',
      'planner.acme.example A',
      'planner.acme.example AAAA',
    ])
    expect(await scene.keys()).toEqual([hosted])
    const records = await scene.records()
    const at = (name: string) => records.filter((record) => record.name === (name as DnsName))
    const service = readEndpoints(at('_ixj.planner.acme.example'), { hosts: [node1] })
    expect(service.endpoints).toEqual([endpoint])
    expect(readDnsaddrs(at('_dnsaddr.planner.acme.example'))).toEqual(whole.addresses)
    const alias = readEndpoints(at('_planner._agents.acme.example'), { hosts: [] })
    expect(alias.alias).toBe('_ixj.planner.acme.example')
  })

  test('gives a name to whoever comes first, and to nobody else until it is free', async () => {
    await using scene = await openScene()
    await using other = await openScene()
    await using first = await scene.open()
    await using second = await scene.open({ leases: other.leases })
    const outcomes = await Promise.allSettled([
      first.publish(planner, { keys: [keyRecord()] }),
      second.publish(planner, { keys: [keyRecord({ key: KEYS[1]! })] }),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    expect(await scene.keys()).toEqual([keyRecord()])
    await expect(first.publish(planner, { keys: [keyRecord()] })).rejects.toThrow(coded('zone'))
    await expect(second.publish(planner, { keys: [keyRecord()] })).rejects.toThrow(coded('zone'))
    expect(other.leases.all()).toEqual([])
    await first.remove(planner)
    await second.publish(planner, { keys: [keyRecord({ key: KEYS[1]! })] })
    expect((await scene.keys()).map(({ key }) => key)).toEqual([KEYS[1]])
  })

  test('publishes nothing in a slice that was given away, nor over addresses of others', async () => {
    await using scene = await openScene()
    await using namespace = await scene.open()
    const set = { kind: 'set', ttl: 300 } as const
    const data = [Uint8Array.of(2, 0x6e, 0x73, 0)]
    const team = 'team.acme.example' as DnsName
    await scene.zone.apply([{ ...set, name: team, type: TYPE.NS, data }])
    for (const name of ['team.acme.example', 'w1.team.acme.example', 'a.b.team.acme.example']) {
      const taken = namespace.publish(parseName(name), { keys: [keyRecord()] })
      await expect(taken).rejects.toThrow(coded('zone'))
    }
    const www = 'www.acme.example' as DnsName
    const address = [Uint8Array.of(192, 0, 2, 80)]
    await scene.zone.apply([{ ...set, name: www, type: TYPE.A, data: address }])
    const name = parseName(www)
    const over = namespace.publish(name, { keys: [keyRecord()], ipAddresses: ['192.0.2.66'] })
    await expect(over).rejects.toThrow(coded('zone'))
    await namespace.publish(name, { keys: [keyRecord()] })
    await namespace.remove(name)
    expect(await scene.rrsets()).toContain('www.acme.example A')
  })

  test.each<[string, Publication, string]>([
    ['no key', { keys: [] }, 'argument'],
    ['five keys', { keys: KEYS.map((key) => keyRecord({ key })) }, 'argument'],
    ['one key twice', { keys: [keyRecord(), keyRecord({ uses: 'bind' })] }, 'argument'],
    ['a key of small order', { keys: [keyRecord({ key: new Uint8Array(32) })] }, 'argument'],
    ['an endpoint on no host', { keys: [keyRecord()], endpoints: [endpoint] }, 'argument'],
    ['no multiaddr', { keys: [hosted], addresses: ['node1'] }, 'argument'],
    ['no IP address', { keys: [hosted], ipAddresses: ['192.0.2'] }, 'record'],
    ['a lease of 9 s', { keys: [hosted], leaseSeconds: 9 }, 'argument'],
    ['a lease that is no number', { keys: [hosted], leaseSeconds: Number.NaN }, 'argument'],
    ['a TTL of 0', { keys: [hosted], keyTtlSeconds: 0 }, 'argument'],
    ['a TTL of over a day', { keys: [hosted], placesTtlSeconds: 86_401 }, 'argument'],
    [
      '17 addresses',
      { keys: [hosted], addresses: Array.from({ length: 17 }, () => '/a') },
      'argument',
    ],
  ])('refuses %s, and leaves nothing', async (_, publication, code) => {
    await using scene = await openScene()
    await using namespace = await scene.open()
    await expect(namespace.publish(planner, publication)).rejects.toThrow(coded(code))
    expect(await scene.rrsets()).toEqual([])
    expect(scene.leases.all()).toEqual([])
  })

  test('refuses a name outside of the zone', async () => {
    await using scene = await openScene()
    await using namespace = await scene.open()
    for (const name of ['planner.globex.example', 'planner.notacme.example']) {
      const published = namespace.publish(parseName(name), { keys: [keyRecord()] })
      await expect(published).rejects.toThrow(coded('argument'))
    }
  })
})

test('a closed namespace waits for what runs, and takes nothing any more', async () => {
  await using scene = await openScene()
  const namespace = await scene.open()
  const published = namespace.publish(planner, { keys: [keyRecord()] })
  await namespace[Symbol.asyncDispose]()
  await namespace[Symbol.asyncDispose]()
  await published
  expect(await scene.keys()).toHaveLength(1)
  await expect(namespace.renew(planner)).rejects.toThrow(coded('argument'))
  expect(scene.clock.pending).toBe(0)
})
