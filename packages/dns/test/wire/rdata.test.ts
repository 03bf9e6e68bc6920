import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  canonicalData,
  DnsError,
  type DnsRecord,
  keyTagOf,
  parseDnsName,
  readDnskey,
  readDs,
  readNsec,
  readNsec3,
  readRrsig,
  readSoa,
  readSvcb,
  readTarget,
  readTlsa,
  readTsig,
  readTxt,
  TYPE,
  typeName,
  typeOfName,
  wireOfName,
  writeDnskey,
  writeDs,
  writeNsec,
  writeRrsig,
  writeSoa,
  writeSvcb,
  writeTlsa,
  writeTsig,
  writeTxt,
  writeTypeBitmap,
} from '@ixj/dns'
import { concatBytes } from '@ixj/trust'
import { records } from '../text/random-records.ts'

const SEED = 0x1d46
const zone = parseDnsName('zone.example')
const record = expect.objectContaining({ code: 'record' }) as Error

/** What reading and writing data again gives: the same bytes. */
const again = new Map<number, (data: Uint8Array) => Uint8Array>([
  [TYPE.NS, (data) => wireOfName(readTarget(TYPE.NS, data))],
  [TYPE.PTR, (data) => wireOfName(readTarget(TYPE.PTR, data))],
  [TYPE.SOA, (data) => writeSoa(readSoa(data))],
  [
    TYPE.TXT,
    (data) => concatBytes(...readTxt(data).flatMap((text) => [Uint8Array.of(text.length), text])),
  ],
  [TYPE.DS, (data) => writeDs(readDs(data))],
  [TYPE.DNSKEY, (data) => writeDnskey(readDnskey(data))],
  [TYPE.RRSIG, (data) => writeRrsig(readRrsig(data))],
  [TYPE.NSEC, (data) => writeNsec(readNsec(data).next, readNsec(data).types)],
  [TYPE.NSEC3, nsec3Again],
  [TYPE.TLSA, (data) => writeTlsa(readTlsa(data))],
  [TYPE.SVCB, (data) => writeSvcb(readSvcb(data))],
])

function nsec3Again(data: Uint8Array): Uint8Array {
  const { hashAlgorithm, flags, iterations, salt, nextHash, types } = readNsec3(data)
  return Uint8Array.from([
    hashAlgorithm,
    flags,
    iterations >> 8,
    iterations & 0xff,
    salt.length,
    ...salt,
    nextHash.length,
    ...nextHash,
    ...writeTypeBitmap(types),
  ])
}

/** The data read and written again; what is refused as a record counts as the same. */
function readAgain(type: number, data: Uint8Array): Uint8Array {
  try {
    return again.get(type)!(data)
  } catch (cause) {
    if (cause instanceof DnsError && cause.code === 'record') return data
    throw cause
  }
}

const typed = records(zone, false).filter(({ type }) => again.has(type))

