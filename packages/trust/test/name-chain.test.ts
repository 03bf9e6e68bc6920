import { type Name, parseName, parsePattern } from '@ixj/names'
import { describe, expect, it } from 'vitest'
import { AnchorSet } from '../src/anchor-set.ts'
import type { Binding } from '../src/binding.ts'
import { checkName } from '../src/name-chain.ts'
import type { NameContext, NameQuestion } from '../src/name-question.ts'
import type { SignedStatement } from '../src/statement.ts'
import { acme, anchorOf, bind, globex, HOUR, keyOf, NOW, planner, refusal, w1 } from './world.ts'

const SKEW = 60_000
type Link = SignedStatement<Binding>

const anchors = new AnchorSet([anchorOf()])
const toPlanner = await bind({ name: planner })
const toW1 = await bind({ issuer: planner, name: w1 })

function ask(question: Partial<NameQuestion> = {}, context: Partial<NameContext> = {}) {
  const name = question.name ?? w1
  return checkName(
    { name, key: keyOf(name), use: 'sign', purpose: 'send', ...question },
    { bindings: [toW1, toPlanner], anchors, now: NOW, ...context },
  )
}

/** A link that no decoder would give, or a cheap one with another key. */
function altered(link: Link, fields: Partial<Binding>): Link {
  return { ...link, statement: { ...link.statement, ...fields } }
}

describe('checkName() with a chain', () => {
  it('gives the links from the anchor down, and when they all hold', async () => {
    const short = await bind({ issuer: planner, name: w1, notBefore: NOW - 5, notAfter: NOW + 5 })
    const chain = ask({}, { bindings: [short, toPlanner] })
    expect(chain).toEqual({
      name: w1,
      key: keyOf(w1),
      anchor: anchors.get(acme),
      organisation: acme,
      path: [acme],
      crossCertificates: [],
      introducer: null,
      published: null,
      links: [toPlanner, short],
      notBefore: NOW - 5,
      notAfter: NOW + 5,
    })
  })

  it('accepts the anchor’s own keys, without end, and no other', () => {
    const two = new AnchorSet([anchorOf({ keys: [keyOf(acme), keyOf('next')] })])
    for (const key of [keyOf(acme), keyOf('next')]) {
      const chain = ask({ name: acme, key }, { anchors: two, bindings: [] })
      expect(chain).toMatchObject({ key, links: [], notBefore: 0, notAfter: Infinity })
    }
    expect(() => ask({ name: acme, key: keyOf('other') })).toThrow(refusal('no-chain', 'one of'))
  })

  it('accepts a name that was bound over several labels at once', async () => {
    const direct = await bind({ name: w1 })
    expect(ask({}, { bindings: [direct] }).links).toEqual([direct])
  })

  it('prefers, of several ways, the one that holds longest', async () => {
    const longer = await bind({ name: planner, notAfter: NOW + 2 * HOUR })
    const shorter = await bind({ name: planner, notAfter: NOW + 1 })
    for (const bindings of [
      [shorter, toPlanner, longer],
      [longer, toPlanner, shorter],
    ]) {
      expect(ask({ name: planner }, { bindings }).links).toEqual([longer])
    }
    const direct = await bind({ name: w1, notAfter: NOW + 2 * HOUR })
    expect(ask({}, { bindings: [toW1, toPlanner, direct] }).links).toEqual([direct])
  })

  it('prefers the longest also where two links of one issuer meet above', async () => {
    const short = await bind({ issuer: planner, name: w1, notAfter: NOW + 1 })
    for (const bindings of [
      [short, toW1, toPlanner],
      [toW1, short, toPlanner],
    ]) {
      expect(ask({}, { bindings }).links).toEqual([toPlanner, toW1])
    }
  })

  it('takes another way when the one that holds longest breaks a rule', async () => {
    const long = await bind({ name: planner, uses: 'sign', notAfter: NOW + 9 * HOUR })
    expect(ask({}, { bindings: [toW1, long, toPlanner] }).links).toEqual([toPlanner, toW1])
  })
})

