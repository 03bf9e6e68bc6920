import { type Name, parseName, parsePattern } from '@ixj/names'
import { describe, expect, it } from 'vitest'
import { AnchorSet } from '../src/anchor-set.ts'
import {
  type AuthorityContext,
  type AuthorityQuestion,
  checkAuthority,
  messagesPerSecondBudgets,
} from '../src/authority.ts'
import type { Grant } from '../src/grant.ts'
import type { SignedStatement } from '../src/statement.ts'
import {
  acme,
  anchorOf,
  bind,
  crew,
  grant,
  HOUR,
  keyOf,
  NOW,
  planner,
  refusal,
  w1,
} from './world.ts'

const SKEW = 60_000
const anchors = new AnchorSet([anchorOf()])
const bindings = [
  await bind({ name: crew, notAfter: NOW + 3 * HOUR }),
  await bind({ name: planner, notAfter: NOW + 3 * HOUR }),
]
const deep = parsePattern(`**.${planner}`)
const root = await grant({ actions: ['publish', 'request'], mayDelegate: [deep] })
const toW1: Partial<Grant> = {
  issuer: planner,
  onBehalfOf: crew,
  subject: parsePattern(w1),
  subjectKey: keyOf(w1),
  notAfter: NOW + 60_000,
  parent: root.id,
}
const leaf = await grant(toW1)

function ask(question: Partial<AuthorityQuestion> = {}, context: Partial<AuthorityContext> = {}) {
  return checkAuthority(
    {
      leaf: leaf.id,
      subject: w1,
      subjectKey: keyOf(w1),
      action: 'publish',
      topic: crew,
      ...question,
    },
    { grants: [root, leaf], bindings, anchors, now: NOW, ...context },
  )
}

/** Asks about another child of the root, or a root, in place of the leaf. */
function askWith(
  other: SignedStatement<Grant>,
  context: Partial<AuthorityContext> = {},
  question: Partial<AuthorityQuestion> = {},
) {
  return ask({ leaf: other.id, ...question }, { grants: [root, other], ...context })
}

describe('checkAuthority() with a chain', () => {
  it('gives the grants from the root, the issuers, and when all hold', () => {
    const authority = ask()
    expect(authority).toMatchObject({ leaf, chain: [root, leaf], onBehalfOf: crew })
    expect(authority.issuers.map(({ name }) => name)).toEqual([crew, planner])
    expect(authority).toMatchObject({ notBefore: NOW - HOUR, notAfter: NOW + 60_000 })
  })

  it('ends with the issuers’ bindings, where these end first', async () => {
    const short = await bind({ name: planner, notAfter: NOW + 7, notBefore: NOW - 7 })
    expect(ask({}, { bindings: [bindings[0]!, short] })).toMatchObject({
      notBefore: NOW - 7,
      notAfter: NOW + 7,
    })
  })

  it('accepts the owner’s root alone', () => {
    const authority = ask({ leaf: root.id, subject: planner, subjectKey: keyOf(planner) })
    expect(authority.chain).toEqual([root])
  })

  it('accepts any key of the subject where none was set', async () => {
    const open = await grant({ ...toW1, subjectKey: null })
    expect(askWith(open, {}, { subjectKey: keyOf('any') }).leaf).toEqual(open)
  })
})

describe('checkAuthority() refuses', () => {
  it('another subject, or the next bearer of its name', () => {
    const wrong = refusal('wrong-subject')
    expect(() => ask({ subject: planner })).toThrow(wrong)
    expect(() => ask({ subject: parseName(`w2.${planner}`) })).toThrow(wrong)
    expect(() => ask({ subjectKey: keyOf('next w1') })).toThrow(wrong)
  })

  it('another action or topic than the leaf’s, also where the root has it', () => {
    expect(() => ask({ action: 'request' })).toThrow(refusal('not-granted', 'allows publish'))
    expect(() => ask({ topic: acme })).toThrow(refusal('not-granted'))
    expect(() => ask({ topic: parseName(`a.${crew}`) })).toThrow(refusal('not-granted'))
  })

  it('a leaf or a parent that is not at hand', () => {
    const missing = refusal('missing-statement')
    expect(() => ask({}, { grants: [root] })).toThrow(missing)
    expect(() => ask({}, { grants: [leaf] })).toThrow(missing)
  })

  it('a leaf wider than its parent, whoever signed it', async () => {
    const wide = await grant({ ...toW1, actions: ['answer', 'publish'] })
    expect(() => askWith(wide)).toThrow(refusal('wider-than-parent', 'actions'))
  })

  it('a leaf issued by another than its parent’s subject', async () => {
    const stolen = await grant({ ...toW1, issuer: w1 })
    expect(() => askWith(stolen)).toThrow(refusal('broken-chain'))
  })

  it('a root for what its issuer does not own', async () => {
    const topics = [parsePattern(crew)]
    const usurped = await grant({ issuer: planner, onBehalfOf: planner, topics, subject: deep })
    expect(() => askWith(usurped)).toThrow(refusal('outside-slice'))
  })

  it('a middle grant wider than the root', async () => {
    const middle = await grant({
      issuer: planner,
      onBehalfOf: crew,
      subject: parsePattern(w1),
      parent: root.id,
      mayDelegate: [deep],
      notAfter: NOW + 2 * HOUR,
    })
    const x = parseName(`x.${w1}`)
    const below = await grant({ ...toW1, issuer: w1, subject: parsePattern(x), parent: middle.id })
    const question = { leaf: below.id, subject: x }
    expect(() => ask(question, { grants: [below, middle, root] })).toThrow(
      refusal('wider-than-parent', 'notAfter'),
    )
  })

  it('issuers whose names no anchor proves, or proves for something else', async () => {
    expect(() => ask({}, { bindings: [bindings[0]!] })).toThrow(refusal('no-chain', 'planner'))
    expect(() => ask({}, { bindings: [bindings[1]!] })).toThrow(refusal('no-chain', 'crew'))
    expect(() => ask({}, { anchors: new AnchorSet() })).toThrow(refusal('no-anchor'))
    const send = new AnchorSet([anchorOf({ purposes: ['connect', 'send'] })])
    expect(() => ask({}, { anchors: send })).toThrow(refusal('anchor-limits', 'grant'))
    expect(ask({ purpose: 'connect' }, { anchors: send }).leaf).toEqual(leaf)
    const otherKey = await bind({ name: planner, key: keyOf('other') })
    expect(() => ask({}, { bindings: [bindings[0]!, otherKey] })).toThrow(refusal('no-chain'))
  })
})

