import { openResolver, parseDnsName, type Resolution, ROOT, TYPE, type Upstream } from '@ixj/dns'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BindServer, startBind } from '../../../../test/world/dns/bind.ts'
import { realTools } from '../../../../test/world/dns/real-tools.ts'
import { startUnbound, type UnboundServer } from '../../../../test/world/dns/unbound.ts'
import { AGENTS, anchorOf, PLAIN, textsOf, TRUE_KEY } from './zone-texts.ts'

const KEY = parseDnsName('_ixjkey.planner.agents.test')

describe.runIf(realTools('the resolver at real servers', 'named', 'unbound', 'openssl'))(
  'openResolver() at real servers',
  () => {
    let bind: BindServer
    let unbound: UnboundServer
    let upstreams: Readonly<Record<string, Upstream>>
    let open: (upstream: Upstream) => ReturnType<typeof openResolver>

    beforeAll(async () => {
      bind = await startBind({
        zones: [
          { name: 'agents.test', text: AGENTS },
          { name: 'plain.test', text: PLAIN, signed: false },
        ],
      })
      const anchor = await anchorOf(bind, 'agents.test')
      unbound = await startUnbound({
        anchors: anchor.records,
        stubs: [
          { zone: 'agents.test', port: bind.port },
          { zone: 'plain.test', port: bind.port },
        ],
        tls: true,
        https: true,
      })
      const at = (transport: Upstream['transport'], port: number): Upstream => ({
        suffix: ROOT,
        transport,
        address: '127.0.0.1',
        port,
        ...(transport === 'udp'
          ? {}
          : { serverName: unbound.serverName, certificateAuthority: unbound.certificate }),
      })
      upstreams = {
        'BIND itself': at('udp', bind.port),
        'Unbound over UDP': at('udp', unbound.port),
        'Unbound over TLS': at('tls', unbound.tlsPort),
        'Unbound over HTTPS': at('https', unbound.httpsPort),
      }
      open = (upstream) => openResolver({ anchors: [anchor], upstreams: [upstream] })
    })

    afterAll(async () => {
      await unbound[Symbol.asyncDispose]()
      await bind[Symbol.asyncDispose]()
    })

    describe.each(['BIND itself', 'Unbound over UDP', 'Unbound over TLS', 'Unbound over HTTPS'])(
      '%s',
      (what) => {
        it('gives keys, aliases, wildcards and denials, each validated here', async () => {
          await using resolver = open(upstreams[what]!)
          const look = (name: string) => resolver.resolve(parseDnsName(name), TYPE.TXT)
          expect(shapeOf(await look(KEY))).toEqual(['positive', false, [TRUE_KEY]])
          const alias = await look('_ixjkey.alias.agents.test')
          expect(shapeOf(alias)).toEqual(['positive', false, [TRUE_KEY]])
          expect(alias).toMatchObject({ name: KEY, anchor: 'agents.test' })
          const wild = await look('x.wild.agents.test')
          expect(shapeOf(wild)).toEqual(['positive', true, ['for everybody']])
          expect(shapeOf(await look('ghost.agents.test'))).toEqual(['nxdomain', false, []])
          expect(shapeOf(await look('node1.agents.test'))).toEqual(['nodata', false, []])
          // An empty name between others.
          expect(shapeOf(await look('planner.agents.test'))).toEqual(['nodata', false, []])
        })

        it('gives what does not fit into a datagram', async () => {
          await using resolver = open(upstreams[what]!)
          const big = await resolver.resolve(parseDnsName('big.agents.test'), TYPE.TXT)
          expect(big).toMatchObject({ state: 'secure', records: { length: 12 } })
          expect(resolver.counts.overTcp).toBe(upstreams[what]!.transport === 'udp' ? 1 : 0)
        })

        it('says that a name without an anchor is insecure', async () => {
          await using resolver = open(upstreams[what]!)
          const name = parseDnsName('_ixjkey.planner.plain.test')
          const found = await resolver.resolve(name, TYPE.TXT)
          expect(found).toMatchObject({ state: 'insecure', below: undefined })
          expect('records' in found && textsOf(found.records)).toEqual([TRUE_KEY])
        })

        it('answers many lookups at once', async () => {
          await using resolver = open(upstreams[what]!)
          const names = Array.from({ length: 60 }, (_, place) => `n${place}.wild.agents.test`)
          const found = await Promise.all(
            names.map((name) => resolver.resolve(parseDnsName(name), TYPE.TXT)),
          )
          expect(found.filter(({ state }) => state === 'secure')).toHaveLength(60)
        })
      },
    )

    it.each(['tls', 'https'] as const)('refuses a certificate over %s', async (transport) => {
      const good = upstreams[transport === 'tls' ? 'Unbound over TLS' : 'Unbound over HTTPS']!
      const { certificateAuthority: _, ...unknownAuthority } = good
      const attempts: readonly (readonly [Upstream, RegExp])[] = [
        [{ ...good, serverName: 'other.test' }, /does not match certificate/],
        [unknownAuthority, /self-signed certificate/],
      ]
      for (const [upstream, message] of attempts) {
        await using resolver = open(upstream)
        // oxlint-disable-next-line no-await-in-loop -- Each on its own.
        const found = await resolver.resolve(KEY, TYPE.TXT)
        expect(found).toMatchObject({ state: 'unreachable' })
        expect('message' in found && found.message).toMatch(message)
      }
    })

    it('is unreachable while nobody answers, and keeps nothing of that', async () => {
      await using resolver = open(upstreams['BIND itself']!)
      await bind.kill()
      const found = await resolver.resolve(KEY, TYPE.TXT)
      expect(found).toMatchObject({ state: 'unreachable' })
      await bind.restart()
      expect(await resolver.resolve(KEY, TYPE.TXT)).toMatchObject({ state: 'secure' })
    })

    it('asks the next upstream of a suffix where the first fails', async () => {
      const good = upstreams['BIND itself']!
      const anchors = [await anchorOf(bind, 'agents.test')]
      const dead = { ...good, port: 1 }
      await using resolver = openResolver({ anchors, upstreams: [dead, good] })
      expect(await resolver.resolve(KEY, TYPE.TXT)).toMatchObject({ state: 'secure' })
      // The dead one was asked once, and stands last since.
      expect(resolver.counts.questions).toBe(2)
    })

    it('takes milliseconds', async () => {
      const lines: string[] = []
      for (const what of Object.keys(upstreams)) {
        await using resolver = open(upstreams[what]!)
        const timed = async (name: string) => {
          const started = performance.now()
          await resolver.resolve(parseDnsName(name), TYPE.TXT)
          return performance.now() - started
        }
        // oxlint-disable no-await-in-loop -- One lookup at a time is timed.
        const cold = await timed(KEY)
        const warm: number[] = []
        for (let place = 0; place < 50; place++)
          warm.push(await timed(`t${place}.wild.agents.test`))
        const kept: number[] = []
        for (let place = 0; place < 50; place++) kept.push(await timed(KEY))
        // oxlint-enable no-await-in-loop
        const ms = [cold, middleOf(warm), middleOf(kept)].map((each) => each.toFixed(2))
        lines.push(`${what}: first ${ms[0]} ms, another name ${ms[1]} ms, kept ${ms[2]} ms`)
        expect(middleOf(warm)).toBeLessThan(250)
      }
      console.info(lines.join('\n'))
    })
  },
)

function shapeOf(found: Resolution): unknown {
  if (found.state !== 'secure') return found
  const { answer, ttlSeconds, wildcard, records } = found
  // Unbound may have kept it for a while.
  expect(ttlSeconds).toBeGreaterThanOrEqual(0)
  expect(ttlSeconds).toBeLessThanOrEqual(answer === 'positive' && !wildcard ? 300 : 2)
  return [answer, wildcard, textsOf(records)]
}

function middleOf(times: readonly number[]): number {
  return times.toSorted((left, right) => left - right)[Math.floor(times.length / 2)]!
}
