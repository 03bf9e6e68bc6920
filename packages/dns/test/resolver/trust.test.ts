import {
  decodeChain,
  keysOf,
  lookupKeyChain,
  openResolver,
  parseDnsName,
  ROOT,
  TYPE,
  validate,
  nodeDnssecCrypto,
  type Upstream,
  type ZoneAnchor,
} from '@ixj/dns'
import { parseName } from '@ixj/names'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BindServer, startBind } from '../../../../test/world/dns/bind.ts'
import { realTools } from '../../../../test/world/dns/real-tools.ts'
import { startUnbound, type UnboundServer } from '../../../../test/world/dns/unbound.ts'
import { AGENTS, anchorOf, PLAIN, textsOf, TRUE_KEY } from './zone-texts.ts'

const KEY = parseDnsName('_ixjkey.planner.agents.test')
const PLAIN_KEY = parseDnsName('_ixjkey.planner.plain.test')
const PLANNER = parseName('planner.agents.test')

describe.runIf(realTools('whose word the resolver takes', 'named', 'unbound'))(
  'whose word counts',
  () => {
    let bind: BindServer
    let unbound: UnboundServer
    let anchor: ZoneAnchor
    let upstream: Upstream
    beforeAll(async () => {
      bind = await startBind({
        zones: [
          { name: 'agents.test', text: AGENTS },
          { name: 'plain.test', text: PLAIN, signed: false },
        ],
      })
      anchor = await anchorOf(bind, 'agents.test')
      unbound = await startUnbound({
        anchors: anchor.records,
        stubs: [
          { zone: 'agents.test', port: bind.port },
          { zone: 'plain.test', port: bind.port },
        ],
      })
      upstream = { suffix: ROOT, transport: 'udp', address: '127.0.0.1', port: unbound.port }
    })
    afterAll(async () => {
      await unbound[Symbol.asyncDispose]()
      await bind[Symbol.asyncDispose]()
    })

    it('without trustAd: AD means nothing', async () => {
      await using resolver = openResolver({ anchors: [], upstreams: [upstream] })
      expect(await resolver.resolve(KEY, TYPE.TXT)).toMatchObject({ state: 'insecure' })
    })

    it('with trustAd: AD makes secure, its absence insecure', async () => {
      await using resolver = openResolver({ anchors: [], upstreams: [upstream], trustAd: true })
      const found = await resolver.resolve(KEY, TYPE.TXT)
      expect(found).toMatchObject({ state: 'secure', zone: 'agents.test', used: [] })
      expect('records' in found && textsOf(found.records)).toEqual([TRUE_KEY])
      const ghost = parseDnsName('ghost.agents.test')
      expect(await resolver.resolve(ghost, TYPE.TXT)).toMatchObject({ answer: 'nxdomain' })
      const wild = parseDnsName('x.wild.agents.test')
      expect(await resolver.resolve(wild, TYPE.TXT)).toMatchObject({ wildcard: true })
      expect(await resolver.resolve(PLAIN_KEY, TYPE.TXT)).toMatchObject({ state: 'insecure' })
    })

    it('with trustAd: an anchor of ours still counts before AD', async () => {
      const wrong = { ...anchor, records: (await anchorOf(bind, 'agents.test')).records.slice(1) }
      await using resolver = openResolver({
        anchors: [wrong],
        upstreams: [upstream],
        trustAd: true,
      })
      expect(await resolver.resolve(KEY, TYPE.TXT)).toMatchObject({
        state: 'bogus',
        reason: 'no-key',
      })
    })

    it.each(['192.0.2.1', '2001:db8::1', '::ffff:192.0.2.1', '0.0.0.0'])(
      'refuses trustAd with the upstream %s',
      (address) => {
        const upstreams = [upstream, { ...upstream, address }]
        expect(() => openResolver({ anchors: [], upstreams, trustAd: true })).toThrow(
          expect.objectContaining({ code: 'argument' }),
        )
      },
    )

    it.each([
      ['no address', { address: 'localhost' }],
      ['no port', { port: 0 }],
      ['no path', { path: 'dns query' }],
    ])('refuses an upstream that has %s', (_what, more) => {
      const upstreams = [{ ...upstream, ...more }]
      expect(() => openResolver({ anchors: [], upstreams })).toThrow(
        expect.objectContaining({ code: 'argument' }),
      )
    })

    it('lookupKeyChain() gives a chain that validates without anybody', async () => {
      await using resolver = openResolver({ anchors: [anchor], upstreams: [upstream] })
      const { secure, chain } = await lookupKeyChain(PLANNER, { resolver })
      const now = Date.now()
      expect(keysOf(PLANNER, secure, { now }).keys).toHaveLength(1)
      const context = { anchors: [anchor], now, crypto: nodeDnssecCrypto() }
      const again = await validate({ name: KEY, type: TYPE.TXT }, decodeChain(chain), context)
      // A resolver that kept an answer counts its TTL down; a chain bears the one that was signed.
      const records = secure.records.map(({ name, type, data }) => ({ name, type, data }))
      expect(again).toMatchObject({ state: 'secure', records })
    })

    it('lookupKeyChain() says why there is none', async () => {
      await using resolver = openResolver({ anchors: [anchor], upstreams: [upstream] })
      await using trusting = openResolver({ anchors: [], upstreams: [upstream], trustAd: true })
      const dead = { ...upstream, port: 1 }
      await using cutOff = openResolver({ anchors: [anchor], upstreams: [dead] })
      const cases = [
        ['ghost.agents.test', resolver, 'absent'],
        ['planner.plain.test', resolver, 'insecure'],
        ['planner.agents.test', trusting, 'insecure'],
        ['planner.agents.test', cutOff, 'unreachable'],
      ] as const
      for (const [name, by, code] of cases) {
        // oxlint-disable-next-line no-await-in-loop -- Each on its own.
        await expect(lookupKeyChain(parseName(name), { resolver: by })).rejects.toMatchObject({
          code,
        })
      }
    })
  },
)
