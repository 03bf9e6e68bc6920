import { parseName, type Name } from '@ixj/names'
import { concatBytes, fromBase64url, toHex, utf8Bytes } from '@ixj/trust'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  agentAliasOwner,
  type DnsName,
  type DnsRecord,
  type NameEndpoint,
  endpointOwner,
  keyOwner,
  nameOfKeyOwner,
  parseDnsName,
  readDnsaddrs,
  readEndpoints,
  ROOT,
  type SvcParameter,
  TYPE,
  writeAlias,
  writeDnsaddr,
  writeEndpoint,
  writeKeyMirror,
  writeSvcb,
} from '../../src/proof.ts'
import { formatIpv4, formatIpv6 } from '../../src/proof/text/address-text.ts'
import { names, record, seed, txtData } from './records.ts'

const name = parseName('planner.agents.example')
const host = parseName('node1.agents.example')
const owner = endpointOwner(name)
const ALPN = concatBytes(Uint8Array.of(5), utf8Bytes('ixj/1'))

function svcb(data: Uint8Array): DnsRecord {
  return record(owner, TYPE.SVCB, data)
}

/** An endpoint on the host, its parameters those of the argument beside alpn and port. */
function service(
  changes: Readonly<Record<number, Uint8Array | null>> = {},
  target = host,
): DnsRecord {
  const values = new Map<number, Uint8Array | null>([
    [1, ALPN],
    [3, Uint8Array.of(15, 161)],
    ...Object.entries(changes).map(([key, value]) => [Number(key), value] as const),
  ])
  const parameters: SvcParameter[] = []
  for (const [key, value] of values) if (value !== null) parameters.push({ key, value })
  return svcb(writeSvcb({ priority: 1, target: parseDnsName(target), parameters }))
}

const hosts: readonly Name[] = [host]

