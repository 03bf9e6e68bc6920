import { parseName } from '@ixj/names'
import { describe, expect, test } from 'vitest'
import {
  type DnsRecord,
  KEY_AGE_MS_MAX,
  keyOwner,
  type KeyRecord,
  keysOf,
  parseDnsName,
  type Secure,
  TYPE,
  writeKeyRecord,
} from '../../src/proof.ts'
import { KEYS, keyRecord, record, txtData } from './records.ts'

const name = parseName('planner.agents.example')
const owner = keyOwner(name)
const now = 1_800_000_000_000

function txt(...strings: readonly string[]): DnsRecord {
  return record(owner, TYPE.TXT, txtData(strings))
}

function key(changes: Partial<KeyRecord> = {}): DnsRecord {
  return record(owner, TYPE.TXT, writeKeyRecord(keyRecord(changes)))
}

/** What a validator says of an answer with these records, signed an hour ago for four. */
function secure(records: readonly DnsRecord[], changes: Partial<Secure> = {}): Secure {
  return {
    state: 'secure',
    answer: 'positive',
    zone: parseDnsName('agents.example'),
    anchor: parseDnsName('agents.example'),
    name: owner,
    records,
    ttlSeconds: 300,
    signedAt: now - 3_600_000,
    expiresAt: now + 3 * 3_600_000,
    wildcard: false,
    used: records,
    steps: [],
    ...changes,
  }
}

describe('keysOf()', () => {
  test('gives the key of a name until its signature ends', () => {
    const { keys, notAfter, reasons } = keysOf(name, secure([key()]), { now })
    expect(keys).toEqual([keyRecord()])
    expect(notAfter).toBe(now + 3 * 3_600_000)
    expect(reasons).toEqual([])
  })

  test('leaves out records of others and void ones, and says why', () => {
    const records = [txt('v=spf1 -all'), txt('v=ixj1; k=rsa; p=x'), key()]
    const { keys, reasons } = keysOf(name, secure(records), { now })
    expect(keys).toEqual([keyRecord()])
    expect(reasons).toEqual(['record 1 does not begin with v=ixj1', 'record 2 is void: k="rsa"'])
  })

  test('gives none where no record is usable', () => {
    const { keys, reasons } = keysOf(name, secure([txt('v=ixj1; k=rsa; p=x')]), { now })
    expect(keys).toEqual([])
    expect(reasons).toHaveLength(1)
  })

  test('takes four records, and none of five', () => {
    const five = KEYS.map((each) => key({ key: each }))
    expect(keysOf(name, secure(five.slice(0, 4)), { now }).keys).toHaveLength(4)
    const { keys, reasons } = keysOf(name, secure(five), { now })
    expect(keys).toEqual([])
    expect(reasons[0]).toContain('5 records')
  })

  test('counts records of others among the four: before any key is decoded', () => {
    const records = [1, 2, 3, 4].map((each) => txt(`note ${each}`))
    expect(keysOf(name, secure([...records, key()]), { now }).keys).toEqual([])
  })

  test('takes none from a wildcard', () => {
    const { keys, reasons } = keysOf(name, secure([key()], { wildcard: true }), { now })
    expect(keys).toEqual([])
    expect(reasons[0]).toContain('wildcard')
  })

  test('takes none from the end of an alias, nor from the answer to another name', () => {
    const other = keyOwner(parseName('mallory.agents.example'))
    const moved = { ...key(), name: other }
    expect(keysOf(name, secure([moved], { name: other }), { now }).keys).toEqual([])
    expect(keysOf(name, secure([moved]), { now }).keys).toEqual([])
    expect(keysOf(name, secure([key()], { name: other }), { now }).keys).toEqual([])
    const typed = { ...key(), type: TYPE.SVCB }
    expect(keysOf(name, secure([typed]), { now }).keys).toEqual([])
  })

  test.each(['nodata', 'nxdomain'] as const)('takes none from a denial: %s', (answer) => {
    const { keys, reasons } = keysOf(name, secure([], { answer }), { now })
    expect(keys).toEqual([])
    expect(reasons[0]).toContain('signed')
  })

  test('holds a key back until its nb, to the millisecond', () => {
    const records = [key(), key({ key: KEYS[1]!, notBefore: now })]
    const before = keysOf(name, secure(records), { now: now - 1 })
    expect(before.keys).toHaveLength(1)
    expect(before.pending.map((each) => each.key)).toEqual([KEYS[1]])
    expect(before.reasons[0]).toContain('2027-01-15T08:00:00.000Z')
    const after = keysOf(name, secure(records), { now })
    expect(after.keys).toHaveLength(2)
    expect(after.pending).toEqual([])
  })

  test('gives no key that stands in two records: they contradict each other', () => {
    const records = [key(), key({ uses: 'bind' }), key({ key: KEYS[1]! })]
    const { keys, reasons } = keysOf(name, secure(records), { now })
    expect(keys).toEqual([keyRecord({ key: KEYS[1]! })])
    expect(reasons[0]).toContain('two records')
  })

  test('ends with the signature, to the millisecond', () => {
    const answer = secure([key()], { expiresAt: now })
    expect(keysOf(name, answer, { now }).keys).toHaveLength(1)
    const late = keysOf(name, answer, { now: now + 1 })
    expect(late.keys).toEqual([])
    expect(late.reasons[0]).toContain('good until')
  })

  test('does not believe a signature that lives for years longer than the bound', () => {
    const answer = secure([key()], { expiresAt: now + 1e12 })
    const end = answer.signedAt + KEY_AGE_MS_MAX
    expect(keysOf(name, answer, { now }).notAfter).toBe(end)
    expect(keysOf(name, answer, { now: end }).keys).toHaveLength(1)
    expect(keysOf(name, answer, { now: end + 1 }).keys).toEqual([])
    expect(keysOf(name, answer, { now, ageMsMax: 60_000 }).keys).toEqual([])
  })
})
