import { parseName, parsePattern } from '@ixj/names'
import { describe, expect, it } from 'vitest'
import { AnchorSet } from '../src/anchor-set.ts'
import { type AuthorityContext, checkAuthority } from '../src/authority.ts'
import { checkName } from '../src/name-chain.ts'
import { type Reach, RevocationBook, revocationDigest } from '../src/revocation-book.ts'
import type { Revocation } from '../src/revocation.ts'
import { checkRevoker, checkStatusIssuer } from '../src/revoker.ts'
import { sha256 } from '../src/signing.ts'
import { issueStatement } from '../src/issue-statement.ts'
import type { SignedStatement } from '../src/statement.ts'
import { REVOCATIONS_PER_NAME_MAX } from '../src/limits.ts'
import {
  acme,
  anchorOf,
  bind,
  crew,
  freshNonce,
  grant,
  HOUR,
  keyOf,
  MINUTE,
  NOW,
  planner,
  refusal,
  signerOf,
  w1,
} from './world.ts'

const w2 = parseName('w2.planner.acme.example')
const keeper = parseName('keeper.acme.example')

/** A revocation of the planner's key by acme, unless told otherwise; signed by the label's key. */
function revoke(
  fields: Partial<Revocation> & { readonly by?: string } = {},
): Promise<SignedStatement<Revocation>> {
  const { by, ...own } = fields
  const issuer = own.issuer ?? acme
  const full = {
    kind: 'revocation',
    issuer,
    notBefore: NOW,
    notAfter: NOW + HOUR,
    nonce: freshNonce(),
    of: issuer,
    target: { kind: 'key', name: planner, key: keyOf(planner) },
    ...own,
  } as const
  return issueStatement(full, signerOf(by ?? issuer))
}

const keyOfName = (name: string) =>
  ({ kind: 'key', name: parseName(name), key: keyOf(name) }) as const

/** acme binds planner and keeper, planner binds w1 and w2. */
async function context(changes: Partial<AuthorityContext> = {}): Promise<AuthorityContext> {
  const bindings = [
    await bind(),
    await bind({ name: keeper, uses: 'sign' }),
    await bind({ issuer: planner, name: w1, uses: 'sign' }),
    await bind({ issuer: planner, name: w2, uses: 'sign' }),
  ]
  return { bindings, grants: [], anchors: new AnchorSet([anchorOf()]), now: NOW, ...changes }
}

async function bookOf(...list: readonly (readonly [SignedStatement<Revocation>, Reach])[]) {
  const book = new RevocationBook()
  for (const [signed, reach] of list) book.add({ signed, reach, root: acme })
  return book
}

const BELOW: Reach = { kind: 'below' }

