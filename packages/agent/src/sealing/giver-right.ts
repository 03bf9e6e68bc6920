import { isAtOrBelow, type Name } from '@ixj/names'
import {
  checkAuthority,
  checkSender,
  findGrants,
  TrustError,
  type Grant,
  type NameChain,
  type ProofStatements,
  type PublishedKey,
  type SignedStatement,
} from '@ixj/trust'
import type { Clock } from '../clock.ts'
import { grantsOf, provingStatements, type Identity } from '../host/identity.ts'
import type { ProofBook } from '../neighbours/proof-book.ts'
import { publishedIn } from '../neighbours/right.ts'
import { watchRight } from '../revoked/watched-right.ts'
import type { TrustState } from '../revoked/trust-state.ts'

/** By what right a group is given a secret. */
export interface GiverRight {
  /**
   * Lower is higher: owners by the labels of their names, and below every owner the holders of
   * `invite` by the grants that led to it. It is of the chain, so nobody ranks itself.
   */
  readonly rank: number
  /** Who answers for the room of its secrets: an owner, or whom an owner let give. */
  readonly account: string
  /** When it ends by its statements, ms since the Unix epoch; no skew is in it. */
  readonly until: number
  /** Whether nothing in it was revoked, taken back by the DNS, or lost its anchor since. */
  holds(): boolean
}

/** Who gives, and by which grant. */
export interface GiverClaim {
  readonly topic: Name
  readonly giver: Name
  readonly giverKey: Uint8Array
  /** Id of its `invite`; null: it owns the group. */
  readonly invite: Uint8Array | null
}

/** What a giver's right is checked with. */
interface GiverContext {
  readonly trust: TrustState
  isOutvoted(key: PublishedKey): boolean
}

/** What an own right is found with. */
interface OwnGiverContext extends GiverContext {
  readonly clock: Clock
  readonly proofs: Pick<ProofBook, 'compose' | 'materialOf'>
}

/** No name has more labels, so every owner ranks above every grant. */
const RANK_BELOW_OWNERS = 128

/** Whether this right is an owner's. */
export function isOwner({ rank }: Pick<GiverRight, 'rank'>): boolean {
  return rank < RANK_BELOW_OWNERS
}

/**
 * "The owner of the group, or who holds `invite` on it": as of this time, and watched from then on.
 * @throws TrustError
 */
export function giverRight(
  claim: GiverClaim,
  by: { readonly material: ProofStatements; readonly now: number },
  context: GiverContext,
): GiverRight {
  const check = () => checkGiver(claim, by, context.trust)
  const found = check()
  const watched = watchRight(found, check, context)
  const { rank, account } = found
  return {
    rank,
    account,
    get until() {
      return watched.until
    },
    holds: () => watched.holds(),
  }
}

/**
 * The right by which an identity of this node gives a group's secret now: the grant that holds
 * longest of those that hold. Undefined: it has none.
 */
export function ownGiverRight(
  identity: Identity,
  topic: Name,
  core: OwnGiverContext,
): { readonly invite: SignedStatement<Grant> | null; readonly right: GiverRight } | undefined {
  const { name: giver, signer } = identity
  const now = core.clock.now()
  for (const invite of invitesOf(identity, topic, now)) {
    const statements = provingStatements(identity, invite === null ? [] : [invite])
    const material = core.proofs.materialOf(core.proofs.compose(statements, identity))
    const claim = { topic, giver, giverKey: signer.publicKey, invite: invite?.id ?? null }
    try {
      const right = giverRight(claim, { material, now }, core)
      // The skew is for others' clocks: who gives ends with its right.
      if (now < right.until) return { invite, right }
    } catch (cause) {
      if (!(cause instanceof TrustError)) throw cause
    }
  }
  return undefined
}

function invitesOf(
  identity: Identity,
  topic: Name,
  now: number,
): readonly (SignedStatement<Grant> | null)[] {
  const { name: subject, signer } = identity
  if (isAtOrBelow(topic, subject)) return [null]
  const need = { subject, subjectKey: signer.publicKey, action: 'invite', topic, now } as const
  const found = findGrants(grantsOf(identity), need)
  return found.toSorted((left, right) => right.statement.notAfter - left.statement.notAfter)
}

function checkGiver(
  { topic, giver, giverKey, invite }: GiverClaim,
  by: { readonly material: ProofStatements; readonly now: number },
  { anchors }: TrustState,
) {
  const context = { ...by.material, anchors, now: by.now }
  const chain = checkSender({ name: giver, key: giverKey, purpose: 'send' }, context)
  if (invite === null) {
    if (!isAtOrBelow(topic, giver)) {
      const reason = 'it is not the owner and names no grant'
      throw new TrustError(
        'not-granted',
        `Cannot let ${giver} give a secret of ${topic}: ${reason}`,
      )
    }
    const rank = giver.split('.').length
    return { rank, account: `owner ${giver}`, ...lasting([chain]) }
  }
  const question = { leaf: invite, subject: giver, subjectKey: giverKey, topic } as const
  const authority = checkAuthority({ ...question, action: 'invite' }, context)
  const root = authority.chain[0]!.statement
  const held = lasting([chain, ...authority.issuers])
  return {
    rank: RANK_BELOW_OWNERS + authority.chain.length,
    account: `invite ${root.subject}`,
    until: Math.min(held.until, authority.notAfter),
    rests: held.rests,
  }
}

function lasting(chains: readonly NameChain[]) {
  return {
    until: Math.min(...chains.map(({ notAfter }) => notAfter)),
    rests: publishedIn(chains),
  }
}
