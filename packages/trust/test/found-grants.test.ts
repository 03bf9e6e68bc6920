import { parsePattern } from '@ixj/names'
import { describe, expect, it } from 'vitest'
import { describeFoundGrants } from '../src/description.ts'
import { findGrantsAbove } from '../src/found-grants.ts'
import { crew, grant, keyOf, NOW, planner, w1 } from './world.ts'

const root = await grant({ mayDelegate: [parsePattern(`**.${planner}`)] })
const below = {
  subject: parsePattern(w1),
  subjectKey: keyOf(w1),
  onBehalfOf: root.statement.onBehalfOf,
  parent: root.id,
} as const
const leaf = await grant({ ...below, issuer: planner })
const lines = (grants: Parameters<typeof findGrantsAbove>[1]) =>
  describeFoundGrants(findGrantsAbove(leaf.id, grants), NOW)

describe('findGrantsAbove()', () => {
  it('gives the chain from the root, out of grants in any order', () => {
    expect(findGrantsAbove(leaf.id, [leaf, root])).toEqual({ chain: [root, leaf], missing: null })
  })

  it('gives what is below a grant that is not at hand, and that grant’s id', () => {
    const found = findGrantsAbove(leaf.id, [leaf])
    expect(found).toEqual({ chain: [leaf], missing: root.idText })
  })

  it('gives only the id when not even the leaf is at hand', () => {
    expect(findGrantsAbove(leaf.id, [root])).toEqual({ chain: [], missing: leaf.idText })
  })
})

describe('describeFoundGrants()', () => {
  it('names the grant that is not at hand beside those that are', () => {
    expect(lines([leaf])).toEqual([
      'looked at:',
      expect.stringMatching(/^planner\.acme\.example → w1\.planner\.acme\.example \(/),
      `not at hand: grant ${root.idText}`,
    ])
    expect(lines([])).toEqual([`not at hand: grant ${leaf.idText}`])
  })

  it('says whose a grant is that was not issued by the holder of the one above it', async () => {
    const stray = await grant({ ...below, issuer: crew })
    const [, chain] = describeFoundGrants(findGrantsAbove(stray.id, [root, stray]), NOW)
    expect(chain).toContain(`; by ${crew}`)
    expect(lines([root, leaf])[1]).not.toContain('; by ')
  })

  it('says of whom a grant claims to act that is for another than the one above it', async () => {
    const borrowed = await grant({ ...below, issuer: planner, onBehalfOf: w1 })
    const [, chain] = describeFoundGrants(findGrantsAbove(borrowed.id, [root, borrowed]), NOW)
    expect(chain).toContain(`; on behalf of ${w1}`)
  })

  it('says when a grant ended, or begins', async () => {
    const ended = await grant({ notBefore: NOW - 200_000, notAfter: NOW - 120_000 })
    const early = await grant({ notBefore: NOW + 120_000, notAfter: NOW + 200_000 })
    const told = [ended, early].map((each) =>
      describeFoundGrants(findGrantsAbove(each.id, [each]), NOW).at(1),
    )
    expect(told[0]).toContain('; ended 2 min ago')
    expect(told[1]).toContain('; from 20')
  })
})
