import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  compareNames,
  dsOf,
  formatRecord,
  formatTrustAnchorsForDelv,
  formatZoneAnchors,
  keyTagOf,
  nodeDnssecCrypto,
  parseRecord,
  parseZoneAnchors,
  readDnskey,
  readRrsig,
  ROOT_ANCHOR,
  signedData,
  type DnssecAlgorithm,
} from '@ixj/dns'
import { name } from '../zone-world.ts'

const crypto = nodeDnssecCrypto()

// The examples of RFC 6605 section 6.1 and RFC 8080 section 6: a key, its DS, a set, its signature.
const signatures = [
  {
    source: 'RFC 6605 section 6.1, ECDSA P-256',
    key: 'example.net. 3600 IN DNSKEY 257 3 13 GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==',
    ds: '55648 13 2 b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17',
    record: 'www.example.net. 3600 IN A 192.0.2.1',
    signature:
      'www.example.net. 3600 IN RRSIG A 13 3 3600 20100909100439 20100812100439 55648 example.net. qx6wLYqmh+l9oCKTN6qIc+bw6ya+KJ8oMz0YP107epXAyGmt+3SNruPFKG7tZoLBLlUzGGus7ZwmwWep666VCw==',
  },
  {
    source: 'RFC 8080 section 6.1, Ed25519, first',
    key: 'example.com. 3600 IN DNSKEY 257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=',
    ds: '3613 15 2 3aa5ab37efce57f737fc1627013fee07bdf241bd10f3b1964ab55c78e79a304b',
    record: 'example.com. 3600 IN MX 10 mail.example.com.',
    signature:
      'example.com. 3600 IN RRSIG MX 15 2 3600 20150819220000 20150729220000 3613 example.com. oL9krJun7xfBOIWcGHi7mag5/hdZrKWw15jPGrHpjQeRAvTdszaPD+QLs3fx8A4M3e23mRZ9VrbpMngwcrqNAg==',
  },
  {
    source: 'RFC 8080 section 6.1, Ed25519, second',
    key: 'example.com. 3600 IN DNSKEY 257 3 15 zPnZ/QwEe7S8C5SPz2OfS5RR40ATk2/rYnE9xHIEijs=',
    ds: '35217 15 2 401781b934e392de492ec77ae2e15d70f6575a1c0bc59c5275c04ebe80c6614c',
    record: 'example.com. 3600 IN MX 10 mail.example.com.',
    signature:
      'example.com. 3600 IN RRSIG MX 15 2 3600 20150819220000 20150729220000 35217 example.com. zXQ0bkYgQTEFyfLyi9QoiY6D8ZdYo4wyUhVioYZXFdT410QPRITQSqJSnzQoSm5poJ7gD7AQR0O7KuI5k2pcBg==',
  },
] as const

describe.each(signatures)('$source', ({ key, ds, record, signature }) => {
  const dnskey = parseRecord(key)
  const rrsig = readRrsig(parseRecord(signature).data)

  test('holds over what signedData() makes, and over nothing else', () => {
    const { publicKey } = readDnskey(dnskey.data)
    const algorithm = rrsig.algorithm as DnssecAlgorithm
    const data = signedData([parseRecord(record)], rrsig)
    expect(crypto.verify(algorithm, publicKey, data, rrsig.signature)).toBe(true)
    for (const at of [0, 4, 17, data.length - 1]) {
      const other = data.with(at, data[at]! ^ 1)
      expect(crypto.verify(algorithm, publicKey, other, rrsig.signature), `${at}`).toBe(false)
    }
  })

  test('has the key tag and the DS that dsOf() makes', () => {
    expect(keyTagOf(dnskey.data)).toBe(rrsig.keyTag)
    expect(formatRecord(dsOf(dnskey)).toLowerCase()).toContain(`in ds ${ds}`)
  })
})

test('the DS of RFC 4509 section 2.3 is what dsOf() makes', () => {
  const dnskey = parseRecord(
    'dskey.example.com. 86400 IN DNSKEY 256 3 5 AQOeiiR0GOMYkDshWoSKz9XzfwJr1AYtsmx3TGkJaNXVbfi/2pHm822aJ5iI9BMzNXxeYCmZDRD99WYwYqUSdjMmmAphXdvxegXd/M5+X7OrzKBaMbCVdFLUUh6DhweJBjEVv5f2wwjM9XzcnOf+EPbtG9DMBmADjFDc2w/rljwvFw==',
  )
  expect(formatRecord(dsOf(dnskey)).toLowerCase()).toContain(
    'ds 60485 5 2 d4b7d520e7bb5f0f67674a0cceb1e3e0614b93c4f9e99b8383f6a1e4469da50a',
  )
})

test('compareNames() orders as RFC 4034 section 6.1', () => {
  const ordered = [
    'example',
    'a.example',
    'yljkjljk.a.example',
    'Z.a.example',
    'zABC.a.EXAMPLE',
    'z.example',
    '\\001.z.example',
    '*.z.example',
    '\\200.z.example',
  ].map(name)
  expect(ordered.toReversed().toSorted(compareNames)).toEqual(ordered)
})

describe('ROOT_ANCHOR', () => {
  test('has both current keys of the root, as computed from their DNSKEY records', () => {
    // As in the package dns-root-data of Debian, and on data.iana.org.
    const text = readFileSync(new URL('../vectors/root-keys.txt', import.meta.url), 'utf8')
    const [anchor] = parseZoneAnchors(text)
    const computed = anchor!.records.map((record) => formatRecord({ ...dsOf(record), ttl: 0 }))
    const ours = ROOT_ANCHOR.records.map((record) => formatRecord({ ...record, ttl: 0 }))
    expect(ours).toEqual(computed)
    expect(ours.map((line) => line.split(' ')[4])).toEqual(['20326', '38696'])
  })
})

describe('parseZoneAnchors()', () => {
  const [first, second] = signatures
  const text = `; whom we trust
example.net. IN DNSKEY 257 3 13 ${first.key.split(' ').at(-1)} ; no TTL
${second.key}
example.net. DS ${first.ds}
`

  test('reads a file of anchors, one for each zone, and formats it again', () => {
    const anchors = parseZoneAnchors(text)
    expect(anchors.map(({ zone, records }) => [zone, records.length])).toEqual([
      ['example.net', 2],
      ['example.com', 1],
    ])
    expect(parseZoneAnchors(formatZoneAnchors(anchors))).toEqual(anchors)
  })

  test('prints what delv takes', () => {
    expect(formatTrustAnchorsForDelv(parseZoneAnchors(text))).toBe(`trust-anchors {
  "example.net." static-key 257 3 13 "${first.key.split(' ').at(-1)}";
  "example.net." static-ds ${first.ds.replace(/ (\w+)$/, ' "$1"')};
  "example.com." static-key 257 3 15 "${second.key.split(' ').at(-1)}";
};
`)
  })

  test.each([
    ['record', 'example. IN A 127.0.0.1'],
    ['record', 'example. IN DNSKEY 0 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4='],
    ['record', 'example. IN DNSKEY 385 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4='],
    ['record', 'example. IN DNSKEY 257 2 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4='],
    ['unsupported', 'example. IN DNSKEY 257 3 5 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4='],
    ['unsupported', 'example. IN DS 1 15 1 0000000000000000000000000000000000000000'],
    ['limit', ' '.repeat(300_000)],
    ['limit', 'example. IN DS 1 15 2 00\n'.repeat(1_025)],
  ])('refuses with %s: %.60s', (code, line) => {
    expect(() => parseZoneAnchors(line)).toThrow(expect.objectContaining({ code }) as Error)
  })
})
