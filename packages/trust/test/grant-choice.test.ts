import { parsePattern } from '@ixj/names'
import { describe, expect, it } from 'vitest'
import { chooseGrant, findGrants } from '../src/grant-choice.ts'
import { acme, crew, grant, HOUR, keyOf, NOW, planner, refusal } from './world.ts'

const one = await grant({ actions: ['publish', 'request'] })
const two = await grant({ subjectKey: keyOf(planner), onBehalfOf: planner })
const others = [
  await grant({ subject: parsePattern(acme) }),
  await grant({ subjectKey: keyOf('old planner') }),
  await grant({ actions: ['answer'] }),
  await grant({ topics: [parsePattern(`*.${crew}`)] }),
  await grant({ notBefore: NOW - 2 * HOUR, notAfter: NOW - HOUR }),
  await grant({ notBefore: NOW + HOUR, notAfter: NOW + 2 * HOUR }),
]
const all = [...others, one, two]
const need = {
  subject: planner,
  subjectKey: keyOf(planner),
  action: 'publish',
  topic: crew,
  now: NOW,
} as const

describe('findGrants()', () => {
  it('gives those for the subject, key, action, topic and time, in their order', () => {
    expect(findGrants(all, need)).toEqual([one, two])
    expect(findGrants([two, one], need)).toEqual([two, one])
  })

  it('leaves out those on behalf of another, where one is asked for', () => {
    expect(findGrants(all, { ...need, onBehalfOf: crew })).toEqual([one])
    expect(findGrants(all, { ...need, onBehalfOf: acme })).toEqual([])
  })
})

describe('chooseGrant()', () => {
  it('gives the only one that fits', () => {
    expect(chooseGrant([...others, two], need)).toBe(two)
    expect(chooseGrant(all, { ...need, action: 'request' })).toBe(one)
  })

  it('refuses to pick among several, and lists each with what it allows', () => {
    for (const { idText } of [one, two]) {
      expect(() => chooseGrant(all, need)).toThrow(refusal('ambiguous-authority', idText))
    }
    const what = 'publish, request on crew.acme.example, on behalf of crew.acme.example'
    expect(() => chooseGrant(all, need)).toThrow(refusal('ambiguous-authority', what))
  })

  it('lists eight and counts the rest', async () => {
    const many = await Promise.all(Array.from({ length: 11 }, () => grant()))
    expect(() => chooseGrant(many, need)).toThrow(refusal('ambiguous-authority', '; and 3 more'))
  })

  it('refuses where none fits', () => {
    expect(() => chooseGrant(others, need)).toThrow(refusal('not-granted', 'none of 6'))
    expect(() => chooseGrant([], need)).toThrow(refusal('not-granted'))
  })

  it('takes the one that is named', () => {
    expect(chooseGrant(all, { ...need, under: two.id })).toBe(two)
  })

  it('says of the one that is named why it does not fit', () => {
    const named = (index: number) => () => chooseGrant(all, { ...need, under: others[index]!.id })
    expect(named(0)).toThrow(refusal('wrong-subject'))
    expect(named(1)).toThrow(refusal('wrong-subject'))
    expect(named(2)).toThrow(refusal('not-granted', 'answer on'))
    expect(named(3)).toThrow(refusal('not-granted'))
    expect(named(4)).toThrow(refusal('expired'))
    expect(named(5)).toThrow(refusal('not-yet-valid'))
    const stranger = { ...need, under: new Uint8Array(32) }
    expect(() => chooseGrant(all, stranger)).toThrow(refusal('missing-statement'))
    const elsewhere = { ...need, under: one.id, onBehalfOf: acme }
    expect(() => chooseGrant(all, elsewhere)).toThrow(refusal('not-granted'))
  })
})