describe('typed data', () => {
  test('are the same when they are read and written again', () => {
    const seen = new Set<number>()
    fc.assert(
      fc.property(typed, ({ type, data }) => {
        seen.add(type)
        expect(again.get(type)!(data)).toEqual(data)
      }),
      { seed: SEED, numRuns: 3_000 },
    )
    expect(seen).toEqual(new Set(again.keys()))
  })

  test('are refused with a byte too many, where the form has an end', () => {
    const ended = new Set<number>([TYPE.NS, TYPE.PTR, TYPE.SOA])
    fc.assert(
      fc.property(
        typed.filter(({ type }) => ended.has(type)),
        ({ type, data }) => {
          expect(() => again.get(type)!(Uint8Array.from([...data, 0]))).toThrow(record)
        },
      ),
      { seed: SEED, numRuns: 200 },
    )
  })

  test('cut off at any byte are refused, or read as something shorter that is written so', () => {
    fc.assert(
      fc.property(typed, fc.nat(), ({ type, data }, place) => {
        const cut = data.slice(0, place % data.length)
        expect(readAgain(type, cut)).toEqual(cut)
      }),
      { seed: SEED, numRuns: 3_000 },
    )
  })

  test('in canonical form differ in the case of their names only, and never twice', () => {
    fc.assert(
      fc.property(records(zone, false), ({ type, data }: DnsRecord) => {
        const canonical = canonicalData(type, data)
        expect(canonical).toHaveLength(data.length)
        expect(canonicalData(type, canonical)).toEqual(canonical)
      }),
      { seed: SEED, numRuns: 500 },
    )
    const upper = Uint8Array.of(0, 10, 3, 0x41, 0x5a, 0x5b, 0)
    expect(canonicalData(TYPE.MX, upper)).toEqual(Uint8Array.of(0, 10, 3, 0x61, 0x7a, 0x5b, 0))
    expect(canonicalData(TYPE.TXT, upper)).toEqual(upper)
    expect(canonicalData(TYPE.NSEC, upper.subarray(2))).toEqual(upper.subarray(2))
    for (const bad of [
      Uint8Array.of(0, 10),
      Uint8Array.of(0, 10, 64),
      Uint8Array.of(0, 10, 9, 1),
    ]) {
      expect(() => canonicalData(TYPE.MX, bad)).toThrow(record)
    }
  })
})

describe('single forms', () => {
  test('TSIG keeps its 48-bit time', () => {
    const tsig = {
      algorithm: parseDnsName('hmac-sha256'),
      time: 2 ** 40 + 5,
      fudge: 300,
      mac: Uint8Array.of(1, 2, 3),
      originalId: 65_535,
      error: 18,
      other: Uint8Array.of(9),
    }
    expect(readTsig(writeTsig(tsig))).toEqual(tsig)
    for (let length = 0; length < writeTsig(tsig).length; length++) {
      expect(() => readTsig(writeTsig(tsig).slice(0, length))).toThrow(record)
    }
  })

  test('TXT is cut into strings of 255 bytes', () => {
    const long = new Uint8Array(600).fill(7)
    expect(readTxt(writeTxt(long)).map(({ length }) => length)).toEqual([255, 255, 90])
    expect(readTxt(writeTxt(new Uint8Array()))).toEqual([new Uint8Array()])
    expect(() => readTxt(new Uint8Array())).toThrow(record)
    expect(() => readTxt(Uint8Array.of(5, 1))).toThrow(record)
  })

  test.each([
    ['a window twice', [0, 1, 0x40, 0, 1, 0x40]],
    ['windows that fall', [1, 1, 0x40, 0, 1, 0x40]],
    ['an empty window', [0, 0]],
    ['a window too long', [0, 33, ...Array.from({ length: 33 }, () => 1)]],
    ['a window cut off', [0, 2, 1]],
  ])('NSEC refuses types with %s', (_, bitmap) => {
    expect(() => readNsec(Uint8Array.from([0, ...bitmap]))).toThrow(record)
  })

  test('SVCB refuses parameters that do not rise', () => {
    for (const keys of [
      [3, 1],
      [1, 1],
    ]) {
      const parameters = keys.flatMap((key) => [0, key, 0, 0])
      expect(() => readSvcb(Uint8Array.from([0, 1, 0, ...parameters]))).toThrow(record)
    }
  })

  test('keyTagOf() is the one of RFC 4034 appendix B, odd lengths included', () => {
    expect(keyTagOf(Uint8Array.of(1, 2, 3))).toBe(0x0402)
    expect(keyTagOf(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0, 1))).toBe((0x1fffe + 1 + 1) & 0xffff)
  })

  test('types have their names, or numbers', () => {
    for (const [text, type] of Object.entries(TYPE)) {
      expect(typeName(type)).toBe(text)
      expect(typeOfName(text.toLowerCase())).toBe(type)
    }
    expect(typeName(65_280)).toBe('TYPE65280')
    expect(typeOfName('type65280')).toBe(65_280)
    expect(typeOfName('TYPE65536')).toBeUndefined()
    expect(typeOfName('NOTYPE')).toBeUndefined()
  })
})