describe('writeEndpoint() and readEndpoints()', () => {
  test('give back every endpoint', () => {
    const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
    const [ipv4Hints, ipv6Hints] = [bytes(4).map(formatIpv4), bytes(16).map(formatIpv6)]
    const endpoints: fc.Arbitrary<NameEndpoint> = fc.record({
      priority: fc.integer({ min: 1, max: 65_535 }),
      target: names,
      port: fc.integer({ min: 1, max: 65_535 }),
      hints: fc
        .tuple(fc.array(ipv4Hints, { maxLength: 8 }), fc.array(ipv6Hints, { maxLength: 8 }))
        .map(([ipv4, ipv6]) => [...ipv4, ...ipv6]),
    })
    fc.assert(
      fc.property(endpoints, (endpoint) => {
        const read = readEndpoints([svcb(writeEndpoint(endpoint))], { hosts: [endpoint.target] })
        expect(read).toEqual({ endpoints: [endpoint], alias: undefined, reasons: [] })
      }),
      { seed, numRuns: 300 },
    )
  })

  test('write the bytes of the specification: 1 node1.agents.example. alpn="ixj/1" port=4001', () => {
    const data = writeEndpoint({ priority: 1, target: host, port: 4_001, hints: [] })
    const target = '056e6f646531066167656e7473076578616d706c6500'
    expect(toHex(data)).toBe(`0001${target}0001000605${toHex(utf8Bytes('ixj/1'))}000300020fa1`)
  })

  test('put the lowest priority first', () => {
    const records = [3, 1, 2].map((priority) =>
      svcb(writeEndpoint({ priority, target: host, port: 4_000 + priority, hints: [] })),
    )
    const { endpoints } = readEndpoints(records, { hosts })
    expect(endpoints.map(({ port }) => port)).toEqual([4_001, 4_002, 4_003])
  })

  test('leave out a target that is not a host of the name: a writer of endpoints is no owner', () => {
    const { endpoints, reasons } = readEndpoints(
      [service(), service({}, parseName('node.mallory.example'))],
      { hosts },
    )
    expect(endpoints.map(({ target }) => target)).toEqual([host])
    expect(reasons).toEqual(['node.mallory.example is not a host of the name'])
    expect(readEndpoints([service()], { hosts: [] }).endpoints).toEqual([])
  })

  test.each<[string, Record<number, Uint8Array | null>, string]>([
    ['no alpn', { 1: null }, 'does not speak'],
    ['another alpn', { 1: Uint8Array.of(2, 0x68, 0x32) }, 'does not speak'],
    ['a later version', { 1: concatBytes(Uint8Array.of(5), utf8Bytes('ixj/2')) }, 'does not speak'],
    ['no port', { 3: null }, 'no port'],
    ['port 0', { 3: Uint8Array.of(0, 0) }, 'no port'],
    [
      'a mandatory parameter that is not known',
      { 0: Uint8Array.of(0, 9), 9: Uint8Array.of(1) },
      'asks for parameter 9',
    ],
  ])('leave out a record with %s, and keep the other', (_, changes, reason) => {
    const { endpoints, reasons } = readEndpoints([service(changes), service()], { hosts })
    expect(endpoints).toHaveLength(1)
    expect(reasons).toEqual([expect.stringContaining(reason)])
  })

  test.each<[string, Record<number, Uint8Array | null>]>([
    ['an unknown parameter', { 9: Uint8Array.of(1) }],
    ['ixj/1 among others', { 1: concatBytes(Uint8Array.of(2, 0x68, 0x32), ALPN) }],
    ['known mandatory parameters', { 0: Uint8Array.of(0, 1, 0, 3) }],
    ['no-default-alpn', { 2: new Uint8Array() }],
  ])('take a record with %s', (_, changes) => {
    expect(readEndpoints([service(changes)], { hosts }).endpoints).toHaveLength(1)
  })

  test.each<[string, Record<number, Uint8Array | null>]>([
    ['an empty alpn', { 1: new Uint8Array() }],
    ['a protocol of no bytes', { 1: Uint8Array.of(0) }],
    ['a protocol that is cut off', { 1: Uint8Array.of(9, 1) }],
    ['a port of one byte', { 3: Uint8Array.of(1) }],
    ['an IPv4 hint of three bytes', { 4: Uint8Array.of(1, 2, 3) }],
    ['no IPv4 hint', { 4: new Uint8Array() }],
    ['an IPv6 hint of four bytes', { 6: Uint8Array.of(1, 2, 3, 4) }],
    ['mandatory keys out of order', { 0: Uint8Array.of(0, 3, 0, 1) }],
    ['a mandatory key twice', { 0: Uint8Array.of(0, 1, 0, 1) }],
    ['mandatory among the mandatory', { 0: Uint8Array.of(0, 0) }],
    ['a mandatory key that is not there', { 0: Uint8Array.of(0, 4) }],
    ['a mandatory key that is cut off', { 0: Uint8Array.of(0) }],
  ])('take no record of a set where one has %s (RFC 9460 section 2.2)', (_, changes) => {
    const { endpoints, reasons } = readEndpoints([service(), service(changes)], { hosts })
    expect(endpoints).toEqual([])
    expect(reasons[0]).toContain('malformed')
  })

  test('give an alias, and no endpoint beside it (RFC 9460 section 2.4.1)', () => {
    const target = parseDnsName('_ixj.other.agents.example')
    const read = readEndpoints([service(), svcb(writeAlias(target))], { hosts })
    expect(read).toEqual({ endpoints: [], alias: target, reasons: [] })
    const none = readEndpoints([svcb(writeAlias(ROOT))], { hosts })
    expect(none.alias).toBeUndefined()
    expect(none.reasons[0]).toContain('says so')
  })

  test('read 16 endpoints, and none of 17', () => {
    const many = Array.from({ length: 17 }, () => service())
    expect(readEndpoints(many.slice(1), { hosts }).endpoints).toHaveLength(16)
    expect(readEndpoints(many, { hosts }).endpoints).toEqual([])
  })

  test('never throw, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (data) => {
        expect(readEndpoints([svcb(data)], { hosts })).toHaveProperty('endpoints')
      }),
      { seed, numRuns: 2_000 },
    )
  })

  test.each<[string, Partial<NameEndpoint>]>([
    ['priority 0, which is an alias', { priority: 0 }],
    ['priority 65536', { priority: 65_536 }],
    ['port 0', { port: 0 }],
    ['a port that is no integer', { port: 4_001.5 }],
    ['nine hints', { hints: Array.from({ length: 9 }, () => '192.0.2.1') }],
  ])('refuse to write %s', (_, changes) => {
    const endpoint = { priority: 1, target: host, port: 4_001, hints: [], ...changes }
    expect(() => writeEndpoint(endpoint)).toThrow(expect.objectContaining({ code: 'argument' }))
  })
})

