import { parseName } from '@ixj/names'
import { describe, expect, it } from 'vitest'
import { AnchorSet } from '../src/anchor-set.ts'
import { SKEW_MS } from '../src/limits.ts'
import { checkName } from '../src/name-chain.ts'
import { sha256 } from '../src/signing.ts'
import { makeStandpoint } from '../src/standpoint.ts'
import { issueSuccessor } from '../src/issue-statement.ts'
import type { SignedStatement } from '../src/statement.ts'
import type { Successor } from '../src/successor.ts'
import {
  anchorOf,
  bind,
  cross,
  federation,
  freshNonce,
  globex,
  HOUR,
  keyOf,
  NOW,
  refusal,
  signerOf,
} from './world.ts'

const node1 = parseName('node1.acme.example')
const scout = parseName('scout.globex.example')
const anchors = new AnchorSet([anchorOf()])
const commitment = (label: string) => sha256(keyOf(label))
const LONG = { notAfter: NOW + 9 * HOUR }

const toGlobex = await cross({ next: commitment('second'), ...LONG })
const byOld = await bind({ issuer: globex, name: scout, ...LONG })

/** A successor of the key of a subject, by the key `second`, unless told otherwise. */
function succeed(
  fields: Partial<Successor> = {},
  by: { readonly old?: string; readonly new?: string } = {},
) {
  const name = fields.name ?? globex
  const { old = name, new: fresh = 'second' } = by
  return issueSuccessor(
    {
      kind: 'successor',
      issuer: name,
      notBefore: NOW,
      notAfter: NOW + HOUR,
      nonce: freshNonce(),
      name,
      newKey: keyOf(fresh),
      next: commitment('third'),
      ...fields,
    },
    { old: signerOf(old), new: signerOf(fresh) },
  )
}

/** Asks for globex itself with this key, or for scout, whom its old key bound. */
function ask(
  key: string,
  home: {
    readonly now?: number
    readonly own?: Parameters<typeof makeStandpoint>[1]
    readonly successors?: readonly SignedStatement<Successor>[]
  },
) {
  const { now = NOW, own = [toGlobex], successors = [] } = home
  const name = key === 'scout' ? scout : globex
  const standpoint = {
    ...makeStandpoint(node1, own),
    successors: new Map([[successors[0]?.statement.name ?? globex, successors]]),
  }
  return checkName(
    { name, key: keyOf(key === 'scout' ? scout : key), use: 'sign', purpose: 'send' },
    { bindings: [byOld], anchors, now, standpoint },
  )
}

describe('the successor of a certified subject', () => {
  it('counts beside the old key until the overlap’s end, and alone from then on', async () => {
    const successors = [await succeed()]
    expect(() => ask('second', {})).toThrow(refusal('no-chain'))
    expect(ask('second', { successors }).organisation).toBe(globex)
    const end = NOW + HOUR + SKEW_MS
    expect(ask(globex, { successors, now: end }).notAfter).toBe(NOW + HOUR)
    expect(ask('scout', { successors, now: end }).notAfter).toBe(NOW + HOUR)
    expect(() => ask(globex, { successors, now: end + 1 })).toThrow(refusal('no-chain'))
    expect(() => ask('scout', { successors, now: end + 1 })).toThrow(refusal('no-chain'))
    expect(ask('second', { successors, now: end + 1 }).notAfter).toBe(NOW + 9 * HOUR)
  })

  it('changes nothing without the commitment, or for another key, or by another key', async () => {
    const plain = await cross(LONG)
    expect(() => ask('second', { own: [plain] })).toThrow(refusal('no-chain'))
    const matching = await succeed()
    expect(() => ask('second', { own: [plain], successors: [matching] })).toThrow(
      refusal('no-chain'),
    )
    const stolen = [await succeed({}, { new: 'thief' })]
    expect(() => ask('thief', { successors: stolen })).toThrow(refusal('no-chain'))
    expect(ask(globex, { successors: stolen }).notAfter).toBe(NOW + 9 * HOUR)
    const stranger = [await succeed({}, { old: 'thief' })]
    expect(() => ask('second', { successors: stranger })).toThrow(refusal('no-chain'))
  })

  it('is followed by the one that it commits to', async () => {
    const first = await succeed()
    const second = await succeed({ next: null }, { old: 'second', new: 'third' })
    expect(ask('third', { successors: [first, second] }).organisation).toBe(globex)
    expect(() => ask('third', { successors: [second] })).toThrow(refusal('no-chain'))
  })

  it('lets the new key of an introducer certify others, and the old one no longer', async () => {
    const toFederation = await cross({
      subject: federation,
      names: [],
      introduces: toGlobex.statement.names,
      hops: 1,
      next: commitment('second'),
      ...LONG,
    })
    const fromOld = await cross({ issuer: federation, ...LONG })
    const successors = [await succeed({ name: federation })]
    const own = [toFederation, fromOld]
    const end = NOW + HOUR + SKEW_MS
    expect(ask(globex, { own, successors, now: end }).notAfter).toBe(NOW + HOUR)
    expect(() => ask(globex, { own, successors, now: end + 1 })).toThrow(refusal('no-anchor'))
  })
})