describe('checkName() refuses', () => {
  it('a name without an anchor', () => {
    expect(() => ask({ name: globex })).toThrow(refusal('no-anchor', 'globex.example'))
    expect(() => ask({ name: parseName('xacme.example') })).toThrow(refusal('no-anchor'))
  })

  it('a name or purpose that the anchor leaves out', () => {
    const only = new AnchorSet([anchorOf({ names: [parsePattern('*.acme.example')] })])
    expect(ask({ name: planner }, { anchors: only }).links).toEqual([toPlanner])
    expect(() => ask({}, { anchors: only })).toThrow(refusal('anchor-limits', '*.acme.example'))
    const send = new AnchorSet([anchorOf({ purposes: ['send'] })])
    expect(ask({}, { anchors: send }).links).toHaveLength(2)
    for (const purpose of ['connect', 'grant'] as const) {
      expect(() => ask({ purpose }, { anchors: send })).toThrow(refusal('anchor-limits', purpose))
    }
  })

  it('every way but that of the most specific anchor, also where that one refuses', () => {
    const other = anchorOf({ name: planner, keys: [keyOf('other')] })
    expect(() => ask({}, { anchors: anchors.with(other) })).toThrow(refusal('no-chain'))
    const narrow = anchorOf({ name: planner, purposes: ['connect'] })
    expect(() => ask({}, { anchors: anchors.with(narrow) })).toThrow(refusal('anchor-limits'))
    const same = anchorOf({ name: planner })
    expect(ask({}, { anchors: anchors.with(same) }).links).toEqual([toW1])
  })

  it('a chain of bindings under a key that is not the anchor’s', () => {
    const changed = new AnchorSet([anchorOf({ keys: [keyOf('other')] })])
    expect(() => ask({}, { anchors: changed })).toThrow(
      refusal('no-chain', 'not by the keys that you trust'),
    )
  })

  it('a missing link, and tells how far the bindings lead', () => {
    expect(() => ask({}, { bindings: [toPlanner] })).toThrow(
      refusal('no-chain', '"planner.acme.example" and no further'),
    )
    expect(() => ask({}, { bindings: [toW1] })).toThrow(refusal('no-chain', 'no binding by "acme'))
    expect(() => ask({ key: keyOf('stolen') })).toThrow(refusal('no-chain', 'other keys of it'))
  })

  it('a link that matches by name and not by key', async () => {
    const oldKey = altered(await bind({ issuer: planner, name: w1 }), { issuerKey: keyOf('old') })
    expect(() => ask({}, { bindings: [toPlanner, oldKey] })).toThrow(refusal('no-chain'))
  })

  it('a link by the anchor’s key under another name than the anchor’s', () => {
    const borrowed = altered(toW1, { issuerKey: keyOf(acme) })
    expect(() => ask({}, { bindings: [borrowed] })).toThrow(refusal('no-chain'))
    expect(() => ask({}, { bindings: [borrowed, toPlanner] })).toThrow(refusal('no-chain'))
  })

  it('uses that do not allow it, at the end and on the way', async () => {
    const uses = async (kind: Binding['uses']) => await bind({ name: planner, uses: kind })
    const [sign, binds, both] = [await uses('sign'), await uses('bind'), await uses('both')]
    const can = (link: Link, use: NameQuestion['use']) => () =>
      ask({ name: planner, use }, { bindings: [link] })
    expect(can(sign, 'sign')).not.toThrow()
    expect(can(sign, 'bind')).toThrow(refusal('uses', '"sign", needed is "bind"'))
    expect(can(binds, 'sign')).toThrow(refusal('uses'))
    expect(can(binds, 'bind')).not.toThrow()
    for (const link of [sign, binds, both]) expect(can(link, 'grant')).not.toThrow()
    for (const use of ['sign', 'bind'] as const) expect(can(both, use)).not.toThrow()
    expect(() => ask({}, { bindings: [toW1, sign] })).toThrow(refusal('uses', 'link 1 of 2'))
    expect(ask({}, { bindings: [toW1, binds] }).links).toHaveLength(2)
  })

  it('one link more than a depth above allows', async () => {
    const names = ['a', 'b.a', 'c.b.a'].map((text) => parseName(`${text}.acme.example`))
    const lineage = async (...depths: number[]) =>
      await Promise.all(
        names.map((name, i) => bind({ issuer: names[i - 1] ?? acme, name, depth: depths[i]! })),
      )
    const leaf = names[2]!
    expect(ask({ name: leaf }, { bindings: await lineage(2, 1, 0) }).links).toHaveLength(3)
    expect(ask({ name: names[1]! }, { bindings: await lineage(1, 0, 0) }).links).toHaveLength(2)
    for (const [depths, place] of [
      [[1, 1, 0], 'link 1 of 3'],
      [[2, 0, 0], 'link 2 of 3'],
      [[0, 16, 16], 'link 1 of 3'],
    ] as const) {
      const bindings = await lineage(...depths)
      expect(() => ask({ name: leaf }, { bindings })).toThrow(refusal('depth-exceeded', place))
    }
  })
})

