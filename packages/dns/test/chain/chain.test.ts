import { describe, expect, test } from 'vitest'
import {
  CHAIN_AGE_MS_MAX,
  CHAIN_BYTES_MAX,
  CHAIN_RECORDS_MAX,
  decodeChain,
  encodeChain,
  freshUntil,
  parseRecord,
  parseZoneAnchors,
  replaces,
  sameRecord,
  TYPE,
  type Validation,
  verifyChain,
} from '@ixj/dns'
import { HOUR, NOW, SignedZone } from '../signed-zone.ts'
import { ask, contextOf, dsLine, lookUp } from '../zone-world.ts'
import rfc9102 from '../vectors/rfc9102.json' with { type: 'json' }

const limit = expect.objectContaining({ code: 'limit' }) as Error
const format = expect.objectContaining({ code: 'format' }) as Error

describe('the example of RFC 9102', () => {
  const chain = Uint8Array.from(Buffer.from(rfc9102.chain.join(''), 'hex'))
  const asked = ask(`${rfc9102.asked.type} ${rfc9102.asked.name}`)
  const anchors = parseZoneAnchors(rfc9102.anchor.ds)
  const at = (time: string, more = 0) => contextOf(anchors, { now: Date.parse(time) + more })

  test('is secure at its own time, through three zones', async () => {
    for (const now of [rfc9102.notBefore, '2019-11-26T00:00:00Z', rfc9102.notAfter]) {
      expect(await verifyChain(chain, asked, at(now)), now).toMatchObject({
        state: 'secure',
        answer: 'positive',
        zone: 'example.com',
        anchor: '.',
        wildcard: false,
        signedAt: Date.parse(rfc9102.notBefore),
        expiresAt: Date.parse(rfc9102.notAfter),
        records: [{ type: TYPE.TLSA }],
      })
    }
  })

  test('is refused outside of it, from another anchor, and with any byte changed', async () => {
    const early = await verifyChain(chain, asked, at(rfc9102.notBefore, -1))
    expect(early).toMatchObject({ state: 'bogus', reason: 'not-yet-valid' })
    const late = await verifyChain(chain, asked, at(rfc9102.notAfter, 1))
    expect(late).toMatchObject({ state: 'bogus', reason: 'expired' })
    const stranger = new SignedZone('.', [])
    const now = Date.parse('2019-11-26T00:00:00Z')
    const foreign = await verifyChain(chain, asked, contextOf([stranger.anchor], { now }))
    expect(foreign).toMatchObject({ state: 'bogus', reason: 'no-key' })
    const whole = await verifyChain(chain, asked, at('2019-11-26T00:00:00Z'))
    const believed: number[] = []
    for (let byte = 0; byte < chain.length; byte += 13) {
      const spoiled = chain.with(byte, chain[byte]! ^ 0x10)
      const verdict = await verifyChain(spoiled, asked, at('2019-11-26T00:00:00Z'))
      // A TTL is not signed, and of several signatures over one set any will do.
      if (verdict.state !== 'bogus' && !isSameAnswer(verdict, whole)) believed.push(byte)
    }
    expect(believed).toEqual([])
  })

  test('has 18 records, and is the same encoded again', () => {
    const records = decodeChain(chain)
    expect(records).toHaveLength(18)
    expect(encodeChain(records)).toEqual(chain)
  })
})

function isSameAnswer(one: Validation, other: Validation): boolean {
  if (one.state !== 'secure' || other.state !== 'secure') return false
  const [record] = one.records
  return one.records.length === 1 && sameRecord(record!, other.records[0]!)
}

