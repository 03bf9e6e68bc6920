import type { Name } from '@ixj/names'
import { PARTITION_MS_MAX, SKEW_MS, UNCHECKED_LINK_MS_MAX } from './limits.ts'
import type { Authority, NameChain } from './name-question.ts'
import type { StatementBase } from './statement-base.ts'
import type { StatusView } from './status-book.ts'
import { formatTime } from './time-text.ts'
import { TrustError } from './trust-error.ts'

/** How an issuer in a chain stands. */
export interface IssuerFreshness {
  readonly of: Name
  /** `unknown`: none was ever heard, or none is asked for, and its anchor lets that pass. */
  readonly state: 'fresh' | 'stale' | 'unknown' | 'missing'
  /** `freshUntil` of the status that is known; 0 if there is none. No skew is in it. */
  readonly until: number
  /** When that was issued; 0 if there is none. */
  readonly issuedAt: number
}

/** How what a check rests on stands; the worst of its issuers. */
export interface Freshness {
  readonly state: IssuerFreshness['state']
  /** The issuers that count, each once. */
  readonly issuers: readonly IssuerFreshness[]
  /** A name in a chain is bound `strict`. */
  readonly strict: boolean
}

/**
 * Looks at the status of every issuer in these chains: "each issuer in a chain needs a fresh status,
 * except for links that live 60 s or less". What follows from it, {@link requireFresh} says.
 * docs/protocol.md, section "Freshness". Some look-ups, no cryptography.
 */
export function findFreshness(
  parts: { readonly names: readonly NameChain[]; readonly authorities?: readonly Authority[] },
  { statuses, now }: { readonly statuses: StatusView; readonly now: number },
): Freshness {
  const found = new Map<Name, IssuerFreshness>()
  const look = (of: Name, link: StatementBase, isDemanded: boolean, chain: NameChain) => {
    if (found.has(of) || link.notAfter - link.notBefore <= UNCHECKED_LINK_MS_MAX) return
    const { freshness } = chain.anchor
    found.set(
      of,
      freshness === 'off'
        ? { of, state: 'unknown', until: 0, issuedAt: 0 }
        : standing(of, freshness === 'required' && isDemanded, { statuses, now }),
    )
  }
  const speakers = parts.names.flatMap(({ speaker }) => speaker ?? [])
  const authorities = [...(parts.authorities ?? []), ...speakers.map((each) => each.authority)]
  const named = [...parts.names, ...speakers.map((each) => each.chain)]
  const asked = [...named, ...authorities.flatMap(({ issuers }) => issuers)]
  // Who let the next organisation through is an issuer in the chain like any other.
  const names = asked.flatMap((chain) => [chain.introducer ?? [], chain].flat())
  for (const chain of names) {
    for (const { statement } of [...chain.crossCertificates, ...chain.links]) {
      look(statement.issuer, statement, true, chain)
    }
  }
  for (const { chain, issuers } of authorities) {
    for (const [index, { statement }] of chain.entries()) {
      const issuer = issuers[index]
      // Who may not bind publishes none.
      if (issuer !== undefined) look(statement.issuer, statement, mayBind(issuer), issuer)
    }
  }
  const issuers = [...found.values()]
  return {
    state: ORDER.find((state) => issuers.some((each) => each.state === state)) ?? 'fresh',
    issuers,
    strict: names.some(isStrict),
  }
}

/** The worst first. */
const ORDER = ['missing', 'stale', 'unknown', 'fresh'] as const

/**
 * "Stale status: other organisations, nothing new past freshUntil, widened by the skew; one's own:
 * `state` goes on, marked stale, the rest stops after 10 min." Under a name bound `strict`, nothing
 * goes on either. `tried` begins the message.
 * @throws TrustError `stale`; `no-status` where an anchor demands one and none is known
 */
export function requireFresh(
  freshness: Freshness,
  use: { readonly isOwn: boolean; readonly isState: boolean; readonly now: number },
  tried: string,
): void {
  const { isOwn, isState, now } = use
  for (const { of, state, until, issuedAt } of freshness.issuers) {
    if (state === 'missing') {
      const reason = `no status of "${of}" is known, and its anchor demands one`
      throw new TrustError('no-status', `${tried}: ${reason}`)
    }
    if (state !== 'stale') continue
    const isPartition = isOwn && !freshness.strict
    if (isPartition && (isState || now <= issuedAt + PARTITION_MS_MAX)) continue
    const clock = `now is ${formatTime(now)}, skew ${SKEW_MS} ms`
    throw new TrustError(
      'stale',
      `${tried}: the status of "${of}" was fresh until ${formatTime(until)}, ${clock}`,
    )
  }
}

function standing(
  of: Name,
  isDemanded: boolean,
  { statuses, now }: { readonly statuses: StatusView; readonly now: number },
): IssuerFreshness {
  const held = statuses.held(of)
  if (held === undefined) {
    return { of, state: isDemanded ? 'missing' : 'unknown', until: 0, issuedAt: 0 }
  }
  const { freshUntil: until, issuedAt } = held.signed.statement
  // Written so that a clock that gives NaN refuses.
  const isFresh = held.rival === null && now <= until + SKEW_MS
  return { of, state: isFresh ? 'fresh' : 'stale', until, issuedAt }
}

function mayBind({ links, published }: NameChain): boolean {
  const uses = links.at(-1)?.statement.uses ?? published?.uses ?? 'both'
  return uses !== 'sign'
}

function isStrict({ links, published }: NameChain): boolean {
  return published?.strict === true || links.some(({ statement }) => statement.strict)
}
