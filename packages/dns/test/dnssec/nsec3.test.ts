import { describe, expect, test } from 'vitest'
import { type DnsRecord, readRrsig, TYPE, unproven, validate, writeTypeBitmap } from '@ixj/dns'
import { hashName } from '../../src/proof/dnssec/nsec3.ts'
import { RecordBag } from '../../src/proof/dnssec/record-bag.ts'
import { Work } from '../../src/proof/dnssec/work.ts'
import { SignedZone } from '../signed-zone.ts'
import { ask, contextOf, lookUp, name } from '../zone-world.ts'

// RFC 5155 appendix A: salt AABBCCDD, 12 further rounds.
const rfcHashes = [
  ['example', '0p9mhaveqvm6t7vbl5lop2u3t2rp3tom'],
  ['a.example', '35mthgpgcu1qg68fab165klnsnk3dpvl'],
  ['ai.example', 'gjeqe526plbf1g8mklp59enfd789njgi'],
  ['ns1.example', '2t7b4g4vsa5smi47k61mv5bv1a22bojr'],
  ['ns2.example', 'q04jkcevqvmu85r014c7dkba38o0ji5r'],
  ['w.example', 'k8udemvp1j2f7eg6jebps17vp3n8i58h'],
  ['*.w.example', 'r53bq7cc2uvmubfu5ocmm6pers9tk9en'],
  ['x.w.example', 'b4um86eghhds6nea196smvmlo4ors995'],
  ['y.w.example', 'ji6neoaepv8b5o6k4ev33abha8ht9fgc'],
  ['x.y.w.example', '2vptu5timamqttgl4luu9kg21e0aor3s'],
  ['xx.example', 't644ebqk9bibcna874givr6joj62mlhv'],
] as const

test.each(rfcHashes)('hashName(%s) is %s (RFC 5155 appendix A)', async (owner, hash) => {
  const salt = Uint8Array.of(0xaa, 0xbb, 0xcc, 0xdd)
  const work = new Work(new RecordBag([]), contextOf([]))
  const parameters = { hashAlgorithm: 1, flags: 0, nextHash: new Uint8Array(20), types: [] }
  expect(await hashName(work, name(owner), { ...parameters, iterations: 12, salt })).toBe(hash)
  const zone = new SignedZone('example', [], { denial: 'nsec3', iterations: 12, salt })
  expect(zone.hash(name(owner))).toBe(hash)
})

const lines = [
  'a 300 IN TXT "a"',
  'alias 300 IN CNAME a',
  '*.wild 300 IN TXT "w"',
  'cut 300 IN NS ns.cut',
  'gone 300 IN DNAME a',
]
const zone = new SignedZone('example', lines, { denial: 'nsec3' })
const keys = zone.answer(ask('DNSKEY example'))

async function verdict(records: readonly DnsRecord[], asked: string) {
  const validation = await validate(ask(asked), [...keys, ...records], contextOf([zone.anchor]))
  return validation.state === 'incomplete' ? unproven(validation) : validation
}

const signed = (record: DnsRecord) => [record, zone.sign([record])]
const badDenial = { state: 'bogus', reason: 'bad-denial' }