describe('checkRevoker()', () => {
  it('lets a key revoke itself, also one that may only sign', async () => {
    const signed = await revoke({ issuer: w1, target: keyOfName(w1) })
    expect(checkRevoker(signed, await context())).toEqual({ reach: { kind: 'self' }, root: acme })
  })

  it('lets the key of a name above revoke, however far above', async () => {
    for (const issuer of [acme, planner]) {
      const signed = await revoke({ issuer, target: keyOfName(w1) })
      expect(checkRevoker(signed, await context()).reach).toEqual(BELOW)
    }
  })

  it('refuses a sibling, a name below, and another key of the same name', async () => {
    const sibling = { of: w2, issuer: w2, target: keyOfName(w1) } as const
    await expect(revoke(sibling)).rejects.toThrow(refusal('outside-slice'))
    await expect(revoke({ issuer: w1, target: keyOfName(planner) })).rejects.toThrow(
      refusal('outside-slice'),
    )
    const asParent = await revoke({ issuer: w2, of: planner, target: keyOfName(w1) })
    const now = await context()
    expect(() => checkRevoker(asParent, now)).toThrow(refusal('not-granted', 'no revoke grant'))
    const second = await bind({ key: keyOf('second') })
    const bindings = [...now.bindings, second]
    const other = await revoke({ issuer: planner, by: 'second', target: keyOfName(planner) })
    expect(() => checkRevoker(other, { ...now, bindings })).toThrow(
      refusal('not-granted', 'another key of the same name'),
    )
  })

  it('refuses a key that may not bind, one that nothing binds, and one that was revoked', async () => {
    const now = await context({
      bindings: [await bind({ uses: 'sign' }), await bind({ issuer: planner, name: w1 })],
    })
    const signed = await revoke({ issuer: planner, target: keyOfName(w1) })
    expect(() => checkRevoker(signed, now)).toThrow(refusal('uses'))
    const forged = await revoke({ by: 'mallory' })
    expect(() => checkRevoker(forged, now)).toThrow(refusal('no-chain'))
    const revocations = await bookOf([await revoke(), BELOW])
    const full = await context({ revocations })
    expect(() => checkRevoker(signed, full)).toThrow(refusal('revoked'))
  })

  it('lets the committed next key revoke the old one, and no other key', async () => {
    const anchor = anchorOf({ next: sha256(keyOf('next')) })
    const now = await context({ anchors: new AnchorSet([anchor]) })
    const target = keyOfName(acme)
    const signed = await revoke({ by: 'next', target })
    expect(checkRevoker(signed, now).reach).toEqual({ kind: 'self' })
    const other = await revoke({ by: 'other', target })
    expect(() => checkRevoker(other, now)).toThrow(refusal('not-granted'))
  })

  it('lets a key that succeeded another end it early, and never the other way round', async () => {
    const keys = [keyOf('next'), keyOf(acme)]
    const retiring = [{ key: keyOf(acme), until: NOW + HOUR }]
    const now = await context({ anchors: new AnchorSet([anchorOf({ keys, retiring })]) })
    const signed = await revoke({ by: 'next', target: keyOfName(acme) })
    expect(checkRevoker(signed, now)).toEqual({ reach: { kind: 'self' }, root: acme })
    const target = { ...keyOfName(acme), key: keyOf('next') }
    const reverse = await revoke({ target })
    expect(() => checkRevoker(reverse, now)).toThrow(refusal('not-granted', 'another key'))
    const stranger = await revoke({ by: 'mallory', target: keyOfName(acme) })
    expect(() => checkRevoker(stranger, now)).toThrow(refusal('no-chain'))
  })

  it('lets a holder of revoke revoke what its grant covers, never its root’s key', async () => {
    const topics = [parsePattern('*.planner.acme.example'), parsePattern('acme.example')]
    const held = await grant({
      issuer: acme,
      onBehalfOf: acme,
      subject: parsePattern(keeper),
      actions: ['revoke'],
      topics,
    })
    const now = await context({ grants: [held] })
    const by = { issuer: keeper, of: acme } as const
    const covered = await revoke({ ...by, target: keyOfName(w1) })
    expect(checkRevoker(covered, now).reach).toEqual({ kind: 'granted', topics: topics.toSorted() })
    for (const target of [keyOfName(planner), keyOfName(acme)]) {
      const outside = await revoke({ ...by, target })
      expect(() => checkRevoker(outside, now)).toThrow(refusal('not-granted', 'does not cover'))
    }
    const stranger = await revoke({ issuer: w2, of: acme, target: keyOfName(w1) })
    expect(() => checkRevoker(stranger, now)).toThrow(refusal('wrong-subject'))
  })

  it('lets a grant for another action revoke nothing', async () => {
    const held = await grant({
      issuer: acme,
      onBehalfOf: acme,
      subject: parsePattern(keeper),
      actions: ['log'],
      topics: [parsePattern('**.acme.example')],
    })
    const signed = await revoke({ issuer: keeper, of: acme, target: keyOfName(w1) })
    const now = await context({ grants: [held] })
    expect(() => checkRevoker(signed, now)).toThrow(refusal('not-granted', 'no revoke grant'))
  })
})

