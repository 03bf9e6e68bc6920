import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  compareNames,
  decodeMessage,
  delegationEdits,
  type DnsRecord,
  encodeMessage,
  EMPTY_MESSAGE,
  formatRecord,
  type Message,
  parseRecord,
  RCODE,
  readNsec,
  readRrsig,
  signTsig,
  TYPE,
  type TsigKey,
  verifyTsig,
} from '@ixj/dns'
import { ask } from '../../../../test/world/dns/ask.ts'
import { startNsd } from '../../../../test/world/dns/nsd.ts'
import { delv } from '../../../../test/world/dns/programs.ts'
import { realTools } from '../../../../test/world/dns/real-tools.ts'
import type { RunningServer } from '../../../../test/world/dns/server-process.ts'
import { editsOf, makeZone, type MadeZone, named, serveZones, TEST_KEY } from './made-zone.ts'
import { queryFor } from './served-zone.ts'
import { connectTcp } from './tcp-client.ts'

const zone = 'agents.test'
const held = new AsyncDisposableStack()
let made: MadeZone
let port: number

beforeAll(async () => {
  made = held.use(
    await makeZone(
      zone,
      `
_ixjkey.planner TXT "key"
_ixj.planner SVCB 1 ns1 port=4001
alias CNAME _ixjkey.planner
*.wild TXT "wild"
x.under.wild TXT "under"
open NS ns1
`,
    ),
  )
  const child = named(`team.${zone}`)
  const nameservers = [{ name: named(`ns.team.${zone}`), addresses: ['127.0.0.9'] }]
  const ds = [{ ...made.store.ds, name: child }]
  await made.store.apply(delegationEdits({ child, nameservers, ds }))
  const many = Array.from({ length: 300 }, (_, index) =>
    parseRecord(`_ixjkey.w${index}.${zone}. 60 IN TXT "key ${index}"`),
  )
  await made.store.apply(editsOf(many))
  port = held.use(await serveZones([made.store])).port
})
afterAll(async () => await held.disposeAsync())

const copyQuery = (type: string) => encodeMessage(queryFor(`${type} ${zone}`))

/** All messages of a transfer, each checked to be signed after the one before. */
async function transferred(bytes: Uint8Array): Promise<Message[]> {
  using client = await connectTcp(port)
  const now = Date.now()
  const request = signTsig(bytes, { key: TEST_KEY, now })
  client.send(request.bytes)
  const messages: Message[] = []
  let priorMac = request.mac
  let ends = 0
  while (ends < 2) {
    const next = await client.next()
    const message = decodeMessage(next)
    const timersOnly = messages.length > 0
    priorMac = verifyTsig(next, message.tsig, { keys: [TEST_KEY], now, priorMac, timersOnly }).mac
    messages.push(message)
    ends += message.answers.filter(({ type }) => type === TYPE.SOA).length
  }
  return messages
}

describe('AXFR', () => {
  let messages: readonly Message[]
  let records: readonly DnsRecord[]
  beforeAll(async () => {
    messages = await transferred(copyQuery('AXFR'))
    records = messages.flatMap(({ answers }) => answers)
  })

  test('has every record of the zone, SOA first and last', () => {
    expect(messages.length).toBeGreaterThan(3)
    const all = [...made.store.content.rrsets()].flatMap((rrset) => rrset.records.map(formatRecord))
    const isSigning = ({ type }: DnsRecord) => type === TYPE.RRSIG || type === TYPE.NSEC
    const found = records.filter((record) => !isSigning(record)).map(formatRecord)
    expect(found.slice(0, -1).toSorted()).toEqual(all.toSorted())
    expect([records[0]?.type, records.at(-1)?.type]).toEqual([TYPE.SOA, TYPE.SOA])
  })

  test('has a chain of denials that goes once around the zone', () => {
    const chain = new Map(
      records
        .filter(({ type }) => type === TYPE.NSEC)
        .map(({ name, data }) => [name, readNsec(data)]),
    )
    const owners = [...chain.keys()]
    expect(owners).toEqual(owners.toSorted(compareNames))
    const nexts = owners.map((name) => chain.get(name)!.next)
    expect(nexts).toEqual([...owners.slice(1), owners[0]])
    // What lies below a delegation is not of this zone, and a name without records has no NSEC.
    expect(chain.has(named(`ns.team.${zone}`))).toBe(false)
    expect(chain.has(named(`planner.${zone}`))).toBe(false)
    expect(chain.get(named(`team.${zone}`))?.types).toEqual([
      TYPE.NS,
      TYPE.DS,
      TYPE.RRSIG,
      TYPE.NSEC,
    ])
  })

  test('has signatures with most of their time ahead, on all but delegations and glue', () => {
    const signatures = records.filter(({ type }) => type === TYPE.RRSIG)
    const signed = new Set(
      signatures.map(({ name, data }) => `${name} ${readRrsig(data).typeCovered}`),
    )
    const left = signatures.map(({ data }) => readRrsig(data).expiration - Date.now() / 1_000)
    expect(Math.min(...left)).toBeGreaterThan(2.4 * 3_600)
    const unsigned = records.filter(
      ({ name, type }) => type !== TYPE.RRSIG && !signed.has(`${name} ${type}`),
    )
    expect(unsigned.map(({ name, type }) => `${name} ${type}`).toSorted()).toEqual([
      `ns.team.${zone} ${TYPE.A}`,
      `open.${zone} ${TYPE.NS}`,
      `team.${zone} ${TYPE.NS}`,
    ])
  })

  test('is for those alone who have a key for it', async () => {
    using client = await connectTcp(port)
    client.send(copyQuery('AXFR'))
    expect(decodeMessage(await client.next()).rcode).toBe(RCODE.REFUSED)
    const other: TsigKey = { ...TEST_KEY, name: named('other') }
    await using server = await serveZones([made.store], { keys: [other], policies: [] })
    using stranger = await connectTcp(server.port)
    stranger.send(signTsig(copyQuery('AXFR'), { key: other, now: Date.now() }).bytes)
    expect(decodeMessage(await stranger.next()).rcode).toBe(RCODE.REFUSED)
  })

  test('is of the zones whose SOA a key may change, and of no others', async () => {
    await using second = await makeZone('second.test')
    const policies = [{ key: TEST_KEY.name, names: [zone, `**.${zone}`] }]
    const keyed = { keys: [TEST_KEY], policies, transferKeys: [] }
    await using server = await serveZones([made.store, second.store], keyed)
    const codeFor = async (name: string) => {
      using client = await connectTcp(server.port)
      const query = encodeMessage(queryFor(`AXFR ${name}`))
      client.send(signTsig(query, { key: TEST_KEY, now: Date.now() }).bytes)
      return decodeMessage(await client.next()).rcode
    }
    expect(await codeFor(zone)).toBe(RCODE.NOERROR)
    expect(await codeFor('second.test')).toBe(RCODE.REFUSED)
  })

  test('is of the zone as it was when it began', async () => {
    using client = await connectTcp(port)
    client.send(signTsig(copyQuery('AXFR'), { key: TEST_KEY, now: Date.now() }).bytes)
    const first = decodeMessage(await client.next())
    await made.store.apply(editsOf([parseRecord(`zz.${zone}. 60 IN TXT "later"`)]))
    const names = [...first.answers]
    while (names.filter(({ type }) => type === TYPE.SOA).length < 2) {
      names.push(...decodeMessage(await client.next()).answers)
    }
    expect(names.some(({ name }) => name === `zz.${zone}`)).toBe(false)
    expect(formatRecord(names[0]!)).toBe(formatRecord(names.at(-1)!))
  })
})

