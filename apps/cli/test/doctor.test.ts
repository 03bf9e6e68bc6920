import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  createZone,
  delegationEdits,
  dnsaddrOwner,
  endpointOwner,
  formatZoneAnchors,
  keyOwner,
  openZoneServer,
  parseDnsName,
  parseRecord,
  TYPE,
  writeDnsaddr,
  writeEndpoint,
  writeKeyRecord,
  writeSoa,
} from '@ixj/dns'
import { parseName } from '@ixj/names'
import { openHome } from '@ixj/node/home'
import { expect, test } from 'vitest'
import {
  HOUR_MS,
  keyRecord,
  node1,
  openWorld,
  set,
  text,
  type Told,
  twoPorts,
  w1,
  zone,
} from './doctor-bench.ts'
import { records } from './program-bench.ts'

/** What one server and no zone above it always give. */
const ALWAYS = ['note servers', 'note parent']

test('a sound name is found sound: keys, servers, ports', async () => {
  await using world = await openWorld()
  using ports = await twoPorts()
  await world.trust()
  await world.set(
    set(keyOwner(w1), TYPE.TXT, [writeKeyRecord(await keyRecord({ hosts: [node1] }))]),
    set(node1, TYPE.A, [Uint8Array.of(127, 0, 0, 1)]),
    set(endpointOwner(w1), TYPE.SVCB, [
      writeEndpoint({ priority: 1, target: node1, port: ports.openPort, hints: [] }),
    ]),
    set(dnsaddrOwner(w1), TYPE.TXT, [writeDnsaddr(`/dns4/${node1}/tcp/${ports.openPort}`)]),
  )
  const { code, told, bad } = await world.ask(w1)
  expect(bad).toEqual(ALWAYS)
  expect(code).toBe(0)
  expect(new Set(told.filter(({ level }) => level === 'ok').map(({ check }) => check))).toEqual(
    new Set([
      'anchor',
      'zone',
      'negative-ttl',
      'clock',
      'servers',
      'keys',
      'ttl',
      'signature-life',
      'endpoints',
      'dnsaddr',
      'wildcard',
    ]),
  )
})

test('people get one line for each finding, with what to do', async () => {
  await using world = await openWorld()
  await world.trust()
  const server = ['--server', `127.0.0.1:${world.port}`]
  const { code, stdout } = await world.ixj.run('doctor', w1, ...server)
  expect(code).toBe(1)
  expect(stdout).toMatch(/^wrong {2}w1\.acme\.example: .* → publish one: ixj agent add w1\./m)
  expect(stdout).toMatch(/\n1 wrong, 2 to note, \d+ ok\n$/)
  expect(stdout).not.toContain('\u001B[')
})

test('a home without an anchor, with a key instead of one, with another one', async () => {
  await using world = await openWorld()
  const none = await world.ask(w1)
  expect(none.code).toBe(1)
  expect(none.bad).toContain('wrong anchor')
  expect(none.bad).toContain('wrong zone')

  await world.ixj.done('key', 'new', zone)
  await world.ixj.done('trust', 'anchor', 'add', zone)
  expect((await world.ask(w1)).bad).toContain('note anchor')

  await world.ixj.done('trust', 'anchor', 'remove', zone)
  const other = join(world.folder, 'other')
  await writeFile(
    other,
    `acme.example. DNSKEY 257 3 15 ${Buffer.alloc(32, 9).toString('base64')}\n`,
  )
  await world.ixj.done('trust', 'anchor', 'add', zone, '--zone', other)
  const { all } = await world.ask(w1)
  expect(all[0]).toMatchObject({ level: 'wrong', check: 'zone' })
  expect(all[0]?.text).toContain('no-key')
})

