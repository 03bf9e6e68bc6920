import { describe, expect, test } from 'vitest'
import { type DnsRecord, TYPE, writeNsec, readRrsig } from '@ixj/dns'
import { SignedZone } from '../signed-zone.ts'
import { answerOf, ask, contextOf, lookUp, name } from '../zone-world.ts'
import {
  bogus,
  child,
  honest,
  key,
  parent,
  question,
  verdict,
  without,
  zones,
} from './team-world.ts'

describe('validate() refuses a false denial', () => {
  const deny = async (denial: readonly DnsRecord[]) =>
    verdict([...denial, ...without(honest, TYPE.TXT)])
  const signedBy = (zone: SignedZone, record: DnsRecord) => [record, zone.sign([record])]

  test('with the NSEC of another name', async () => {
    const other = child.nsecAt(name('_ixjkey.other.team.example'))
    expect(await deny(signedBy(child, other))).toMatchObject(bogus('bad-denial'))
    const renamed = { ...other, name: name(key) }
    const signature = { ...child.sign([other]), name: name(key) }
    const moved = [renamed, signature, ...without(honest, TYPE.TXT)]
    expect(await verdict(moved, `A ${key}`)).toMatchObject(bogus('bad-signature'))
  })

  test('with the NSEC of the name, which has the type', async () => {
    const own = child.nsecAt(name(key))
    expect(await deny(signedBy(child, own))).toMatchObject(bogus('bad-denial'))
  })

  test('with the NSEC that the zone above has at the cut', async () => {
    const cut = parent.nsecAt(name('team.example'))
    expect(await deny(signedBy(parent, cut))).toMatchObject(bogus('bad-denial'))
    // For the name of the cut itself, the zone above can deny the DS alone.
    const top = await verdict(
      [...signedBy(parent, cut), ...without(honest, TYPE.TXT)],
      'TXT team.example',
    )
    expect(top).toMatchObject(bogus('bad-denial'))
  })

  test('of a DS, with the NSEC that the child has at its own top', async () => {
    const open = new SignedZone('open.example', ['_ixjkey 300 IN TXT "open"'])
    const own = signedBy(open, open.nsecAt(open.name))
    const all = [...answerOf([parent], ask('DNSKEY example')), ...own]
    expect(await verdict(all, 'DS open.example')).toMatchObject(bogus('bad-denial'))
    const asParent = { ...own[0]! }
    const lie = [asParent, parent.sign([asParent])]
    const forged = [...answerOf([parent], ask('DNSKEY example')), ...lie]
    expect(await verdict(forged, 'DS open.example')).toMatchObject(bogus('bad-denial'))
  })

  test('of a DS, to make the child insecure', async () => {
    const open = parent.nsecAt(name('open.example'))
    const signature = { ...parent.sign([open]), name: name('team.example') }
    const moved = [{ ...open, name: name('team.example') }, signature]
    const { validation } = await lookUp(zones, question, {
      tamper: (records, asked) => {
        if (asked.type === TYPE.TXT) return records.filter(({ type }) => type === TYPE.TXT)
        return asked.type === TYPE.DS ? moved : records
      },
    })
    expect(validation).toMatchObject(bogus('bad-signature'))
  })

  test('of a name, without the proof that no wildcard stands for it', async () => {
    const all = child.answer(ask('TXT ghost.team.example'))
    const cover = all.filter(({ type, data }) => {
      if (type === TYPE.NSEC) return true
      return type === TYPE.RRSIG && readRrsig(data).typeCovered === TYPE.NSEC
    })
    const rest = without(honest, TYPE.TXT)
    const whole = await verdict([...cover, ...rest], 'TXT ghost.team.example')
    expect(whole).toMatchObject({ answer: 'nxdomain' })
    const apex = without(cover, TYPE.NSEC, 'team.example')
    expect(apex.length).toBeLessThan(cover.length)
    expect(await verdict([...apex, ...rest], 'TXT ghost.team.example')).toMatchObject(
      bogus('bad-denial'),
    )
  })

  test('of an alias, with the NSEC that says it is one', async () => {
    const own = child.nsecAt(name('alias.team.example'))
    const all = [...signedBy(child, own), ...without(honest, TYPE.TXT)]
    expect(await verdict(all, 'TXT alias.team.example')).toMatchObject(bogus('bad-denial'))
  })

  test('of a name that exists, with a made-up one that says NXNAME and more', async () => {
    const data = writeNsec(name(`\\000.${key}`), [TYPE.NXNAME, TYPE.TXT, TYPE.NSEC])
    const lie = { ...child.nsecAt(name(key)), data }
    expect(await deny(signedBy(child, lie))).toMatchObject(bogus('bad-denial'))
  })

  test('of a type, with the wildcard that has it', async () => {
    const owner = name('any.wild.team.example')
    const all = [
      ...child.deny(owner, TYPE.TXT),
      ...signedBy(child, child.nsecAt(name('*.wild.team.example'))),
      ...without(honest, TYPE.TXT),
    ]
    expect(await verdict(all, `TXT ${owner}`)).toMatchObject(bogus('bad-denial'))
    expect(await verdict(all, `A ${owner}`)).toMatchObject({ answer: 'nodata', wildcard: true })
  })

  test('of a DS, with a wildcard that delegates: there is no such thing', async () => {
    const zone = new SignedZone('example', ['* 300 IN NS ns'])
    const denial = zone.deny(name('b.example'), TYPE.DS)
    const all = [...denial, ...zone.answer(ask('DNSKEY example'))]
    const at = contextOf([zone.anchor])
    expect(await verdict(all, 'DS b.example', at)).toMatchObject(bogus('bad-denial'))
  })

  test('of what lies below a DNAME or a cut, with its NSEC', async () => {
    for (const [type, outcome] of [
      [TYPE.DNAME, bogus('bad-denial')],
      // The zone did sign that it delegates the name: its word on it ends there.
      [TYPE.NS, { state: 'insecure', below: 'team.example' }],
    ] as const) {
      const owner = name('planner.team.example')
      const data = writeNsec(name('zzz.team.example'), [type, TYPE.NSEC])
      const span = { ...child.nsecAt(name(key)), name: owner, data }
      const all = [...signedBy(child, span), ...without(honest, TYPE.TXT)]
      expect(await verdict(all, 'TXT a.planner.team.example')).toMatchObject(outcome)
    }
  })
})
