import { isAtOrBelow, isBelow, matches, type Name } from '@ixj/names'
import { type Anchor, anchorKeysAt, type AnchorSet, keyEnd, type Purpose } from './anchors.ts'
import type { Binding } from './binding.ts'
import { equalBytes } from './bytes.ts'
import { findLinkRevocation, voided } from './chain-revocation.ts'
import { CHAIN_LINKS_MAX, PROOF_STATEMENTS_MAX, SKEW_MS } from './limits.ts'
import { findPublishedFault, type PublishedKey, publishedUnder } from './published-key.ts'
import { NO_REVOCATIONS, type RevocationView } from './revocation-book.ts'
import type { SignedStatement } from './statement.ts'
import { TrustError } from './trust-error.ts'
import { checkPeriod, holdsAt } from './validity.ts'

/** What the key is needed for: `grant` is allowed to every key, docs/protocol.md, "Binding". */
export type NameUse = 'sign' | 'bind' | 'grant'

/** Which name, which key, and what for. */
export interface NameQuestion {
  readonly name: Name
  /** 32 bytes. */
  readonly key: Uint8Array
  readonly use: NameUse
  readonly purpose: Purpose
}

/** What a name is checked against. The bindings have been verified: take them from the store. */
export interface NameContext {
  readonly bindings: readonly SignedStatement<Binding>[]
  /** Keys that DNS publishes, as a zone anchor of this verifier proved; default none. */
  readonly published?: readonly PublishedKey[]
  /** Why DNSSEC records that came with the bindings prove nothing here; for the refusal. */
  readonly unproven?: readonly string[]
  readonly anchors: AnchorSet
  /** What was revoked; default nothing. */
  readonly revocations?: RevocationView
  /** Ms since the Unix epoch. */
  readonly now: number
}

/** The proven way from an anchor to a name and its key. */
export interface NameChain {
  readonly name: Name
  /** 32 bytes. */
  readonly key: Uint8Array
  readonly anchor: Anchor
  /** The published key under a zone anchor with which it begins; null under a key anchor. */
  readonly published: PublishedKey | null
  /** From there down to the name; empty for the anchor's own key, or a published one. */
  readonly links: readonly SignedStatement<Binding>[]
  /** The latest start of all links and the published key; 0 if there is none. */
  readonly notBefore: number
  /**
   * The earliest end of all links; Infinity if there is none. No skew is in it; a published key's
   * end, which no skew widens, counts as that much earlier.
   */
  readonly notAfter: number
}

/**
 * Checks who controls a name: that bindings lead from its only root, the most specific anchor at or
 * above it, down to this name with this key, and that every link holds now. Of several ways it
 * takes the one that holds longest. Bounded: at most {@link PROOF_STATEMENTS_MAX} bindings and
 * {@link CHAIN_LINKS_MAX} links, some thousand comparisons, no cryptography.
 * @throws TrustError `cost-cap`, `no-anchor`, `anchor-limits`, `revoked`; `no-chain` if no bindings lead
 * there, with the deepest name reached; `expired`, `not-yet-valid`, `uses`, `depth-exceeded` if
 * they do, with the first link that fails
 */
export function checkName(question: NameQuestion, context: NameContext): NameChain {
  const { bindings, anchors } = context
  // "Counted before any cryptography": here, before any comparison too.
  if (bindings.length > PROOF_STATEMENTS_MAX) {
    const size = `${bindings.length} bindings, limit ${PROOF_STATEMENTS_MAX}`
    throw new TrustError('cost-cap', `${tried(question)}: ${size}`)
  }
  const anchor = findAnchor(question, anchors)
  if (anchor.kind === 'key' && anchor.name === question.name) {
    return anchorChain(question, { ...context, anchor })
  }
  const { use } = question
  const { now, revocations = NO_REVOCATIONS } = context
  const path = climb(question, {
    anchor,
    bindings,
    published: context.published ?? [],
    now,
    isRevoked: (name, key) => revocations.ofKey(name, key) !== undefined,
    permits: (link, below) =>
      fits(link.statement, question, below) &&
      holdsAt(link.statement, now) &&
      findLinkRevocation(link, revocations) === undefined,
    begins: (published, linksBelow) =>
      findPublishedFault(published, { use, linksBelow, now }, '') === undefined,
  })
  if (path.best === undefined) throw explainFailure(question, { ...context, anchor })
  const { root, links, notAfter } = path.best
  return {
    name: question.name,
    // A copy of our own, which no caller's buffer changes later.
    key: links.at(-1)?.statement.key ?? root!.key,
    anchor,
    published: root,
    links,
    notBefore: links.reduce(
      (latest, link) => Math.max(latest, link.statement.notBefore),
      root?.notBefore ?? 0,
    ),
    notAfter,
  }
}