test('a server that nobody reaches', async () => {
  await using world = await openWorld()
  using ports = await twoPorts()
  await world.trust()
  const { code, all } = await world.ask(w1, `127.0.0.1:${ports.closedPort}`)
  expect(code).toBe(1)
  expect(all).toMatchObject([
    { level: 'wrong', check: 'zone', text: expect.stringContaining('no server answers') as string },
    { level: 'wrong', check: 'servers', text: expect.stringContaining('over UDP') as string },
    { level: 'wrong', check: 'servers', text: expect.stringContaining('over TCP') as string },
  ])
})

test.each([
  ['no key record', async () => [], ['wrong keys']],
  [
    'a void key record',
    async () => [set(keyOwner(w1), TYPE.TXT, [text('v=ixj1; k=ed25519; p=AAAA')])],
    ['wrong keys'],
  ],
  [
    'a key that is still to come',
    async () => {
      const notBefore = Math.ceil(Date.now() / 1_000) * 1_000 + HOUR_MS
      return [set(keyOwner(w1), TYPE.TXT, [writeKeyRecord(await keyRecord({ notBefore }))])]
    },
    ['wrong keys'],
  ],
  [
    'keys that resolvers keep for hours',
    async () => [set(keyOwner(w1), TYPE.TXT, [writeKeyRecord(await keyRecord())], 7_200)],
    ['note ttl'],
  ],
  [
    'a host that no record leads to',
    async () => [
      set(keyOwner(w1), TYPE.TXT, [writeKeyRecord(await keyRecord({ hosts: [node1] }))]),
    ],
    ['note hosts'],
  ],
  [
    'an endpoint on a node that is no host',
    async () => [
      set(keyOwner(w1), TYPE.TXT, [writeKeyRecord(await keyRecord())]),
      set(endpointOwner(w1), TYPE.SVCB, [
        writeEndpoint({ priority: 1, target: node1, port: 4001, hints: [] }),
      ]),
    ],
    ['wrong endpoints'],
  ],
  [
    'an endpoint whose host has no address',
    async () => [
      set(keyOwner(w1), TYPE.TXT, [writeKeyRecord(await keyRecord({ hosts: [node1] }))]),
      set(endpointOwner(w1), TYPE.SVCB, [
        writeEndpoint({ priority: 1, target: node1, port: 4001, hints: [] }),
      ]),
    ],
    ['wrong endpoints', 'note hosts'],
  ],
  [
    'multiaddrs that are too long, or none',
    async () => [
      set(keyOwner(w1), TYPE.TXT, [writeKeyRecord(await keyRecord())]),
      set(dnsaddrOwner(w1), TYPE.TXT, [
        text(`dnsaddr=/dns4/${'a'.repeat(240)}/tcp/1`),
        text('dnsaddr=nothing'),
        text('something else'),
      ]),
    ],
    ['wrong dnsaddr', 'wrong dnsaddr'],
  ],
  [
    'a multiaddr that cannot be read, and what is wrong besides',
    async () => [
      set(keyOwner(w1), TYPE.TXT, [writeKeyRecord(await keyRecord())]),
      set('*.acme.example', TYPE.TXT, [writeKeyRecord(await keyRecord())]),
      set(dnsaddrOwner(w1), TYPE.TXT, [text('dnsaddr=/dns4/a..b/tcp/1')]),
    ],
    ['wrong dnsaddr', 'wrong wildcard'],
  ],
  [
    'a wildcard of keys',
    async () => [
      set(keyOwner(w1), TYPE.TXT, [writeKeyRecord(await keyRecord())]),
      set('*.acme.example', TYPE.TXT, [writeKeyRecord(await keyRecord())]),
    ],
    ['wrong wildcard'],
  ],
  [
    'names that stay absent for long',
    async () => {
      const names = {
        primary: parseDnsName('ns1.acme.example'),
        mailbox: parseDnsName('dns.acme.example'),
      }
      const times = { serial: 9, refresh: 900, retry: 300, expire: 7_200, minimum: 300 }
      return [
        set(keyOwner(w1), TYPE.TXT, [writeKeyRecord(await keyRecord())]),
        set(zone, TYPE.SOA, [writeSoa({ ...names, ...times })], 300),
      ]
    },
    ['note negative-ttl'],
  ],
])('%s is found', async (_, edits, found) => {
  await using world = await openWorld()
  await world.trust()
  await world.set(...(await edits()))
  const { bad, code } = await world.ask(w1)
  expect(bad.filter((each) => !ALWAYS.includes(each)).toSorted()).toEqual(found.toSorted())
  expect(code).toBe(found.some((each) => each.startsWith('wrong')) ? 1 : 0)
})

