import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  below,
  compareNames,
  type DnsName,
  fromLabels,
  isAtOrBelowName,
  isDnsName,
  labelCount,
  labelsOf,
  lastLabels,
  NAME_BYTES_MAX,
  parentOf,
  parseDnsName,
  ROOT,
  wireOfName,
} from '@ixj/dns'
import { nameOfWire } from '../../src/proof/wire/dns-name.ts'
import { orderKeyOf } from '../../src/proof/wire/order-key.ts'
import { WireReader } from '../../src/proof/wire/reader.ts'
import { WireWriter } from '../../src/proof/wire/writer.ts'
import { names } from '../text/random-records.ts'

const SEED = 0x1d45
const zone = parseDnsName('zone.example')
const refused = (code: string) => expect.objectContaining({ code }) as Error

describe('parseDnsName()', () => {
  test.each([
    ['.', '.'],
    ['EXAMPLE', 'example'],
    ['a.Example.', 'a.example'],
    ['\\065.x', 'a.x'],
    ['\\A.x', 'a.x'],
    ['a\\.b.x', 'a\\046b.x'],
    ['\\000\\255.x', '\\000\\255.x'],
    ['_ixjkey.*.x', '_ixjkey.*.x'],
    ['a\\032b', 'a\\032b'],
    [`${'a'.repeat(63)}.x`, `${'a'.repeat(63)}.x`],
  ])('reads %s as %s', (text, name) => {
    expect(parseDnsName(text)).toBe(name)
    expect(isDnsName(name)).toBe(true)
  })

  test.each([
    '',
    '..',
    'a..b',
    '.a',
    'a..',
    'a b',
    'ä.x',
    'a\\',
    'a\\25',
    'a\\256',
    'a\\2b5',
    'a'.repeat(64),
    `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(62)}`,
    'a.'.repeat(600),
  ])('refuses %s', (text) => {
    expect(() => parseDnsName(text)).toThrow(refused('name'))
    expect(isDnsName(text)).toBe(false)
  })

  test('takes 255 bytes and no more', () => {
    const longest = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(61)}`
    expect(wireOfName(parseDnsName(longest))).toHaveLength(NAME_BYTES_MAX)
    expect(() => parseDnsName(`${longest}d`)).toThrow(refused('name'))
    expect(() => below('x', parseDnsName(longest))).toThrow(refused('name'))
    const most = 'a.'.repeat(127)
    expect(labelCount(parseDnsName(most))).toBe(127)
    expect(() => parseDnsName(`${most}a`)).toThrow(refused('name'))
  })
})

describe('names', () => {
  test('keep their bytes through text and wire form', () => {
    fc.assert(
      fc.property(names(zone), (name) => {
        expect(nameOfWire(wireOfName(name))).toBe(name)
        expect(parseDnsName(name)).toBe(name)
        expect(new WireReader(wireOfName(name)).name()).toBe(name)
        expect(fromLabels(labelsOf(name))).toBe(name)
        expect(lastLabels(name, labelCount(name))).toBe(name)
        expect(isAtOrBelowName(name, zone)).toBe(true)
        expect(isAtOrBelowName(zone, name)).toBe(name === zone)
      }),
      { seed: SEED, numRuns: 500 },
    )
  })

  test('are ordered as their reversed labels are', () => {
    const key = (name: DnsName) =>
      labelsOf(name)
        .map((label) => Buffer.from(wireOfName(label as DnsName).slice(1, -1)))
        .toReversed()
    const expected = (left: DnsName, right: DnsName) => {
      const [one, other] = [key(left), key(right)]
      for (let at = 0; at < Math.min(one.length, other.length); at++) {
        const order = Buffer.compare(one[at]!, other[at]!)
        if (order !== 0) return order
      }
      return Math.sign(one.length - other.length)
    }
    fc.assert(
      fc.property(names(zone), names(zone), (left, right) => {
        const order = expected(left, right)
        expect(Math.sign(compareNames(left, right))).toBe(order)
        const [one, other] = [orderKeyOf(left), orderKeyOf(right)]
        expect(Number(one > other) - Number(one < other)).toBe(order)
      }),
      { seed: SEED, numRuns: 1_000 },
    )
  })

  test('have no parent above the root', () => {
    expect(parentOf(parseDnsName('x'))).toBe(ROOT)
    expect(() => parentOf(ROOT)).toThrow(refused('name'))
    expect(isAtOrBelowName(parseDnsName('xexample'), parseDnsName('example'))).toBe(false)
  })
})

describe('a compressed name', () => {
  const read = (bytes: readonly number[], offset: number) =>
    new WireReader(Uint8Array.from(bytes), offset).name()

  test('is the same as the plain one', () => {
    fc.assert(
      fc.property(fc.array(names(zone), { minLength: 2, maxLength: 8 }), (list) => {
        const writer = new WireWriter()
        for (const name of list) writer.compressedName(name)
        const reader = new WireReader(writer.finish())
        for (const name of list) expect(reader.name()).toBe(name)
        expect(reader.left).toBe(0)
        const plain = list.reduce((sum, name) => sum + wireOfName(name).length, 0)
        expect(writer.offset).toBeLessThan(plain)
      }),
      { seed: SEED, numRuns: 300 },
    )
  })

  test.each([
    ['to itself', [0xc0, 0], 0],
    ['to its own label', [1, 0x61, 0xc0, 0], 0],
    ['in a loop of two', [0xc0, 2, 0xc0, 0], 2],
    ['forward', [0xc0, 2, 1, 0x61, 0], 0],
    ['past the end', [0xff, 0xff], 0],
    ['with its second byte cut off', [0xc0], 0],
    ['to a name that is cut off', [5, 0x61, 0xc0, 0], 2],
    ['with a label type that nobody uses', [0x40, 0x61, 0], 0],
    ['with another label type that nobody uses', [0x80, 0x61, 0], 0],
  ] as const)('that points %s is refused', (_, bytes, offset) => {
    expect(() => read(bytes, offset)).toThrow(refused('format'))
  })

  test('may be led on from pointer to pointer, to the front each time', () => {
    const bytes = [1, 0x61, 0, 0xc0, 0, 0xc0, 3, 1, 0x62, 0xc0, 5]
    expect(read(bytes, 7)).toBe('b.a')
    const reader = new WireReader(Uint8Array.from(bytes), 7)
    reader.name()
    expect(reader.offset).toBe(11)
  })

  test('may not grow over 255 bytes by its pointers', () => {
    const label = [63, ...Array.from({ length: 63 }, () => 0x61)]
    const four = [...label, ...label, ...label, ...label]
    const bytes = [...label, 0, ...label, ...label, ...label, 0xc0, 0]
    expect(() => read([...four, 0], 0)).toThrow(refused('format'))
    expect(() => read(bytes, 65)).toThrow(refused('format'))
    // Many pointers, none of which adds a label, end as well.
    const chain = [
      0,
      0,
      ...Array.from({ length: 4_000 }, (_, at) => [0xc0 | ((at * 2) >> 8), (at * 2) & 0xff]).flat(),
    ]
    expect(read(chain, chain.length - 2)).toBe(ROOT)
  })
})
