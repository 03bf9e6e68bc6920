import { type Name, parseName, parsePattern, type Pattern } from '@ixj/names'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkAttenuation, checkRoot, grantCovers, issueGrant } from '../src/attenuation.ts'
import type { Condition } from '../src/conditions.ts'
import type { Action, Grant } from '../src/grant.ts'
import { TrustError } from '../src/trust-error.ts'
import {
  acme,
  crew,
  globex,
  grant,
  grantFieldsOf,
  grantOf,
  HOUR,
  keyOf,
  NOW,
  planner,
  refusal,
  SEED,
  signerOf,
  w1,
} from './world.ts'

const exact = (name: Name) => parsePattern(name)
const deep = parsePattern(`**.${planner}`)

describe('checkRoot()', () => {
  it('passes topics in the issuer’s slice', () => {
    const topics = [crew, `*.${crew}`, `**.${crew}`, `a.b.${crew}`].map(parsePattern)
    expect(() => checkRoot(grantOf({ topics }))).not.toThrow()
  })

  it('refuses one topic outside it', () => {
    for (const text of [
      'acme.example',
      '**.acme.example',
      'xcrew.acme.example',
      'globex.example',
    ]) {
      const topics = [exact(crew), parsePattern(text)]
      expect(() => checkRoot(grantOf({ topics })), text).toThrow(refusal('outside-slice', text))
    }
  })

  it('passes onBehalfOf the issuer, a name below it, or the exact subject', () => {
    for (const onBehalfOf of [crew, parseName(`a.${crew}`), planner]) {
      expect(() => checkRoot(grantOf({ onBehalfOf }))).not.toThrow()
    }
  })

  it('refuses onBehalfOf anyone else, also a name that the subject’s pattern matches', () => {
    for (const onBehalfOf of [acme, globex, w1]) {
      expect(() => checkRoot(grantOf({ onBehalfOf }))).toThrow(refusal('outside-slice'))
    }
    const open = { onBehalfOf: w1, subject: parsePattern(`*.${planner}`) }
    expect(() => checkRoot(grantOf(open))).toThrow(refusal('outside-slice', 'onBehalfOf'))
  })

  it('refuses a grant that names a parent', () => {
    const parent = new Uint8Array(32)
    expect(() => checkRoot(grantOf({ parent }))).toThrow(refusal('broken-chain'))
  })
})

const parent = grantOf({
  actions: ['publish', 'request', 'subscribe'],
  topics: [exact(crew), parsePattern(`**.${crew}`)],
  conditions: [['bytesPerMessage', 1_000]],
  mayDelegate: [deep],
})

/** A child of {@link parent} that is narrower in nothing but what must be. */
const childFields: Partial<Grant> = {
  issuer: planner,
  subject: exact(w1),
  onBehalfOf: crew,
  actions: parent.actions,
  topics: parent.topics,
  conditions: parent.conditions,
  mayDelegate: [deep],
  notBefore: parent.notBefore,
  notAfter: parent.notAfter,
  parent: new Uint8Array(32),
}
const child = (fields: Partial<Grant> = {}) => grantOf({ ...childFields, ...fields })

