import { parseName } from '@ixj/names'
import { describe, expect, it } from 'vitest'
import { formatAnchors, parseAnchors } from '../src/anchors-text.ts'
import { AnchorSet } from '../src/anchor-set.ts'
import { describeNameChain } from '../src/description.ts'
import { checkName } from '../src/name-chain.ts'
import type { NameContext, NameQuestion } from '../src/name-question.ts'
import { makeRootAnchor } from '../src/root-anchor.ts'
import {
  acme,
  anchorOf,
  bind,
  globex,
  HOUR,
  keyOf,
  NOW,
  planner,
  publish,
  refusal,
  w1,
} from './world.ts'

const RECORD = 'DS 20326 8 2 e06d44b80b8f1d39a95c0b0d7c65d08458e880409bbc683457104237c7f8ec8d'
const root = makeRootAnchor({ records: [RECORD] })
const rooted = new AnchorSet([], { root })
const team = parseName('planner.acme.example')

function ask(question: Partial<NameQuestion> = {}, context: Partial<NameContext> = {}) {
  const name = question.name ?? planner
  return checkName(
    { name, key: keyOf(name), use: 'sign', purpose: 'send', ...question },
    { bindings: [], published: [publish()], anchors: rooted, now: NOW, ...context },
  )
}

describe('checkName() under the root of the DNS', () => {
  it('takes a published key; the organisation is its zone', () => {
    const chain = ask()
    expect(chain).toMatchObject({ name: planner, organisation: acme, path: [acme], links: [] })
    expect(chain.published).toEqual(publish())
    expect(describeNameChain(chain, NOW)).toContain(
      'anchor: the root of the DNS, from your trust store',
    )
  })

  it('takes bindings below it', async () => {
    const toW1 = await bind({ issuer: planner, name: w1 })
    expect(ask({ name: w1 }, { bindings: [toW1] })).toMatchObject({ organisation: acme })
  })

  it('takes the highest of several zones for the organisation', () => {
    const published = [publish({ zone: team }), publish({ name: acme })]
    expect(ask({}, { published }).organisation).toBe(acme)
    expect(ask({}, { published: published.slice(0, 1) }).organisation).toBe(team)
  })

  it('does not decide where an anchor stands above, whatever that one says', () => {
    const byKey = new AnchorSet([anchorOf()], { root })
    expect(() => ask({}, { anchors: byKey })).toThrow(refusal('no-chain'))
    const others = new AnchorSet([anchorOf({ name: globex, keys: [keyOf(globex)] })], { root })
    expect(ask({}, { anchors: others }).organisation).toBe(acme)
  })

  it('lets a name through for the purposes alone that it is trusted for', () => {
    expect(() => ask({ purpose: 'grant' })).toThrow(refusal('anchor-limits', 'connect, send'))
    const forSending = makeRootAnchor({ records: [RECORD], purposes: ['send'] })
    const anchors = new AnchorSet([], { root: forSending })
    expect(ask({}, { anchors }).organisation).toBe(acme)
    expect(() => ask({ purpose: 'connect' }, { anchors })).toThrow(refusal('anchor-limits'))
  })

  it('tells what is missing from what does not hold', () => {
    expect(() => ask({}, { published: [] })).toThrow(refusal('no-chain', 'no DNSSEC records came'))
    const unproven = ['planner.acme.example: the signature has ended']
    expect(() => ask({}, { published: [], unproven })).toThrow(refusal('no-chain', 'has ended'))
    expect(() => ask({ key: keyOf(w1) })).toThrow(refusal('no-chain', 'none leads to this key'))
    expect(() => ask({}, { now: NOW + HOUR + 1 })).toThrow(refusal('expired'))
    expect(() => ask({}, { anchors: new AnchorSet() })).toThrow(refusal('no-anchor'))
  })

  it('counts no key of a zone that is not above its name', () => {
    const published = [publish({ zone: globex })]
    expect(() => ask({}, { published })).toThrow(refusal('no-chain', 'no DNSSEC records came'))
  })
})

describe('a trust store with the root of the DNS', () => {
  const full = makeRootAnchor({
    records: [RECORD],
    purposes: ['send'],
    freshness: 'required',
    addedAt: NOW,
    addedBy: 'ann',
  })

  it('is written and read again; sets that are made from it keep the root', () => {
    const anchors = new AnchorSet([anchorOf()], { root: full })
    const read = parseAnchors(formatAnchors(anchors))
    expect(formatAnchors(read)).toBe(formatAnchors(anchors))
    expect(read.root).toMatchObject({ records: [RECORD], purposes: ['send'], addedBy: 'ann' })
    expect(read.with(anchorOf({ name: globex, keys: [keyOf(globex)] })).without(acme).root).toBe(
      read.root,
    )
    expect(read.withRoot(undefined).root).toBeUndefined()
    expect(read.size).toBe(1)
  })

  it.each([
    ['two roots', (item: object) => [item, item]],
    ['keys of its own', (item: object) => [{ ...item, keys: [] }]],
    ['names that it may speak for', (item: object) => [{ ...item, names: ['acme.example'] }]],
    ['the kind of a key', (item: object) => [{ ...item, kind: 'key' }]],
    ['no records', (item: object) => [{ ...item, records: [] }]],
    ['a record that is none', (item: object) => [{ ...item, records: ['DS 1 2'] }]],
  ])('is refused with %s', (_, change) => {
    const item = { name: '.', kind: 'zone', records: [RECORD] }
    const text = JSON.stringify({ version: 1, anchors: change(item) })
    expect(() => parseAnchors(text)).toThrow(refusal('form'))
  })
})
