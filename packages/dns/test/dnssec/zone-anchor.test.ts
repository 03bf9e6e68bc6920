import { parseZoneAnchors, zoneAnchorOf } from '@ixj/dns/proof'
import { describe, expect, test } from 'vitest'

const KEY = 'DNSKEY 257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4='
const DIGEST = 'DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D'

describe('zoneAnchorOf()', () => {
  test.each(['acme.example', ''])('reads what the text of a zone file says of "%s"', (name) => {
    const text = [KEY, DIGEST].map((record) => `${name}. IN ${record}`).join('\n')
    expect(zoneAnchorOf({ name, records: [KEY, DIGEST] })).toEqual(parseZoneAnchors(text))
  })

  test.each([
    ['record', 'A 127.0.0.1'],
    ['record', 'DS 65536 8 2 00'],
    ['record', 'DS 1 256 2 00'],
    ['record', 'DS 1 8 2 0g'],
    ['record', 'DNSKEY 257 3 15 ===='],
    ['record', `${KEY} ; no comment here`],
    ['record', KEY.replace('257', '0')],
    ['unsupported', KEY.replace('15', '5')],
    ['unsupported', 'DS 1 15 1 0000000000000000000000000000000000000000'],
  ])('refuses with %s: %s', (code, record) => {
    const fields = { name: 'acme.example', records: [record] }
    expect(() => zoneAnchorOf(fields)).toThrow(expect.objectContaining({ code }) as Error)
  })
})