describe('checkStatusIssuer()', () => {
  const statusBy = (issuer: typeof acme, of = issuer) =>
    issueStatement(
      {
        kind: 'status',
        issuer,
        notBefore: NOW,
        notAfter: NOW + MINUTE,
        nonce: freshNonce(),
        of,
        number: 1,
        digest: new Uint8Array(32),
        issuedAt: NOW,
        freshUntil: NOW + MINUTE,
      },
      signerOf(issuer),
    )

  it('lets a name that may bind speak for itself, and nobody for another without a grant', async () => {
    const now = await context()
    for (const issuer of [acme, planner]) {
      expect(checkStatusIssuer(await statusBy(issuer), now).root).toBe(acme)
    }
    const signer = await statusBy(w1)
    expect(() => checkStatusIssuer(signer, now)).toThrow(refusal('uses'))
    const ofParent = await statusBy(keeper, acme)
    expect(() => checkStatusIssuer(ofParent, now)).toThrow(refusal('not-granted'))
  })

  it('lets the holder of revoke on the very name speak for it', async () => {
    const held = (topic: string) =>
      grant({
        issuer: acme,
        onBehalfOf: acme,
        subject: parsePattern(keeper),
        actions: ['revoke'],
        topics: [parsePattern(topic)],
      })
    const signed = await statusBy(keeper, acme)
    const right = await context({ grants: [await held('acme.example')] })
    expect(checkStatusIssuer(signed, right).root).toBe(acme)
    const below = await context({ grants: [await held('**.acme.example')] })
    expect(() => checkStatusIssuer(signed, below)).toThrow(refusal('not-granted', 'not cover'))
  })
})

describe('a chain', () => {
  const question = { name: w1, key: keyOf(w1), use: 'sign', purpose: 'send' } as const

  it('holds until a key in it, or a link by its id, is revoked', async () => {
    const plain = await context()
    const [, , link] = plain.bindings
    expect(checkName(question, plain).links).toHaveLength(2)
    for (const target of [
      keyOfName(w1),
      keyOfName(planner),
      { kind: 'statement', id: link!.id } as const,
    ]) {
      const revocations = await bookOf([await revoke({ target }), BELOW])
      expect(() => checkName(question, { ...plain, revocations })).toThrow(refusal('revoked'))
    }
    const elsewhere = await bookOf([await revoke({ target: keyOfName(w2) }), BELOW])
    expect(checkName(question, { ...plain, revocations: elsewhere }).links).toHaveLength(2)
  })

  it('goes by another link where one of two was revoked', async () => {
    const plain = await context()
    const again = await bind({ issuer: planner, name: w1, uses: 'sign' })
    const bindings = [...plain.bindings, again]
    const target = { kind: 'statement', id: plain.bindings[2]!.id } as const
    const revocations = await bookOf([await revoke({ target }), BELOW])
    expect(checkName(question, { ...plain, bindings, revocations }).links.at(-1)).toBe(again)
  })

  it('ends at a revoked key of the anchor itself', async () => {
    const revocations = await bookOf([await revoke({ target: keyOfName(acme) }), { kind: 'self' }])
    const now = await context({ revocations })
    const root = { name: acme, key: keyOf(acme), use: 'sign', purpose: 'send' } as const
    expect(() => checkName(root, now)).toThrow(refusal('revoked'))
    expect(() => checkName(question, now)).toThrow(refusal('revoked', 'the first key'))
  })

  it('of grants ends at a revoked grant, and at a revoked key of an issuer', async () => {
    const root = await grant({ issuer: acme, onBehalfOf: acme, mayDelegate: [parsePattern(w1)] })
    const leaf = await grant({
      issuer: planner,
      onBehalfOf: acme,
      subject: parsePattern(w1),
      parent: root.id,
    })
    const asked = {
      leaf: leaf.id,
      subject: w1,
      subjectKey: keyOf(w1),
      action: 'publish',
      topic: crew,
    } as const
    const plain = await context({ grants: [root, leaf] })
    expect(checkAuthority(asked, plain).chain).toHaveLength(2)
    for (const target of [{ kind: 'statement', id: root.id } as const, keyOfName(planner)]) {
      const reach: Reach = target.kind === 'key' ? BELOW : { kind: 'self' }
      const revocations = await bookOf([await revoke({ target }), reach])
      expect(() => checkAuthority(asked, { ...plain, revocations })).toThrow(refusal('revoked'))
    }
  })
})

