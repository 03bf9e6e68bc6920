import { describe, expect, test } from 'vitest'
import { toHex } from '@ixj/trust'
import {
  type DnsRecord,
  formatRecord,
  formatZone,
  parseDnsName,
  parseRecord,
  parseZone,
  TYPE,
  wireOfName,
} from '@ixj/dns/proof'

const origin = parseDnsName('agents.example')

function parsed(text: string): readonly string[] {
  return parseZone(text, { origin, ttl: 60 }).map(formatRecord)
}

describe('parseRecord() and formatRecord()', () => {
  // Data as they stand on the wire, written down from the RFCs by hand.
  test.each([
    ['A 192.0.2.1', 'c0000201'],
    ['AAAA 2001:db8::1', '20010db8000000000000000000000001'],
    ['NS ns1.example.', '036e7331076578616d706c6500'],
    ['CNAME .', '00'],
    ['MX 10 Mail.', '000a044d61696c00'],
    ['SRV 1 2 4001 a.', '000100020fa1016100'],
    ['SOA a. b. 1 2 3 4 4294967295', '016100016200' + '00000001000000020000000300000004ffffffff'],
    ['TXT "a b" "" "c\\"\\\\\\255"', '0361206200' + '0463225cff'],
    ['DS 60485 5 1 2bb183af', 'ec4505012bb183af'],
    ['DNSKEY 257 3 15 l02Woi0iS8Aa', '0101030f974d96a22d224bc01a'],
    [
      'RRSIG A 15 2 3600 20150819220000 20150729220000 3613 example. AQID',
      '0001' +
        '0f02' +
        '00000e10' +
        '55d4fc60' +
        '55b94ce0' +
        '0e1d' +
        '076578616d706c6500' +
        '010203',
    ],
    // RFC 4034 section 4.3.
    [
      'NSEC host.example.com. A MX RRSIG NSEC TYPE1234',
      '04686f7374076578616d706c6503636f6d00' +
        '0006400100000003' +
        '041b000000000000000000000000000000000000000000000000000020',
    ],
    ['NSEC3 1 1 12 aabb cpnmuoj1e8 A RRSIG', '0101000c02aabb06666f6f626172' + '0006400000000002'],
    ['NSEC3 1 0 0 - cpnmuoj1e8', '0100000000' + '06666f6f626172'],
    ['NSEC3PARAM 1 0 0 -', '0100000000'],
    ['TLSA 3 1 1 c24426de', '030101c24426de'],
    [
      'CAA 0 issue "ca.example; policy=ev"',
      '0005697373756563612e6578616d706c653b20706f6c6963793d6576',
    ],
    ['TYPE65280 \\# 3 abcdef', 'abcdef'],
    ['TYPE65280 \\# 0', ''],
    // RFC 9460 appendix D.
    ['HTTPS 0 foo.example.com.', '000003666f6f076578616d706c6503636f6d00'],
    ['SVCB 1 .', '000100'],
    ['SVCB 16 foo. port=53', '001003666f6f00' + '000300020035'],
    ['SVCB 1 foo. key667="hello\\210qoo"', '000103666f6f00' + '029b000968656c6c6fd2716f6f'],
    [
      'SVCB 1 foo. ipv6hint=2001:db8::1,2001:db8::53:1',
      '000103666f6f00' +
        '00060020' +
        '20010db8000000000000000000000001' +
        '20010db8000000000000000000530001',
    ],
    [
      'SVCB 16 foo. mandatory=alpn,ipv4hint alpn="h2,h3-19" ipv4hint=192.0.2.1',
      '001003666f6f00' +
        '0000000400010004' +
        '0001000902683205' +
        '68332d3139' +
        '00040004c0000201',
    ],
    [
      'SVCB 16 foo. alpn="f\\\\\\\\oo\\\\,bar,h2"',
      '001003666f6f00' + '0001000c08665c6f6f2c626172026832',
    ],
    ['SVCB 1 foo. alpn="h2" no-default-alpn', '000103666f6f00' + '00010003026832' + '00020000'],
  ])('%s', (text, hex) => {
    const record = parseRecord(`a.example. 60 IN ${text}`)
    expect(toHex(record.data)).toBe(hex)
    expect(formatRecord(record)).toBe(`a.example. 60 IN ${text}`)
  })

  test.each([
    [
      'one text in several words',
      'a. 1 IN DNSKEY 257 3 15 l02Woi 0iS8Aa',
      'DNSKEY 257 3 15 l02Woi0iS8Aa',
    ],
    ['parentheses', 'a. 1 IN TLSA ( 3 1 ; usage\n 1 c244\n26de )', 'TLSA 3 1 1 c24426de'],
    ['upper case', 'A. 1 in ds 1 5 1 2BB183AF', 'DS 1 5 1 2bb183af'],
    ['parameters in any order', 'a. 1 IN SVCB 1 f. port=53 alpn=h2', 'SVCB 1 f. alpn="h2" port=53'],
    ['a parameter by its number', 'a. 1 IN SVCB 1 f. key3="\\000\\053"', 'SVCB 1 f. port=53'],
    ['a quoted list', 'a. 1 IN SVCB 1 f. ipv4hint="1.2.3.4"', 'SVCB 1 f. ipv4hint=1.2.3.4'],
    ['data by their bytes', 'a. 1 IN A \\# 4 0102 0304', 'A 1.2.3.4'],
    ['spans with units', 'a. 1 IN SOA a. b. 1 1h 10m 1w2d 1S', 'SOA a. b. 1 3600 600 777600 1'],
    [
      'a time in seconds',
      'a. 1 IN RRSIG A 15 1 1 1440021600 0 1 a. AQID',
      'RRSIG A 15 1 1 20150819220000 19700101000000 1 a. AQID',
    ],
    ['words without quotes', 'a. 1 IN TXT v=1;comment', 'TXT "v=1"'],
    [
      'characters beyond ASCII',
      'a. 1 IN TXT "ü€😀"',
      'TXT "\\195\\188\\226\\130\\172\\240\\159\\152\\128"',
    ],
    ['an escaped quote', 'a. 1 IN TXT a\\"b', 'TXT "a\\"b"'],
    ['an escaped dot', 'a\\.b. 1 IN CNAME c\\.', 'CNAME c\\046.'],
  ])('reads %s', (_, text, data) => {
    expect(formatRecord(parseRecord(text)).split(' IN ')[1]).toBe(data)
  })

  test.each([
    ['a type that is not built', 'a. 1 IN LOC 1', 'record'],
    ['a type that has no text', 'a. 1 IN TYPE65280 1', 'unsupported'],
    ['data that are too long', 'a. 1 IN A 1.2.3.4 5', 'record'],
    ['data that end', 'a. 1 IN MX 10', 'record'],
    ['bytes that mean nothing', 'a. 1 IN A \\# 3 010203', 'record'],
    ['bytes that are fewer', 'a. 1 IN TYPE65280 \\# 3 0102', 'record'],
    ['a number that is too large', 'a. 1 IN MX 65536 b.', 'record'],
    ['a number with a sign', 'a. 1 IN MX -1 b.', 'record'],
    ['a TTL that is too large', 'a. 2147483648 IN A 1.2.3.4', 'record'],
    ['two TTLs', 'a. 1 2 IN A 1.2.3.4', 'record'],
    ['another class', 'a. 1 CH A 1.2.3.4', 'record'],
    ['no TTL', 'a. IN A 1.2.3.4', 'record'],
    ['no owner', ' 1 IN A 1.2.3.4', 'record'],
    ['a string of 256 bytes', `a. 1 IN TXT ${'x'.repeat(256)}`, 'record'],
    ['a label of 64 bytes', `${'x'.repeat(64)}. 1 IN A 1.2.3.4`, 'name'],
    ['a broken escape', 'a. 1 IN TXT "\\256"', 'record'],
    ['a lone surrogate', 'a. 1 IN TXT "\ud800"', 'record'],
    ['a day that is none', 'a. 1 IN RRSIG A 15 1 1 20150631000000 0 1 a. AQID', 'record'],
    ['a parameter twice', 'a. 1 IN SVCB 1 f. port=53 key3=53', 'record'],
    ['a parameter without its value', 'a. 1 IN SVCB 1 f. port', 'record'],
    ['a parameter of the wrong size', 'a. 1 IN SVCB 1 f. key3=5', 'record'],
    ['a value where there is none', 'a. 1 IN SVCB 1 f. no-default-alpn=h2', 'record'],
    ['an empty protocol', 'a. 1 IN SVCB 1 f. alpn=h2,,h3', 'record'],
    ['the key that is none', 'a. 1 IN SVCB 1 f. key65535', 'record'],
    ['a mandatory key twice', 'a. 1 IN SVCB 1 f. mandatory=port,port port=1', 'record'],
    ['records of a message', 'a. 1 IN TSIG \\# 0', 'record'],
    ['two records', 'a. 1 IN A 1.2.3.4\nb. 1 IN A 1.2.3.4', 'record'],
    ['nothing', '; a comment', 'record'],
  ])('refuses %s', (_, text, code) => {
    expect(() => parseRecord(text)).toThrow(expect.objectContaining({ code }))
  })

  test('shows data that have not the form of their type by their bytes', () => {
    const record = { name: origin, type: TYPE.A, class: 1, ttl: 1, data: Uint8Array.of(1, 2) }
    expect(formatRecord(record)).toBe('agents.example. 1 IN A \\# 2 0102')
  })
})

