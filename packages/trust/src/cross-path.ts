import { ancestors, isAtOrBelow, matches, type Name } from '@ixj/names'
import { checkUnderAnchor } from './anchor-chain.ts'
import { toHex } from './bytes.ts'
import { isCertified } from './certified-keys.ts'
import { voided } from './chain-revocation.ts'
import type { CrossCertificate } from './cross-certificate.ts'
import type { Standpoint } from './standpoint.ts'
import { CROSS_EDGES_MAX, CROSS_HOPS_MAX } from './limits.ts'
import { type NameChain, type NameContext, type NameQuestion, triedName } from './name-question.ts'
import { NO_REVOCATIONS } from './revocation-book.ts'
import type { SignedStatement } from './statement.ts'
import { formatTime } from './time-text.ts'
import { type TrustCode, TrustError } from './trust-error.ts'
import { holdsAt } from './validity.ts'

type Certificate = SignedStatement<CrossCertificate>

/** A way over cross-certificates, from one of this verifier's own organisation to a subject. */
export interface CrossPath {
  /** From one's own organisation's on. */
  readonly certificates: readonly Certificate[]
  /** What proves the issuer of the first. */
  readonly introducer: NameChain
}

/** Cross-certificates that lead to a name's root and do not count, and why. */
export interface CrossFault {
  /** The last of them is that of the name's root; the first is the one that fails. */
  readonly certificates: readonly Certificate[]
  readonly code: TrustCode
  readonly reason: string
}

/** What a search has found: ways to one subject, all of one length; and what did not count. */
export interface CrossSearch {
  readonly paths: readonly CrossPath[]
  readonly faults: readonly CrossFault[]
}

/**
 * Searches the ways over cross-certificates to the root of a name that no anchor is above. The most
 * specific subject that one leads to is the root, and the shortest ways are those that count: what
 * one's own organisation says of a subject stands before what others say of it. Bounded:
 * {@link CROSS_HOPS_MAX} certificates on a way, {@link CROSS_EDGES_MAX} walked over; no cryptography.
 * @throws TrustError `cost-cap`
 */
export function findCrossPaths(question: NameQuestion, context: NameContext): CrossSearch {
  const { standpoint } = context
  if (standpoint === undefined) return { paths: [], faults: [] }
  const search = new Search(question, context, standpoint)
  for (const subject of [question.name, ...ancestors(question.name)]) {
    const paths = search.pathsTo(subject)
    if (paths.length > 0) return { paths, faults: search.faults }
  }
  return { paths: [], faults: search.faults }
}

/** Walks from a subject towards one's own organisation, all ways of one length at a time. */
class Search {
  readonly faults: CrossFault[] = []
  readonly #question: NameQuestion
  readonly #context: NameContext
  readonly #standpoint: Standpoint
  readonly #told: ReadonlyMap<Name, readonly Certificate[]>
  /** What proves issuers of one's own organisation, by name and key. */
  readonly #introducers = new Map<string, NameChain | TrustError>()
  #edges = 0

  constructor(question: NameQuestion, context: NameContext, standpoint: Standpoint) {
    this.#question = question
    this.#context = context
    this.#standpoint = standpoint
    const told = context.crossCertificates ?? []
    this.#told = Map.groupBy(told, ({ statement }) => statement.subject)
  }

  pathsTo(subject: Name): readonly CrossPath[] {
    let frontier = this.#about(subject).flatMap((certificate) => this.#step([certificate]))
    for (let length = 1; frontier.length > 0; length++) {
      const paths = frontier.flatMap((certificates) => this.#complete(certificates))
      if (paths.length > 0) return paths
      if (length === CROSS_HOPS_MAX) {
        const fault = limited(`it is more than ${CROSS_HOPS_MAX} hops away`)
        this.faults.push(...frontier.map((certificates) => ({ certificates, ...fault })))
        return []
      }
      frontier = frontier.flatMap((certificates) => this.#extend(certificates))
    }
    return []
  }

  /** Of this subject, each once, from home and from the proof. */
  #about(subject: Name): readonly Certificate[] {
    const home = this.#standpoint.crossCertificates.get(subject) ?? []
    const told = this.#told.get(subject) ?? []
    return told.length === 0
      ? home
      : [...new Map([...home, ...told].map((each) => [each.idText, each])).values()]
  }

  /** "Counted before any cryptography": every certificate that is looked at, whatever comes of it. */
  #step(certificates: readonly Certificate[]): readonly (readonly Certificate[])[] {
    this.#edges += 1
    if (this.#edges > CROSS_EDGES_MAX) {
      const limit = `more than ${CROSS_EDGES_MAX} cross-certificates to walk over`
      throw new TrustError('cost-cap', `${triedName(this.#question)}: ${limit}`)
    }
    const fault = this.#findFault(certificates)
    if (fault === undefined) return [certificates]
    this.faults.push({ certificates, ...fault })
    return []
  }