describe('checkAttenuation()', () => {
  it('passes a child that equals its parent', () => {
    expect(() => checkAttenuation(parent, child())).not.toThrow()
  })

  it('refuses an issuer that is not the parent’s subject', () => {
    expect(() => checkAttenuation(parent, child({ issuer: w1 }))).toThrow(refusal('broken-chain'))
    const open = { ...parent, subject: deep }
    expect(() => checkAttenuation(open, child({ issuer: w1 }))).not.toThrow()
    expect(() => checkAttenuation(open, child())).toThrow(refusal('broken-chain'))
  })

  it('refuses the next bearer of the subject’s name, where a key was set', () => {
    const one = { ...parent, subjectKey: keyOf(planner) }
    expect(() => checkAttenuation(one, child())).not.toThrow()
    const next = child({ issuerKey: keyOf('next planner') })
    expect(() => checkAttenuation(one, next)).toThrow(refusal('broken-chain'))
    expect(() => checkAttenuation(parent, next)).not.toThrow()
  })

  const wider: readonly (readonly [string, Partial<Grant>])[] = [
    ['onBehalfOf', { onBehalfOf: acme }],
    ['onBehalfOf', { onBehalfOf: parseName(`a.${crew}`) }],
    ['actions', { actions: ['answer', 'publish'] }],
    ['topics', { topics: [exact(acme), exact(crew)] }],
    ['topics', { topics: [parsePattern('**.acme.example')] }],
    ['bytesPerMessage', { conditions: [['bytesPerMessage', 1_001]] }],
    ['bytesPerMessage', { conditions: [] }],
    ['notBefore', { notBefore: parent.notBefore - 1 }],
    ['notAfter', { notAfter: parent.notAfter + 1 }],
    ['mayDelegate', { subject: exact(planner) }],
    ['mayDelegate', { subject: parsePattern('**.acme.example') }],
    ['mayDelegate', { mayDelegate: [parsePattern('**.acme.example')] }],
    ['mayDelegate', { mayDelegate: [deep, exact(globex)] }],
  ]
  for (const [dimension, fields] of wider) {
    it(`refuses a child wider in ${dimension}: ${JSON.stringify(fields)}`, () => {
      expect(() => checkAttenuation(parent, child(fields))).toThrow(
        refusal('wider-than-parent', dimension),
      )
    })
  }

  it('refuses any child of a grant that may not be delegated', () => {
    const closed = { ...parent, mayDelegate: false } as const
    expect(() => checkAttenuation(closed, child({ mayDelegate: false }))).toThrow(
      refusal('wider-than-parent', 'mayDelegate'),
    )
  })

  it('passes a child that is narrower in everything', () => {
    const narrow = child({
      actions: ['publish'],
      topics: [parsePattern(`a.${crew}`)],
      conditions: [
        ['bytesPerMessage', 1],
        ['hours', [0, 60]],
      ],
      mayDelegate: false,
      notBefore: NOW,
      notAfter: NOW + 1,
    })
    expect(() => checkAttenuation(parent, narrow)).not.toThrow()
  })
})

