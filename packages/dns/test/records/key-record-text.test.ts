import { fromHex, toHex } from '@ixj/trust'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  formatKeyRecord,
  type KeyReading,
  type KeyRecord,
  parseKeyRecord,
  readKeyRecord,
  writeKeyRecord,
} from '../../src/proof.ts'
import { type KeyRecordCase, keyRecordTable } from './key-record-table.ts'
import { KEYS, keyRecord, keyRecords, seed, txtData } from './records.ts'

/** The data of a TXT as a case has it; texts are cut where one string ends at 255. */
function dataOf({ text, strings, hex }: KeyRecordCase): Uint8Array {
  if (strings !== undefined) return txtData(strings)
  const bytes = hex === undefined ? Array.from(text!, (each) => each.charCodeAt(0)) : fromHex(hex)
  const whole = String.fromCharCode(...bytes)
  return txtData(whole.match(/.{1,255}/gs) ?? [''])
}

function shown(record: KeyRecord) {
  const hex = (bytes: Uint8Array | null) => (bytes === null ? null : toHex(bytes))
  const { key, encryptionKey, next } = record
  return { ...record, key: toHex(key), encryptionKey: hex(encryptionKey), next: hex(next) }
}

test('the table has the cases that the rules ask for', () => {
  const count = (outcome: string) => keyRecordTable.filter((row) => row.outcome === outcome).length
  expect(keyRecordTable.length).toBeGreaterThanOrEqual(80)
  expect(count('record')).toBeGreaterThanOrEqual(40)
  expect(count('void')).toBeGreaterThanOrEqual(80)
  expect(count('not-ours')).toBeGreaterThanOrEqual(15)
  expect(new Set(keyRecordTable.map(({ why }) => why)).size).toBe(keyRecordTable.length)
})

describe('readKeyRecord()', () => {
  test.each(keyRecordTable)('$outcome: $why', (row) => {
    const reading = readKeyRecord(dataOf(row))
    expect(reading.outcome).toBe(row.outcome)
    expect(reading.outcome === 'record' ? shown(reading.record) : undefined).toEqual(row.record)
    // People's terminals get the reason: no control character of the record is in it.
    const reason = reading.outcome === 'void' ? reading.reason : 'none'
    expect(reason).toMatch(/^[\x20-\x7e…]{4,400}$/)
  })

  test('data that are no TXT are void', () => {
    expect(readKeyRecord(Uint8Array.of(200, 1)).outcome).toBe('void')
    expect(readKeyRecord(new Uint8Array()).outcome).toBe('void')
  })

  test('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(readKeyRecord(bytes)).toHaveProperty('outcome')
      }),
      { seed, numRuns: 2_000 },
    )
  })

  test('a record with one character changed never gives another key than it shows', () => {
    const text = formatKeyRecord(keyRecord({ uses: 'both', depth: 3, next: KEYS[1]! }))
    const changes = fc.record({
      at: fc.nat(text.length - 1),
      to: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
    })
    fc.assert(
      fc.property(changes, ({ at, to }) => {
        const changed = text.slice(0, at) + to + text.slice(at + 1)
        const reading = parseKeyRecord(changed)
        if (reading.outcome !== 'record') return
        // Read again from what it means: nothing was guessed, so the tags say the same.
        expect(tagsOf(formatKeyRecord(reading.record))).toEqual(knownTagsOf(changed))
      }),
      { seed, numRuns: 3_000 },
    )
  })
})

const DEFAULTS: Readonly<Record<string, string>> = { u: 'sign', d: '0', s: '0', nb: '0' }

function tagsOf(text: string): Record<string, string> {
  const tags: Record<string, string> = { ...DEFAULTS }
  for (const spec of text.split(';')) {
    const equals = spec.indexOf('=')
    if (equals > 0) tags[spec.slice(0, equals).trim()] = spec.slice(equals + 1).trim()
  }
  return tags
}

function knownTagsOf(text: string): Record<string, string> {
  const known = new Set(['v', 'k', 'p', 'u', 'd', 's', 'nb', 'e', 'n', 'h'])
  return Object.fromEntries(Object.entries(tagsOf(text)).filter(([tag]) => known.has(tag)))
}

describe('formatKeyRecord()', () => {
  test('gives back every record that is read from it', () => {
    fc.assert(
      fc.property(keyRecords, (record) => {
        // 16 hosts of the longest kind do not fit into one record: that is refused below.
        const reading: KeyReading = parseKeyRecord(formatKeyRecord(record))
        expect(reading).toEqual({ outcome: 'record', record })
        expect(readKeyRecord(writeKeyRecord(record))).toEqual({ outcome: 'record', record })
      }),
      { seed, numRuns: 300 },
    )
  })

  test('writes the record of the specification', () => {
    const text =
      'v=ixj1; k=ed25519; p=hYV1dReXoualIDbhvEU4QuKGYK3IcpciTv329dU3E-I; u=sign,bind; d=2; ' +
      'h=node1.agents.example'
    const reading = parseKeyRecord(text)
    expect(reading.outcome === 'record' && formatKeyRecord(reading.record)).toBe(text)
  })

  test('is below 80 characters without n, e and h', () => {
    expect(formatKeyRecord(keyRecord()).length).toBeLessThan(80)
  })

  test.each([
    ['a key of 31 bytes', { key: new Uint8Array(31) }],
    ['a key of small order', { key: new Uint8Array(32) }],
    ['a depth of 17', { depth: 17 }],
    ['a depth that is no integer', { depth: 1.5 }],
    ['a time that is no full second', { notBefore: 1_500 }],
    ['a time before 1970', { notBefore: -1_000 }],
    ['no time', { notBefore: Number.NaN }],
    ['an encryption key of 31 bytes', { encryptionKey: new Uint8Array(31) }],
    ['a commitment of 33 bytes', { next: new Uint8Array(33) }],
    ['a host twice', { hosts: ['a.example', 'a.example'] }],
    ['a host that is no name', { hosts: ['a.example; u=bind'] }],
    ['17 hosts', { hosts: Array.from({ length: 17 }, (_, index) => `n${index}.example`) }],
    ['hosts over 2,048 characters', { hosts: Array.from({ length: 16 }, longName) }],
  ] as const)('refuses %s', (_, changes) => {
    const record = keyRecord(changes as Partial<KeyRecord>)
    expect(() => formatKeyRecord(record)).toThrow(expect.objectContaining({ code: 'argument' }))
  })
})

function longName(_: unknown, index: number): string {
  return `${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(60)}.n${index}.example`
}
