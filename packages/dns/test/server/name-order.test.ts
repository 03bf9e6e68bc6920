import { describe, expect, test } from 'vitest'
import { compareNames, parseDnsName, wireOfName } from '@ixj/dns'
import { seededRandom } from '../../../../test/world/random.ts'
import { nameAfterAllBelow, nameBefore, nextName } from '../../src/server/name-order.ts'
import { nameOfWire } from '../../src/proof/wire/dns-name.ts'

const zone = parseDnsName('z')
const SEED = 0x41c

/** A name below the zone of labels of any bytes, often at the edges of what is allowed. */
function anyName(random: () => number) {
  const bytes = [0, 1, 0x2d, 0x40, 0x41, 0x5a, 0x5b, 0x61, 0x7a, 0xfe, 0xff]
  const wire: number[] = [...wireOfName(zone)]
  const wanted = random() < 0.3 ? 255 : random() * 255
  for (;;) {
    const room = Math.min(63, wanted - wire.length - 1)
    if (room < 1) break
    const length = random() < 0.5 ? Math.floor(room) : 1 + Math.floor(random() * room)
    const label = Array.from({ length }, () => bytes[Math.floor(random() * bytes.length)]!)
    wire.unshift(length, ...label)
    if (random() < 0.2) break
  }
  return nameOfWire(Uint8Array.from(wire))
}

describe(`names next to a name (seed ${SEED})`, () => {
  test('nextName() is after the name, and no name of at most 255 bytes stands between', () => {
    const random = seededRandom(SEED)
    for (let round = 0; round < 1_000; round++) {
      const name = anyName(random)
      const next = nextName(name, zone)
      expect(wireOfName(next).length).toBeLessThanOrEqual(255)
      // After the last name comes the zone's own.
      expect(next === zone || compareNames(name, next) < 0, name).toBe(true)
      const other = anyName(random)
      const isBetween = compareNames(name, other) < 0 && compareNames(other, next) < 0
      expect(isBetween, `${other} is between ${name} and ${next}`).toBe(false)
    }
  })

  test('nameBefore() is before the name and after its elder siblings', () => {
    const random = seededRandom(SEED + 1)
    for (let round = 0; round < 1_000; round++) {
      const name = anyName(random)
      if (name === zone) continue
      const before = nameBefore(name)
      const after = nameAfterAllBelow(name, zone)
      expect(wireOfName(before).length).toBeLessThanOrEqual(255)
      expect(compareNames(before, name)).toBeLessThan(0)
      expect(after === zone || compareNames(name, after) < 0, name).toBe(true)
    }
  })

  test.each([
    ['x.z', '\\000.x.z', 'x\\000.z'],
    ['@.z', '\\000.\\064.z', '\\064\\000.z'],
  ])('of %s: %s, %s', (name, next, after) => {
    expect(nextName(parseDnsName(name.replace('@', '\\064')), zone)).toBe(parseDnsName(next))
    expect(nameAfterAllBelow(parseDnsName(name.replace('@', '\\064')), zone)).toBe(
      parseDnsName(after),
    )
  })

  test('a name of 255 bytes has nothing below it: the next one is beside it', () => {
    const label = 'a'.repeat(63)
    const longest = parseDnsName(`${label}.${label}.${label}.${'a'.repeat(59)}.z`)
    expect(wireOfName(longest)).toHaveLength(255)
    const next = `${'a'.repeat(62)}b.${label}.${label}.${'a'.repeat(59)}.z`
    expect(nextName(longest, zone)).toBe(next)
  })
})