describe('validate() with NSEC3', () => {
  test('needs each of the three records that deny a name', async () => {
    const denial = zone.answer(ask('TXT ghost.example'))
    expect(await verdict(denial, 'TXT ghost.example')).toMatchObject({ answer: 'nxdomain' })
    const owners = new Set(denial.filter(({ type }) => type === TYPE.NSEC3).map((one) => one.name))
    for (const owner of owners) {
      const fewer = denial.filter((record) => record.name !== owner)
      expect(await verdict(fewer, 'TXT ghost.example'), owner).toMatchObject(badDenial)
    }
  })

  test('does not deny a type that the record lists, or behind an alias', async () => {
    for (const owner of ['a', 'alias']) {
      const own = signed(zone.nsec3At(name(`${owner}.example`)))
      expect(await verdict(own, `TXT ${owner}.example`)).toMatchObject(badDenial)
    }
  })

  test('does not deny what lies below a cut or a DNAME', async () => {
    const below = zone.answer(ask('TXT ghost.example'))
    for (const owner of ['cut', 'gone']) {
      const encloser = signed(zone.nsec3At(name(`${owner}.example`)))
      const all = [...below, ...encloser]
      const asked = `TXT x.${owner}.example`
      expect((await verdict(all, asked)).state, owner).not.toBe('secure')
    }
  })

  test('of the zone above the cut, does not deny the data of the child', async () => {
    const cut = signed(zone.nsec3At(name('cut.example')))
    expect(await verdict(cut, 'TXT cut.example')).toMatchObject({ state: 'insecure' })
    expect(await verdict(cut, 'DS cut.example')).toMatchObject({ answer: 'nodata' })
  })

  test('with a hash or a flag that nobody knows counts as not there', async () => {
    for (const [at, value] of [
      [0, 2],
      [1, 2],
    ] as const) {
      const strange = zone
        .deny(name('a.example'), TYPE.A)
        .filter(({ type }) => type === TYPE.NSEC3)
        .map((record) => ({ ...record, data: record.data.with(at, value) }))
      const all = strange.flatMap(signed)
      expect(await verdict(all, 'A a.example'), `byte ${at}`).toMatchObject(badDenial)
    }
  })

  test('mixed with records of other rounds uses those of one kind', async () => {
    const other = new SignedZone('example', lines, {
      denial: 'nsec3',
      keys: zone.keys,
      iterations: 2,
    })
    const mixed = [zone, other].flatMap((one) =>
      one.answer(ask('TXT ghost.example')).filter((record) => record.name !== 'example'),
    )
    expect(await verdict(mixed, 'TXT ghost.example')).toMatchObject({ answer: 'nxdomain' })
    const half = [
      ...zone.answer(ask('TXT ghost.example')).slice(0, 4),
      ...other.answer(ask('TXT ghost.example')).slice(4),
    ]
    expect(await verdict(half, 'TXT ghost.example')).toMatchObject(badDenial)
  })

  test('of a wildcard does not deny a type that it lists', async () => {
    const all = zone.deny(name('any.wild.example'), TYPE.TXT)
    expect(await verdict(all, 'TXT any.wild.example')).toMatchObject(badDenial)
    expect(await verdict(all, 'A any.wild.example')).toMatchObject({ answer: 'nodata' })
  })

  test('of one kind never covers the hashes of another kind', async () => {
    const names = Array.from({ length: 12 }, (_, at) => `n${at}`)
    const both = [0, 2].map(
      (iterations) =>
        new SignedZone(
          'example',
          names.map((one) => `${one} 300 IN A 127.0.0.1`),
          { denial: 'nsec3', keys: zone.keys, iterations },
        ),
    )
    const [first, second] = both as [SignedZone, SignedZone]
    const spans = ['example', ...names.map((one) => `${one}.example`)]
      .map((owner) => second.nsec3At(name(owner)))
      .flatMap(signed)
    const all = [...signed(first.nsec3At(name('example'))), ...spans]
    for (const owner of names) {
      expect(await verdict(all, `TXT ${owner}.example`), owner).toMatchObject(badDenial)
    }
  })

  test('does not deny a DS where a child zone begins by its own word', async () => {
    const cut = zone.nsec3At(name('cut.example'))
    const data = Buffer.concat([cut.data.subarray(0, 26), writeTypeBitmap([TYPE.NS, TYPE.SOA])])
    const lie = { ...cut, data: Uint8Array.from(data) }
    expect(await verdict(signed(lie), 'DS cut.example')).toMatchObject(badDenial)
  })

  test('with opt-out is no certain denial of a name: the span may hide a delegation', async () => {
    const open = new SignedZone('example', lines, { denial: 'nsec3', optOut: true })
    const find = async (question: string) => (await lookUp([open], question)).validation
    expect(await find('TXT ghost.example')).toMatchObject({ state: 'insecure', below: 'example' })
    expect(await find('TXT any.wild.example')).toMatchObject({ state: 'insecure' })
    expect(await find('A a.example')).toMatchObject({ state: 'secure', answer: 'nodata' })
    expect(await find('DS cut.example')).toMatchObject({ state: 'insecure', below: 'example' })
  })

  test('whose signature is over an expanded name is refused', async () => {
    const denial = zone.answer(ask('TXT ghost.example'))
    const expanded = denial.map((record) => {
      if (record.type !== TYPE.RRSIG) return record
      if (readRrsig(record.data).typeCovered !== TYPE.NSEC3) return record
      const set = denial.filter((one) => one.name === record.name && one.type === TYPE.NSEC3)
      return zone.sign(set, { labels: 1 })
    })
    expect(await verdict(expanded, 'TXT ghost.example')).toMatchObject({
      state: 'bogus',
      reason: 'wildcard',
    })
  })
})
