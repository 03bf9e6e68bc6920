import { describe, expect, test } from 'vitest'
import {
  type DnsRecord,
  type DnssecCrypto,
  KEY_DIGESTS_MAX,
  keyTagOf,
  nodeDnssecCrypto,
  NSEC3_ROUNDS_MAX,
  readDnskey,
  readRrsig,
  SIGNATURE_CHECKS_MAX,
  TYPE,
  validate,
  VALIDATION_BYTES_MAX,
  VALIDATION_RECORDS_MAX,
  writeDnskey,
  writeDs,
  writeRrsig,
} from '@ixj/dns'
import { cpuMs } from '../cpu-time.ts'
import { SignedZone } from '../signed-zone.ts'
import { answerOf, ask, contextOf, dsLine, lookUp, name } from '../zone-world.ts'

/** Counts what a validation makes the machine do. */
class CountingCrypto implements DnssecCrypto {
  readonly #real = nodeDnssecCrypto()
  checks = 0
  digests = 0

  verify(...args: Parameters<DnssecCrypto['verify']>): boolean | Promise<boolean> {
    this.checks++
    return this.#real.verify(...args)
  }

  digest(...args: Parameters<DnssecCrypto['digest']>): Uint8Array | Promise<Uint8Array> {
    this.digests++
    return this.#real.digest(...args)
  }
}

const CALL_MS_MAX = 100

/** Validates, and holds the time and the counts to their limits. */
async function costOf(asked: string, records: readonly DnsRecord[], zone: SignedZone) {
  const crypto = new CountingCrypto()
  const context = contextOf([zone.anchor], { crypto })
  const start = cpuMs()
  const validation = await validate(ask(asked), records, context)
  const ms = cpuMs() - start
  expect(ms).toBeLessThan(CALL_MS_MAX)
  expect(crypto.checks).toBeLessThanOrEqual(SIGNATURE_CHECKS_MAX)
  expect(crypto.digests).toBeLessThanOrEqual(NSEC3_ROUNDS_MAX + KEY_DIGESTS_MAX)
  return { validation, crypto }
}

const budget = { state: 'bogus', reason: 'budget' }

/** Another key with the same tag: the tag is a sum, so the order of its parts does not count. */
function sameTag(record: DnsRecord, turns: number): DnsRecord {
  const key = readDnskey(record.data)
  const words = Array.from({ length: key.publicKey.length / 2 }, (_, at) =>
    key.publicKey.subarray(at * 2, at * 2 + 2),
  )
  const [first, ...rest] = words
  const turned = [...rest.slice(turns % rest.length), ...rest.slice(0, turns % rest.length)]
  turned.splice(Math.floor(turns / rest.length) + 1, 0, first!)
  return { ...record, data: writeDnskey({ ...key, publicKey: Buffer.concat(turned) }) }
}

function spoiled(record: DnsRecord, by: number): DnsRecord {
  const rrsig = readRrsig(record.data)
  const signature = Uint8Array.from(rrsig.signature)
  signature[10]! ^= (by & 0xff) + 1
  signature[11]! ^= by >> 8
  return { ...record, data: writeRrsig({ ...rrsig, signature }) }
}