test('ports where nobody listens are found', async () => {
  await using world = await openWorld()
  using ports = await twoPorts()
  await world.trust()
  await world.set(
    set(keyOwner(w1), TYPE.TXT, [writeKeyRecord(await keyRecord({ hosts: [node1] }))]),
    set(endpointOwner(w1), TYPE.SVCB, [
      writeEndpoint({ priority: 1, target: node1, port: ports.closedPort, hints: ['127.0.0.1'] }),
    ]),
    set(dnsaddrOwner(w1), TYPE.TXT, [writeDnsaddr(`/ip4/127.0.0.1/tcp/${ports.closedPort}`)]),
  )
  const { bad, all } = await world.ask(w1)
  expect(bad).toEqual([...ALWAYS, 'wrong endpoints', 'wrong dnsaddr'])
  expect(all.at(-1)?.text).toContain('ECONNREFUSED')
})

test('signatures that let a removed key be proven for days are found', async () => {
  await using world = await openWorld({ signatureValidityMs: 14 * 24 * HOUR_MS })
  await world.trust()
  await world.set(set(keyOwner(w1), TYPE.TXT, [writeKeyRecord(await keyRecord())]))
  const { all } = await world.ask(w1)
  expect(all).toContainEqual(expect.objectContaining({ level: 'note', check: 'signature-life' }))
})

test('a zone below: its key is compared with what the zone above says', async () => {
  await using world = await openWorld()
  await world.trust()
  const team = parseDnsName('team.acme.example')
  await using store = await createZone({
    file: join(world.folder, 'team', 'zone.sqlite'),
    zone: team,
    nameservers: [{ name: parseDnsName('ns1.team.acme.example'), addresses: ['127.0.0.1'] }],
    mailbox: parseDnsName('dns.team.acme.example'),
  })
  const listen = [{ address: '127.0.0.1', port: 0 }]
  await using server = await openZoneServer({ zones: [world.store, store], listen })
  const at = `127.0.0.1:${server.addresses[0]!.port}`
  const nameservers = [{ name: parseDnsName('ns1.team.acme.example'), addresses: ['127.0.0.1'] }]
  await world.store.apply(delegationEdits({ child: team, nameservers, ds: [store.ds] }))
  const sound = await world.ask(team, at)
  expect(sound.code).toBe(0)
  expect(sound.told).toContainEqual(expect.objectContaining({ level: 'ok', check: 'parent' }))

  const wrongDs = parseRecord(`${team}. 300 IN DS 1 15 2 ${'00'.repeat(32)}`)
  await world.store.apply(delegationEdits({ child: team, nameservers, ds: [wrongDs] }))
  const broken = await world.ask(team, at)
  expect(broken).toMatchObject({ code: 1 })
  expect(broken.all[0]).toMatchObject({
    check: 'zone',
    text: expect.stringContaining('no-key') as string,
  })

  // Who trusts the zone itself still hears that nobody else can.
  const anchor = join(world.folder, 'team-anchor')
  await writeFile(anchor, formatZoneAnchors([store.anchor]))
  await world.ixj.done('trust', 'anchor', 'add', team, '--zone', anchor)
  const own = await world.ask(team, at)
  expect(own.all).toContainEqual(expect.objectContaining({ level: 'wrong', check: 'parent' }))
  expect(own.told).toContainEqual(expect.objectContaining({ level: 'ok', check: 'zone' }))
})

