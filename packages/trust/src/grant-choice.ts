import type { Name } from '@ixj/names'
import { grantCovers, isHolder } from './attenuation.ts'
import { equalBytes, toHex } from './bytes.ts'
import type { Action, Grant } from './grant.ts'
import type { SignedStatement } from './statement.ts'
import { TrustError } from './trust-error.ts'
import { checkPeriod, holdsAt } from './validity.ts'

/** What a sender wants to do, now. */
export interface GrantNeed {
  readonly subject: Name
  /** 32 bytes. */
  readonly subjectKey: Uint8Array
  readonly action: Action
  readonly topic: Name
  /** Ms since the Unix epoch. */
  readonly now: number
  /** Only grants on behalf of this name: a handler acts for whom the request acts. */
  readonly onBehalfOf?: Name
}

/** Grants that an error about several lists at most. */
const LISTED_MAX = 8

/**
 * The grants that are for this subject and key, hold now, and cover the action and topic, in the
 * order of the candidates. Looks at each alone; {@link checkAuthority} checks the chain above it.
 */
export function findGrants(
  candidates: readonly SignedStatement<Grant>[],
  need: GrantNeed,
): SignedStatement<Grant>[] {
  return candidates.filter(
    ({ statement }) =>
      isHolder(statement, need) &&
      grantCovers(statement, need) &&
      holdsAt(statement, need.now) &&
      (need.onBehalfOf === undefined || need.onBehalfOf === statement.onBehalfOf),
  )
}

/**
 * The one grant to act under: the one named by `under`, or the only one that fits. It never picks
 * among several: acting under the wrong one is how a deputy is confused.
 * @throws TrustError `ambiguous-authority` with the list, `not-granted` if none fits; for the one
 * that was named: `missing-statement`, `wrong-subject`, `not-granted`, `expired`, `not-yet-valid`
 */
export function chooseGrant(
  candidates: readonly SignedStatement<Grant>[],
  need: GrantNeed & { readonly under?: Uint8Array },
): SignedStatement<Grant> {
  const { under } = need
  if (under !== undefined) return checkNamed(candidates, { ...need, under })
  const [first, ...others] = findGrants(candidates, need)
  if (first === undefined) {
    const reason = `none of ${candidates.length} grants at hand fits`
    throw new TrustError('not-granted', `${tried(need)}: ${reason}`)
  }
  if (others.length === 0) return first
  const all = [first, ...others]
  const list = all.slice(0, LISTED_MAX).map(summary).join('; ')
  const rest = all.length > LISTED_MAX ? `; and ${all.length - LISTED_MAX} more` : ''
  const message = `${tried(need)}: ${all.length} grants fit and none was named: ${list}${rest}`
  throw new TrustError('ambiguous-authority', message)
}

function checkNamed(
  candidates: readonly SignedStatement<Grant>[],
  need: GrantNeed & { readonly under: Uint8Array },
): SignedStatement<Grant> {
  const named = candidates.find(({ id }) => equalBytes(id, need.under))
  if (named === undefined) {
    const reason = `the grant ${toHex(need.under)} is not at hand`
    throw new TrustError('missing-statement', `${tried(need)}: ${reason}`)
  }
  const { statement } = named
  if (!isHolder(statement, need)) {
    const reason = `the grant is for "${statement.subject}", or for another key`
    throw new TrustError('wrong-subject', `${tried(need)}: ${reason}`)
  }
  checkPeriod(statement, need.now, `${tried(need)} under grant ${named.idText}`)
  if (findGrants([named], need).length === 0) {
    throw new TrustError('not-granted', `${tried(need)}: named was ${summary(named)}`)
  }
  return named
}

function summary({ idText, statement }: SignedStatement<Grant>): string {
  const { actions, topics, onBehalfOf, notAfter } = statement
  const what = `${actions.join(', ')} on ${topics.join(', ')}`
  return `${idText} (${what}, on behalf of ${onBehalfOf}, until ${notAfter})`
}

function tried({ subject, action, topic, onBehalfOf }: GrantNeed): string {
  const whom = onBehalfOf === undefined ? '' : ` on behalf of "${onBehalfOf}"`
  return `Cannot choose a grant for "${subject}" to ${action} on "${topic}"${whom}`
}