describe('parseZone()', () => {
  test('takes owner, TTL and class from before', () => {
    const text = `
$TTL 1h ; for all that follow
@ IN A 192.0.2.1
  IN TXT "the same owner"
w1 5 TXT "TTL first"
w2 IN 6 TXT "class first"
w3 TXT "neither"
$ORIGIN crew
w4 A 192.0.2.4
w5.agents.example. A 192.0.2.5`
    expect(parsed(text)).toEqual([
      'agents.example. 3600 IN A 192.0.2.1',
      'agents.example. 3600 IN TXT "the same owner"',
      'w1.agents.example. 5 IN TXT "TTL first"',
      'w2.agents.example. 6 IN TXT "class first"',
      'w3.agents.example. 3600 IN TXT "neither"',
      'w4.crew.agents.example. 3600 IN A 192.0.2.4',
      'w5.agents.example. 3600 IN A 192.0.2.5',
    ])
  })

  test('takes the last TTL that was stated where there is no $TTL', () => {
    const text = 'a 1 TXT x\nb TXT x\nc 2 TXT x\nd TXT x'
    expect(parseZone(text, { origin }).map(({ ttl }) => ttl)).toEqual([1, 1, 2, 2])
  })

  test('reads CR LF, tabs, empty lines and comments as blanks', () => {
    expect(parsed('; c "(\r\n\r\n\t\r\na\tA\t192.0.2.1 ; (\r\n\tTXT ";" ;\r\n')).toEqual([
      'a.agents.example. 60 IN A 192.0.2.1',
      'a.agents.example. 60 IN TXT ";"',
    ])
  })

  test.each([
    ['a name outside', 'a A 192.0.2.1\nb.other. A 192.0.2.1', 'record', 2],
    ['an $ORIGIN outside, once it is used', '$ORIGIN other.\n\nb A 192.0.2.1', 'record', 3],
    ['an error in parentheses, where they begin', 'a A 192.0.2.1\nb A (\n192\n)', 'record', 2],
    ['a quote that is open', 'a TXT "b\n"', 'record', 1],
    ['a parenthesis that is open', 'a TXT (\nb', 'record', 2],
    ['a parenthesis too many', 'a A 192.0.2.1 )', 'record', 1],
    ['parentheses in parentheses', 'a A ( (192.0.2.1) )', 'record', 1],
    ['a quote in a word', 'a TXT b"c"', 'record', 1],
    ['a control character', 'a TXT b\u0000', 'record', 1],
    ['an escape at the end', 'a TXT b\\', 'record', 1],
    ['another file', '$INCLUDE other.zone', 'unsupported', 1],
    ['made records', '$GENERATE 1-9999999 w$ A 192.0.2.1', 'unsupported', 1],
  ])('refuses %s', (_, text, code, line) => {
    const error = { code, message: expect.stringContaining(`line ${line}:`) as string }
    expect(() => parsed(text)).toThrow(expect.objectContaining(error))
  })

  test('refuses more text than its limit before it reads it', () => {
    const text = ' '.repeat(67_108_865)
    expect(() => parsed(text)).toThrow(expect.objectContaining({ code: 'limit' }))
  })

  test('refuses a long line of quotes and escapes in time', () => {
    const start = performance.now()
    expect(() => parsed(`a TXT ${'\\"'.repeat(500_000)}`)).toThrow(/limit 255/)
    expect(() => parsed('('.repeat(1_000_000))).toThrow(/too many/)
    expect(performance.now() - start).toBeLessThan(2_000)
  })
})