  /** Why the first of these cannot lead to the rest; undefined if it can. */
  #findFault(certificates: readonly Certificate[]): Omit<CrossFault, 'certificates'> | undefined {
    const [first, ...rest] = certificates
    const { subject, introduces, hops, notBefore, notAfter } = first!.statement
    const later = rest.map(({ statement }) => statement.subject)
    // "An organisation on the way is not introduced anew": it would be given other keys.
    if (later.includes(subject)) return limited(`${subject} would stand on the way twice`)
    // "The most specific anchor at or above a name is its only root": also of those on the way.
    if (this.#context.anchors.for(subject) !== undefined) {
      return limited(`an anchor of yours decides about ${subject}`)
    }
    if (hops < later.length) {
      return limited(`${subject} may introduce ${hops} hops far, ${later.length} follow`)
    }
    // "The last subject must lie in every earlier introduces", and so must those between.
    const stranger = later.find((name) => !introduces.some((pattern) => matches(pattern, name)))
    if (stranger !== undefined) return limited(`${subject} may not introduce ${stranger}`)
    const { revocations = NO_REVOCATIONS } = this.#context
    const revocation = revocations.ofStatement(first!)
    if (revocation !== undefined) {
      return { code: 'revoked', reason: voided('it', revocation).message }
    }
    if (holdsAt(first!.statement, this.#context.now)) return undefined
    return this.#context.now > notAfter
      ? { code: 'expired', reason: `it expired at ${formatTime(notAfter)}` }
      : { code: 'not-yet-valid', reason: `it is valid from ${formatTime(notBefore)}` }
  }

  /** A way is complete where its first issuer is this verifier's own name, or one above it. */
  #complete(certificates: readonly Certificate[]): readonly CrossPath[] {
    const { issuer, issuerKey } = certificates[0]!.statement
    // "It counts only for verifiers at or below its issuer."
    if (!isAtOrBelow(this.#standpoint.name, issuer)) return []
    const introducer = this.#introducer(issuer, issuerKey)
    if (!(introducer instanceof TrustError)) return [{ certificates, introducer }]
    this.faults.push({ certificates, code: introducer.code, reason: introducer.message })
    return []
  }

  #extend(certificates: readonly Certificate[]): readonly (readonly Certificate[])[] {
    const { issuer, issuerKey } = certificates[0]!.statement
    if (isAtOrBelow(this.#standpoint.name, issuer)) return []
    const before = this.#about(issuer).filter((certificate) =>
      isCertified(certificate, issuerKey, { ...this.#context, standpoint: this.#standpoint }),
    )
    if (before.length === 0) {
      const reason = `nothing of yours leads to its issuer ${issuer} with this key`
      this.faults.push({ certificates, code: 'no-anchor', reason })
    }
    return before.flatMap((certificate) => this.#step([certificate, ...certificates]))
  }

  /** "A key that may bind may sign cross-certificates", proved by an anchor alone. */
  #introducer(name: Name, key: Uint8Array): NameChain | TrustError {
    const id = `${name} ${toHex(key)}`
    const known = this.#introducers.get(id)
    if (known !== undefined) return known
    const proved = this.#prove(name, key)
    this.#introducers.set(id, proved)
    return proved
  }

  #prove(name: Name, key: Uint8Array): NameChain | TrustError {
    const { bindings, published = [], unproven = [], anchors, now } = this.#context
    const { revocations = NO_REVOCATIONS } = this.#context
    const question = { name, key, use: 'bind', purpose: this.#question.purpose } as const
    try {
      return checkUnderAnchor(question, {
        bindings: [...this.#standpoint.bindings, ...bindings],
        published: [...(this.#standpoint.published ?? []), ...published],
        unproven,
        anchors,
        revocations,
        now,
      })
    } catch (cause) {
      if (cause instanceof TrustError) return cause
      throw cause
    }
  }
}

function limited(reason: string): Omit<CrossFault, 'certificates'> {
  return { code: 'cross-limits', reason }
}
