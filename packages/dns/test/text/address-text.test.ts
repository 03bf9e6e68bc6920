import { isIPv4, isIPv6 } from 'node:net'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from '@ixj/dns/proof'

describe('IPv6 text', () => {
  test.each([
    // RFC 5952 sections 4 and 5.
    ['2001:db8::1', '2001:db8:0:0:0:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8::1:1:1:1:1'],
    ['2001:0:0:1::1', '2001:0:0:1:0:0:0:1'],
    ['2001:db8::1:0:0:1', '2001:db8:0:0:1:0:0:1'],
    ['2001:db8:aaaa:bbbb:cccc:dddd:eeee:aaaa', '2001:DB8:AAAA:BBBB:CCCC:DDDD:EEEE:AAAA'],
    ['::ffff:192.0.2.1', '::FFFF:c000:201'],
    ['::', '0:0:0:0:0:0:0:0'],
    ['::1', '::0.0.0.1'],
    ['1::', '1:0:0:0:0:0:0:0'],
    ['64:ff9b::c000:201', '64:ff9b::192.0.2.1'],
  ])('%s is the form of %s', (formatted, text) => {
    expect(formatIpv6(parseIpv6(text))).toBe(formatted)
  })

  test.each([
    '',
    ':',
    ':::',
    '1',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8',
    '::1::',
    '12345::',
    'g::',
    '1.2.3.4',
    '::1.2.3',
    '::1.2.3.4:5',
    '1.2.3.4::',
    ':1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:',
    '::%lo',
  ])('refuses %j', (text) => {
    expect(() => parseIpv6(text)).toThrow(expect.objectContaining({ code: 'record' }))
  })

  test('reads back what it wrote, and Node agrees that it is an address', () => {
    const group = fc.oneof(fc.constant(0), fc.nat(255))
    const address = fc.array(group, { minLength: 16, maxLength: 16 })
    fc.assert(
      fc.property(address, (numbers) => {
        const text = formatIpv6(Uint8Array.from(numbers))
        expect(isIPv6(text), text).toBe(true)
        expect([...parseIpv6(text)]).toEqual(numbers)
      }),
    )
  })
})

describe('IPv4 text', () => {
  test('reads back what it wrote', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 4, maxLength: 4 }), (bytes) => {
        expect(isIPv4(formatIpv4(bytes))).toBe(true)
        expect(parseIpv4(formatIpv4(bytes))).toEqual(bytes)
      }),
    )
  })

  test.each(['1.2.3', '1.2.3.4.5', '01.2.3.4', '256.1.1.1', '1.2.3.', '0x1.2.3.4', ' 1.2.3.4'])(
    'refuses %j',
    (text) => {
      expect(() => parseIpv4(text)).toThrow(expect.objectContaining({ code: 'record' }))
    },
  )
})
