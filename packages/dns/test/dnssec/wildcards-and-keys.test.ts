import { describe, expect, test } from 'vitest'
import {
  type DnsRecord,
  nameInData,
  ROOT,
  TYPE,
  writeDnskey,
  writeNsec,
  readDnskey,
} from '@ixj/dns'
import { newTestKey, SignedZone } from '../signed-zone.ts'
import { ask, contextOf, lookUp, name } from '../zone-world.ts'
import { bogus, child, honest, verdict, without } from './team-world.ts'

describe('validate() and wildcards', () => {
  const proof = without(honest, TYPE.TXT)
  const expand = (to: string) =>
    child
      .answer(ask('TXT any.wild.team.example'))
      .map((record) =>
        record.name === 'any.wild.team.example' ? { ...record, name: name(to) } : record,
      )

  test('says that a key was expanded, which callers must not use', async () => {
    const all = [...expand('_ixjkey2.wild.team.example'), ...proof]
    expect(await verdict(all, 'TXT _ixjkey2.wild.team.example')).toMatchObject({
      state: 'secure',
      wildcard: true,
    })
  })

  test('refuses an expansion over a name that exists', async () => {
    for (const exact of ['_ixjkey.wild.team.example', 'exact.wild.team.example']) {
      const all = [...expand(exact), ...proof]
      expect(await verdict(all, `TXT ${exact}`), exact).toMatchObject(bogus('bad-denial'))
      const below = [...expand(`a.${exact}`), ...proof]
      expect(await verdict(below, `TXT a.${exact}`), exact).toMatchObject(bogus('bad-denial'))
    }
  })

  test('refuses an expansion below a name that exists without records', async () => {
    const owner = 'a.empty.wild.team.example'
    const span = child.deny(name(owner), TYPE.TXT).filter(({ name: one }) => one.includes('wild'))
    const all = [...without(expand(owner), TYPE.NSEC), ...span, ...proof]
    expect(await verdict(all, `TXT ${owner}`)).toMatchObject(bogus('bad-denial'))
  })

  test('refuses an expansion without the proof that nothing is closer', async () => {
    const all = [...without(expand('any.wild.team.example'), TYPE.NSEC), ...proof]
    expect(await verdict(all, 'TXT any.wild.team.example')).toMatchObject(bogus('bad-denial'))
  })

  test('refuses keys, delegations and denials that were expanded', async () => {
    const top = new SignedZone('example', [])
    const star = new SignedZone('*.example', ['a 300 IN TXT "x"'], { keys: top.keys })
    const asked = [
      [TYPE.DS, star.ds.data],
      [TYPE.NSEC, writeNsec(name('zzz.example'), [TYPE.A])],
      [TYPE.DNAME, Uint8Array.of(0)],
    ] as const
    for (const [type, data] of asked) {
      const record = { ...star.ds, name: name('*.example'), type, data }
      const signature = top.sign([record])
      const expanded = [record, signature].map((one) => ({ ...one, name: name('b.example') }))
      const all = [...expanded, ...top.answer(ask('DNSKEY example'))]
      const what = type === TYPE.DNAME ? 'A x.b.example' : 'DS b.example'
      expect(await verdict(all, what, contextOf([top.anchor])), String(type)).toMatchObject(
        bogus('wildcard'),
      )
    }
  })
})

describe('validate() refuses keys that must not sign', () => {
  const rekeyed = (flags: number) => {
    const signer = newTestKey(name('example'), { flags })
    return new SignedZone('example', ['a 300 IN TXT "x"'], { keys: [signer] })
  }

  test.each([
    ['revoked', 257 + 128],
    ['no zone key', 1],
  ])('%s', async (_, flags) => {
    const zone = rekeyed(flags)
    const { validation } = await lookUp([zone], 'TXT a.example')
    expect(validation).toMatchObject(bogus('no-key'))
  })

  test('of another protocol than DNSSEC', async () => {
    const zone = rekeyed(257)
    const change = (record: DnsRecord) => ({
      ...record,
      data: writeDnskey({ ...readDnskey(record.data), protocol: 2 }),
    })
    const anchor = { zone: zone.name, records: zone.anchor.records.map(change) }
    const { validation } = await lookUp([zone], 'TXT a.example', {
      context: contextOf([anchor]),
      tamper: (records) =>
        records.map((record) => (record.type === TYPE.DNSKEY ? change(record) : record)),
    })
    expect(validation).toMatchObject(bogus('no-key'))
  })

  test('a revoked key beside a good one: what it signed counts for nothing', async () => {
    const keys = [newTestKey(name('example')), newTestKey(name('example'), { flags: 257 + 128 })]
    const zone = new SignedZone('example', ['a 300 IN TXT "x"'], { keys })
    const { validation } = await lookUp([zone], 'TXT a.example')
    expect(validation).toMatchObject(bogus('bad-signature'))
  })
})

describe('validate() refuses aliases', () => {
  test('that form a loop', async () => {
    const zone = new SignedZone('example', ['a 300 IN CNAME b', 'b 300 IN CNAME a'])
    expect((await lookUp([zone], 'TXT a.example')).validation).toMatchObject(bogus('alias'))
    const self = new SignedZone('example', ['a 300 IN DNAME b.a'])
    expect((await lookUp([self], 'TXT x.a.example')).validation).toMatchObject(bogus('alias'))
  })

  test('over the limit, and takes those at the limit', async () => {
    const lines = Array.from({ length: 9 }, (_, at) => `a${at} 300 IN CNAME a${at + 1}`)
    const zone = new SignedZone('example', [...lines, 'a9 300 IN TXT "end"'])
    expect((await lookUp([zone], 'TXT a0.example')).validation).toMatchObject(bogus('alias'))
    expect((await lookUp([zone], 'TXT a1.example')).validation).toMatchObject({ state: 'secure' })
  })

  test('that are two at one name', async () => {
    const zone = new SignedZone('example', ['a 300 IN CNAME b', 'a 300 IN CNAME c'])
    expect((await lookUp([zone], 'TXT a.example')).validation).toMatchObject(bogus('alias'))
  })

  test('that make a name too long', async () => {
    const label = 'x'.repeat(60)
    const zone = new SignedZone('example', [`a 300 IN DNAME ${label}.${label}.${label}.b`])
    const long = `TXT ${label}.${label}.a.example`
    expect((await lookUp([zone], long)).validation).toMatchObject(bogus('alias'))
  })

  test('whose data are no name', async () => {
    const zone = new SignedZone('example', [])
    const record = { ...zone.ds, name: name('a.example'), type: TYPE.CNAME, data: Uint8Array.of(9) }
    const all = [record, zone.ds, ...zone.answer(ask('DNSKEY example'))]
    const signature = zone.sign([{ ...record, data: Uint8Array.of(0) }])
    const at = contextOf([zone.anchor])
    expect(await verdict([...all, signature], 'TXT a.example', at)).toMatchObject(
      bogus('malformed'),
    )
    expect(nameInData(Uint8Array.of(0))).toBe(ROOT)
  })
})