/**
 * The anchor that decides about a name: the first thing that {@link checkName} asks, for who has to
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
    throw new TrustError('no-anchor', `${tried(question)}: no anchor at or above it is trusted`)
  }
  if (!anchor.names.some((pattern) => matches(pattern, name))) {
    const limit = `the anchor "${anchor.name}" may speak for ${anchor.names.join(', ')}`
    throw new TrustError('anchor-limits', `${tried(question)}: ${limit}`)
  }
  if (!anchor.purposes.includes(purpose)) {
    const limit = `the anchor "${anchor.name}" is for ${anchor.purposes.join(', ')}`
    throw new TrustError('anchor-limits', `${tried(question)} for "${purpose}": ${limit}`)
  }
  return anchor
}

function anchorChain(
  question: NameQuestion,
  { anchor, now, revocations = NO_REVOCATIONS }: NameContext & { readonly anchor: Anchor },
): NameChain {
  const { name } = question
  const keys = anchorKeysAt(anchor, now)
  const key = keys.find((trusted) => equalBytes(trusted, question.key))
  if (key === undefined) {
    const reason = `the key is not one of the ${keys.length} of its anchor`
    throw new TrustError('no-chain', `${tried(question)}: ${reason}`)
  }
  const revocation = revocations.ofKey(name, key)
  if (revocation !== undefined) throw voided(`${tried(question)}: its key`, revocation)
  const notAfter = keyEnd(anchor, key)
  return { name, key, anchor, published: null, links: [], notBefore: 0, notAfter }
}

/** A name and key on the way up, and the way from it down to the name asked for. */
interface Step {
  readonly name: Name
  readonly key: Uint8Array
  readonly notAfter: number
  readonly link: SignedStatement<Binding> | null
  readonly below: Step | null
}

interface ClimbRules {
  readonly anchor: Anchor
  readonly bindings: readonly SignedStatement<Binding>[]
  readonly published: readonly PublishedKey[]
  readonly now: number
  /** Whether a key with which a way begins is void. */
  readonly isRevoked: (name: Name, key: Uint8Array) => boolean
  /** Whether this published key may begin a way with that many links. */
  readonly begins: (published: PublishedKey, links: number) => boolean
  /** Whether this link may stand with that many links below it. */
  readonly permits: (binding: SignedStatement<Binding>, linksBelow: number) => boolean
}

interface Way {
  /** The published key with which it begins; null for a key of the anchor. */
  readonly root: PublishedKey | null
  /** From there down. */
  readonly links: readonly SignedStatement<Binding>[]
  readonly notAfter: number
}

interface Path {
  /** The way that holds longest; undefined if there is none. */
  readonly best: Way | undefined
  /** Whether the search ended at {@link CHAIN_LINKS_MAX}, with ways left to go. */
  readonly cut: boolean
}

/**
 * Climbs from the name to the anchor, one link a round, and keeps for each name and key only the
 * way down that holds longest. So a diamond costs no more than a line: rounds times bindings, never
 * their powers; and how many links stand below a link is known when it is met, for its depth.
 */
function climb({ name, key }: NameQuestion, rules: ClimbRules): Path {
  const byName = Map.groupBy(rules.bindings, (link) => link.statement.name)
  const start: Step = { name, key, notAfter: Infinity, link: null, below: null }
  let frontier: readonly Step[] = [start]
  let best = wayFrom(start, 0, rules)
  for (let linksBelow = 0; linksBelow < CHAIN_LINKS_MAX && frontier.length > 0; linksBelow++) {
    const next = new Map<Name, Step[]>()
    for (const step of frontier) {
      for (const link of byName.get(step.name) ?? []) {
        const { statement } = link
        if (!equalBytes(statement.key, step.key) || !rules.permits(link, linksBelow)) continue
        const above: Step = {
          name: statement.issuer,
          key: statement.issuerKey,
          notAfter: Math.min(step.notAfter, statement.notAfter),
          link,
          below: step,
        }
        const way = wayFrom(above, linksBelow + 1, rules)
        if (way !== undefined && (best === undefined || way.notAfter > best.notAfter)) best = way
        if (isBelow(above.name, rules.anchor.name)) keepLongest(next, above)
      }
    }
    frontier = [...next.values()].flat()
  }
  return { best, cut: frontier.length > 0 }
}

/**
 * The way down from here, if the anchor lets one begin here: with a key of its own, or with one
 * that its zone publishes. Keys match by (name, key): a name alone proves nothing.
 */
function wayFrom(step: Step, linksBelow: number, rules: ClimbRules): Way | undefined {
  const { anchor, published, begins, now } = rules
  if (rules.isRevoked(step.name, step.key)) return undefined
  if (step.name === anchor.name) {
    const key = anchorKeysAt(anchor, now).find((each) => equalBytes(each, step.key))
    if (key !== undefined) {
      const notAfter = Math.min(step.notAfter, keyEnd(anchor, key))
      return { root: null, links: linksOf(step), notAfter }
    }
  }
  let best: Way | undefined
  for (const root of publishedUnder(anchor, step, published)) {
    if (!begins(root, linksBelow)) continue
    // What holds is asked with skew everywhere; the end of a signature in the DNS has none.
    const notAfter = Math.min(step.notAfter, root.notAfter - SKEW_MS)
    if (best === undefined || notAfter > best.notAfter) {
      best = { root, links: linksOf(step), notAfter }
    }
  }
  return best
}