describe('checkAttenuation() holds for random grants:', () => {
  const actions: readonly Action[] = ['answer', 'invite', 'keep', 'publish', 'request', 'subscribe']
  const labels = ['a', 'b', 'c']
  /** Patterns below a base, from the widest to the narrowest. */
  const patternsBelow = (base: Name): fc.Arbitrary<Pattern> =>
    fc
      .tuple(
        fc.constantFrom('', '*.', '**.'),
        fc.array(fc.constantFrom(...labels), { maxLength: 2 }),
      )
      .map(([star, path]) => parsePattern(star + [...path, base].join('.')))
  const conditions: fc.Arbitrary<Condition[]> = fc
    .record(
      {
        bytesPerMessage: fc.integer({ min: 1, max: 9 }),
        hours: fc.constantFrom([0, 600], [1_200, 300], [600, 1_000]),
        maxPriority: fc.integer({ min: 0, max: 3 }),
        messagesPerSecond: fc.integer({ min: 1, max: 9 }),
      },
      { requiredKeys: [] },
    )
    .map((record) => Object.entries(record))
  const dimensions = fc.record({
    actions: fc.subarray([...actions], { minLength: 1 }),
    topics: fc.uniqueArray(patternsBelow(crew), { minLength: 1, maxLength: 3 }),
    conditions,
    notBefore: fc.integer({ min: NOW - 9, max: NOW - 5 }),
    notAfter: fc.integer({ min: NOW + 5, max: NOW + 9 }),
  })
  type Dimensions = Partial<Grant>
  type Drawn = Pick<Grant, 'actions' | 'topics' | 'conditions' | 'notBefore' | 'notAfter'>

  const base: Grant = { ...child(), mayDelegate: [deep] }
  /** A grant of these dimensions by planner to w1, so that planner can issue it under another. */
  const held = (fields: Dimensions): Grant => ({ ...base, ...fields })
  /** The same, but held by planner, so that planner can issue another under it. */
  const given = (fields: Dimensions): Grant => ({ ...held(fields), subject: exact(planner) })

  const passes = (above: Dimensions, below: Dimensions): boolean => {
    try {
      checkAttenuation(given(above), held(below))
      return true
    } catch (cause) {
      if (cause instanceof TrustError && cause.code === 'wider-than-parent') return false
      throw cause
    }
  }

  /** Cuts each dimension at random, or keeps it. */
  const narrowed = (above: Drawn): fc.Arbitrary<Drawn> =>
    fc.record({
      actions: fc.subarray([...above.actions], { minLength: 1 }),
      topics: fc
        .tuple(fc.subarray([...above.topics], { minLength: 1 }), fc.constantFrom('**.', '*.a.'))
        .map(([topics, star]) => topics.map((topic) => parsePattern(topic.replace('**.', star)))),
      conditions: fc.integer({ min: 0, max: 3 }).map((cut) =>
        [...above.conditions, ['new', cut] as const].map(([name, value]): Condition => {
          const floor = name === 'maxPriority' ? 0 : 1
          return [name, typeof value === 'number' ? Math.max(floor, value - cut) : value]
        }),
      ),
      notBefore: fc.integer({ min: above.notBefore, max: NOW }),
      notAfter: fc.integer({ min: NOW + 1, max: above.notAfter }),
    })

  it('each attenuates itself', () => {
    fc.assert(
      fc.property(dimensions, (one) => {
        expect(passes(one, one)).toBe(true)
      }),
      { seed: SEED, numRuns: 300 },
    )
  })

  it('a child of a child is no wider than the first', () => {
    // Few choices, so that three grants drawn apart nest often.
    const topics = [crew, `*.${crew}`, `**.${crew}`, `a.${crew}`].map(parsePattern)
    const coarse = fc.record({
      actions: fc.subarray<Action>(['publish', 'request'], { minLength: 1 }),
      topics: fc.subarray(topics, { minLength: 1 }),
      conditions,
      notBefore: fc.constantFrom(NOW - 2, NOW - 1),
      notAfter: fc.constantFrom(NOW + 1, NOW + 2),
    })
    const drawn = fc.sample(coarse, { seed: SEED, numRuns: 200 })
    const below = drawn.map((one) => drawn.filter((two) => one !== two && passes(one, two)))
    let reached = 0
    for (const [index, children] of below.entries()) {
      for (const two of children) {
        for (const three of below[drawn.indexOf(two)]!) {
          reached += 1
          expect(passes(drawn[index]!, three)).toBe(true)
        }
      }
    }
    expect(reached).toBeGreaterThan(50)
  })

  it('a child cut at random in each dimension passes, and so does a child of that', () => {
    const cuts = dimensions
      .filter(({ conditions: have }) => have.every(([name]) => name !== 'new'))
      .chain((one) => fc.tuple(fc.constant(one), narrowed(one)))
      .chain(([one, two]) =>
        fc.tuple(fc.constant(one), fc.constant(two), narrowed({ ...two, conditions: [] })),
      )
    fc.assert(
      fc.property(cuts, patternsBelow(w1), ([one, two, three], delegate) => {
        expect(passes(one, { ...two, mayDelegate: [delegate] })).toBe(true)
        const last = { ...three, conditions: two.conditions, mayDelegate: false } as const
        expect(passes(two, last)).toBe(true)
        expect(passes(one, last)).toBe(true)
      }),
      { seed: SEED, numRuns: 1_000 },
    )
  })

  it('a child widened in any one dimension fails', () => {
    const widenings: readonly ((one: Grant) => Dimensions)[] = [
      ({ actions: have }) => ({ actions: [...have, 'log'] }),
      ({ topics }) => ({ topics: [...topics, exact(acme)] }),
      ({ topics }) => ({ topics: [...topics, parsePattern('**.acme.example')] }),
      ({ notBefore }) => ({ notBefore: notBefore - 1 }),
      ({ notAfter }) => ({ notAfter: notAfter + 1 }),
      () => ({ onBehalfOf: acme }),
      () => ({ subject: exact(globex) }),
      ({ mayDelegate }) => ({ mayDelegate: [...(mayDelegate || []), exact(globex)] }),
      ({ conditions: have }) => ({
        conditions: have.filter(([name]) => name !== 'bytesPerMessage'),
      }),
      ({ conditions: have }) => ({
        conditions: have.map(([name, value]): Condition =>
          name === 'bytesPerMessage' ? [name, (value as number) + 1] : [name, value],
        ),
      }),
    ]
    const limited = dimensions.map((one) => ({
      ...one,
      conditions: [['bytesPerMessage', 9] as const],
    }))
    fc.assert(
      fc.property(limited, fc.constantFrom(...widenings), (one, widen) => {
        expect(passes(one, { ...one, ...widen(held(one)) })).toBe(false)
      }),
      { seed: SEED, numRuns: 1_000 },
    )
  })

  it('what a child covers, its parent covers', () => {
    const names = [crew, ...['a', 'b', 'a.a', 'c.b.a'].map((text) => parseName(`${text}.${crew}`))]
    const questions = names.flatMap((topic) => actions.map((action) => ({ action, topic })))
    const same = { notBefore: NOW, notAfter: NOW + 1, conditions: [] }
    let reached = 0
    fc.assert(
      fc.property(dimensions, dimensions, (a, b) => {
        const [one, two] = [given({ ...a, ...same }), held({ ...b, ...same })]
        const covered = questions.filter((question) => grantCovers(two, question))
        if (!passes(one, two)) return
        reached += 1
        expect(covered.every((question) => grantCovers(one, question))).toBe(true)
      }),
      { seed: SEED, numRuns: 5_000 },
    )
    expect(reached).toBeGreaterThan(50)
  })
})

