import { type AnchorSet } from './anchor-set.ts'
import { type Anchor, keyEnd } from './anchors.ts'
import { equalBytes } from './bytes.ts'
import { ANCHOR_KEYS_MAX, SKEW_MS } from './limits.ts'
import { NO_REVOCATIONS, type RevocationView } from './revocation-book.ts'
import { sha256, type Sha256 } from './signing.ts'
import type { SignedStatement } from './statement.ts'
import type { Successor } from './successor.ts'
import { type TrustCode, TrustError } from './trust-error.ts'

/** What a successor is held against. */
export interface RolloverContext {
  readonly anchors: AnchorSet
  readonly revocations?: RevocationView
  /** Ms since the Unix epoch. */
  readonly now: number
  readonly hash?: Sha256
}

/**
 * The anchors after a successor whose two signatures held: the anchor of its name has the new key,
 * the old one until the successor's notAfter, and its next commitment. Undefined if the anchor has
 * the new key already. "A mismatch changes nothing; without a commitment only a person replaces an
 * anchor." A successor has no end: who missed the overlap moves without one.
 * docs/protocol.md, section "Successor".
 * @throws TrustError `no-anchor` (none of exactly this name, or of a zone), `no-chain` (by a key that
 * is not the anchor's), `not-granted` (no commitment, or another key was committed to), `revoked`,
 * `not-yet-valid`
 */
export function applySuccessor(
  signed: SignedStatement<Successor>,
  context: RolloverContext,
): AnchorSet | undefined {
  const { anchors } = context
  const { name } = signed.statement
  const anchor = anchors.get(name)
  if (anchor === undefined || anchor.kind !== 'key') {
    throw refused(name, 'no-anchor', 'no anchor of keys bears its name')
  }
  const moved = moveKeys(anchor, signed, context)
  return moved === undefined ? undefined : anchors.with({ ...without(anchor), ...moved })
}

function without({ next: _spent, ...anchor }: Anchor): Omit<Anchor, 'next'> {
  return anchor
}

/** Keys that a name is trusted with, and the one that may come. */
export type HeldKeys = Pick<Anchor, 'keys' | 'retiring' | 'next'>

/**
 * Keys after a successor whose two signatures held, as {@link applySuccessor} says; undefined if the
 * new key is among them already.
 * @throws TrustError `no-chain`, `not-granted`, `revoked`, `not-yet-valid`
 */
export function moveKeys(
  held: HeldKeys,
  signed: SignedStatement<Successor>,
  context: Omit<RolloverContext, 'anchors'>,
): HeldKeys | undefined {
  const { now, revocations = NO_REVOCATIONS, hash = sha256 } = context
  const { name, issuerKey, newKey, notBefore, notAfter, next } = signed.statement
  if (held.keys.some((key) => equalBytes(key, newKey))) return undefined
  if (!held.keys.some((key) => equalBytes(key, issuerKey))) {
    throw refused(name, 'no-chain', 'it is not by a key that is trusted')
  }
  if (keyEnd(held, issuerKey) !== Infinity) {
    throw refused(name, 'no-chain', 'it is by a key that was succeeded already')
  }
  // A thief who has the old key does not have the one that was committed to.
  if (held.next === undefined || !equalBytes(held.next, hash(newKey))) {
    const reason = held.next === undefined ? 'none was committed to' : 'another was committed to'
    throw refused(name, 'not-granted', reason)
  }
  if (revocations.ofKey(name, newKey) !== undefined) {
    throw refused(name, 'revoked', 'the new key was revoked')
  }
  if (now < notBefore - SKEW_MS) {
    throw refused(name, 'not-yet-valid', `it counts from ${notBefore}, now is ${now}`)
  }
  return succeeded(held, { newKey, next, now, old: issuerKey, until: notAfter })
}

function refused(name: string, code: TrustCode, reason: string): TrustError {
  return new TrustError(code, `Cannot let another key succeed that of "${name}": ${reason}`)
}

function succeeded(
  held: HeldKeys,
  change: {
    readonly newKey: Uint8Array
    readonly next: Uint8Array | null
    readonly old: Uint8Array
    readonly until: number
    readonly now: number
  },
): HeldKeys {
  const { newKey, next, old, until, now } = change
  const retiring = [...held.retiring, { key: old, until }].filter(
    (each) => now <= each.until + SKEW_MS,
  )
  const kept = held.keys.filter(
    (key) =>
      (!equalBytes(key, old) && keyEnd(held, key) === Infinity) ||
      retiring.some((each) => equalBytes(each.key, key)),
  )
  // The newest stay: an anchor has room for few, and those that end soonest are of least use.
  const keys = [newKey, ...kept].slice(0, ANCHOR_KEYS_MAX)
  return {
    keys,
    retiring: retiring.filter(({ key }) => keys.some((each) => equalBytes(each, key))),
    ...(next === null ? {} : { next }),
  }
}
