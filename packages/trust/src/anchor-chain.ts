import { matches } from '@ixj/names'
import { type AnchorSet } from './anchor-set.ts'
import { type Anchor, anchorKeysAt, keyEnd } from './anchors.ts'
import type { Binding } from './binding.ts'
import { equalBytes } from './bytes.ts'
import { findLinkRevocation, voided } from './chain-revocation.ts'
import { boundHolder, climb, longestWay } from './name-climb.ts'
import { allowsUse, explainFailure } from './name-failure.ts'
import { type NameChain, type NameContext, type NameQuestion, triedName } from './name-question.ts'
import { findPublishedFault } from './published-key.ts'
import { NO_REVOCATIONS } from './revocation-book.ts'
import type { SignedStatement } from './statement.ts'
import { TrustError } from './trust-error.ts'
import { holdsAt } from './validity.ts'

/**
 * Checks a name under the anchor that decides about it, as checkName does; the context's
 * cross-certificates are not looked at.
 * @throws TrustError `no-anchor`, `anchor-limits`, `no-chain`, `cost-cap`, `expired`,
 * `not-yet-valid`, `uses`, `depth-exceeded`, `revoked`
 */
export function checkUnderAnchor(
  question: NameQuestion,
  context: Omit<NameContext, 'crossCertificates' | 'standpoint'>,
): NameChain {
  const { bindings, anchors, published = [], now, revocations = NO_REVOCATIONS } = context
  const anchor = findAnchor(question, anchors)
  if (anchor.kind === 'key' && anchor.name === question.name) {
    return anchorChain(question, { ...context, anchor })
  }
  const { use } = question
  const { ways } = climb(boundHolder(question), {
    root: anchor,
    bindings,
    published,
    now,
    isRevoked: (name, key) => revocations.ofKey(name, key) !== undefined,
    permits: linksHold(question, context),
    begins: (candidate, linksBelow) =>
      findPublishedFault(candidate, { use, linksBelow, now }, '') === undefined,
  })
  const best = longestWay(ways)
  if (best === undefined) throw explainFailure(question, { ...context, root: anchor })
  const { published: root, links, rootKey, notAfter } = best
  const starts = links.map(({ statement }) => statement.notBefore)
  return chainUnder(anchor, {
    name: question.name,
    // A copy of our own, which no caller's buffer changes later.
    key: Uint8Array.from(links.at(-1)?.statement.key ?? rootKey),
    published: root,
    links,
    notBefore: Math.max(root?.notBefore ?? 0, ...starts),
    notAfter,
  })
}

/** Whether a link may stand in a chain for this question now, with that many links below it. */
export function linksHold(
  { use }: Pick<NameQuestion, 'use'>,
  { now, revocations = NO_REVOCATIONS }: Pick<NameContext, 'now' | 'revocations'>,
): (link: SignedStatement<Binding>, linksBelow: number) => boolean {
  return (link, linksBelow) =>
    allowsUse(link.statement, linksBelow === 0 ? use : 'bind') &&
    link.statement.depth >= linksBelow &&
    holdsAt(link.statement, now) &&
    findLinkRevocation(link, revocations) === undefined
}

/**
 * The anchor that decides about a name: the first thing that checkName asks, for who has to
 * know it before there are bindings or records.
 * @throws TrustError `no-anchor`, `anchor-limits`
 */
export function findAnchor(
  question: Pick<NameQuestion, 'name' | 'purpose'>,
  anchors: AnchorSet,
): Anchor {
  const { name, purpose } = question
  // "The most specific anchor at or above a name is its only root": if that one refuses, no other
  // is asked, or a partner's name could be spoken for by whoever is trusted above it (pitfall 17).
  const anchor = anchors.for(name)
  if (anchor === undefined) {
    throw new TrustError('no-anchor', `${triedName(question)}: no anchor at or above it is trusted`)
  }
  if (!anchor.names.some((pattern) => matches(pattern, name))) {
    const limit = `the anchor "${anchor.name}" may speak for ${anchor.names.join(', ')}`
    throw new TrustError('anchor-limits', `${triedName(question)}: ${limit}`)
  }
  if (!anchor.purposes.includes(purpose)) {
    const limit = `the anchor "${anchor.name}" is for ${anchor.purposes.join(', ')}`
    throw new TrustError('anchor-limits', `${triedName(question)} for "${purpose}": ${limit}`)
  }
  return anchor
}

function anchorChain(
  question: NameQuestion,
  {
    anchor,
    now,
    revocations = NO_REVOCATIONS,
  }: Pick<NameContext, 'now' | 'revocations'> & { readonly anchor: Anchor },
): NameChain {
  const { name } = question
  const keys = anchorKeysAt(anchor, now)
  const key = keys.find((trusted) => equalBytes(trusted, question.key))
  if (key === undefined) {
    const reason = `the key is not one of the ${keys.length} of its anchor`
    throw new TrustError('no-chain', `${triedName(question)}: ${reason}`)
  }
  const revocation = revocations.ofKey(name, key)
  if (revocation !== undefined) throw voided(`${triedName(question)}: its key`, revocation)
  const notAfter = keyEnd(anchor, key)
  return chainUnder(anchor, { name, key, published: null, links: [], notBefore: 0, notAfter })
}

function chainUnder(
  anchor: Anchor,
  way: Omit<NameChain, 'anchor' | 'organisation' | 'path' | 'crossCertificates' | 'introducer'>,
): NameChain {
  const { name } = anchor
  return {
    ...way,
    anchor,
    organisation: name,
    path: [name],
    crossCertificates: [],
    introducer: null,
  }
}