describe('issueGrant()', () => {
  const { kind: _kind, parent: _parent, ...root } = grantFieldsOf({ mayDelegate: [deep] })

  it('issues a root that stays in its issuer’s slice, and no other', async () => {
    const signed = await issueGrant(root, { signer: signerOf(crew) })
    expect(signed.statement).toMatchObject({ kind: 'grant', parent: null, issuer: crew })
    const outside = issueGrant({ ...root, topics: [exact(acme)] }, { signer: signerOf(crew) })
    await expect(outside).rejects.toThrow(refusal('outside-slice'))
  })

  it('issues a part of its parent with the parent’s id in it, and nothing wider', async () => {
    const above = await grant({ mayDelegate: [deep] })
    const fields = { ...root, issuer: planner, subject: exact(w1), mayDelegate: false } as const
    const options = { signer: signerOf(planner), parent: above }
    const signed = await issueGrant(fields, options)
    expect(signed.statement.parent).toEqual(above.id)
    const later = { ...fields, notAfter: NOW + 2 * HOUR }
    await expect(issueGrant(later, options)).rejects.toThrow(refusal('wider-than-parent'))
    const malformed = { ...fields, conditions: [['hours', null]] as const }
    await expect(issueGrant(malformed, options)).rejects.toThrow(refusal('form'))
  })

  it('refuses a signer with another key than the parent is for', async () => {
    const above = await grant({ mayDelegate: [deep], subjectKey: keyOf(planner) })
    const fields = { ...root, issuer: planner, subject: exact(w1), mayDelegate: false } as const
    const options = { signer: signerOf('stranger'), parent: above }
    await expect(issueGrant(fields, options)).rejects.toThrow(refusal('broken-chain'))
  })
})

describe('grantCovers()', () => {
  it('wants both the action and the topic', () => {
    const one = grantOf({ actions: ['publish'], topics: [parsePattern(`*.${crew}`)] })
    const topic = parseName(`a.${crew}`)
    expect(grantCovers(one, { action: 'publish', topic })).toBe(true)
    expect(grantCovers(one, { action: 'request', topic })).toBe(false)
    expect(grantCovers(one, { action: 'publish', topic: crew })).toBe(false)
  })
})
