import { parseName } from '@ixj/names'
import { describe, expect, it } from 'vitest'
import { formatAnchors, parseAnchors } from '../src/anchors-text.ts'
import { AnchorSet } from '../src/anchor-set.ts'
import { makeAnchor } from '../src/anchors.ts'
import { checkAuthority } from '../src/authority.ts'
import { describeKey, describeNameChain } from '../src/description.ts'
import { checkName } from '../src/name-chain.ts'
import type { NameContext, NameQuestion } from '../src/name-question.ts'
import {
  acme,
  anchorOf,
  bind,
  crew,
  globex,
  grant,
  HOUR,
  keyOf,
  NOW,
  planner,
  publish,
  refusal,
  w1,
} from './world.ts'

const SKEW = 60_000
const zone = {
  name: acme,
  kind: 'zone',
  records: ['DNSKEY 257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4='],
  purposes: ['connect', 'grant', 'send'],
} as const
const anchors = new AnchorSet([zone])
const toW1 = await bind({ issuer: planner, name: w1 })

function ask(question: Partial<NameQuestion> = {}, context: Partial<NameContext> = {}) {
  const name = question.name ?? planner
  return checkName(
    { name, key: keyOf(name), use: 'sign', purpose: 'send', ...question },
    { bindings: [], published: [publish()], anchors, now: NOW, ...context },
  )
}

describe('checkName() under a zone anchor', () => {
  it('takes a key that the zone publishes, and its end without any skew', () => {
    const chain = ask()
    expect(chain).toMatchObject({ name: planner, links: [], published: publish() })
    expect(chain.notAfter).toBe(NOW + HOUR - SKEW)
    expect(ask({}, { now: NOW + HOUR }).key).toEqual(keyOf(planner))
    const late = { now: NOW + HOUR + 1 }
    expect(() => ask({}, late)).toThrow(refusal('expired', 'DNS publishes'))
    expect(() => ask({}, { now: NOW - HOUR - 1 })).toThrow(refusal('not-yet-valid'))
    expect(ask({}, { now: NOW - HOUR }).key).toEqual(keyOf(planner))
  })

  it('takes bindings below a published key, as deep as its record says', async () => {
    const chain = ask({ name: w1 }, { bindings: [toW1] })
    expect(chain.links).toEqual([toW1])
    expect(chain.published?.name).toBe(planner)
    const flat = { bindings: [toW1], published: [publish({ depth: 0 })] }
    expect(() => ask({ name: w1 }, flat)).toThrow(refusal('depth-exceeded'))
    const signOnly = { bindings: [toW1], published: [publish({ uses: 'sign' })] }
    expect(() => ask({ name: w1 }, signOnly)).toThrow(refusal('uses', '"sign"'))
    expect(ask({}, signOnly).links).toEqual([])
    expect(() => ask({}, { published: [publish({ uses: 'bind' })] })).toThrow(refusal('uses'))
    expect(ask({ use: 'grant' }, { published: [publish({ uses: 'bind' })] }).links).toEqual([])
  })

  it('trusts no key of its own: the zone’s key signs records, not messages', () => {
    expect(() => ask({ name: acme }, { published: [] })).toThrow(refusal('no-chain'))
    expect(ask({ name: acme }, { published: [publish({ name: acme })] }).links).toEqual([])
  })

  it('refuses another key, a name beside, and a zone that is not at or above the name', () => {
    const other = { published: [publish({ key: keyOf('other') })] }
    expect(() => ask({}, other)).toThrow(refusal('no-chain', 'none leads to this key'))
    const beside = { published: [publish({ name: crew, key: keyOf(planner) })] }
    expect(() => ask({}, beside)).toThrow(refusal('no-chain', 'no DNSSEC records'))
    const foreign = { published: [publish({ zone: globex })] }
    expect(() => ask({}, foreign)).toThrow(refusal('no-chain'))
    const sibling = { published: [publish({ zone: crew })] }
    expect(() => ask({}, sibling)).toThrow(refusal('no-chain'))
    expect(ask({}, { published: [publish({ zone: planner })] }).links).toEqual([])
  })

  it('says why records prove nothing: unverifiable is not forged', () => {
    const context = { published: [], unproven: ['planner.acme.example: expired'] }
    expect(() => ask({}, context)).toThrow(refusal('no-chain', 'planner.acme.example: expired'))
  })

  it('gives a published key no say under an anchor of keys, nor above a nearer anchor', () => {
    const keys = new AnchorSet([anchorOf()])
    expect(() => ask({}, { anchors: keys })).toThrow(refusal('no-chain'))
    const nearer = new AnchorSet([zone, anchorOf({ name: planner, keys: [keyOf('other')] })])
    expect(() => ask({}, { anchors: nearer })).toThrow(refusal('no-chain'))
    expect(() => ask({ name: w1 }, { anchors: nearer, bindings: [toW1] })).toThrow(
      refusal('no-chain'),
    )
  })

  it('keeps to the limits of the anchor', () => {
    const limited = new AnchorSet([{ ...zone, purposes: ['connect'] }])
    expect(() => ask({}, { anchors: limited })).toThrow(refusal('anchor-limits'))
  })

  it('takes the way that holds longest', async () => {
    const longer = publish({ notAfter: NOW + 2 * HOUR })
    expect(ask({}, { published: [publish(), longer] }).published).toBe(longer)
    const over = publish({ name: acme, notAfter: NOW + 3 * HOUR })
    const toPlanner = await bind({ name: planner, notAfter: NOW + 4 * HOUR })
    const chain = ask({}, { published: [publish(), over], bindings: [toPlanner] })
    expect(chain.published).toBe(over)
    expect(chain.links).toEqual([toPlanner])
  })

  it('is told as what it is', () => {
    const chain = ask()
    expect(describeNameChain(chain, NOW)).toEqual([
      'planner.acme.example',
      'published in DNS for planner.acme.example, signed by zone acme.example, 60 min left',
      'anchor: zone acme.example, from your trust store',
    ])
    expect(describeKey(chain)[0]).toContain('published in DNS')
  })
})

