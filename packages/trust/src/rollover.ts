import { type AnchorSet } from './anchor-set.ts'
import { type Anchor, keyEnd } from './anchors.ts'
import { equalBytes } from './bytes.ts'
import { ANCHOR_KEYS_MAX, SKEW_MS } from './limits.ts'
import { NO_REVOCATIONS, type RevocationView } from './revocation-book.ts'
import { sha256, type Sha256 } from './signing.ts'
import type { SignedStatement } from './statement.ts'
import type { Successor } from './successor.ts'
import { TrustError } from './trust-error.ts'

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
  const { anchors, now, revocations = NO_REVOCATIONS, hash = sha256 } = context
  const { name, issuerKey, newKey, notBefore, notAfter, next } = signed.statement
  const tried = `Cannot let another key succeed that of "${name}"`
  const anchor = anchors.get(name)
  if (anchor === undefined || anchor.kind !== 'key') {
    throw new TrustError('no-anchor', `${tried}: no anchor of keys bears its name`)
  }
  if (anchor.keys.some((key) => equalBytes(key, newKey))) return undefined
  if (!anchor.keys.some((key) => equalBytes(key, issuerKey))) {
    throw new TrustError('no-chain', `${tried}: it is not by a key of the anchor`)
  }
  if (keyEnd(anchor, issuerKey) !== Infinity) {
    throw new TrustError('no-chain', `${tried}: it is by a key that was succeeded already`)
  }
  // A thief who has the old key does not have the one that was committed to.
  if (anchor.next === undefined || !equalBytes(anchor.next, hash(newKey))) {
    const reason = anchor.next === undefined ? 'none was committed to' : 'another was committed to'
    throw new TrustError('not-granted', `${tried}: ${reason}`)
  }
  if (revocations.ofKey(name, newKey) !== undefined) {
    throw new TrustError('revoked', `${tried}: the new key was revoked`)
  }
  if (now < notBefore - SKEW_MS) {
    throw new TrustError('not-yet-valid', `${tried}: it counts from ${notBefore}, now is ${now}`)
  }
  return anchors.with(succeeded(anchor, { newKey, next, now, old: issuerKey, until: notAfter }))
}

function succeeded(
  anchor: Anchor,
  change: {
    readonly newKey: Uint8Array
    readonly next: Uint8Array | null
    readonly old: Uint8Array
    readonly until: number
    readonly now: number
  },
) {
  const { newKey, next, old, until, now } = change
  const { next: _spent, ...rest } = anchor
  const retiring = [...anchor.retiring, { key: old, until }].filter(
    (each) => now <= each.until + SKEW_MS,
  )
  const kept = anchor.keys.filter(
    (key) =>
      (!equalBytes(key, old) && keyEnd(anchor, key) === Infinity) ||
      retiring.some((each) => equalBytes(each.key, key)),
  )
  // The newest stay: an anchor has room for few, and those that end soonest are of least use.
  const keys = [newKey, ...kept].slice(0, ANCHOR_KEYS_MAX)
  return {
    ...rest,
    keys,
    retiring: retiring.filter(({ key }) => keys.some((each) => equalBytes(each, key))),
    ...(next === null ? {} : { next }),
  }
}
