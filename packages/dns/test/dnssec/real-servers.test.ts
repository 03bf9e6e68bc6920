import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import {
  type Asked,
  type DnsRecord,
  dsOf,
  encodeChain,
  formatRecord,
  TYPE,
  validate,
  type ValidationContext,
  verifyChain,
} from '@ixj/dns'
import { zoneKeys } from '../../../../test/world/dns/anchors.ts'
import { ask as askServer } from '../../../../test/world/dns/ask.ts'
import { startBind } from '../../../../test/world/dns/bind.ts'
import { startKnot } from '../../../../test/world/dns/knot.ts'
import { realTools } from '../../../../test/world/dns/real-tools.ts'
import { zoneText } from '../../../../test/world/dns/zone-text.ts'
import { newTestKey } from '../signed-zone.ts'
import { ask, contextOf, name } from '../zone-world.ts'

const zone = 'agents.test'
const lines = [
  'deep.under.ground 300 IN A 127.0.0.1',
  'short 300 IN CNAME node1',
  'old 300 IN DNAME new',
  'node1.new 300 IN A 127.0.0.2',
  '*.wild 300 IN TXT "expanded"',
  'exact.wild 300 IN TXT "exact"',
  'open 300 IN NS ns1.open',
  'ns1.open 300 IN A 127.0.0.1',
]

interface Server {
  readonly port: number
}

/** Which server is asked: the zone above a cut has its DS. */
type Servers = (asked: Asked) => Server

/** Asks a server as a resolver does until there is a verdict; every second answer comes over TCP. */
async function resolve(server: Server | Servers, question: string, anchors: readonly DnsRecord[]) {
  const context = contextOf([{ zone: name(zone), records: anchors }], { now: Date.now() })
  const first = ask(question)
  const records: DnsRecord[] = []
  const asked: Asked[] = []
  for (let needs: readonly Asked[] = [first]; needs.length > 0 && asked.length < 20;) {
    for (const need of needs) {
      const tcp = asked.length % 2 === 1
      const { port } = typeof server === 'function' ? server(need) : server
      const answer = await askServer({ ...need, port, dnssecOk: true, tcp })
      expect(answer.truncated).toBe(false)
      records.push(...answer.answers, ...answer.authorities)
      asked.push(need)
    }
    const validation = await validate(first, records, context)
    if (validation.state !== 'incomplete') return { validation, records, context }
    needs = validation.needs.filter(
      (need) => !asked.some((done) => done.name === need.name && done.type === need.type),
    )
  }
  throw new Error(`No verdict on ${question}`)
}

const TRIES_MAX = 400

/** Waits for BIND, which answers while it still signs, a part at a time. */
async function untilSigned(server: Server): Promise<void> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const questions = [`_ixj.planner.${zone}`, `_ixjkey.planner.${zone}`, `zzz.${zone}`]
    const answers = await Promise.all(
      questions.map((owner) =>
        askServer({ name: owner, type: TYPE.TXT, port: server.port, dnssecOk: true, tcp: true }),
      ),
    )
    const unsigned = answers
      .flatMap((answer) => [answer.answers, answer.authorities])
      .filter((section) => section.length > 0)
      .filter((section) => !section.some(({ type }) => type === TYPE.RRSIG))
    if (unsigned.length === 0 && isDenied(answers[2]!.authorities)) return
    await pause(10)
  }
  throw new Error(`The zone is still not signed after ${TRIES_MAX} tries`)
}

function isDenied(records: readonly DnsRecord[]): boolean {
  return records.some(({ type }) => type === TYPE.NSEC || type === TYPE.NSEC3)
}

interface Expectations {
  /** Answers signed on the spot do not tell of wildcards, and call some absent names empty. */
  readonly online?: boolean
  readonly optOut?: boolean
}

