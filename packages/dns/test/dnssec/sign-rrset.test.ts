import { describe, expect, test } from 'vitest'
import {
  dnskeyOf,
  ED25519,
  nodeDnssecCrypto,
  parseRecord,
  readDnskey,
  readRrsig,
  signedData,
  signedLabels,
  signRrset,
  type SignOptions,
  TYPE,
  validate,
} from '@ixj/dns'
import { nobleSigner, type Signer } from '@ixj/trust'
import { HOUR, newTestKey, NOW, SignedZone } from '../signed-zone.ts'
import { ask, contextOf, name } from '../zone-world.ts'

const zone = name('example')
const signer = nobleSigner(new Uint8Array(32).fill(7))
const key = dnskeyOf(zone, { publicKey: signer.publicKey, ttl: 300 })
const options = { zone, key, signer, inception: NOW - HOUR, expiration: NOW + HOUR }
const refused = (code: string) => expect.objectContaining({ code }) as Error

const texts = ['d', 'a', 'c', 'b'].map((text) => parseRecord(`a.example. 60 IN TXT "${text}"`))

describe('signRrset()', () => {
  test('makes what validate() accepts', async () => {
    const keys = [key]
    const records = [...texts, await signRrset(texts, options), ...keys]
    const all = [...records, await signRrset(keys, options)]
    const verdict = await validate(ask('TXT a.example'), all, contextOf([{ zone, records: keys }]))
    expect(verdict).toMatchObject({
      state: 'secure',
      signedAt: NOW - HOUR,
      expiresAt: NOW + HOUR,
      ttlSeconds: 60,
    })
  })

  test('answers at once if the signer does, and waits if it does not', async () => {
    const rrsig = signRrset(texts, options)
    expect(readRrsig((rrsig as Awaited<typeof rrsig>).data)).toMatchObject({
      typeCovered: TYPE.TXT,
      algorithm: ED25519,
      labels: 2,
      originalTtl: 60,
      signer: 'example',
    })
    const slow: Signer = {
      publicKey: signer.publicKey,
      sign: async (data) => signer.sign(data),
    }
    const later = signRrset(texts, { ...options, signer: slow } satisfies SignOptions)
    expect(later).toBeInstanceOf(Promise)
    expect(await later).toEqual(rrsig)
  })

  test('refuses nothing to sign, a name outside of the zone, and another algorithm', () => {
    expect(() => signRrset([], options)).toThrow(refused('argument'))
    const outside = parseRecord('a.other. 60 IN TXT "x"')
    expect(() => signRrset([outside], options)).toThrow(refused('argument'))
    const rsa = newTestKey(zone, { algorithm: 8 }).dnskey
    expect(() => signRrset(texts, { ...options, key: rsa })).toThrow(refused('argument'))
    expect(() => signRrset([texts[0]!, outside], options)).toThrow(refused('argument'))
  })

  test('signs an expansion as its wildcard', async () => {
    const [wildcard] = [parseRecord('*.example. 60 IN TXT "x"')]
    const own = await signRrset([wildcard], options)
    const expanded = { ...wildcard, name: name('any.example') }
    const rrsig = await signRrset([expanded], { ...options, labels: 1 })
    expect(rrsig.data).toEqual(own.data)
  })
})

describe('signedData()', () => {
  const { data } = signRrset(texts, options) as { data: Uint8Array }
  const rrsig = readRrsig(data)

  test('is the same for any order, for equal records, and for any TTL or case of names', () => {
    const bytes = signedData(texts, rrsig)
    expect(signedData(texts.toReversed(), rrsig)).toEqual(bytes)
    expect(signedData([...texts, texts[1]!], rrsig)).toEqual(bytes)
    expect(
      signedData(
        texts.map((record) => ({ ...record, ttl: 1 })),
        rrsig,
      ),
    ).toEqual(bytes)
    const mx = ['mail', 'MAIL'].map((host) => ({
      ...parseRecord('a.example. 60 IN MX 10 x.'),
      data: Uint8Array.of(0, 10, 4, ...Buffer.from(host), 0),
    }))
    const of = { ...rrsig, typeCovered: TYPE.MX }
    expect(signedData(mx, of)).toEqual(signedData([mx[0]!], of))
  })

  test('has the records in the order of their bytes (RFC 4034 section 6.3)', () => {
    const bytes = Buffer.from(signedData(texts, rrsig))
    const places = ['a', 'b', 'c', 'd'].map((text) => bytes.indexOf(`\u0000\u0002\u0001${text}`))
    expect(places).toEqual(places.toSorted((left, right) => left - right))
    expect(places[0]).toBeGreaterThan(0)
  })

  test('refuses more labels than the owner has', () => {
    expect(() => signedData(texts, { ...rrsig, labels: 3 })).toThrow(refused('record'))
    expect([signedLabels(name('*.a.b')), signedLabels(name('*')), signedLabels(name('.'))]).toEqual(
      [2, 0, 0],
    )
  })
})

test('validate() does not care for records of other classes, or for order', async () => {
  const signed = new SignedZone(
    'example',
    ['z', 'b', 'm', 'a'].map((text) => `a 60 IN TXT "${text}"`),
  )
  const all = [...signed.answer(ask('TXT a.example')), ...signed.answer(ask('DNSKEY example'))]
  const chaos = { ...all[0]!, class: 3, data: Uint8Array.of(1, 0x78) }
  for (const bag of [
    [...all, chaos],
    [chaos, ...all.toReversed()],
  ]) {
    const verdict = await validate(ask('TXT a.example'), bag, contextOf([signed.anchor]))
    expect(verdict).toMatchObject({ state: 'secure', records: { length: 4 } })
  }
})

test('dnskeyOf() is a key that signs alone', () => {
  expect(readDnskey(key.data)).toEqual({
    flags: 257,
    protocol: 3,
    algorithm: 15,
    publicKey: signer.publicKey,
  })
  const { publicKey } = readDnskey(key.data)
  const bytes = Uint8Array.of(1)
  expect(nodeDnssecCrypto().verify(15, publicKey, bytes, signer.sign(bytes) as Uint8Array)).toBe(
    true,
  )
})
