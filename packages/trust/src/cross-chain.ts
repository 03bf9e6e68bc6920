import { matches, type Name } from '@ixj/names'
import { linksHold } from './anchor-chain.ts'
import { keyEnd } from './anchors.ts'
import { equalBytes } from './bytes.ts'
import { certifiedKeys, isCertified } from './certified-keys.ts'
import { type CrossPath, type CrossSearch, findCrossPaths } from './cross-path.ts'
import { boundHolder, climb, type TrustRoot, type Way } from './name-climb.ts'
import { explainFailure } from './name-failure.ts'
import { type NameChain, type NameContext, type NameQuestion, triedName } from './name-question.ts'
import { NO_REVOCATIONS } from './revocation-book.ts'
import { checkUnderRoot } from './root-chain.ts'
import { TrustError } from './trust-error.ts'

/**
 * Checks a name that no anchor is above: that cross-certificates lead from this verifier's own
 * organisation to a subject at or above it, that they let it speak for this name and purpose, and
 * that bindings lead from a key of the subject down to it. Of several ways it takes the one that
 * holds longest.
 * @throws TrustError `no-anchor` if nothing leads there, `cross-limits`, `cost-cap`, and as
 * {@link checkUnderAnchor}
 */
export function checkCrossed(question: NameQuestion, context: NameContext): NameChain {
  const found = findCrossPaths(question, context)
  const { root: dnsRoot } = context.anchors
  if (found.paths.length === 0) {
    // "Cross-certificate before the DNS root": where one leads there, its limits are the last word.
    if (dnsRoot !== undefined) return checkUnderRoot(question, { ...context, root: dnsRoot })
    throw explainNoPath(question, found)
  }
  const permitted = found.paths.filter((path) => findLimit(path, question) === undefined)
  const [first] = permitted
  if (first === undefined) {
    const reason = findLimit(found.paths[0]!, question)!
    throw new TrustError('cross-limits', `${triedName(question)}: ${reason}`)
  }
  const root = rootOf(permitted, context)
  const ways = waysFrom(root, question, context)
  let best: NameChain | undefined
  for (const path of permitted) {
    const last = path.certificates.at(-1)!
    for (const way of ways) {
      // Keys that different certificates name are never merged: each counts within its own limits.
      if (!isCertified(last, way.rootKey, context)) continue
      const chain = chainOver(path, way, { question, context })
      if (best === undefined || chain.notAfter > best.notAfter) best = chain
    }
  }
  if (best !== undefined) return best
  throw explainFailure(question, { ...context, root, published: [] })
}

/** Why a path does not let this name through for this purpose; undefined if it does. */
export function findLimit(
  { certificates }: Pick<CrossPath, 'certificates'>,
  { name, purpose }: Pick<NameQuestion, 'name' | 'purpose'>,
): string | undefined {
  const last = certificates.at(-1)!.statement
  // "Names … are the last one's", and nobody on the way can widen what it was let through for.
  if (!last.names.some((pattern) => matches(pattern, name))) {
    const limit = last.names.length === 0 ? 'nobody' : last.names.join(', ')
    return `"${last.issuer}" lets "${last.subject}" speak for ${limit}`
  }
  const without = certificates.find(({ statement }) => !statement.purposes.includes(purpose))
  if (without === undefined) return undefined
  const { issuer, subject, purposes } = without.statement
  return `"${issuer}" lets "${subject}" through for ${purposes.join(', ')}, needed is ${purpose}`
}

/** All paths of a search lead to one subject. */
function rootOf(paths: readonly CrossPath[], context: NameContext): TrustRoot {
  const last = paths.map(({ certificates }) => certificates.at(-1)!)
  // When each key ends by which certificate, is asked of each way.
  const keys = last.flatMap((each) => certifiedKeys(each, context).keys)
  return { name: last[0]!.statement.subject, kind: 'key', keys, retiring: [] }
}

function waysFrom(root: TrustRoot, question: NameQuestion, context: NameContext): readonly Way[] {
  const { name, key } = question
  const { bindings, now, revocations = NO_REVOCATIONS } = context
  const isRevoked = (of: Name, its: Uint8Array) => revocations.ofKey(of, its) !== undefined
  if (name === root.name) {
    // As an anchor's own key, a subject's has every use.
    const isRoot = root.keys.some((known) => equalBytes(known, key)) && !isRevoked(name, key)
    return isRoot ? [{ published: null, rootKey: key, links: [], notAfter: Infinity }] : []
  }
  const rules = { root, bindings, now, isRevoked, published: [], begins: () => false }
  return climb(boundHolder(question), { ...rules, permits: linksHold(question, context) }).ways
}

function chainOver(
  path: CrossPath,
  way: Way,
  {
    question: { name },
    context,
  }: { readonly question: NameQuestion; readonly context: NameContext },
): NameChain {
  const { certificates, introducer } = path
  const { links, rootKey } = way
  // A key that was succeeded ends, and with it what it signed.
  const ends = certificates.map((each, index) =>
    keyEnd(certifiedKeys(each, context), certificates[index + 1]?.statement.issuerKey ?? rootKey),
  )
  const statements = [...certificates, ...links].map(({ statement }) => statement)
  const subjects = certificates.map(({ statement }) => statement.subject)
  return {
    name,
    key: Uint8Array.from(links.at(-1)?.statement.key ?? rootKey),
    anchor: introducer.anchor,
    organisation: subjects.at(-1)!,
    path: [introducer.anchor.name, ...subjects],
    crossCertificates: certificates,
    introducer,
    published: null,
    links,
    notBefore: Math.max(introducer.notBefore, ...statements.map(({ notBefore }) => notBefore)),
    notAfter: Math.min(introducer.notAfter, ...statements.map(({ notAfter }) => notAfter), ...ends),
  }
}

/** Unverifiable is not forged: what does not lead there is told apart from what was limited. */
function explainNoPath(question: NameQuestion, { faults }: CrossSearch): TrustError {
  const fault = faults.find(({ code }) => code !== 'no-anchor') ?? faults[0]
  if (fault === undefined) {
    const reason = 'no anchor at or above it is trusted, and no cross-certificate leads there'
    return new TrustError('no-anchor', `${triedName(question)}: ${reason}`)
  }
  const [{ statement }] = fault.certificates as readonly [CrossPath['certificates'][number]]
  const which = `the cross-certificate of ${statement.subject} by ${statement.issuer}`
  return new TrustError(
    fault.code,
    `${triedName(question)}: ${which} does not count: ${fault.reason}`,
  )
}