describe('formatZone()', () => {
  const record = (name: string, type: number, data: Uint8Array): DnsRecord => ({
    name: parseDnsName(name),
    type,
    class: 1,
    ttl: 60,
    data,
  })
  const target = wireOfName(parseDnsName('ns1.agents.example'))

  test('puts the SOA first, then names in the order of RFC 4034', () => {
    // The names of RFC 4034 section 6.1, below one zone.
    const names = ['a', 'yljkjljk.a', 'z.a', 'zabc.a', 'z', '\\001.z', '*.z', '\\200.z']
    const records = names.map((label) => record(`${label}.agents.example`, TYPE.NS, target))
    const soa = parseRecord('agents.example. 60 IN SOA a. b. 1 2 3 4 5')
    const shuffled = [...records.toReversed(), record('agents.example', TYPE.NS, target), soa]
    expect(formatZone(shuffled, { origin }).split('\n')).toEqual([
      '$ORIGIN agents.example.',
      '@              60 IN SOA    a. b. 1 2 3 4 5',
      '@              60 IN NS     ns1.agents.example.',
      ...names.map((label) => `${label.padEnd(10)}     60 IN NS     ns1.agents.example.`),
      '',
    ])
  })

  test('writes whole names without an origin, and for those outside of it', () => {
    const records = [record('a.other', TYPE.NS, target)]
    expect(formatZone(records)).toBe('a.other.     60 IN NS     ns1.agents.example.\n')
    expect(formatZone(records, { origin })).toContain('\na.other. ')
  })

  test('writes the root', () => {
    const root = record('.', TYPE.NS, target)
    const text = formatZone([root], { origin: root.name })
    expect(parseZone(text, { origin: root.name })).toEqual([root])
  })
})
