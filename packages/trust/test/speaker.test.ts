import { parseName, parsePattern } from '@ixj/names'
import { describe, expect, it } from 'vitest'
import { AnchorSet } from '../src/anchor-set.ts'
import type { AuthorityContext } from '../src/authority.ts'
import { describeKey, describeNameChain } from '../src/description.ts'
import type { Grant } from '../src/grant.ts'
import { statementsOfChain } from '../src/name-question.ts'
import { checkSender, type SenderQuestion } from '../src/speaker.ts'
import { makeStandpoint } from '../src/standpoint.ts'
import {
  acme,
  anchorOf,
  bind,
  cross,
  globex,
  grant,
  HOUR,
  keyOf,
  NOW,
  planner,
  refusal,
} from './world.ts'

const node1 = parseName('node1.acme.example')
const anchors = new AnchorSet([anchorOf()])
const toPlanner = await bind({ name: planner })
const toNode = await bind({ name: node1, uses: 'sign' })

/** The planner lets node1 speak for it. */
const speak = (fields: Partial<Grant> = {}) =>
  grant({
    issuer: planner,
    onBehalfOf: planner,
    subject: parsePattern(node1),
    subjectKey: keyOf(node1),
    actions: ['speak'],
    topics: [parsePattern(planner)],
    ...fields,
  })
const toSpeak = await speak()

function ask(question: Partial<SenderQuestion> = {}, context: Partial<AuthorityContext> = {}) {
  return checkSender(
    { name: planner, key: keyOf(node1), purpose: 'send', ...question },
    { bindings: [toPlanner, toNode], grants: [toSpeak], anchors, now: NOW, ...context },
  )
}

describe('checkSender()', () => {
  it('gives the chain of the name itself where the key is its own', () => {
    const chain = ask({ key: keyOf(planner) })
    expect(chain.speaker).toBeUndefined()
    expect(chain.links).toEqual([toPlanner])
  })

  it('accepts the key of a node to which the name granted speak, and tells of it', () => {
    const chain = ask()
    expect(chain).toMatchObject({ name: planner, key: keyOf(node1), organisation: acme })
    expect(chain.speaker?.chain.name).toBe(node1)
    expect(chain.notAfter).toBe(NOW + HOUR)
    expect(new Set(statementsOfChain(chain))).toEqual(new Set([toPlanner, toNode, toSpeak]))
    expect(describeNameChain(chain, NOW)).toContain(
      'signed by node1.acme.example, which may speak for planner.acme.example by the word of planner.acme.example',
    )
    expect(describeKey(chain)[0]).toContain('bound by acme.example')
  })

  it('refuses without the grant, another name, another key, and a node that nobody bound', () => {
    expect(() => ask({}, { grants: [] })).toThrow(refusal('no-chain'))
    expect(() => ask({ name: parseName('crew.acme.example') })).toThrow(refusal('no-chain'))
    expect(() => ask({ key: keyOf('thief') })).toThrow(refusal('no-chain'))
    expect(() => ask({}, { bindings: [toPlanner] })).toThrow(refusal('no-chain'))
  })

  it('refuses names below, host alone, a subject that is a pattern, and one that has ended', async () => {
    const below = await speak({ topics: [parsePattern(`w1.${planner}`)] })
    expect(() => ask({}, { grants: [below] })).toThrow(refusal('no-chain'))
    const host = await speak({ actions: ['host'] })
    expect(() => ask({}, { grants: [host] })).toThrow(refusal('no-chain'))
    const anyone = await speak({ subject: parsePattern(`*.${acme}`) })
    expect(() => ask({}, { grants: [anyone] })).toThrow(refusal('no-chain'))
    const ended = await speak({ notAfter: NOW - 60_001 })
    expect(() => ask({}, { grants: [ended] })).toThrow(refusal('expired'))
    expect(ask({}, { grants: [ended, toSpeak] }).speaker?.authority.leaf).toBe(toSpeak)
  })

  it('refuses a root that does not own the name', async () => {
    const bindings = [toPlanner, toNode, await bind({ name: parseName('evil.acme.example') })]
    const byEvil = await speak({ issuer: parseName('evil.acme.example') })
    expect(() => ask({}, { bindings, grants: [byEvil] })).toThrow(refusal('outside-slice'))
  })

  it('goes no further than the anchor that decides about the name', async () => {
    const byAcme = await speak({ issuer: acme, onBehalfOf: acme })
    expect(ask({}, { grants: [byAcme] }).speaker?.authority.leaf).toBe(byAcme)
    const names = [parsePattern(acme), parsePattern(node1)]
    const narrow = new AnchorSet([anchorOf({ names })])
    expect(() => ask({}, { grants: [byAcme], anchors: narrow })).toThrow(refusal('anchor-limits'))
    const own = new AnchorSet([anchorOf(), anchorOf({ name: planner, keys: [keyOf('other')] })])
    expect(() => ask({}, { grants: [byAcme], anchors: own })).toThrow(refusal('anchor-limits'))
  })

  it('goes no further than the cross-certificate that lets the name through', async () => {
    const scout = parseName(`scout.${globex}`)
    const node2 = parseName(`node2.${globex}`)
    const bindings = [await bind({ issuer: globex, name: node2 })]
    const bySubject = {
      issuer: globex,
      onBehalfOf: globex,
      subject: parsePattern(node2),
      subjectKey: keyOf(node2),
      topics: [parsePattern(scout)],
    }
    const grants = [await speak(bySubject)]
    const question = { name: scout, key: keyOf(node2) }
    const at = async (names?: string[]) => {
      const limits = names === undefined ? {} : { names: names.map((each) => parsePattern(each)) }
      return { bindings, grants, standpoint: makeStandpoint(node1, [await cross(limits)]) }
    }
    expect(ask(question, await at())).toMatchObject({ organisation: globex, path: [acme, globex] })
    expect(() => ask(question, { bindings, grants })).toThrow(refusal('no-anchor'))
    const narrow = await at([globex, node2])
    expect(() => ask(question, narrow)).toThrow(refusal('cross-limits'))
  })
})