async function expectValid(server: Server, { online, optOut }: Expectations = {}): Promise<void> {
  const anchors = await zoneKeys(server, zone)
  const find = async (question: string) => (await resolve(server, question, anchors)).validation
  const absent = optOut === true ? { state: 'insecure' } : { state: 'secure', records: [] }
  expect(await find(`TXT _ixjkey.planner.${zone}`)).toMatchObject({
    state: 'secure',
    answer: 'positive',
    zone,
    wildcard: false,
    ttlSeconds: 300,
  })
  expect(await find(`SVCB _ixj.planner.${zone}`)).toMatchObject({ state: 'secure' })
  expect(await find(`DNSKEY ${zone}`)).toMatchObject({ state: 'secure' })
  expect(await find(`TLSA node1.${zone}`)).toMatchObject({ state: 'secure', answer: 'nodata' })
  expect(await find(`A under.ground.${zone}`)).toMatchObject({ state: 'secure', answer: 'nodata' })
  for (const ghost of ['ghost', 'a.b.ghost', 'zzz.node1']) {
    expect(await find(`TXT ${ghost}.${zone}`), ghost).toMatchObject(absent)
  }
  expect(await find(`A short.${zone}`)).toMatchObject({ state: 'secure', name: `node1.${zone}` })
  expect(await find(`A node1.old.${zone}`)).toMatchObject({ name: `node1.new.${zone}` })
  const expanded = online === true ? { state: 'secure' } : { state: 'secure', wildcard: true }
  const wild = optOut === true ? { state: 'insecure' } : expanded
  expect(await find(`TXT any.wild.${zone}`)).toMatchObject(wild)
  expect(await find(`TXT exact.wild.${zone}`)).toMatchObject({ state: 'secure', wildcard: false })
  expect(await find(`TXT a.open.${zone}`)).toMatchObject({ state: 'insecure', below: zone })
}

/** What comes of an answer that somebody changed on the way, each change apart. */
async function refusals(server: Server): Promise<Readonly<Record<string, string>>> {
  const anchors = await zoneKeys(server, zone)
  const owner = `_ixjkey.planner.${zone}`
  const asked = ask(`TXT ${owner}`)
  const { validation, records, context } = await resolve(server, `TXT ${owner}`, anchors)
  if (validation.state !== 'secure') throw new Error(validation.state)
  const judge = async (
    changed: readonly DnsRecord[],
    more: Partial<ValidationContext> = {},
    question = asked,
  ): Promise<string> => {
    const verdict = await validate(question, changed, { ...context, ...more })
    if (verdict.state === 'secure') return `secure for ${verdict.ttlSeconds} s`
    return verdict.state === 'bogus' ? verdict.reason : verdict.state
  }
  const change = (what: (record: DnsRecord) => DnsRecord) => records.map((record) => what(record))
  const strange = [{ zone: name(zone), records: [newTestKey(name(zone)).dnskey] }]
  const proof = await verifyChain(encodeChain(validation.used), asked, context)
  return {
    'as a proof': proof.state,
    'with the anchor swapped': await judge(records, { anchors: strange }),
    'after its time': await judge(records, { now: validation.expiresAt + 1 }),
    'with the key swapped': await judge(
      change((one) => (one.type === TYPE.TXT ? { ...one, data: one.data.with(50, 0x41) } : one)),
    ),
    'without signatures': await judge(records.filter(({ type }) => type !== TYPE.RRSIG)),
    'under another name': await judge(
      change((one) => (one.name === owner ? { ...one, name: name(`a.${zone}`) } : one)),
      {},
      ask(`TXT a.${zone}`),
    ),
    'with its TTL raised': await judge(change((one) => ({ ...one, ttl: 86_400 }))),
  }
}

const EXPECTED_REFUSALS = {
  'as a proof': 'secure',
  'with the anchor swapped': 'no-key',
  'after its time': 'expired',
  'with the key swapped': 'bad-signature',
  'without signatures': 'unsigned',
  'under another name': 'bad-signature',
  'with its TTL raised': 'secure for 300 s',
}

