import { describe, expect, it } from 'vitest'
import { AnchorSet } from '../src/anchor-set.ts'
import { formatAnchors, parseAnchors } from '../src/anchors-text.ts'
import { nobleVerifier } from '../src/keys/index.ts'
import { SKEW_MS } from '../src/limits.ts'
import { checkName } from '../src/name-chain.ts'
import { RevocationBook } from '../src/revocation-book.ts'
import { applySuccessor } from '../src/rollover.ts'
import { sha256 } from '../src/signing.ts'
import { issueStatement, issueSuccessor } from '../src/issue-statement.ts'
import { decodeStatement, verifySignature } from '../src/statement.ts'
import type { Successor } from '../src/successor.ts'
import {
  acme,
  anchorOf,
  bind,
  freshNonce,
  HOUR,
  keyOf,
  NOW,
  planner,
  refusal,
  signerOf,
} from './world.ts'

const commitment = (label: string) => sha256(keyOf(label))
const anchors = new AnchorSet([anchorOf({ next: commitment('second') })])

/** A successor of acme's key by the key `second`, unless told otherwise. */
function succeed(
  fields: Partial<Successor> = {},
  { old = 'acme.example', new: fresh = 'second' }: { old?: string; new?: string } = {},
) {
  return issueSuccessor(
    {
      kind: 'successor',
      issuer: acme,
      notBefore: NOW,
      notAfter: NOW + HOUR,
      nonce: freshNonce(),
      name: acme,
      newKey: keyOf(fresh),
      next: commitment('third'),
      ...fields,
    },
    { old: signerOf(old), new: signerOf(fresh) },
  )
}

/** What comes of a root key that signs at this time, under these anchors. */
const rootAt = (set: AnchorSet, label: string, now: number) => () =>
  checkName(
    { name: acme, key: keyOf(label), use: 'sign', purpose: 'send' },
    { bindings: [], anchors: set, now },
  )

describe('a successor', () => {
  it('holds by both signatures, and by no other', async () => {
    const signed = await succeed()
    expect(decodeStatement(signed.envelope)).toEqual(signed)
    expect(signed.signature).toHaveLength(128)
    expect(await verifySignature(signed, nobleVerifier)).toBe(true)
    for (const place of [3, 67]) {
      const signature = Uint8Array.from(signed.signature)
      signature[place]! ^= 1
      expect(await verifySignature({ ...signed, signature }, nobleVerifier)).toBe(false)
    }
  })

  it('is refused for another name than its issuer, for the same key, and by one signer alone', async () => {
    await expect(succeed({ name: planner })).rejects.toThrow(refusal('form', 'its issuer'))
    await expect(succeed({ newKey: keyOf(acme) }, { new: acme })).rejects.toThrow(refusal('form'))
    await expect(succeed({ newKey: keyOf('other') })).rejects.toThrow(refusal('form', 'second'))
  })
})

describe('applySuccessor()', () => {
  it('moves an anchor to the key that it committed to, with the old key until the overlap’s end', async () => {
    const signed = await succeed()
    const moved = applySuccessor(signed, { anchors, now: NOW })!
    const [anchor] = moved.list
    expect(anchor).toMatchObject({
      keys: [keyOf('second'), keyOf(acme)],
      next: commitment('third'),
    })
    const end = NOW + HOUR + SKEW_MS
    expect(rootAt(moved, acme, end)).not.toThrow()
    expect(rootAt(moved, acme, end + 1)).toThrow(refusal('no-chain'))
    expect(rootAt(moved, 'second', end + HOUR)).not.toThrow()
    expect(applySuccessor(signed, { anchors: moved, now: NOW })).toBeUndefined()
  })

  it('lets what the old key bound hold until then, and no longer', async () => {
    const moved = applySuccessor(await succeed(), { anchors, now: NOW })!
    const bindings = [await bind({ notAfter: NOW + 9 * HOUR })]
    const question = { name: planner, key: keyOf(planner), use: 'sign', purpose: 'send' } as const
    const end = NOW + HOUR + SKEW_MS
    const chain = checkName(question, { bindings, anchors: moved, now: end })
    expect(chain.notAfter).toBe(NOW + HOUR)
    expect(() => checkName(question, { bindings, anchors: moved, now: end + 1 })).toThrow(
      refusal('no-chain'),
    )
  })

  it('changes nothing without a commitment, for another key, or by another key than the anchor’s', async () => {
    const none = new AnchorSet([anchorOf()])
    const signed = await succeed()
    expect(() => applySuccessor(signed, { anchors: none, now: NOW })).toThrow(
      refusal('not-granted', 'none was committed'),
    )
    const stolen = await succeed({ newKey: keyOf('thief') }, { new: 'thief' })
    expect(() => applySuccessor(stolen, { anchors, now: NOW })).toThrow(
      refusal('not-granted', 'another was committed'),
    )
    const stranger = await succeed({}, { old: 'thief' })
    expect(() => applySuccessor(stranger, { anchors, now: NOW })).toThrow(refusal('no-chain'))
  })

  it('follows one after the other, and not two from one key', async () => {
    const moved = applySuccessor(await succeed(), { anchors, now: NOW })!
    const third = await succeed({ next: null }, { old: 'second', new: 'third' })
    const [last] = applySuccessor(third, { anchors: moved, now: NOW })!.list
    expect(last?.keys).toEqual([keyOf('third'), keyOf('second'), keyOf(acme)])
    expect(last?.next).toBeUndefined()
    const fromOld = await succeed({}, { new: 'third' })
    expect(() => applySuccessor(fromOld, { anchors: moved, now: NOW })).toThrow(
      refusal('no-chain', 'succeeded already'),
    )
  })

  it('waits for its notBefore, and moves after its end without an overlap', async () => {
    const signed = await succeed()
    expect(() => applySuccessor(signed, { anchors, now: NOW - SKEW_MS - 1 })).toThrow(
      refusal('not-yet-valid'),
    )
    expect(applySuccessor(signed, { anchors, now: NOW - SKEW_MS })).toBeDefined()
    const late = applySuccessor(signed, { anchors, now: NOW + 9 * HOUR })!
    expect(late.list[0]).toMatchObject({ keys: [keyOf('second')], retiring: [] })
  })

  it('refuses a new key that was revoked', async () => {
    const revocations = new RevocationBook()
    const signed = await issueStatement(
      {
        kind: 'revocation',
        issuer: acme,
        notBefore: NOW,
        notAfter: NOW + HOUR,
        nonce: freshNonce(),
        of: acme,
        target: { kind: 'key', name: acme, key: keyOf('second') },
      },
      signerOf('second'),
    )
    revocations.add({ signed, reach: { kind: 'self' }, root: acme })
    const successor = await succeed()
    expect(() => applySuccessor(successor, { anchors, revocations, now: NOW })).toThrow(
      refusal('revoked'),
    )
  })

  it('leaves an anchor that the trust store’s text brings back as it was', async () => {
    const moved = applySuccessor(await succeed(), { anchors, now: NOW })!
    expect(parseAnchors(formatAnchors(moved)).list).toEqual(moved.list)
  })
})
