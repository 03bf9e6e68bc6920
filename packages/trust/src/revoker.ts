import { isBelow, matches, type Name } from '@ixj/names'
import { type AuthorityContext, checkAuthority } from './authority.ts'
import { equalBytes } from './bytes.ts'
import { findAnchor } from './anchor-chain.ts'
import { certifiedKeys } from './certified-keys.ts'
import { type CrossPath, findCrossPaths } from './cross-path.ts'
import { keyEnd, type Purpose, PURPOSES } from './anchors.ts'
import { checkName } from './name-chain.ts'
import type { NameUse } from './name-question.ts'
import type { Reach } from './revocation-book.ts'
import type { Revocation } from './revocation.ts'
import { sha256, type Sha256 } from './signing.ts'
import type { SignedStatement } from './statement.ts'
import type { Status } from './status.ts'
import { TrustError } from './trust-error.ts'

/** By what right something was revoked, or a status given. */
export interface RevokerRight {
  readonly reach: Reach
  /** The anchor at or above the name whose right it is, or the subject that may speak for it. */
  readonly root: Name
}

/**
 * Checks that a revocation is by right: by the key itself, a key of a name above, the holder of a
 * `revoke` grant, or the next key that the name committed to; never by a sibling, nor by another key
 * of the same name. Whether a statement that is revoked by its id is below `of` is asked when it is
 * met. docs/protocol.md, section "Revocation". Its signature has been checked.
 * @throws TrustError `no-anchor`, `not-granted`, and as {@link checkName}, {@link checkAuthority}
 */
export function checkRevoker(
  signed: SignedStatement<Revocation>,
  context: AuthorityContext,
  hash: Sha256 = sha256,
): RevokerRight {
  const { issuer, issuerKey, of, target } = signed.statement
  const root = rootOf(of, context)
  if (issuer !== of) {
    const { topics } = checkHolder(signed, context)
    // Who keeps a root's revocations for it cannot take the root's own key away.
    if (target.kind === 'statement') return { reach: { kind: 'granted', topics }, root }
    if (isBelow(target.name, of) && topics.some((each) => matches(each, target.name))) {
      return { reach: { kind: 'granted', topics }, root }
    }
    throw refused(signed, `the grant does not cover "${target.name}"`)
  }
  if (target.kind === 'key' && target.name === of) {
    if (equalBytes(target.key, issuerKey)) {
      provable(signed, 'grant', context)
      return { reach: { kind: 'self' }, root }
    }
    if (isCommitted(issuer, issuerKey, context, hash)) return { reach: { kind: 'self' }, root }
    if (hasSucceeded(issuerKey, target, context)) {
      provable(signed, 'grant', context)
      return { reach: { kind: 'self' }, root }
    }
    throw refused(signed, 'another key of the same name revokes none, unless it was committed to')
  }
  if (target.kind === 'key') {
    provable(signed, 'bind', context)
    return { reach: { kind: 'below' }, root }
  }
  return { reach: { kind: mayBind(signed, context) ? 'below' : 'self' }, root }
}

/**
 * Checks that a status is by right: by a key of the name that may bind, or the holder of its
 * `revoke` grant. Its signature has been checked.
 * @throws TrustError as {@link checkRevoker}
 */
export function checkStatusIssuer(
  signed: SignedStatement<Status>,
  context: AuthorityContext,
): RevokerRight {
  const { issuer, of } = signed.statement
  const root = rootOf(of, context)
  if (issuer === of) {
    provable(signed, 'bind', context)
    return { reach: { kind: 'below' }, root }
  }
  const { topics } = checkHolder(signed, context)
  if (topics.some((each) => matches(each, of))) return { reach: { kind: 'granted', topics }, root }
  throw refused(signed, `the grant does not cover "${of}"`)
}