describe('encodeChain() and decodeChain()', () => {
  const record = parseRecord('a.example. 300 IN TXT "x"')

  test('take as much as the limits, and no more', () => {
    const many = Array.from({ length: CHAIN_RECORDS_MAX }, () => record)
    const bytes = encodeChain(many)
    expect(decodeChain(bytes)).toEqual(many)
    expect(() => encodeChain([...many, record])).toThrow(limit)
    const one = encodeChain([record])
    expect(() => decodeChain(Uint8Array.from([...bytes, ...one]))).toThrow(limit)
    const overhead = one.length - record.data.length
    const full = { ...record, data: new Uint8Array(CHAIN_BYTES_MAX - overhead) }
    expect(decodeChain(encodeChain([full]))).toEqual([full])
    const over = { ...record, data: new Uint8Array(CHAIN_BYTES_MAX - overhead + 1) }
    expect(() => encodeChain([over])).toThrow(limit)
    expect(() => decodeChain(new Uint8Array(CHAIN_BYTES_MAX + 1))).toThrow(limit)
  })

  test('refuse compressed names, other classes and cut-off records', () => {
    const bytes = encodeChain([record])
    // The owner of a second record as a pointer to the first.
    const pointing = Uint8Array.from([...bytes, 0xc0, 0, ...bytes.subarray(11)])
    expect(() => decodeChain(pointing)).toThrow(format)
    const inside = parseRecord('b.example. 300 IN CNAME a.example.')
    const target = encodeChain([{ ...inside, data: Uint8Array.of(0xc0, 0) }])
    expect(() => decodeChain(target)).toThrow(format)
    expect(() => decodeChain(encodeChain([{ ...record, class: 3 }]))).toThrow(format)
    for (let length = 1; length < bytes.length; length++) {
      expect(() => decodeChain(bytes.subarray(0, length))).toThrow(format)
    }
    expect(decodeChain(new Uint8Array())).toEqual([])
  })
})

describe('verifyChain()', () => {
  const leaf = new SignedZone('fleet.corp', ['_ixjkey 300 IN TXT "key"'])
  const top = new SignedZone('corp', ['fleet 300 IN NS ns.fleet', dsLine(leaf)])
  const context = contextOf([top.anchor])

  test.each(['TXT _ixjkey.fleet.corp', 'TXT _ixjkey.ghost.fleet.corp', 'AAAA _ixjkey.fleet.corp'])(
    'says of a collected proof what the resolver said: %s',
    async (question) => {
      const { validation } = await lookUp([top, leaf], question)
      if (validation.state !== 'secure') throw new Error(validation.state)
      const verdict = await verifyChain(encodeChain(validation.used), ask(question), context)
      expect({ ...verdict, steps: [] }).toEqual({ ...validation, steps: [] })
    },
  )

  test('calls a proof with a hole, of another name, or of nothing bogus', async () => {
    const { validation } = await lookUp([top, leaf], 'TXT _ixjkey.fleet.corp')
    if (validation.state !== 'secure') throw new Error(validation.state)
    for (let left = 0; left < validation.used.length; left++) {
      const chain = encodeChain(validation.used.filter((_, index) => index !== left))
      const verdict = await verifyChain(chain, ask('TXT _ixjkey.fleet.corp'), context)
      expect(verdict.state, `without record ${left}`).toBe('bogus')
    }
    const whole = encodeChain(validation.used)
    expect((await verifyChain(whole, ask('TXT other.fleet.corp'), context)).state).toBe('bogus')
    const nothing = await verifyChain(new Uint8Array(), ask('TXT _ixjkey.fleet.corp'), context)
    expect(nothing).toMatchObject({ state: 'bogus', reason: 'bad-denial' })
  })

  test('calls bytes that are no chain bogus, and too many of them too costly', async () => {
    const asked = ask('TXT a.corp')
    const junk = await verifyChain(Uint8Array.of(1, 2, 3), asked, context)
    expect(junk).toMatchObject({ state: 'bogus', reason: 'malformed' })
    const large = await verifyChain(new Uint8Array(CHAIN_BYTES_MAX + 1), asked, context)
    expect(large).toMatchObject({ state: 'bogus', reason: 'budget' })
  })
})

describe('freshUntil()', () => {
  test('is the end of the signatures, or the age that a verifier allows', () => {
    const answer = { signedAt: NOW, expiresAt: NOW + 4 * HOUR }
    expect(freshUntil(answer)).toBe(NOW + 4 * HOUR)
    expect(freshUntil(answer, { ageMsMax: HOUR })).toBe(NOW + HOUR)
    const long = { signedAt: NOW, expiresAt: NOW + 14 * 24 * HOUR }
    expect(freshUntil(long)).toBe(NOW + CHAIN_AGE_MS_MAX)
  })
})

describe('replaces()', () => {
  test('lets the answer signed later replace the earlier one, never the other way', async () => {
    const of = async (inception: number) => {
      const zone = new SignedZone('corp', ['a 300 IN TXT "x"'], { inception })
      const { validation } = await lookUp([zone], 'TXT a.corp')
      if (validation.state !== 'secure') throw new Error(validation.state)
      return validation
    }
    const [older, newer] = [await of(NOW - 2 * HOUR), await of(NOW - HOUR)]
    expect(replaces(newer, older)).toBe(true)
    expect(replaces(older, newer)).toBe(false)
    expect(replaces(older, older)).toBe(false)
    expect(replaces(older, undefined)).toBe(true)
  })
})
