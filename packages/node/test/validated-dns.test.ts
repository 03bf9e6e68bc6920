import { yamux } from '@chainsafe/libp2p-yamux'
import { openResolver, parseDnsName, ROOT, type Upstream, type ZoneAnchor } from '@ixj/dns'
import type { Libp2p } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anchorOf } from '../../dns/test/resolver/zone-texts.ts'
import { type BindServer, startBind } from '../../../test/world/dns/bind.ts'
import { nsupdate } from '../../../test/world/dns/programs.ts'
import { realTools } from '../../../test/world/dns/real-tools.ts'
import { zoneText } from '../../../test/world/dns/zone-text.ts'
import { DNS_ADDRESSES_MAX, DNS_LOOKUPS_MAX } from '../src/mesh/limits.ts'
import { validatedDns } from '../src/mesh/validated-dns.ts'

describe.runIf(realTools('addresses from DNS in libp2p', 'named', 'nsupdate'))(
  'validatedDns()',
  () => {
    let bind: BindServer
    let anchor: ZoneAnchor
    let upstream: Upstream
    let far: Libp2p

    beforeAll(async () => {
      far = await openPeer()
      const address = far.getMultiaddrs()[0]!.toString().replace('/ip4/127.0.0.1', '')
      const texts = (zone: string) => [
        `_dnsaddr.far IN TXT "dnsaddr=/dns4/node1.${zone}${address}"`,
        `_dnsaddr.further IN TXT "dnsaddr=/dnsaddr/far.${zone}/p2p/${far.peerId.toString()}"`,
        `_dnsaddr.stranger IN TXT "dnsaddr=/dnsaddr/far.${zone}/p2p/12D3KooWGJNvVCiRYuCJbQjRCU66JZDURidyNmLPy9MNDVqE9Ayb"`,
        `_dnsaddr.loop IN TXT "dnsaddr=/dnsaddr/loop.${zone}"`,
        `_dnsaddr.junk IN TXT "dnsaddr=/no/such/thing" "x"`,
        ...Array.from({ length: 40 }, (_, place) => [
          `_dnsaddr.many IN TXT "dnsaddr=/ip4/127.0.0.1/tcp/${1_000 + place}"`,
          `_dnsaddr.maze IN TXT "dnsaddr=/dnsaddr/m${place}.${zone}"`,
          `_dnsaddr.m${place} IN TXT "dnsaddr=/dnsaddr/n${place}.${zone}"`,
          `_dnsaddr.n${place} IN TXT "dnsaddr=/dnsaddr/m${(place + 1) % 40}.${zone}"`,
        ]).flat(),
      ]
      bind = await startBind({
        zones: [
          { name: 'agents.test', text: zoneText('agents.test', ...texts('agents.test')) },
          {
            name: 'plain.test',
            text: zoneText('plain.test', ...texts('plain.test')),
            signed: false,
          },
        ],
      })
      anchor = await anchorOf(bind, 'agents.test')
      upstream = { suffix: ROOT, transport: 'udp', address: '127.0.0.1', port: bind.port }
    })

    afterAll(async () => {
      await far.stop()
      await bind[Symbol.asyncDispose]()
    })

    /** Resolves an address, with the reasons why names counted for nothing. */
    async function resolve(address: string, anchors = [anchor]) {
      await using resolver = openResolver({ anchors, upstreams: [upstream] })
      const refused: string[] = []
      const log = far.logger.forComponent('test')
      const { validated } = validatedDns(resolver, { refused: ({ code }) => refused.push(code) })
      const found = await validated!.resolve(multiaddr(address), { log })
      return { found: found.map((each) => each.toString()), refused, counts: resolver.counts }
    }

    it('leads libp2p to a peer, through one name and another', async () => {
      await using resolver = openResolver({ anchors: [anchor], upstreams: [upstream] })
      const near = await openPeer(validatedDns(resolver))
      for (const name of ['far', 'further']) {
        // oxlint-disable-next-line no-await-in-loop -- One connection at a time.
        const connection = await near.dial(multiaddr(`/dnsaddr/${name}.agents.test`))
        expect(connection.remotePeer.toString()).toBe(far.peerId.toString())
        expect(connection.remoteAddr.toString()).toContain('/ip4/127.0.0.1/')
        // oxlint-disable-next-line no-await-in-loop -- As above.
        await connection.close()
      }
      await near.stop()
    })

    it('takes _dnsaddr only if it is secure, addresses of hosts also if they are insecure', async () => {
      const insecure = await resolve('/dnsaddr/far.plain.test')
      expect(insecure).toMatchObject({ found: [], refused: ['insecure'] })
      const host = await resolve('/dns4/node1.plain.test/tcp/4001')
      expect(host).toMatchObject({ found: ['/ip4/127.0.0.1/tcp/4001'], refused: [] })
    })

    it('gives nothing for what is bogus or out of reach', async () => {
      const wrong = { ...anchor, records: [] }
      for (const address of ['/dnsaddr/far.agents.test', '/dns4/node1.agents.test/tcp/4001']) {
        // oxlint-disable-next-line no-await-in-loop -- Each on its own.
        expect(await resolve(address, [wrong])).toMatchObject({ found: [], refused: ['bogus'] })
      }
    })

    it('gives nothing for names that are not there, loops and other peers', async () => {
      for (const name of ['ghost', 'loop', 'junk', 'stranger']) {
        // oxlint-disable-next-line no-await-in-loop -- Each on its own.
        const { found } = await resolve(`/dnsaddr/${name}.agents.test`)
        expect(found, name).toEqual([])
      }
    })

    it('gives and asks no more than its limits', async () => {
      const many = await resolve('/dnsaddr/many.agents.test')
      expect(many.found).toHaveLength(DNS_ADDRESSES_MAX)
      const maze = await resolve('/dnsaddr/maze.agents.test')
      expect(maze).toMatchObject({ found: [] })
      expect(maze.refused).toContain('limit')
      expect(maze.counts.lookups).toBeLessThanOrEqual(DNS_LOOKUPS_MAX)
    })

    it('resolves /dns to both kinds of address', async () => {
      const owner = parseDnsName('node2.agents.test')
      const lines = [`update add ${owner}. 300 AAAA ::1`, `update add ${owner}. 300 A 127.0.0.1`]
      await nsupdate({ port: bind.port, zone: 'agents.test', key: bind.key, lines })
      const both = ['/ip6/::1/tcp/4001', '/ip4/127.0.0.1/tcp/4001']
      expect(await resolve('/dns/node2.agents.test/tcp/4001')).toMatchObject({ found: both })
      expect(await resolve('/dns6/node2.agents.test/tcp/4001')).toMatchObject({
        found: both.slice(0, 1),
      })
    })
  },
)

function openPeer(resolvers?: ReturnType<typeof validatedDns>): Promise<Libp2p> {
  return createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    ...(resolvers === undefined ? {} : { connectionManager: { resolvers } }),
  })
}