/** The leaf `revoke` grant of the issuer whose root is `of`, the first that holds. */
function checkHolder(
  signed: SignedStatement<Revocation> | SignedStatement<Status>,
  context: AuthorityContext,
) {
  const { issuer, issuerKey, of } = signed.statement
  let failure: TrustError = refused(signed, `"${issuer}" shows no revoke grant by "${of}"`)
  for (const leaf of context.grants) {
    const [topic] = leaf.statement.topics
    if (!leaf.statement.actions.includes('revoke') || topic === undefined) continue
    try {
      const authority = checkAuthority(
        {
          leaf: leaf.id,
          subject: issuer,
          subjectKey: issuerKey,
          action: 'revoke',
          // Which of its topics matter is asked by the caller.
          topic: topic.replace(/^\*\*?\./, 'x.') as Name,
          purpose: anyPurpose(leaf.statement.issuer, context),
        },
        context,
      )
      if (authority.chain[0]?.statement.issuer !== of) continue
      provable(signed, 'sign', context)
      return { topics: leaf.statement.topics }
    } catch (cause) {
      if (!(cause instanceof TrustError)) throw cause
      failure = cause
    }
  }
  throw failure
}

function provable(
  signed: SignedStatement<Revocation> | SignedStatement<Status>,
  use: NameUse,
  context: AuthorityContext,
): void {
  const { issuer: name, issuerKey: key } = signed.statement
  checkName({ name, key, use, purpose: anyPurpose(name, context) }, context)
}

function mayBind(signed: SignedStatement<Revocation>, context: AuthorityContext): boolean {
  try {
    provable(signed, 'bind', context)
    return true
  } catch (cause) {
    if (!(cause instanceof TrustError) || cause.code !== 'uses') throw cause
  }
  provable(signed, 'grant', context)
  return false
}

/** Taking something back gives nobody anything, so whatever an anchor is trusted for is enough. */
function anyPurpose(name: Name, context: AuthorityContext) {
  const anchor = context.anchors.for(name)
  if (anchor !== undefined) return anchor.purposes[0] ?? 'connect'
  const [path] = crossedTo(name, context)
  const isShared = (purpose: Purpose) =>
    path?.certificates.every(({ statement }) => statement.purposes.includes(purpose)) === true
  return PURPOSES.find(isShared) ?? 'connect'
}

/** The ways over cross-certificates to the root of a name that no anchor is above. */
function crossedTo(name: Name, context: AuthorityContext): readonly CrossPath[] {
  if (context.anchors.for(name) !== undefined) return []
  const question = { name, key: new Uint8Array(32), use: 'bind', purpose: 'connect' } as const
  return findCrossPaths(question, context).paths
}

function rootOf(of: Name, context: AuthorityContext): Name {
  const [path] = crossedTo(of, context)
  if (path !== undefined) return path.certificates.at(-1)!.statement.subject
  const purpose = anyPurpose(of, context)
  return findAnchor({ name: of, purpose }, context.anchors).name
}

/** "The committed next key": as an anchor, or the name's own key record, says. */
function isCommitted(
  name: Name,
  key: Uint8Array,
  context: AuthorityContext,
  hash: Sha256,
): boolean {
  const { anchors, published = [] } = context
  const certified = crossedTo(name, context)
    .map(({ certificates }) => certificates.at(-1)!)
    .filter(({ statement }) => statement.subject === name)
  const commitments = [
    ...certified.map((each) => certifiedKeys(each, context).next ?? []),
    anchors.get(name)?.next ?? [],
    ...published.filter((each) => each.name === name).map(({ next }) => next ?? []),
  ]
  const digest = hash(key)
  return commitments.some((next) => next instanceof Uint8Array && equalBytes(next, digest))
}

/** A key that succeeded another may end it before its time: the commitment is spent by then. */
function hasSucceeded(
  key: Uint8Array,
  { name, key: old }: { readonly name: Name; readonly key: Uint8Array },
  { anchors }: AuthorityContext,
): boolean {
  const anchor = anchors.get(name)
  const isRetiring = anchor?.retiring.some((each) => equalBytes(each.key, old)) === true
  return isRetiring && keyEnd(anchor, key) === Infinity
}

function refused(
  { statement }: SignedStatement<Revocation> | SignedStatement<Status>,
  reason: string,
): TrustError {
  const { kind, issuer, of } = statement
  const tried = `Cannot accept ${kind} of "${of}" by "${issuer}"`
  return new TrustError('not-granted', `${tried}: ${reason}`)
}