function longer(best: Step | undefined, candidate: Step): Step {
  return best !== undefined && best.notAfter >= candidate.notAfter ? best : candidate
}

function keepLongest(steps: Map<Name, Step[]>, candidate: Step): void {
  const ofName = steps.get(candidate.name)
  if (ofName === undefined) {
    steps.set(candidate.name, [candidate])
    return
  }
  const place = ofName.findIndex((step) => equalBytes(step.key, candidate.key))
  if (place === -1) ofName.push(candidate)
  else ofName[place] = longer(ofName[place], candidate)
}

function linksOf(top: Step): SignedStatement<Binding>[] {
  const links: SignedStatement<Binding>[] = []
  for (let step: Step | null = top; step !== null; step = step.below) {
    if (step.link !== null) links.push(step.link)
  }
  return links
}

/** The rules of a link that do not depend on time. */
function fits(link: Binding, { use }: NameQuestion, linksBelow: number): boolean {
  return allowsUse(link, linksBelow === 0 ? use : 'bind') && link.depth >= linksBelow
}

/** "sign: … grants; bind: … grants": every key may sign grants. */
function allowsUse({ uses }: Binding, use: NameUse): boolean {
  return use === 'grant' || uses === 'both' || uses === use
}

/** Finds out why no way holds: a way that fails is another answer than no way. */
function explainFailure(
  question: NameQuestion,
  context: NameContext & { readonly anchor: Anchor },
): TrustError {
  const { anchor, bindings, published = [], now, revocations = NO_REVOCATIONS } = context
  const always = { now, permits: () => true, begins: () => true, isRevoked: () => false }
  const { best, cut } = climb(question, { anchor, bindings, published, ...always })
  if (best === undefined) {
    if (!cut)
      return new TrustError('no-chain', `${tried(question)}: ${deepestReached(question, context)}`)
    const limit = `more than ${CHAIN_LINKS_MAX} links`
    return new TrustError('cost-cap', `${tried(question)}: ${limit}`)
  }
  const { root, links } = best
  const fault =
    root === null
      ? undefined
      : findPublishedFault(
          root,
          { use: question.use, linksBelow: links.length, now },
          tried(question),
        )
  if (fault !== undefined) return fault
  const top = links[0]?.statement
  const first =
    top === undefined
      ? revocations.ofKey(question.name, question.key)
      : revocations.ofKey(top.issuer, top.issuerKey)
  if (first !== undefined) return voided(`${tried(question)}: the first key`, first)
  for (const [index, link] of links.entries()) {
    const { statement } = link
    const linksBelow = links.length - 1 - index
    const place = `link ${index + 1} of ${links.length}, ${statement.issuer} → ${statement.name}`
    const revocation = findLinkRevocation(link, revocations)
    if (revocation !== undefined) return voided(`${tried(question)}: ${place}`, revocation)
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
  const prefix = `${tried(at.question)}: ${at.place}`
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

/** Says how far bindings lead from the anchor towards the name; visits each binding once. */
function deepestReached(
  { name }: NameQuestion,
  context: NameContext & { readonly anchor: Anchor },
): string {
  const { anchor, bindings } = context
  if (anchor.kind === 'zone') return zoneReached(name, context)
  const towards = bindings.filter((link) => isAtOrBelow(name, link.statement.name))
  const byIssuer = Map.groupBy(towards, (link) => link.statement.issuer)
  const reached = new Set<SignedStatement<Binding>>()
  const ends = anchorKeysAt(anchor, context.now).map((key) => ({ name: anchor.name, key }))
  for (const end of ends) {
    for (const link of byIssuer.get(end.name) ?? []) {
      if (reached.has(link) || !equalBytes(link.statement.issuerKey, end.key)) continue
      reached.add(link)
      ends.push(link.statement)
    }
  }
  const deepest = ends.reduce((one, other) => (other.name.length > one.name.length ? other : one))
  if (deepest.name === name) return `bindings lead from "${anchor.name}" to other keys of it only`
  if (deepest.name !== anchor.name) {
    return `bindings lead from "${anchor.name}" to "${deepest.name}" and no further`
  }
  const foreign = (byIssuer.get(anchor.name) ?? []).length > 0
  return foreign
    ? `bindings by "${anchor.name}" are not by the keys of your anchor`
    : `no binding by "${anchor.name}" leads towards it`
}

/** Unverifiable is not forged: no records are another answer than records of other keys. */
function zoneReached(name: Name, context: NameContext & { readonly anchor: Anchor }): string {
  const { anchor, published = [], unproven = [] } = context
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

function tried({ name }: Pick<NameQuestion, 'name'>): string {
  return `Cannot verify name "${name}"`
}