describe('checkAuthority() under a zone anchor', () => {
  it('takes a grant whose issuer’s key is published', async () => {
    const leaf = await grant({})
    const question = {
      leaf: leaf.id,
      subject: planner,
      subjectKey: keyOf(planner),
      action: 'publish',
      topic: crew,
    } as const
    const published = [publish({ name: crew })]
    const context = { grants: [leaf], bindings: [], anchors, now: NOW }
    expect(checkAuthority(question, { ...context, published }).chain).toEqual([leaf])
    expect(() => checkAuthority(question, context)).toThrow(refusal('no-chain'))
  })
})

describe('a zone anchor', () => {
  it('is read as it was written', () => {
    const text = formatAnchors(anchors)
    expect(parseAnchors(text).get(acme)).toEqual(anchors.get(acme))
    expect(text).not.toContain('"keys"')
  })

  it('has records of the zone’s key and no keys; an anchor of keys has no records', () => {
    for (const records of [
      [],
      Array.from({ length: 9 }, (_, tag) => `DS ${tag} 15 2 ab`),
      ['DS 1 15 2 ab', 'DS 1 15 2 ab'],
      ['TXT hello'],
      ['DNSKEY 257 3 15 a b'],
      ['DNSKEY 257 3 15 '],
      [`DS 1 15 2 ${'a'.repeat(1_024)}`],
    ]) {
      expect(() => makeAnchor({ ...zone, records })).toThrow(refusal('form', 'acme.example'))
    }
    expect(() => makeAnchor({ ...zone, keys: [keyOf(acme)] })).toThrow(refusal('form', 'zone'))
    const both = { name: parseName('a.example'), keys: [keyOf(acme)], records: zone.records }
    expect(() => makeAnchor(both)).toThrow(refusal('form', 'records'))
  })
})
