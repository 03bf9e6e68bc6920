import {
  openResolver,
  parseDnsName,
  readRrsig,
  TYPE,
  writeRrsig,
  type DnsRecord,
  type Upstream,
} from '@ixj/dns'
import { describe, expect, it } from 'vitest'
import { startBind } from '../../../../test/world/dns/bind.ts'
import { realTools } from '../../../../test/world/dns/real-tools.ts'
import { LOOKUP_RECORDS_MAX } from '../../src/resolver/limits.ts'
import { RecordBag } from '../../src/resolver/record-bag.ts'
import { openSpoofer } from './spoofer.ts'
import { AGENTS, anchorOf } from './zone-texts.ts'

const ZONE = parseDnsName('fleet.corp.test')

function record(type: number, byte: number): DnsRecord {
  return { name: ZONE, type, class: 1, ttl: 300, data: Uint8Array.of(byte) }
}

function signatureOver(type: number, byte: number): DnsRecord {
  const data = writeRrsig({
    ...readRrsig(new Uint8Array(19)),
    typeCovered: type,
    signature: Uint8Array.of(byte),
  })
  return { ...record(TYPE.RRSIG, 0), data }
}

describe('RecordBag', () => {
  const first = [record(TYPE.DS, 1), signatureOver(TYPE.DS, 1)]
  const second = [record(TYPE.DS, 2), signatureOver(TYPE.DS, 2)]
  const question = { name: ZONE, type: TYPE.DS }

  it('keeps one version of a set, with its signatures', () => {
    const bag = new RecordBag()
    bag.add(first)
    bag.add(second, { name: ZONE, type: TYPE.TXT })
    expect(bag.records()).toEqual(first)
  })

  it('prefers what was asked for to what came along, in any order', () => {
    const bag = new RecordBag()
    bag.add(first)
    bag.add(second, question)
    expect(bag.records()).toEqual(second)
    bag.add(first)
    expect(bag.records()).toEqual(second)
  })

  it('keeps every denial, and each of them once', () => {
    const bag = new RecordBag()
    const denials = [record(TYPE.NSEC, 1), signatureOver(TYPE.NSEC, 1)]
    const others = [record(TYPE.NSEC, 2), signatureOver(TYPE.NSEC, 2)]
    bag.add(denials, { name: ZONE, type: TYPE.TXT })
    bag.add([...others, ...denials], question)
    expect(bag.records()).toEqual([...denials, ...others])
  })

  it('takes no more than its limit', () => {
    const bag = new RecordBag()
    bag.add(Array.from({ length: LOOKUP_RECORDS_MAX }, () => record(TYPE.TXT, 1)))
    expect([bag.isFull, bag.records().length]).toEqual([false, 1])
    bag.add(first)
    expect([bag.isFull, bag.records().length]).toEqual([true, 1])
  })
})

describe.runIf(realTools('the resolver and a new zone key', 'named'))(
  'openResolver() with a zone that has a new key',
  () => {
    it('drops the keys that it kept when they do not fit any more', async () => {
      const zones = [{ name: 'agents.test', text: AGENTS }]
      await using before = await startBind({ zones })
      await using after = await startBind({ zones })
      const anchors = [await anchorOf(before, 'agents.test'), await anchorOf(after, 'agents.test')]
      const place = { port: before.port }
      await using between = await openSpoofer(place)
      const upstream: Upstream = {
        suffix: parseDnsName('agents.test'),
        transport: 'udp',
        address: '127.0.0.1',
        port: between.port,
      }
      await using resolver = openResolver({ anchors, upstreams: [upstream] })
      const look = (name: string) => resolver.resolve(parseDnsName(name), TYPE.TXT)
      expect(await look('_ixjkey.planner.agents.test')).toMatchObject({ state: 'secure' })
      place.port = after.port
      expect(await look('x.wild.agents.test')).toMatchObject({ state: 'secure' })
      // Two of the first lookup, one with the old keys, two with the new ones.
      expect(resolver.counts.questions).toBe(5)
    })
  },
)
