import { parseName, parsePattern } from '@ixj/names'
import { describe, expect, it } from 'vitest'
import { AnchorSet } from '../src/anchor-set.ts'
import { type FreshnessRule } from '../src/anchors.ts'
import { checkAuthority } from '../src/authority.ts'
import { findFreshness, requireFresh } from '../src/freshness.ts'
import { PARTITION_MS_MAX, SKEW_MS, STATUS_FRESH_MS_MAX } from '../src/limits.ts'
import { checkName } from '../src/name-chain.ts'
import { issueStatement } from '../src/issue-statement.ts'
import { StatusBook } from '../src/status-book.ts'
import type { Status } from '../src/status.ts'
import {
  acme,
  anchorOf,
  bind,
  crew,
  freshNonce,
  grant,
  HOUR,
  keyOf,
  NOW,
  planner,
  refusal,
  SECOND,
  signerOf,
  w1,
} from './world.ts'

const DIGEST = new Uint8Array(32)

function status(fields: Partial<Status> = {}) {
  const issuedAt = fields.issuedAt ?? NOW
  const freshUntil = fields.freshUntil ?? issuedAt + STATUS_FRESH_MS_MAX
  const issuer = fields.issuer ?? acme
  const full = {
    kind: 'status',
    issuer,
    notBefore: issuedAt,
    notAfter: freshUntil,
    nonce: freshNonce(),
    of: issuer,
    number: 1,
    digest: DIGEST,
    issuedAt,
    freshUntil,
    ...fields,
  } as const
  return issueStatement(full, signerOf(issuer))
}

/** A book that holds these. */
async function bookOf(...list: readonly Partial<Status>[]) {
  const book = new StatusBook()
  for (const fields of list) book.offer(await status(fields), acme, NOW)
  return book
}

describe('a status', () => {
  it('is fresh for 60 s at most, and has one period', async () => {
    await expect(status()).resolves.toBeDefined()
    const freshUntil = NOW + STATUS_FRESH_MS_MAX + 1
    await expect(status({ freshUntil, notAfter: freshUntil })).rejects.toThrow(refusal('form'))
    await expect(status({ notAfter: NOW + 1 })).rejects.toThrow(refusal('form', 'notAfter'))
    await expect(status({ notBefore: NOW - 1 })).rejects.toThrow(refusal('form', 'notBefore'))
  })
})

describe('StatusBook.offer()', () => {
  it('takes higher numbers, and the same number later', async () => {
    const book = new StatusBook()
    expect(book.offer(await status(), acme, NOW)).toBe('newer')
    const again = await status({ issuedAt: NOW + SECOND })
    expect(book.offer(again, acme, NOW)).toBe('fresher')
    expect(book.offer(await status(), acme, NOW)).toBe('known')
    expect(book.offer(await status({ number: 2 }), acme, NOW)).toBe('newer')
    expect(book.held(acme)?.signed.statement.number).toBe(2)
  })

  it('refuses a lower number, whatever its time', async () => {
    const book = await bookOf({ number: 2 })
    const lower = await status({ issuedAt: NOW + SECOND })
    expect(() => book.offer(lower, acme, NOW)).toThrow(refusal('superseded'))
  })

  it('keeps an equal number that differs as evidence, until a higher one comes', async () => {
    const book = await bookOf({})
    const rival = await status({ digest: new Uint8Array(32).fill(1) })
    expect(book.offer(rival, acme, NOW)).toBe('differs')
    expect(book.held(acme)?.rival).toBe(rival)
    expect(book.offer(await status({ issuedAt: NOW + SECOND }), acme, NOW)).toBe('known')
    expect(book.offer(await status({ number: 2 }), acme, NOW)).toBe('newer')
    expect(book.held(acme)?.rival).toBeNull()
  })

  it('refuses one from further ahead than the skew, to the millisecond', async () => {
    const book = new StatusBook()
    const early = await status({ issuedAt: NOW + SKEW_MS + 1 })
    expect(() => book.offer(early, acme, NOW)).toThrow(refusal('not-yet-valid'))
    expect(book.offer(await status({ issuedAt: NOW + SKEW_MS }), acme, NOW)).toBe('newer')
  })

  it('refuses a number that later ones could not pass, to the millisecond', async () => {
    const book = new StatusBook()
    const endless = await status({ number: NOW + 2 * SKEW_MS + 1 })
    expect(() => book.offer(endless, acme, NOW)).toThrow(refusal('not-yet-valid', 'number'))
    const last = await status({ number: NOW + 2 * SKEW_MS })
    expect(book.offer(last, acme, NOW)).toBe('newer')
    expect(book.offer(await status({ number: NOW + 2 * SKEW_MS + 1 }), acme, NOW + 1)).toBe('newer')
  })
})

/** The chain of w1: acme → planner → w1, by two links. */
async function chainOf(
  links: { readonly strict?: boolean; readonly lifetimeMs?: number } = {},
  freshness: FreshnessRule = 'when-known',
) {
  const { strict = false, lifetimeMs = HOUR } = links
  const bindings = [
    await bind({ strict }),
    await bind({ issuer: planner, name: w1, notBefore: NOW, notAfter: NOW + lifetimeMs }),
  ]
  const anchors = new AnchorSet([anchorOf({ freshness })])
  const question = { name: w1, key: keyOf(w1), use: 'sign', purpose: 'send' } as const
  return checkName(question, { bindings, anchors, now: NOW })
}