test('writeEndpoint() refuses a hint that is no address', () => {
  const endpoint = { priority: 1, target: host, port: 4_001, hints: ['192.0.2.256'] }
  expect(() => writeEndpoint(endpoint)).toThrow(expect.objectContaining({ code: 'record' }))
})

describe('writeDnsaddr() and readDnsaddrs()', () => {
  const dnsaddr = (strings: readonly string[]) =>
    record(parseDnsName('_dnsaddr.planner.agents.example'), TYPE.TXT, txtData(strings))
  const address =
    '/dns4/node1.agents.example/tcp/4001/p2p/12D3KooWGJNvVCiRYuCJbQjRCU66JZDURidyNmLPy9MNDVqE9Ayb'

  test('give back an address, as one string below 255 bytes', () => {
    const data = writeDnsaddr(address)
    expect(data[0]).toBe(data.length - 1)
    expect(readDnsaddrs([{ ...dnsaddr([]), data }])).toEqual([address])
  })

  test.each([
    ['no slash in front', 'dns4/node1'],
    ['nothing', ''],
    ['a slash at the end', '/dns4/'],
    ['an empty part', '/dns4//tcp'],
    ['a space', '/dns4/node 1'],
    ['a second =', '/dns4/node1/x=1'],
    ['a letter outside of ASCII', '/dns4/nöde'],
    ['a control character', '/dns4/\u001b[2J'],
    ['a socket of the file system', '/unix/%2Frun%2Fdocker.sock'],
    ['a network that is none', '/ip4x/192.0.2.1/tcp/1'],
    ['over 254 bytes in all', `/dns4/${'a'.repeat(241)}`],
  ])('refuse %s', (_, bad) => {
    expect(() => writeDnsaddr(bad)).toThrow(expect.objectContaining({ code: 'argument' }))
    expect(readDnsaddrs([dnsaddr([`dnsaddr=${bad}`].flatMap(cut))])).toEqual([])
  })

  test('take the longest, join strings, and leave out what is not theirs', () => {
    const longest = `/dns4/${'a'.repeat(240)}`
    expect(writeDnsaddr(longest)).toHaveLength(255)
    const records = [
      dnsaddr(['v=spf1 -all']),
      dnsaddr([`dnsaddr=${longest}`]),
      dnsaddr(['dnsaddr=/dns4/a.exa', 'mple/tcp/1']),
      { ...dnsaddr([]), data: Uint8Array.of(9) },
    ]
    expect(readDnsaddrs(records)).toEqual([longest, '/dns4/a.example/tcp/1'])
  })

  test('read 16 at most', () => {
    const many = Array.from({ length: 20 }, (_, index) =>
      dnsaddr([`dnsaddr=/dns4/node/tcp/${index}`]),
    )
    expect(readDnsaddrs(many)).toHaveLength(16)
  })
})

function cut(text: string): readonly string[] {
  const bytes = String.fromCharCode(...utf8Bytes(text))
  return bytes.match(/.{1,255}/gs) ?? ['']
}

test('writeKeyMirror() writes the record of the specification, made with another tool', () => {
  const key = fromBase64url('hYV1dReXoualIDbhvEU4QuKGYK3IcpciTv329dU3E-I')
  expect(toHex(writeKeyMirror(key))).toBe(
    '030101c24426de44def624cf90c0e32db930adfefcc4e24b8ba17b878c177ae8d91932',
  )
  expect(() => writeKeyMirror(new Uint8Array(31))).toThrow(
    expect.objectContaining({ code: 'argument' }),
  )
})

describe('owners', () => {
  test('stand below the name, and an alias beside it', () => {
    expect(keyOwner(name)).toBe('_ixjkey.planner.agents.example')
    expect(owner).toBe('_ixj.planner.agents.example')
    expect(agentAliasOwner(name)).toBe('_planner._agents.agents.example')
    expect(nameOfKeyOwner(keyOwner(name))).toBe(name)
    expect(nameOfKeyOwner(owner)).toBeUndefined()
    expect(nameOfKeyOwner('_ixjkey._x.agents.example' as DnsName)).toBeUndefined()
  })

  test('refuse a name that leaves no room, and an alias below a top-level domain', () => {
    const long = parseName(`${`${'a'.repeat(60)}.`.repeat(4)}example`)
    expect(() => keyOwner(long)).toThrow(expect.objectContaining({ code: 'name' }))
    expect(() => agentAliasOwner(parseName('acme.example'))).toThrow(
      expect.objectContaining({ code: 'name' }),
    )
  })
})