test('a zone below: the zone above is to name the servers that it has, at their addresses', async () => {
  await using world = await openWorld()
  await world.trust()
  const team = parseDnsName('team.acme.example')
  const ns = parseDnsName('ns1.team.acme.example')
  await using store = await createZone({
    file: join(world.folder, 'team', 'zone.sqlite'),
    zone: team,
    nameservers: [{ name: ns, addresses: ['127.0.0.1'] }],
    mailbox: parseDnsName('dns.team.acme.example'),
  })
  const listen = [{ address: '127.0.0.1', port: 0 }]
  await using server = await openZoneServer({ zones: [store], listen })
  const place = { transport: 'udp', address: '127.0.0.1' } as const
  const upstreams = [
    { suffix: zone, ...place, port: world.port },
    { suffix: team, ...place, port: server.addresses[0]!.port },
  ]
  const home = await openHome(join(world.folder, 'home'))
  await home.writeDnsSettings({ upstreams, dialPrivate: false })
  const ask = async (name: string, address: string) => {
    const nameservers = [{ name: parseDnsName(name), addresses: [address] }]
    await world.store.apply(delegationEdits({ child: team, nameservers, ds: [store.ds] }))
    const { stdout } = await world.ixj.run('doctor', team, '--json')
    const told = records(stdout) as unknown as readonly Told[]
    return told
      .filter(({ check }) => check === 'parent')
      .map(({ level, text: what }) => [level, what])
  }
  const key = ['ok', expect.stringContaining('names its key') as string]
  const same = 'acme.example names the same servers: ns1.team.acme.example'
  expect(await ask(ns, '127.0.0.1')).toEqual([['ok', same], key])
  const moved = 'acme.example has it at 127.0.0.9, it is at 127.0.0.1'
  expect(await ask(ns, '127.0.0.9')).toEqual([['wrong', moved], key])
  expect(await ask('ns9.team.acme.example', '127.0.0.1')).toMatchObject([
    ['wrong', expect.stringContaining('sends those who ask to ns9.team.acme.example')],
    ['note', expect.stringContaining('does not name ns1.team.acme.example')],
    ['wrong', expect.stringContaining('it is at no address')],
    key,
  ])
})

test('a name server without an address is found', async () => {
  await using world = await openWorld()
  await world.trust()
  const ns = ['ns1.acme.example', 'ns2.acme.example'].map(
    (name) => parseRecord(`${zone}. 60 IN NS ${name}.`).data,
  )
  await world.set(
    set(keyOwner(w1), TYPE.TXT, [writeKeyRecord(await keyRecord())]),
    set(zone, TYPE.NS, ns),
  )
  const { bad } = await world.ask(w1)
  expect(bad).toEqual(['wrong servers', 'note parent'])
})

test('servers with different versions of the zone are found', async () => {
  await using world = await openWorld()
  await using behind = await openWorld()
  await world.trust()
  await world.set(set(keyOwner(w1), TYPE.TXT, [writeKeyRecord(await keyRecord())]))
  const upstreams = [world, behind].map(({ port }) => {
    return { suffix: zone, transport: 'udp', address: '127.0.0.1', port } as const
  })
  const home = await openHome(join(world.folder, 'home'))
  await home.writeDnsSettings({ upstreams, dialPrivate: false })
  const { stdout } = await world.ixj.run('doctor', w1, '--json')
  const told = records(stdout) as unknown as readonly Told[]
  const versions = expect.stringMatching(/127\.0\.0\.1 port \d+\): 2; .*: 1$/) as string
  expect(told).toContainEqual(
    expect.objectContaining({ level: 'wrong', check: 'serial', text: versions }),
  )
})

test('a server that serves other zones is found', async () => {
  await using world = await openWorld()
  await world.trust()
  const globex = parseName('globex.example')
  await world.ixj.done('key', 'new', globex)
  const { code, all } = await world.ask(globex)
  expect(code).toBe(1)
  expect(all).toContainEqual(
    expect.objectContaining({
      level: 'wrong',
      check: 'servers',
      text: expect.stringContaining('REFUSED') as string,
    }),
  )
})