describe('IXFR', () => {
  const from = (serial: number) => {
    const line = `${zone}. 300 IN SOA ns1.${zone}. hostmaster.${zone}. ${serial} 900 300 7200 1`
    return encodeMessage({ ...queryFor(`IXFR ${zone}`), authorities: [parseRecord(line)] })
  }

  test('of an older serial gets the whole zone', async () => {
    expect((await transferred(from(1))).length).toBeGreaterThan(3)
  })

  test('of this serial gets the SOA alone', async () => {
    using client = await connectTcp(port)
    client.send(signTsig(from(made.store.serial), { key: TEST_KEY, now: Date.now() }).bytes)
    const { answers } = decodeMessage(await client.next())
    expect(answers.map(({ type }) => type)).toEqual([TYPE.SOA])
  })
})

const run = realTools('a copy of our zone on NSD', 'nsd', 'delv')

describe.runIf(run)('NSD as a secondary', () => {
  let nsd: RunningServer
  beforeAll(async () => {
    nsd = held.use(await startNsd({ zones: [{ name: zone, primaryPort: port, key: TEST_KEY }] }))
  })

  test.each([
    ['SOA', zone, false],
    ['DNSKEY', zone, false],
    ['TXT', `_ixjkey.planner.${zone}`, false],
    ['TXT', `alias.${zone}`, false],
    ['TXT', `a.b.wild.${zone}`, false],
    ['DS', `team.${zone}`, false],
    ['DS', `open.${zone}`, true],
    ['A', `_ixjkey.planner.${zone}`, true],
    ['TXT', `planner.${zone}`, true],
    ['TXT', `ghost.${zone}`, true],
    ['A', `a.wild.${zone}`, true],
    ['TXT', `a.under.wild.${zone}`, true],
  ])('serves what delv validates: %s %s', async (type, name, negative) => {
    const anchors = made.store.anchor.records
    const found = await delv({ port: nsd.port, name, type, anchors })
    expect(found, found.output).toMatchObject({ validated: true, negative })
  })

  test('hears of a change and fetches it', async () => {
    const secondaries = [{ address: '127.0.0.1', port: nsd.port, key: TEST_KEY }]
    await using notifying = await serveZones([made.store], { secondaries })
    expect(notifying.addresses).toHaveLength(1)
    await made.store.apply(editsOf([parseRecord(`fresh.${zone}. 60 IN TXT "fresh"`)]))
    const asked = { port: nsd.port, name: `fresh.${zone}`, type: TYPE.TXT, dnssecOk: true }
    let { answers } = EMPTY_MESSAGE
    for (const end = performance.now() + 15_000; answers.length === 0;) {
      ;({ answers } = await ask(asked))
      if (performance.now() > end) throw new Error(`NSD did not fetch it:\n${await nsd.log()}`)
    }
    expect(answers.map(({ type }) => type)).toEqual([TYPE.TXT, TYPE.RRSIG])
  })
})

test('a secondary that nothing can be sent to ends the service for nobody', async () => {
  const secondaries = [{ address: '255.255.255.255', port: 53 }]
  await using serving = await serveZones([made.store], { secondaries })
  const asked = { port: serving.addresses[0]!.port, name: zone, type: TYPE.SOA, dnssecOk: false }
  expect((await ask(asked)).answers).toHaveLength(1)
})

test('a zone that others copy gets a new serial every hour, before the signatures of copies end', async () => {
  await using own = await makeZone('hourly.example')
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  try {
    await using serving = await serveZones([own.store])
    expect(serving.zone(own.store.zone)).toBe(own.store)
    const changed = new Promise<void>((resolve) => own.store.watch(resolve))
    vi.advanceTimersByTime(3_600_000)
    await changed
    expect(own.store.serial).toBe(2)
  } finally {
    vi.useRealTimers()
  }
})
