import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { delegationEdits, formatRecord, TYPE, typeName } from '@ixj/dns'
import { ask } from '../../../../test/world/dns/ask.ts'
import { delv } from '../../../../test/world/dns/programs.ts'
import { realTools } from '../../../../test/world/dns/real-tools.ts'
import { startUnbound, type UnboundServer } from '../../../../test/world/dns/unbound.ts'
import { type MadeZone, makeZone, named, serveZones } from './made-zone.ts'

const RICH = `
node1 A 127.0.0.1
_ixjkey 3600 TXT "v=ixj1; k=ed25519; p=epgigbmBgw71uDnNHVmsOTIbRrwotfeTfCl2BvLCUEg; u=bind; d=4"
_ixjkey.planner TXT "v=ixj1; k=ed25519; p=hYV1dReXoualIDbhvEU4QuKGYK3IcpciTv329dU3E-I; u=sign"
_ixjkey.planner TXT "v=ixj1; k=ed25519; p=XEyT3kp4aGSTmNGm1rgJzqx4ykiXVlbDpqUGNoso6KI; nb=1798761600"
_ixj.planner 60 SVCB 1 Node1.agents.test. alpn="ixj/1" port=4001
_ixj.planner 60 SVCB 2 node1.agents.test. alpn="ixj/1" port=4002
_ixj.planner TLSA 3 1 1 c24426de44def624cf90c0e32db930adfefcc4e24b8ba17b878c177ae8d91932
_dnsaddr.planner 60 TXT "dnsaddr=/dns4/node1.agents.test/tcp/4001"
mail MX 10 Node1
web SRV 0 0 443 node1
web CAA 0 issue "nobody.example"
back PTR node1
alias CNAME _ixjkey.planner
*.wild TXT "wild"
deep.under.wild TXT "deep"
odd\\032name\\255 TXT "odd"
unknown TYPE65280 \\# 3 616263
`

/** Types and names that are not there: each in another way. */
const ABSENT = [
  'TXT ghost.agents.test',
  'A ghost.below.ghost.agents.test',
  'A _ixjkey.planner.agents.test',
  'TXT planner.agents.test',
  'A x.wild.agents.test',
  'TXT wild.agents.test',
  'TXT under.wild.agents.test',
  'TXT x.deep.under.wild.agents.test',
  'DS open.agents.test',
  'DS node1.agents.test',
  'TXT \\000.agents.test',
  'TXT *.agents.test',
]
const EXPANDED = [
  'TXT x.wild.agents.test',
  'TXT a.b.c.wild.agents.test',
  'TXT \\000.wild.agents.test',
]

const run = realTools('what delv and Unbound say of our zones', 'delv', 'unbound')

describe.runIf(run)('a zone of the embedded server', () => {
  const held = new AsyncDisposableStack()
  let parent: MadeZone
  let child: MadeZone
  let port: number
  let unbound: UnboundServer

  beforeAll(async () => {
    parent = held.use(await makeZone('agents.test', RICH))
    child = held.use(await makeZone('team.agents.test', '_ixjkey.bot TXT "of the child"'))
    const nameservers = [{ name: named('ns1.team.agents.test'), addresses: ['127.0.0.1'] }]
    const given = { child: child.store.zone, nameservers, ds: [child.store.ds] }
    await parent.store.apply(delegationEdits(given))
    await parent.store.apply(
      delegationEdits({
        ...given,
        child: named('open.agents.test'),
        ds: [],
        nameservers: [{ name: named('ns1.agents.test') }],
      }),
    )
    const server = held.use(await serveZones([parent.store, child.store]))
    port = server.port
    // A referral names an address but no port, so the resolver is told where the child is.
    const stubs = ['agents.test', 'team.agents.test'].map((zone) => ({ zone, port }))
    unbound = held.use(await startUnbound({ anchors: parent.store.anchor.records, stubs }))
  })
  afterAll(async () => await held.disposeAsync())

  /** Every set that the zone signs, as questions. */
  function signedSets(): string[] {
    const sets = [...parent.store.content.rrsets(), ...child.store.content.rrsets()]
    const isOfParent = (name: string) =>
      name.endsWith('team.agents.test') || name.startsWith('open.')
    const asked = sets
      .filter(
        ({ name, type }) => !(type === TYPE.NS && isOfParent(name) && name !== child.store.zone),
      )
      .map(({ name, type }) => `${typeName(type)} ${name}`)
    return [...new Set(asked)]
  }

  test('delv validates every set, every denial and every wildcard', async () => {
    const cases = [
      ...signedSets().map((text) => ({ text, negative: false })),
      ...EXPANDED.map((text) => ({ text, negative: false })),
      ...ABSENT.map((text) => ({ text, negative: true })),
    ].filter(({ text }) => !text.includes('team.'))
    expect(cases.length).toBeGreaterThan(30)
    const anchors = parent.store.anchor.records
    const check = async ({ text, negative }: (typeof cases)[number]) => {
      const [type, name] = text.split(' ') as [string, string]
      const found = await delv({ port, name, type, anchors })
      expect(found, `${text}\n${found.output}`).toMatchObject({ validated: true, negative })
    }
    const left = [...cases]
    const worker = async () => {
      for (let next = left.pop(); next !== undefined; next = left.pop()) await check(next)
    }
    await Promise.all([worker(), worker(), worker()])
  })

  test('delv refuses it from the key of another zone', async () => {
    const anchors = [{ ...child.store.anchor.records[0]!, name: parent.store.zone }]
    const found = await delv({ port, name: 'node1.agents.test', type: 'A', anchors })
    expect(found.validated).toBe(false)
  })

  test('Unbound sets AD on all of it, the delegated zone included', async () => {
    for (const text of [...signedSets(), ...EXPANDED, ...ABSENT]) {
      const [type, name] = text.split(' ') as [string, string]
      const number = Number(/^TYPE(\d+)$/.exec(type)?.[1] ?? TYPE[type as keyof typeof TYPE])
      const answer = await ask({
        port: unbound.port,
        name,
        type: number,
        recursionDesired: true,
        dnssecOk: true,
      })
      const lines = answer.answers.map(formatRecord).join('\n')
      expect([answer.authenticData, answer.answers.length > 0], `${text}\n${lines}`).toEqual([
        true,
        !ABSENT.includes(text),
      ])
    }
  })
})