describe('validate() counts before it computes', () => {
  const zone = new SignedZone('example', ['a 300 IN TXT "x"'])
  const answer = zone.answer(ask('TXT a.example'))
  const [dnskey] = zone.anchor.records

  test('an honest answer costs two checks', async () => {
    const records = [...answer, ...zone.answer(ask('DNSKEY example'))]
    const { validation, crypto } = await costOf('TXT a.example', records, zone)
    expect(validation.state).toBe('secure')
    expect(crypto).toMatchObject({ checks: 2, digests: 0 })
  })

  test('more records than the limit cost nothing', async () => {
    const records = Array.from({ length: VALIDATION_RECORDS_MAX + 1 }, () => answer[0]!)
    const { validation, crypto } = await costOf('TXT a.example', records, zone)
    expect(validation).toMatchObject(budget)
    expect(crypto).toMatchObject({ checks: 0, digests: 0 })
  })

  test('a set of many bytes under many signatures costs nothing', async () => {
    const large = { ...answer[0]!, data: new Uint8Array(VALIDATION_BYTES_MAX) }
    const many = Array.from({ length: 200 }, (_, by) => spoiled(answer[1]!, by))
    const records = [large, ...many, ...zone.answer(ask('DNSKEY example'))]
    const { validation, crypto } = await costOf('TXT a.example', records, zone)
    expect(validation).toMatchObject(budget)
    expect(crypto.checks).toBe(0)
  })

  test('a way down of many labels past many denials is short', async () => {
    const owner = `${'y.'.repeat(120)}example`
    const deep = new SignedZone('example', [`x.${owner}. 300 IN TXT "x"`])
    const denial = deep.deny(name(owner), TYPE.DS)
    const junk = Array.from({ length: 120 }, (_, at) => {
      const nsec = { ...deep.nsecAt(name('example')), name: name(`a${at}.${owner}`) }
      return [nsec, { ...deep.sign([nsec]), name: nsec.name }]
    }).flat()
    // Unsigned, so that each label on the way is asked for a zone of its own.
    const text = { ...deep.ds, name: name(`z.${owner}`), type: TYPE.TXT }
    const records = [text, ...junk, ...denial, ...deep.answer(ask('DNSKEY example'))]
    const { validation } = await costOf(`TXT z.${owner}`, records, deep)
    expect(validation.steps.length).toBeGreaterThan(100)
    expect(validation.state).toBe('incomplete')
  })

  test('many keys of one tag, signed by their zone, cost one check', async () => {
    const twins = Array.from({ length: 120 }, (_, turns) => sameTag(dnskey!, turns + 1))
    expect(new Set(twins.map(({ data }) => keyTagOf(data)))).toEqual(
      new Set([zone.keys[0]!.keyTag]),
    )
    const keys = [dnskey!, ...twins]
    const records = [...answer.slice(0, 1), spoiled(answer[1]!, 1), ...keys, zone.sign(keys)]
    const { validation, crypto } = await costOf('TXT a.example', records, zone)
    expect(validation).toMatchObject(budget)
    expect(crypto.checks).toBe(1)
  })

  test('many signatures that could hold cost no more than the limit', async () => {
    const many = Array.from({ length: 200 }, (_, by) => spoiled(answer[1]!, by))
    const records = [answer[0]!, ...many, ...zone.answer(ask('DNSKEY example'))]
    const { validation, crypto } = await costOf('TXT a.example', records, zone)
    expect(validation).toMatchObject(budget)
    expect(crypto.checks).toBe(SIGNATURE_CHECKS_MAX)
  })

  test('many keys times many signatures cost no more than the limit', async () => {
    const twins = Array.from({ length: 3 }, (_, turns) => sameTag(dnskey!, turns + 1))
    const keys = [dnskey!, ...twins]
    const many = Array.from({ length: 200 }, (_, by) => spoiled(answer[1]!, by))
    const records = [answer[0]!, ...many, ...keys, zone.sign(keys)]
    const { validation } = await costOf('TXT a.example', records, zone)
    expect(validation).toMatchObject(budget)
  })

  test('many DS times many keys cost no more digests than the limit', async () => {
    const child = new SignedZone('b.example', ['c 300 IN TXT "x"'])
    const [key] = child.anchor.records
    const twins = Array.from({ length: 100 }, (_, turns) => sameTag(key!, turns + 1))
    const lines = Array.from({ length: 100 }, (_, at) => {
      const digest = at.toString(16).padStart(64, '0')
      return `b 300 IN DS ${child.keys[0]!.keyTag} 15 2 ${digest}`
    })
    const parent = new SignedZone('example', ['b 300 IN NS ns.b', ...lines])
    const records = [
      ...child.answer(ask('TXT c.b.example')),
      ...twins,
      child.sign(twins),
      ...parent.answer(ask('DS b.example')),
      ...parent.answer(ask('DNSKEY example')),
    ]
    const { validation, crypto } = await costOf('TXT c.b.example', records, parent)
    expect(validation).toMatchObject(budget)
    expect(crypto.digests).toBe(KEY_DIGESTS_MAX)
  })

  test('more zones than the limit are refused, as many as that are not', async () => {
    const chain = (count: number): SignedZone[] => {
      let owner = 'example'
      const names = [owner, ...Array.from({ length: count - 1 }, () => (owner = `z.${owner}`))]
      const zones: SignedZone[] = []
      for (const one of names.toReversed()) {
        const below = zones[0]
        const lines =
          below === undefined ? ['k 300 IN TXT "x"'] : ['z 300 IN NS ns.z', dsLine(below)]
        zones.unshift(new SignedZone(one, lines))
      }
      return zones
    }
    const ofCount = async (count: number) => {
      const zones = chain(count)
      const crypto = new CountingCrypto()
      const context = contextOf([zones[0]!.anchor], { crypto })
      const asked = `TXT k.${zones.at(-1)!.name}`
      return (await lookUp(zones, asked, { context })).validation
    }
    // Two signatures a zone.
    expect(await ofCount(SIGNATURE_CHECKS_MAX / 2)).toMatchObject({ state: 'secure' })
    expect(await ofCount(SIGNATURE_CHECKS_MAX / 2 + 1)).toMatchObject(budget)
  }, 60_000)

  test('hash rounds over the limit cost nothing; many names at the limit are refused', async () => {
    for (const [iterations, outcome] of [
      [100, { state: 'secure' }],
      [101, budget],
    ] as const) {
      const slow = new SignedZone('example', ['a 300 IN TXT "x"'], { denial: 'nsec3', iterations })
      const records = [
        ...slow.answer(ask('TXT ghost.example')),
        ...slow.answer(ask('DNSKEY example')),
      ]
      const { validation } = await costOf('TXT ghost.example', records, slow)
      expect(validation, `${iterations} rounds`).toMatchObject(outcome)
      const deep = `${'x.'.repeat(60)}ghost.example`
      const costly = [...slow.answer(ask(`TXT ${deep}`)), ...slow.answer(ask('DNSKEY example'))]
      expect((await costOf(`TXT ${deep}`, costly, slow)).validation).toMatchObject(budget)
    }
  })

  test('a deep name in a zone without further rounds is affordable', async () => {
    const zone3 = new SignedZone('example', ['a 300 IN TXT "x"'], { denial: 'nsec3' })
    const deep = `${'x.'.repeat(120)}ghost.example`
    const records = [...zone3.answer(ask(`TXT ${deep}`)), ...zone3.answer(ask('DNSKEY example'))]
    const { validation } = await costOf(`TXT ${deep}`, records, zone3)
    expect(validation).toMatchObject({ state: 'secure', answer: 'nxdomain' })
  })

  test('junk cuts on the way cost no more than the limit', async () => {
    const owner = `${'y.'.repeat(100)}example`
    const deep = new SignedZone('example', [`${owner}. 300 IN TXT "x"`])
    const junk = Array.from({ length: 100 }, (_, at) => {
      const cut = name(`${'y.'.repeat(at + 1)}example`)
      const ds = {
        ...deep.ds,
        name: cut,
        data: writeDs({ keyTag: at, algorithm: 15, digestType: 2, digest: new Uint8Array(32) }),
      }
      return [ds, spoiled(deep.sign([ds]), at)]
    }).flat()
    const records = [
      ...answerOf([deep], ask(`TXT ${owner}`)),
      ...deep.answer(ask('DNSKEY example')),
      ...junk,
    ]
    expect((await costOf(`TXT ${owner}`, records, deep)).validation).toMatchObject(budget)
  })
})