describe('checkAuthority() and conditions', () => {
  it('refuses outside the hours, and what is not known', async () => {
    const day = await grant({ ...toW1, conditions: [['hours', [720, 721]]] })
    expect(askWith(day).leaf).toEqual(day)
    const night = await grant({ ...toW1, conditions: [['hours', [0, 60]]] })
    expect(() => askWith(night)).toThrow(refusal('condition', 'hours'))
    const unknown = await grant({ ...toW1, conditions: [['weather', 'fair']] })
    expect(() => askWith(unknown)).toThrow(refusal('unknown-condition', 'weather'))
  })

  it('leaves approvals of a message to its caller, and refuses them for what is no message', async () => {
    const approvals = await grant({ ...toW1, conditions: [['approvals', [1, [acme]]]] })
    expect(askWith(approvals).leaf).toEqual(approvals)
    const silent = await grant({
      subject: parsePattern(w1),
      actions: ['subscribe'],
      conditions: [['approvals', [1, [acme]]]],
    })
    const subscribing = { leaf: silent.id, action: 'subscribe' } as const
    expect(() => ask(subscribing, { grants: [silent] })).toThrow(
      refusal('condition', 'subscribe is none'),
    )
  })
})

describe('checkAuthority() and time', () => {
  it('holds at both edges of the leaf, widened by 60 s, and not one millisecond beyond', async () => {
    const short = await grant({ ...toW1, notBefore: NOW - 10, notAfter: NOW + 10 })
    const at = (now: number) => () => askWith(short, { now })
    expect(at(NOW + 10 + SKEW)).not.toThrow()
    expect(at(NOW + 11 + SKEW)).toThrow(refusal('expired', 'grant 2 of 2'))
    expect(at(NOW - 10 - SKEW)).not.toThrow()
    expect(at(NOW - 11 - SKEW)).toThrow(refusal('not-yet-valid', 'grant 2 of 2'))
  })

  it('ends with an issuer’s binding', async () => {
    const short = await bind({ name: crew, notAfter: NOW - SKEW - 1 })
    expect(() => ask({}, { bindings: [bindings[1]!, short] })).toThrow(refusal('expired', 'crew'))
  })
})

describe('checkAuthority() is bounded', () => {
  /** A chain of that many grants, each to the next name below planner. */
  async function chainOf(length: number) {
    const names: Name[] = [planner]
    const grants = [root]
    const links = [...bindings]
    while (grants.length < length) {
      const issuer = names.at(-1)!
      const name = parseName(`n${grants.length}.${planner}`)
      links.push(await bind({ name, depth: 0 }))
      grants.push(
        await grant({
          issuer,
          onBehalfOf: crew,
          subject: parsePattern(name),
          mayDelegate: [deep],
          parent: grants.at(-1)!.id,
        }),
      )
      names.push(name)
    }
    const subject = names.at(-1)!
    const question = { leaf: grants.at(-1)!.id, subject, subjectKey: keyOf(subject) }
    return { question, context: { grants, bindings: links } }
  }

  it('accepts 16 grants and refuses 17', async () => {
    const long = await chainOf(16)
    expect(ask(long.question, long.context).chain).toHaveLength(16)
    const longer = await chainOf(17)
    expect(() => ask(longer.question, longer.context)).toThrow(refusal('cost-cap', '16 grants'))
  })

  it('refuses more than 64 statements without a look at any', () => {
    const grants = Array.from({ length: 63 }, () => leaf)
    expect(() => ask({}, { grants })).toThrow(refusal('cost-cap', '65 statements, limit 64'))
  })

  it('ends in a cycle of parents, which no hash allows', () => {
    const one = { ...leaf, statement: { ...leaf.statement, parent: leaf.id } }
    expect(() => ask({}, { grants: [one] })).toThrow(refusal('cost-cap'))
  })
})

describe('messagesPerSecondBudgets()', () => {
  it('gives one budget for each grant of the chain that sets one, root first', async () => {
    const top = await grant({ mayDelegate: [deep], conditions: [['messagesPerSecond', 9]] })
    const below = await grant({ ...toW1, parent: top.id, conditions: [['messagesPerSecond', 3]] })
    expect(messagesPerSecondBudgets(askWith(below, { grants: [top, below] }))).toEqual([
      { grantIdText: top.idText, perSecond: 9 },
      { grantIdText: below.idText, perSecond: 3 },
    ])
    expect(messagesPerSecondBudgets(ask())).toEqual([])
  })
})
