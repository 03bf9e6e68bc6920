import { isAtOrBelow, type Name } from '@ixj/names'
import type { Binding } from './binding.ts'
import { anchorKeysAt } from './anchors.ts'
import { equalBytes } from './bytes.ts'
import { findLinkRevocation, voided } from './chain-revocation.ts'
import { CHAIN_LINKS_MAX } from './limits.ts'
import { boundHolder, climb, longestWay, type TrustRoot } from './name-climb.ts'
import { type NameContext, type NameQuestion, type NameUse, triedName } from './name-question.ts'
import { findPublishedFault, publishedUnder } from './published-key.ts'
import { NO_REVOCATIONS } from './revocation-book.ts'
import type { SignedStatement } from './statement.ts'
import { TrustError } from './trust-error.ts'
import { checkPeriod } from './validity.ts'

type FailedContext = Pick<
  NameContext,
  'bindings' | 'published' | 'unproven' | 'revocations' | 'now'
> & {
  readonly root: TrustRoot
}

/** "sign: … grants; bind: … grants": every key may sign grants. */
export function allowsUse({ uses }: Binding, use: NameUse): boolean {
  return use === 'grant' || uses === 'both' || uses === use
}

/** Finds out why no way holds: a way that fails is another answer than no way. */
export function explainFailure(question: NameQuestion, context: FailedContext): TrustError {
  const { root: start, bindings, published = [], now, revocations = NO_REVOCATIONS } = context
  const always = { now, permits: () => true, begins: () => true, isRevoked: () => false }
  const { ways, cut } = climb(boundHolder(question), {
    root: start,
    bindings,
    published,
    ...always,
  })
  const best = longestWay(ways)
  if (best === undefined) {
    if (!cut)
      return new TrustError(
        'no-chain',
        `${triedName(question)}: ${deepestReached(question, context)}`,
      )
    const limit = `more than ${CHAIN_LINKS_MAX} links`
    return new TrustError('cost-cap', `${triedName(question)}: ${limit}`)
  }
  const { published: root, links } = best
  const fault =
    root === null
      ? undefined
      : findPublishedFault(
          root,
          { use: question.use, linksBelow: links.length, now },
          triedName(question),
        )
  if (fault !== undefined) return fault
  const top = links[0]?.statement
  const first =
    top === undefined
      ? revocations.ofKey(question.name, question.key)
      : revocations.ofKey(top.issuer, top.issuerKey)
  if (first !== undefined) return voided(`${triedName(question)}: the first key`, first)
  for (const [index, link] of links.entries()) {
    const { statement } = link
    const linksBelow = links.length - 1 - index
    const place = `link ${index + 1} of ${links.length}, ${statement.issuer} → ${statement.name}`
    const revocation = findLinkRevocation(link, revocations)
    if (revocation !== undefined) return voided(`${triedName(question)}: ${place}`, revocation)
    const failure = findLinkFailure(statement, { question, linksBelow, now, place })
    if (failure !== undefined) return failure
  }
  throw new Error(`The way to ${question.name} was refused, and every link of it holds`)
}

function findLinkFailure(
  link: Binding,
  at: {
    readonly question: NameQuestion
    readonly linksBelow: number
    readonly now: number
    readonly place: string
  },
): TrustError | undefined {
  const prefix = `${triedName(at.question)}: ${at.place}`
  try {
    checkPeriod(link, at.now, prefix)
  } catch (failure) {
    if (failure instanceof TrustError) return failure
    throw failure
  }
  const use = at.linksBelow === 0 ? at.question.use : 'bind'
  if (!allowsUse(link, use)) {
    return new TrustError('uses', `${prefix}: its uses are "${link.uses}", needed is "${use}"`)
  }
  if (link.depth < at.linksBelow) {
    const limit = `${at.linksBelow} links follow, its depth allows ${link.depth}`
    return new TrustError('depth-exceeded', `${prefix}: ${limit}`)
  }
  return undefined
}

/** Says how far bindings lead from the root towards the name; visits each binding once. */
function deepestReached({ name }: NameQuestion, context: FailedContext): string {
  const { root, bindings } = context
  if (root.kind === 'zone') return zoneReached(name, context)
  const towards = bindings.filter((link) => isAtOrBelow(name, link.statement.name))
  const byIssuer = Map.groupBy(towards, (link) => link.statement.issuer)
  const reached = new Set<SignedStatement<Binding>>()
  const ends = anchorKeysAt(root, context.now).map((key) => ({ name: root.name, key }))
  for (const end of ends) {
    for (const link of byIssuer.get(end.name) ?? []) {
      if (reached.has(link) || !equalBytes(link.statement.issuerKey, end.key)) continue
      reached.add(link)
      ends.push(link.statement)
    }
  }
  const deepest = ends.reduce((one, other) => (other.name.length > one.name.length ? other : one))
  if (deepest.name === name) return `bindings lead from "${root.name}" to other keys of it only`
  if (deepest.name !== root.name) {
    return `bindings lead from "${root.name}" to "${deepest.name}" and no further`
  }
  const foreign = (byIssuer.get(root.name) ?? []).length > 0
  return foreign
    ? `bindings by "${root.name}" are not by the keys that you trust it with`
    : `no binding by "${root.name}" leads towards it`
}

/** Unverifiable is not forged: no records are another answer than records of other keys. */
function zoneReached(name: Name, context: FailedContext): string {
  const { root: anchor, published = [], unproven = [] } = context
  const above = published.filter(
    (key) => isAtOrBelow(name, key.name) && publishedUnder(anchor, key, [key]).length > 0,
  )
  if (above.length === 0 && unproven.length > 0) {
    return `the DNSSEC records that came with it do not hold: ${unproven.join('; ')}`
  }
  if (above.length === 0) {
    return `no DNSSEC records came with it that the zone anchor "${anchor.name}" proves`
  }
  const names = [...new Set(above.map((key) => key.name))].join(', ')
  return `"${anchor.name}" publishes keys for ${names}, and none leads to this key`
}
