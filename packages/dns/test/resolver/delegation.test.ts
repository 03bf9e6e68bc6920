import {
  openResolver,
  parseDnsName,
  ROOT,
  SecureNamesInMemory,
  TYPE,
  type Upstream,
  type ZoneAnchor,
} from '@ixj/dns'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BindServer, startBind } from '../../../../test/world/dns/bind.ts'
import { type KnotServer, startKnot } from '../../../../test/world/dns/knot.ts'
import { nsupdate } from '../../../../test/world/dns/programs.ts'
import { realTools } from '../../../../test/world/dns/real-tools.ts'
import { childZone, corpZone, dsLines, anchorOf, textsOf, TRUE_KEY } from './zone-texts.ts'

const FLEET_KEY = parseDnsName('_ixjkey.r7.fleet.corp.test')

describe.runIf(realTools('the resolver and delegations', 'named', 'knotd', 'nsupdate'))(
  'openResolver() from a parent on BIND to children on Knot',
  () => {
    let parent: BindServer
    let children: KnotServer
    let anchor: ZoneAnchor
    let upstream: Upstream

    beforeAll(async () => {
      children = await startKnot({
        zones: [
          { name: 'fleet.corp.test', text: childZone('fleet') },
          { name: 'hosted.corp.test', text: childZone('hosted'), signing: 'none' },
          { name: 'open.corp.test', text: childZone('open'), signing: 'none' },
        ],
      })
      const fleet = await anchorOf(children, 'fleet.corp.test')
      parent = await startBind({
        zones: [{ name: 'corp.test', text: corpZone(dsLines(fleet)) }],
      })
      anchor = await anchorOf(parent, 'corp.test')
      upstream = {
        suffix: parseDnsName('corp.test'),
        transport: 'udp',
        address: '127.0.0.1',
        port: parent.port,
      }
    })

    afterAll(async () => {
      await parent[Symbol.asyncDispose]()
      await children[Symbol.asyncDispose]()
    })

    const open = (options: Partial<Parameters<typeof openResolver>[0]> = {}) =>
      openResolver({
        anchors: [anchor],
        upstreams: [upstream],
        referralPort: children.port,
        ...options,
      })

    it('follows a referral and its DS', async () => {
      await using resolver = open()
      const found = await resolver.resolve(FLEET_KEY, TYPE.TXT)
      expect(found).toMatchObject({
        state: 'secure',
        zone: 'fleet.corp.test',
        anchor: 'corp.test',
      })
      expect('records' in found && textsOf(found.records)).toEqual([TRUE_KEY])
      const ghost = parseDnsName('_ixjkey.ghost.fleet.corp.test')
      expect(await resolver.resolve(ghost, TYPE.TXT)).toMatchObject({
        state: 'secure',
        records: [],
      })
    })

    it.each(['open', 'hosted'])('says that %s is insecure below corp.test', async (label) => {
      await using resolver = open()
      const name = parseDnsName(`_ixjkey.r7.${label}.corp.test`)
      const found = await resolver.resolve(name, TYPE.TXT)
      expect(found).toMatchObject({ state: 'insecure', below: 'corp.test' })
      expect('records' in found && textsOf(found.records)).toEqual([TRUE_KEY])
    })

    it('says that an alias from a secure zone into an insecure one is insecure', async () => {
      await using resolver = open()
      expect(await resolver.resolve(FLEET_KEY, TYPE.TXT)).toMatchObject({ state: 'secure' })
      const alias = parseDnsName('_ixjkey.out.fleet.corp.test')
      expect(await resolver.resolve(alias, TYPE.TXT)).toMatchObject({
        state: 'insecure',
        name: '_ixjkey.r7.open.corp.test',
        below: 'corp.test',
      })
    })

    it('remembers all zones of a chain as secure', async () => {
      const secure = new SecureNamesInMemory()
      await using resolver = open({ secure })
      await resolver.resolve(FLEET_KEY, TYPE.TXT)
      const zones = ['fleet.corp.test', 'corp.test', 'open.corp.test', 'test']
      expect(zones.map((zone) => secure.has(parseDnsName(zone)))).toEqual([
        true,
        true,
        false,
        false,
      ])
    })

    it('asks the upstream of the longest suffix, and the one above for its DS', async () => {
      const fleet = { ...upstream, suffix: parseDnsName('fleet.corp.test'), port: children.port }
      await using resolver = open({ upstreams: [fleet, upstream], referralPort: 1 })
      const found = await resolver.resolve(FLEET_KEY, TYPE.TXT)
      expect(found).toMatchObject({ state: 'secure', anchor: 'corp.test' })
      expect(resolver.counts.questions).toBe(4)
    })

    it('is unreachable where no upstream has a suffix above the name', async () => {
      await using resolver = open()
      const found = await resolver.resolve(parseDnsName('other.test'), TYPE.TXT)
      expect(found).toMatchObject({ state: 'unreachable' })
      expect('message' in found && found.message).toContain('no upstream')
    })

    it('is bogus where its questions are used up', async () => {
      await using resolver = open({ limits: { questions: 3 } })
      const found = await resolver.resolve(FLEET_KEY, TYPE.TXT)
      expect(found).toMatchObject({ state: 'bogus', reason: 'budget' })
    })

    it('lets nothing that was secure become insecure, until a person says so', async () => {
      let now = Date.now()
      const secure = new SecureNamesInMemory()
      await using resolver = open({ secure, now: () => now })
      expect(await resolver.resolve(FLEET_KEY, TYPE.TXT)).toMatchObject({ state: 'secure' })
      const lines = ['update delete fleet.corp.test. DS']
      await nsupdate({ port: parent.port, zone: 'corp.test', key: parent.key, lines })
      now += 301_000
      const found = await resolver.resolve(FLEET_KEY, TYPE.TXT)
      expect(found).toMatchObject({ state: 'bogus', reason: 'downgrade' })
      expect('message' in found && found.message).toContain('ixj trust forget fleet.corp.test')
      // A sibling that was never secure stays insecure.
      const name = parseDnsName('_ixjkey.r7.open.corp.test')
      expect(await resolver.resolve(name, TYPE.TXT)).toMatchObject({ state: 'insecure' })
      // One who never saw it secure, or was told to forget, believes the parent.
      await using other = open({ now: () => now })
      expect(await other.resolve(FLEET_KEY, TYPE.TXT)).toMatchObject({ state: 'insecure' })
    })

    it('takes away of an anchor that was removed nothing either', async () => {
      const secure = new SecureNamesInMemory()
      const name = parseDnsName('_ixjkey.corp.test')
      await using before = open({ secure })
      expect(await before.resolve(name, TYPE.TXT)).toMatchObject({ state: 'secure' })
      await using after = open({ secure, anchors: [], upstreams: [{ ...upstream, suffix: ROOT }] })
      const found = await after.resolve(name, TYPE.TXT)
      expect(found).toMatchObject({ state: 'bogus', reason: 'downgrade' })
    })
  },
)
