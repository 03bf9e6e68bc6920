import type { Name } from '@ixj/names'
import type { Purpose } from './anchors.ts'
import { checkAttenuation, checkRoot, grantCovers, isHolder } from './attenuation.ts'
import { toHex } from './bytes.ts'
import { approvalsNeeded, checkConditionsKnown, checkHours, valueOf } from './conditions.ts'
import type { Action, Grant } from './grant.ts'
import { CHAIN_LINKS_MAX, PROOF_STATEMENTS_MAX } from './limits.ts'
import { voided } from './chain-revocation.ts'
import { checkName } from './name-chain.ts'
import type { Authority, NameContext } from './name-question.ts'
import { NO_REVOCATIONS } from './revocation-book.ts'
import type { SignedStatement } from './statement.ts'
import { TrustError } from './trust-error.ts'
import { checkPeriod } from './validity.ts'

/** Who wants to do what, under which grant. */
export interface AuthorityQuestion {
  /** The id of the one leaf grant that counts, 32 bytes. */
  readonly leaf: Uint8Array
  readonly subject: Name
  /** 32 bytes. That the subject has this key is checked with {@link checkName}. */
  readonly subjectKey: Uint8Array
  readonly action: Action
  readonly topic: Name
  /** What the issuers' anchors must be trusted for; default `grant`. */
  readonly purpose?: Purpose
}

/**
 * What an authority is checked against: the grants, and what proves the names of their issuers. The
 * statements have been verified: take them from the store.
 */
export interface AuthorityContext extends NameContext {
  readonly grants: readonly SignedStatement<Grant>[]
}

/**
 * Checks what authority a subject has: that the leaf is for it and covers the action and topic,
 * that each grant up to the root is a part of its parent, that each issuer's name leads to an
 * anchor for the purpose `grant`, and that all hold now. docs/protocol.md, section "Grant". The
 * owner of a topic needs no grant, and is the caller's case. Of the conditions it checks `hours`
 * and that all are known; the rest needs a message: call {@link checkConditions} for each one, also
 * where this result is kept. What the bytes alone decide comes first, then what depends on time and
 * anchors. Bounded as {@link checkName}, once for each grant; no cryptography.
 * @throws TrustError `cost-cap`, `missing-statement`, `outside-slice`, `broken-chain`,
 * `wider-than-parent`, `wrong-subject`, `not-granted`, `unknown-condition`, `condition`, `revoked`,
 * `expired`, `not-yet-valid`, and as {@link checkName}
 */
export function checkAuthority(question: AuthorityQuestion, context: AuthorityContext): Authority {
  const { grants, bindings, crossCertificates = [], revocations = NO_REVOCATIONS, now } = context
  // "Counted before any cryptography" (pitfall 19).
  const statements = grants.length + bindings.length + crossCertificates.length
  if (statements > PROOF_STATEMENTS_MAX) {
    const size = `${statements} statements, limit ${PROOF_STATEMENTS_MAX}`
    throw new TrustError('cost-cap', `${tried(question)}: ${size}`)
  }
  const chain = findChain(question, grants)
  const leaf = chain.at(-1)!
  checkChainForm(chain)
  checkLeaf(question, leaf)
  checkConditionsKnown(leaf.statement.conditions)
  checkApprovable(question, leaf)
  for (const [index, grant] of chain.entries()) {
    const { statement } = grant
    const place = `grant ${index + 1} of ${chain.length}, by ${statement.issuer}`
    const revocation = revocations.ofStatement(grant)
    if (revocation !== undefined) throw voided(`${tried(question)}: ${place}`, revocation)
    checkPeriod(statement, now, `${tried(question)}: ${place}`)
  }
  checkHours(leaf.statement.conditions, now)
  const purpose = question.purpose ?? 'grant'
  const issuers = chain.map(({ statement: { issuer: name, issuerKey: key } }) =>
    checkName({ name, key, use: 'grant', purpose }, context),
  )
  const periods = [...chain.map(({ statement }) => statement), ...issuers]
  return {
    leaf,
    chain,
    issuers,
    onBehalfOf: leaf.statement.onBehalfOf,
    notBefore: Math.max(...periods.map(({ notBefore }) => notBefore)),
    notAfter: Math.min(...periods.map(({ notAfter }) => notAfter)),
  }
}

/**
 * The budgets of messages per second that a message under this authority draws on, root first: one
 * for each grant of the chain that sets one, so that children share their parent's. The receiver
 * counts them; docs/protocol.md, section "Grant".
 */
export function messagesPerSecondBudgets(
  authority: Authority,
): { readonly grantIdText: string; readonly perSecond: number }[] {
  return authority.chain.flatMap(({ idText, statement }) => {
    const perSecond = valueOf(statement.conditions, 'messagesPerSecond')
    return typeof perSecond === 'number' ? [{ grantIdText: idText, perSecond }] : []
  })
}

/** Follows the parents' ids up; an id covers its parent's, so no cycle can be made. */
function findChain(
  question: AuthorityQuestion,
  grants: readonly SignedStatement<Grant>[],
): SignedStatement<Grant>[] {
  const byId = new Map(grants.map((grant) => [grant.idText, grant]))
  const chain: SignedStatement<Grant>[] = []
  for (let id: Uint8Array | null = question.leaf; id !== null;) {
    if (chain.length === CHAIN_LINKS_MAX) {
      const limit = `its chain has more than ${CHAIN_LINKS_MAX} grants`
      throw new TrustError('cost-cap', `${tried(question)}: ${limit}`)
    }
    const grant = byId.get(toHex(id))
    if (grant === undefined) {
      const reason = `the grant ${toHex(id)} is not at hand`
      throw new TrustError('missing-statement', `${tried(question)}: ${reason}`)
    }
    chain.unshift(grant)
    id = grant.statement.parent
  }
  return chain
}

/** "Checked when issued and when verified." */
function checkChainForm(chain: readonly SignedStatement<Grant>[]): void {
  for (const [index, { statement }] of chain.entries()) {
    const parent = chain[index - 1]
    if (parent === undefined) checkRoot(statement)
    else checkAttenuation(parent.statement, statement)
  }
}

function checkLeaf(question: AuthorityQuestion, leaf: SignedStatement<Grant>): void {
  const { action, topic } = question
  const { statement } = leaf
  if (!isHolder(statement, question)) {
    const reason = `the grant is for "${statement.subject}", or for another key`
    throw new TrustError('wrong-subject', `${tried(question)}: ${reason}`)
  }
  if (!grantCovers(statement, { action, topic })) {
    const { actions, topics } = statement
    const limit = `the grant allows ${actions.join(', ')} on ${topics.join(', ')}`
    throw new TrustError('not-granted', `${tried(question)}: ${limit}`)
  }
}

/** Approvals are of one message: what is no message has none, so such a grant never lets it. */
function checkApprovable(question: AuthorityQuestion, leaf: SignedStatement<Grant>): void {
  const { action } = question
  if (action === 'publish' || action === 'request') return
  if (approvalsNeeded(leaf.statement.conditions) === undefined) return
  const reason = `condition "approvals": it is of messages, and ${action} is none`
  throw new TrustError('condition', `${tried(question)}: ${reason}`)
}

function tried({ subject, action, topic }: AuthorityQuestion): string {
  return `Cannot let "${subject}" ${action} on "${topic}"`
}