describe('RevocationBook', () => {
  it('lets a revocation by id reach what its issuer signed, or a name below, and no sibling', async () => {
    const [byPlanner, byW1] = [
      await bind({ issuer: planner, name: w1 }),
      await grant({ issuer: w1 }),
    ]
    const reached = async (reach: Reach, of: typeof acme, target: SignedStatement) => {
      const id = { kind: 'statement', id: target.id } as const
      const book = await bookOf([await revoke({ issuer: of, target: id }), reach])
      return book.ofStatement(target) !== undefined
    }
    expect(await reached(BELOW, acme, byPlanner)).toBe(true)
    expect(await reached(BELOW, planner, byPlanner)).toBe(true)
    expect(await reached(BELOW, planner, byW1)).toBe(true)
    expect(await reached(BELOW, w2, byW1)).toBe(false)
    expect(await reached({ kind: 'self' }, w1, byW1)).toBe(true)
    expect(await reached({ kind: 'self' }, planner, byW1)).toBe(false)
    const granted: Reach = { kind: 'granted', topics: [parsePattern('*.planner.acme.example')] }
    expect(await reached(granted, acme, byW1)).toBe(true)
    expect(await reached(granted, acme, byPlanner)).toBe(false)
  })

  it('tells the digest of what has not ended, without what revoked keys revoked', async () => {
    const [first, second] = [
      await revoke({ target: keyOfName(w1) }),
      await revoke({ target: keyOfName(w2), notAfter: NOW + MINUTE }),
    ]
    const book = await bookOf([first, BELOW], [second, BELOW])
    expect(book.digest(acme, NOW)).toEqual(revocationDigest([first.id, second.id]))
    expect(book.digest(acme, NOW + MINUTE + 1)).toEqual(revocationDigest([first.id]))
    expect(book.covers(acme, revocationDigest([first.id]), NOW)).toBe(true)
    expect(book.covers(acme, revocationDigest([second.id]), NOW)).toBe(false)
    const byPlanner = await revoke({ issuer: planner, target: keyOfName(w1) })
    book.add({ signed: byPlanner, reach: BELOW, root: acme })
    expect(book.digest(planner, NOW)).toEqual(revocationDigest([byPlanner.id]))
    book.add({ signed: await revoke(), reach: BELOW, root: acme })
    expect(book.digest(planner, NOW)).toEqual(revocationDigest([]))
  })

  it('refuses one too many of a name, and keeps what it has', async () => {
    const book = new RevocationBook()
    const signed = await revoke()
    const copy = (index: number) => ({
      signed: { ...signed, idText: `${index}`, id: sha256(Uint8Array.of(index >> 8, index)) },
      reach: BELOW,
      root: acme,
    })
    for (let index = 0; index < REVOCATIONS_PER_NAME_MAX; index++) book.add(copy(index))
    expect(() => book.add(copy(-1))).toThrow(refusal('store-full'))
    expect(book.add(copy(0))).toBe(false)
    expect(book.size).toBe(REVOCATIONS_PER_NAME_MAX)
    // What a thief fills is no place to hide: the stolen key itself can be taken away.
    const ownKey = await revoke({ by: 'next', target: keyOfName(acme) })
    expect(book.add({ signed: ownKey, reach: { kind: 'self' }, root: acme })).toBe(true)
    expect(book.ofKey(acme, keyOf(acme))).toBe(ownKey)
  })

  it('forgets what has ended, skew on both sides included', async () => {
    const book = await bookOf([await revoke(), BELOW])
    book.sweep(NOW + HOUR + 2 * MINUTE)
    expect(book.ofKey(planner, keyOf(planner))).toBeDefined()
    book.sweep(NOW + HOUR + 2 * MINUTE + 1)
    expect([book.size, book.ofKey(planner, keyOf(planner))]).toEqual([0, undefined])
  })
})
