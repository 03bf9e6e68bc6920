import { isBelow, type Name } from '@ixj/names'
import { type Anchor, anchorKeysAt, keyEnd } from './anchors.ts'
import type { Binding } from './binding.ts'
import { equalBytes } from './bytes.ts'
import { CHAIN_LINKS_MAX, SKEW_MS } from './limits.ts'
import { boundName } from './pool.ts'
import { type PublishedKey, publishedUnder } from './published-key.ts'
import type { SignedStatement } from './statement.ts'

/** Where ways begin: an anchor, or a subject that cross-certificates lead to. */
export type TrustRoot = Pick<Anchor, 'name' | 'kind' | 'keys' | 'retiring'>

/** A name and key on the way up, and the way from it down to the name asked for. */
interface Step {
  readonly name: Name
  readonly key: Uint8Array
  readonly notAfter: number
  readonly link: SignedStatement<Binding> | null
  readonly below: Step | null
}

/** Where a climb ends, and over what. */
export interface ClimbRules {
  readonly root: TrustRoot
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

/** A way from a root down to the name asked for. */
export interface Way {
  /** The published key with which it begins; null for a key of the root itself. */
  readonly published: PublishedKey | null
  /** The key with which it begins. */
  readonly rootKey: Uint8Array
  /** From there down. */
  readonly links: readonly SignedStatement<Binding>[]
  readonly notAfter: number
}

/** Where a climb to a name begins: of a name in a pool, at the pool. */
export function boundHolder({ name, key }: { readonly name: Name; readonly key: Uint8Array }) {
  return { name: boundName(name), key }
}

/** What a climb has found. */
export interface Climbed {
  /** For each key of the root the way that holds longest. */
  readonly ways: readonly Way[]
  /** Whether the search ended at {@link CHAIN_LINKS_MAX}, with ways left to go. */
  readonly cut: boolean
}

/**
 * Climbs from the name to its root, one link a round, and keeps for each name and key only the
 * way down that holds longest. So a diamond costs no more than a line: rounds times bindings, never
 * their powers; and how many links stand below a link is known when it is met, for its depth.
 */
export function climb(
  from: { readonly name: Name; readonly key: Uint8Array },
  rules: ClimbRules,
): Climbed {
  const { name, key } = from
  const byName = Map.groupBy(rules.bindings, (link) => link.statement.name)
  const start: Step = { name, key, notAfter: Infinity, link: null, below: null }
  let frontier: readonly Step[] = [start]
  const ways: Way[] = []
  keepWay(ways, wayFrom(start, 0, rules))
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
        keepWay(ways, wayFrom(above, linksBelow + 1, rules))
        if (isBelow(above.name, rules.root.name)) keepLongest(next, above)
      }
    }
    frontier = [...next.values()].flat()
  }
  return { ways, cut: frontier.length > 0 }
}

/**
 * The way down from here, if the root lets one begin here: with a key of its own, or with one that
 * its zone publishes. Keys match by (name, key): a name alone proves nothing.
 */
function wayFrom(step: Step, linksBelow: number, rules: ClimbRules): Way | undefined {
  const { root, published, begins, now } = rules
  if (rules.isRevoked(step.name, step.key)) return undefined
  if (step.name === root.name) {
    const rootKey = anchorKeysAt(root, now).find((key) => equalBytes(key, step.key))
    if (rootKey !== undefined) {
      const notAfter = Math.min(step.notAfter, keyEnd(root, rootKey))
      return { published: null, rootKey, links: linksOf(step), notAfter }
    }
  }
  let best: Way | undefined
  for (const candidate of publishedUnder(root, step, published)) {
    if (!begins(candidate, linksBelow)) continue
    // What holds is asked with skew everywhere; the end of a signature in the DNS has none.
    const notAfter = Math.min(step.notAfter, candidate.notAfter - SKEW_MS)
    if (best === undefined || notAfter > best.notAfter) {
      best = { published: candidate, rootKey: step.key, links: linksOf(step), notAfter }
    }
  }
  return best
}

function keepWay(ways: Way[], way: Way | undefined): void {
  if (way === undefined) return
  const place = ways.findIndex(({ rootKey }) => equalBytes(rootKey, way.rootKey))
  if (place === -1) ways.push(way)
  else if (ways[place]!.notAfter < way.notAfter) ways[place] = way
}

/** The way that holds longest; the first of several. */
export function longestWay(ways: readonly Way[]): Way | undefined {
  return ways.reduce<Way | undefined>(
    (best, way) => (best === undefined || way.notAfter > best.notAfter ? way : best),
    undefined,
  )
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