describe.runIf(realTools('our validator on zones of BIND', 'named'))('zones of BIND', () => {
  test.each([
    ['ed25519', {}],
    ['ecdsap256sha256', { splitKeys: true }],
    ['rsasha256', { splitKeys: true }],
    ['ed25519', { nsec3: true }],
    ['ed25519', { nsec3: true, optOut: true }],
  ] as const)('hold with %s %o', async (algorithm, variant) => {
    const text = zoneText(zone, ...lines)
    await using bind = await startBind({ zones: [{ name: zone, text, algorithm, ...variant }] })
    await untilSigned(bind)
    await expectValid(bind, { optOut: 'optOut' in variant })
    expect(await refusals(bind)).toEqual(EXPECTED_REFUSALS)
  })
})

describe.runIf(realTools('our validator on zones of Knot', 'knotd'))('zones of Knot', () => {
  test.each([
    ['online', {}],
    ['online', { algorithm: 'ecdsap256sha256' }],
    ['stored', {}],
    ['stored', { nsec3: true }],
    ['stored', { nsec3: true, optOut: true }],
  ] as const)('hold signed %s %o', async (signing, variant) => {
    const text = zoneText(zone, ...lines)
    await using knot = await startKnot({ zones: [{ name: zone, text, signing, ...variant }] })
    await expectValid(knot, { online: signing === 'online', optOut: 'optOut' in variant })
    expect(await refusals(knot)).toEqual(EXPECTED_REFUSALS)
  })
})

describe.runIf(realTools('our validator below two servers', 'named', 'knotd'))(
  'a zone of BIND that delegates to Knot',
  () => {
    test('is a chain, which breaks without its DS, and ends at a child without one', async () => {
      const child = `team.${zone}`
      await using knot = await startKnot({
        zones: [{ name: child, text: zoneText(child), signing: 'stored', nsec3: true }],
      })
      const [key] = await zoneKeys(knot, child)
      const ns = [`team 300 IN NS ns1.team`, `ns1.team 300 IN A 127.0.0.1`]
      const question = `TXT _ixjkey.planner.${child}`
      const start = async (...ds: readonly string[]) => {
        const bind = await startBind({
          zones: [{ name: zone, text: zoneText(zone, ...ns, ...ds) }],
        })
        await untilSigned(bind)
        const below: Servers = ({ name: owner, type }) =>
          owner.endsWith(child) && !(owner === child && type === TYPE.DS) ? knot : bind
        return Object.assign(bind, { below, anchors: await zoneKeys(bind, zone) })
      }

      await using signed = await start(formatRecord({ ...dsOf(key!), ttl: 300 }))
      const found = await resolve(signed.below, question, signed.anchors)
      expect(found.validation).toMatchObject({ state: 'secure', zone: child, anchor: zone })
      const absent = await resolve(signed.below, `TXT ghost.${child}`, signed.anchors)
      expect(absent.validation).toMatchObject({ answer: 'nxdomain', zone: child })
      const { context } = found
      const withoutDs = found.records.filter(({ type }) => type !== TYPE.DS)
      expect((await validate(ask(question), withoutDs, context)).state).toBe('incomplete')
      const proof = encodeChain(withoutDs.filter(({ type }) => type !== TYPE.NS))
      expect((await verifyChain(proof, ask(question), context)).state).toBe('bogus')

      await using open = await start()
      const insecure = await resolve(open.below, question, open.anchors)
      expect(insecure.validation).toMatchObject({ state: 'insecure', below: zone })

      const stranger = newTestKey(name(child)).dnskey
      await using wrong = await start(formatRecord({ ...dsOf(stranger), ttl: 300 }))
      const refused = await resolve(wrong.below, question, wrong.anchors)
      expect(refused.validation).toMatchObject({ state: 'bogus', reason: 'no-key' })
    })
  },
)