describe('findFreshness()', () => {
  it('asks for each issuer, and leaves out links that live 60 s or less', async () => {
    const statuses = await bookOf({}, { issuer: planner })
    const long = findFreshness({ names: [await chainOf()] }, { statuses, now: NOW })
    expect(long.issuers.map(({ of, state }) => [of, state])).toEqual([
      [acme, 'fresh'],
      [planner, 'fresh'],
    ])
    for (const [lifetimeMs, count] of [[60_000, 1] as const, [60_001, 2] as const]) {
      const names = [await chainOf({ lifetimeMs })]
      expect(findFreshness({ names }, { statuses, now: NOW }).issuers).toHaveLength(count)
    }
  })

  it('ends at freshUntil and the skew, to the millisecond', async () => {
    const statuses = await bookOf({}, { issuer: planner })
    const names = [await chainOf()]
    const end = NOW + STATUS_FRESH_MS_MAX + SKEW_MS
    expect(findFreshness({ names }, { statuses, now: end }).state).toBe('fresh')
    expect(findFreshness({ names }, { statuses, now: end + 1 }).state).toBe('stale')
    expect(findFreshness({ names }, { statuses, now: Number.NaN }).state).toBe('stale')
  })

  it('tells unknown from missing by the rule of the anchor', async () => {
    const statuses = new StatusBook()
    const state = async (rule: FreshnessRule) =>
      findFreshness({ names: [await chainOf({}, rule)] }, { statuses, now: NOW }).state
    expect([await state('required'), await state('when-known'), await state('off')]).toEqual([
      'missing',
      'unknown',
      'unknown',
    ])
  })

  it('asks for issuers of grants too, and demands none of one that may not bind', async () => {
    const signOnly = parseName('s1.acme.example')
    const bindings = [await bind(), await bind({ name: signOnly, uses: 'sign' })]
    const root = await grant({
      issuer: planner,
      onBehalfOf: planner,
      subject: parsePattern(signOnly),
      topics: [parsePattern('crew.planner.acme.example')],
      mayDelegate: [parsePattern(w1)],
    })
    const leaf = await grant({
      issuer: signOnly,
      onBehalfOf: planner,
      subject: parsePattern(w1),
      topics: root.statement.topics,
      parent: root.id,
    })
    const asked = {
      leaf: leaf.id,
      subject: w1,
      subjectKey: keyOf(w1),
      action: 'publish',
      topic: parseName('crew.planner.acme.example'),
    } as const
    const anchors = new AnchorSet([anchorOf({ freshness: 'required' })])
    const authority = checkAuthority(asked, { grants: [root, leaf], bindings, anchors, now: NOW })
    const statuses = new StatusBook()
    const found = findFreshness({ names: [], authorities: [authority] }, { statuses, now: NOW })
    expect(found.issuers.map(({ of, state }) => [of, state])).toEqual([
      [acme, 'missing'],
      [planner, 'missing'],
      [signOnly, 'unknown'],
    ])
    expect(crew).toBeDefined()
  })

  it('makes nothing fresh of a status that another contradicts', async () => {
    const statuses = await bookOf({}, { digest: new Uint8Array(32).fill(1) })
    expect(findFreshness({ names: [await chainOf()] }, { statuses, now: NOW }).state).toBe('stale')
  })
})

describe('requireFresh()', () => {
  const END = NOW + STATUS_FRESH_MS_MAX + SKEW_MS
  const at = async (
    now: number,
    use: { readonly isOwn: boolean; readonly isState: boolean; readonly strict?: boolean },
  ) => {
    const { strict = false, ...rest } = use
    const statuses = await bookOf({}, { issuer: planner })
    const names = [await chainOf({ strict })]
    const found = findFreshness({ names }, { statuses, now })
    return () => requireFresh(found, { ...rest, now }, 'Cannot accept')
  }
  const foreign = { isOwn: false, isState: true }
  const own = { isOwn: true, isState: false }

  it('refuses other organisations past freshUntil and the skew, state as well', async () => {
    expect(await at(END, foreign)).not.toThrow()
    expect(await at(END + 1, foreign)).toThrow(refusal('stale', 'acme.example'))
  })

  it('lets one’s own go on for 10 min, and its state for longer', async () => {
    expect(await at(NOW + PARTITION_MS_MAX, own)).not.toThrow()
    expect(await at(NOW + PARTITION_MS_MAX + 1, own)).toThrow(refusal('stale'))
    expect(await at(NOW + HOUR, { isOwn: true, isState: true })).not.toThrow()
  })

  it('lets nothing of a strict name go on', async () => {
    const strict = { isOwn: true, isState: true, strict: true }
    expect(await at(END, strict)).not.toThrow()
    expect(await at(END + 1, strict)).toThrow(refusal('stale'))
  })

  it('refuses everything where a status is demanded and none is known', async () => {
    const names = [await chainOf({}, 'required')]
    const found = findFreshness({ names }, { statuses: new StatusBook(), now: NOW })
    const use = { isOwn: true, isState: true, now: NOW }
    expect(() => requireFresh(found, use, 'Cannot accept')).toThrow(refusal('no-status'))
  })
})