describe('checkName() and time', () => {
  const { notBefore, notAfter } = toPlanner.statement
  const at = (now: number) => () => ask({ name: planner }, { bindings: [toPlanner], now })

  it('holds at both edges, widened by 60 s, and not one millisecond beyond', () => {
    expect(at(notAfter + SKEW)).not.toThrow()
    expect(at(notAfter + SKEW + 1)).toThrow(
      refusal('expired', `expired at ${new Date(notAfter).toISOString()}`),
    )
    expect(at(notBefore - SKEW)).not.toThrow()
    expect(at(notBefore - SKEW - 1)).toThrow(
      refusal('not-yet-valid', `from ${new Date(notBefore).toISOString()}`),
    )
  })

  it('holds only while every link does, and names the one that failed', async () => {
    const ended = await bind({ name: planner, notAfter: NOW - SKEW - 1 })
    expect(() => ask({}, { bindings: [toW1, ended] })).toThrow(
      refusal('expired', 'link 1 of 2, acme.example → planner.acme.example'),
    )
    const unborn = await bind({ issuer: planner, name: w1, notBefore: NOW + SKEW + 1 })
    expect(() => ask({}, { bindings: [unborn, toPlanner] })).toThrow(
      refusal('not-yet-valid', 'link 2 of 2'),
    )
  })

  it('refuses a clock that gives no number', () => {
    expect(at(Number.NaN)).toThrow(refusal('not-yet-valid'))
  })
})

describe('checkName() is bounded', () => {
  /** Counts every look at a binding's content. */
  function counted(links: readonly Link[]): { readonly bindings: Link[]; looks: () => number } {
    let looks = 0
    const bindings = links.map((link) => ({
      ...link,
      get statement() {
        looks += 1
        return link.statement
      },
    }))
    return { bindings, looks: () => looks }
  }

  /** Names one below the other, the first below acme. */
  function lineOf(length: number): Name[] {
    const names: Name[] = []
    for (let index = 0; index < length; index++) {
      names.push(parseName(`n${index}.${names.at(-1) ?? acme}`))
    }
    return names
  }

  it('accepts 16 links and refuses 17', async () => {
    const names = lineOf(17)
    const bindings = await Promise.all(
      names.map((name, index) => bind({ issuer: names[index - 1] ?? acme, name, depth: 16 })),
    )
    expect(ask({ name: names[15]! }, { bindings }).links).toHaveLength(16)
    expect(() => ask({ name: names[16]! }, { bindings })).toThrow(refusal('cost-cap', '16 links'))
  })

  it('refuses 1,000 keys of one name without a look at any', () => {
    const keys = Array.from({ length: 1_000 }, (_, index) =>
      altered(toW1, { key: Uint8Array.of(index, index >> 8, ...new Uint8Array(30)) }),
    )
    const { bindings, looks } = counted(keys)
    expect(() => ask({}, { bindings })).toThrow(refusal('cost-cap', '1000 statements, limit 64'))
    expect(looks()).toBe(0)
  })

  it('passes through a diamond of 65,536 ways in some thousand looks', () => {
    const names = lineOf(16)
    const links: Link[] = []
    // Two keys for each name, each bound by both keys of the name above.
    for (const [index, name] of names.entries()) {
      for (const key of [1, 2]) {
        for (const issuer of index === 0 ? [0] : [1, 2]) {
          const above = names[index - 1]
          links.push(
            altered(toW1, {
              name,
              key: new Uint8Array(32).fill(key),
              issuer: above ?? acme,
              issuerKey: above === undefined ? keyOf(acme) : new Uint8Array(32).fill(issuer),
              depth: 16,
            }),
          )
        }
      }
    }
    const { bindings, looks } = counted(links)
    const question = { name: names[15]!, key: new Uint8Array(32).fill(1) }
    expect(ask(question, { bindings }).links).toHaveLength(16)
    expect(looks()).toBeLessThan(2_000)
    const cut = { bindings: bindings.slice(2), now: NOW }
    expect(() => ask(question, cut)).toThrow(refusal('no-chain'))
    const unbound = { ...question, key: new Uint8Array(32).fill(3) }
    expect(() => ask(unbound, { bindings })).toThrow(refusal('no-chain', 'other keys of it'))
    expect(looks()).toBeLessThan(8_000)
  })

  it('ends in a cycle, which no decoder lets in', () => {
    const cycle = [
      altered(toW1, { issuer: w1, issuerKey: keyOf(w1), name: planner, key: keyOf(planner) }),
      toW1,
    ]
    const { bindings, looks } = counted(cycle)
    expect(() => ask({}, { bindings })).toThrow(refusal('cost-cap'))
    expect(looks()).toBeLessThan(1_000)
  })
})
