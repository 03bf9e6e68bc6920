import { expect, test } from 'vitest'
import { isAtOrBelowName, parseDnsName, type DnsName } from '@ixj/dns'
import { seededRandom } from '../../../../test/world/random.ts'
import { makeRrset } from '../../src/server/rrset.ts'
import { ZoneContent } from '../../src/server/zone-content.ts'

const zone = parseDnsName('z.example')
const SEED = 0x3a5

test(`names without records of their own exist while something is below them (seed ${SEED})`, () => {
  const random = seededRandom(SEED)
  const pick = <Item>(items: readonly Item[]) => items[Math.floor(random() * items.length)]!
  const content = new ZoneContent(zone)
  /** The naive model: what has records, looked through from end to end. */
  const model = new Map<string, DnsName>()
  const names = new Set<DnsName>([zone])
  for (let step = 0; step < 20_000; step++) {
    const labels = Array.from({ length: Math.floor(random() * 5) }, () => pick(['a', 'b', 'c']))
    const name = parseDnsName([...labels, zone].join('.'))
    const type = pick([1, 16])
    names.add(name)
    if (random() < 0.5) {
      const rrset = makeRrset({ name, type, ttl: 1, data: [Uint8Array.of(1, 2, 3, 4)] })
      content.apply({ name, type, rrset })
      model.set(`${type} ${name}`, name)
    } else {
      content.apply({ name, type, rrset: undefined })
      model.delete(`${type} ${name}`)
    }
    const owners = [...model.values()]
    const probe = pick([...names])
    const exists = probe === zone || owners.some((owner) => isAtOrBelowName(owner, probe))
    expect(content.node(probe) !== undefined, `${probe} at step ${step}`).toBe(exists)
    expect(content.recordCount).toBe(model.size)
  }
  for (const name of model.values())
    for (const type of [1, 16]) {
      content.apply({ name, type, rrset: undefined })
    }
  expect([...content.names()]).toEqual([zone])
})
