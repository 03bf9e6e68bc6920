import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  compareNames,
  formatRecord,
  formatZone,
  parseDnsName,
  parseRecord,
  parseZone,
  TYPE,
} from '@ixj/dns/proof'
import { records } from './random-records.ts'

const zone = parseDnsName('agents.example')

test('parseRecord() gives the bytes that formatRecord() showed, for every type', () => {
  fc.assert(
    fc.property(records(zone, false), (record) => {
      const text = formatRecord(record)
      expect(text).not.toContain('\n')
      expect(parseRecord(text)).toEqual(record)
    }),
    { numRuns: 2_000 },
  )
})

test('formatRecord() loses no byte of data without form', () => {
  const types = Object.values(TYPE).filter((type) => type < 128 && type !== TYPE.OPT)
  fc.assert(
    fc.property(fc.constantFrom(...types), fc.uint8Array({ maxLength: 60 }), (type, data) => {
      const text = formatRecord({ name: zone, type, class: 1, ttl: 1, data })
      const hex = Buffer.from(data).toString('hex')
      const shown = text.includes('\\#') ? (text.split(' ')[6] ?? '') : hexOf(text)
      expect(shown, text).toBe(hex)
    }),
    { numRuns: 5_000 },
  )
})

function hexOf(text: string): string {
  return Buffer.from(parseRecord(text).data).toString('hex')
}

test('parseZone() gives the records that formatZone() was given, in order', () => {
  fc.assert(
    fc.property(fc.array(records(zone, false), { maxLength: 20 }), (list) => {
      const read = parseZone(formatZone(list, { origin: zone }), { origin: zone })
      expect(new Set(read.map(formatRecord))).toEqual(new Set(list.map(formatRecord)))
      const names = read.filter(({ type }) => type !== TYPE.SOA).map(({ name }) => name)
      expect(names).toEqual(names.toSorted(compareNames))
    }),
    { numRuns: 300 },
  )
})

test('parseZone() answers any text with records or a DnsError', () => {
  const marks = ['(', ')', '"', '\\', '\\#', ';', '\n', ' ', '=', '\u0000', '\r', '.', 'ü']
  const words = ['a', '@', '60', 'IN', 'A', 'TXT', 'SVCB', '$ORIGIN', '$TTL', '1.2.3.4', 'alpn=']
  const word = fc.constantFrom(...marks, ...words, 'key1', '"b c"', '\\065')
  const text = fc.array(fc.oneof({ weight: 9, arbitrary: word }, fc.string()), { maxLength: 30 })
  fc.assert(
    fc.property(text, (parts) => {
      expect(outcomeOf(parts.join(' '))).toMatch(/^(read|DnsError)$/)
    }),
    { numRuns: 5_000 },
  )
})

function outcomeOf(text: string): string {
  try {
    for (const record of parseZone(text, { origin: zone })) formatRecord(record)
    return 'read'
  } catch (error) {
    return (error as Error).name
  }
}
