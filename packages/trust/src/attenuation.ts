import {
  coversAll,
  isAtOrBelow,
  liesWithin,
  matches,
  type Name,
  type Pattern,
  poolOf,
} from '@ixj/names'
import { equalBytes, toHex } from './bytes.ts'
import { checkNarrower } from './conditions.ts'
import type { Action, Grant } from './grant.ts'
import type { Signer } from './keys/index.ts'
import { poolPattern } from './pool.ts'
import type { Sha256 } from './signing.ts'
import {
  prepareStatement,
  signStatement,
  type StatementFields,
  type UnsignedStatement,
} from './issue-statement.ts'
import type { SignedStatement } from './statement.ts'
import { TrustError } from './trust-error.ts'

/**
 * Checks that a root grant stays inside what its issuer owns: topics in its slice, on behalf of the
 * issuer, a name in its slice, or the exact subject. docs/protocol.md, section "Grant".
 * @throws TrustError `outside-slice`; `broken-chain` if it names a parent
 */
export function checkRoot(grant: Grant): void {
  const { issuer, onBehalfOf, subject, topics } = grant
  if (grant.parent !== null) {
    const parent = `its parent is ${toHex(grant.parent)}`
    throw new TrustError('broken-chain', `Cannot accept grant by "${issuer}" as root: ${parent}`)
  }
  // "A root's topics lie in its issuer's slice."
  const stranger = topics.find((topic) => !liesWithin(topic, issuer))
  if (stranger !== undefined) {
    throw outside(issuer, `its topic "${stranger}" is not at or below the issuer`)
  }
  // "In a root, onBehalfOf is the issuer, a name in its slice, or the exact subject": nobody makes
  // another act for a third without being asked.
  if (!isAtOrBelow(onBehalfOf, issuer) && !isExactly(subject, onBehalfOf)) {
    throw outside(
      issuer,
      `onBehalfOf "${onBehalfOf}" is neither in its slice nor the exact subject`,
    )
  }
}

/**
 * Checks that a grant is a part of its parent: its issuer is the parent's subject, the parent lets
 * it delegate to this subject, and every dimension is equal or narrower, times included. For
 * issuing and for verifying; that the child names this parent's id is checked by the caller.
 * @throws TrustError `broken-chain` (another issuer), `wider-than-parent`, which names the
 * dimension
 */
export function checkAttenuation(parent: Grant, child: Grant): void {
  // "Each child's issuer is its parent's subject."
  if (!isHolder(parent, { subject: child.issuer, subjectKey: child.issuerKey })) {
    const reason = `its issuer is not its parent’s subject "${parent.subject}", or has another key`
    throw new TrustError('broken-chain', `Cannot accept grant by "${child.issuer}": ${reason}`)
  }
  checkDelegates(parent, child)
  if (child.onBehalfOf !== parent.onBehalfOf) {
    throw wider(child, `onBehalfOf "${child.onBehalfOf}", must stay "${parent.onBehalfOf}"`)
  }
  const action = child.actions.find((each) => !parent.actions.includes(each))
  if (action !== undefined) {
    throw wider(child, `actions: "${action}", limit ${parent.actions.join(', ')}`)
  }
  const topic = child.topics.find((each) => !coversAll(parent.topics, each))
  if (topic !== undefined) throw wider(child, `topics: "${topic}" ${isOutside(parent.topics)}`)
  checkNarrower(parent.conditions, child.conditions)
  if (child.notBefore < parent.notBefore) {
    throw wider(child, `notBefore: ${child.notBefore}, limit ${parent.notBefore}`)
  }
  if (child.notAfter > parent.notAfter) {
    throw wider(child, `notAfter: ${child.notAfter}, limit ${parent.notAfter}`)
  }
}

/**
 * A grant before its signature, once it is sure that it would be accepted: a part of `parent` if
 * there is one, else a root. The field `parent` is filled in from it.
 * @throws TrustError as {@link checkAttenuation}, {@link checkRoot} and {@link prepareStatement}
 */
export function prepareGrant(
  fields: Omit<StatementFields<Grant>, 'parent' | 'kind'>,
  options: { readonly key: Uint8Array; readonly parent?: SignedStatement<Grant> },
): UnsignedStatement<Grant> {
  const { key, parent } = options
  const grant = { ...fields, kind: 'grant', parent: parent?.id ?? null } as const
  const unsigned = prepareStatement(grant, key)
  const { statement } = unsigned
  if (parent === undefined) checkRoot(statement)
  else checkAttenuation(parent.statement, statement)
  return unsigned
}

/**
 * Issues a grant of the same rules.
 * @throws TrustError as {@link prepareGrant}
 */
export async function issueGrant(
  fields: Omit<StatementFields<Grant>, 'parent' | 'kind'>,
  options: {
    readonly signer: Signer
    readonly parent?: SignedStatement<Grant>
    readonly hash?: Sha256
  },
): Promise<SignedStatement<Grant>> {
  const { signer, parent, hash } = options
  const above = parent === undefined ? {} : { parent }
  const unsigned = prepareGrant(fields, { key: signer.publicKey, ...above })
  return await signStatement(unsigned, signer, hash)
}

/** Whether the grant is for this name with this key. */
export function isHolder(
  grant: Grant,
  { subject, subjectKey }: { readonly subject: Name; readonly subjectKey: Uint8Array },
): boolean {
  const pool = poolOf(subject)
  // "Pool keys hold no grants beyond their pool": a wider pattern does not mean them, and one name of
  // a pool says nothing, since its key has every other.
  const isMeant =
    pool === undefined ? matches(grant.subject, subject) : grant.subject === poolPattern(pool)
  return isMeant && (grant.subjectKey === null || equalBytes(grant.subjectKey, subjectKey))
}

/** Whether the grant, seen alone, allows this action on this topic. */
export function grantCovers(
  grant: Grant,
  { action, topic }: { readonly action: Action; readonly topic: Name },
): boolean {
  return grant.actions.includes(action) && grant.topics.some((pattern) => matches(pattern, topic))
}

/**
 * "`mayDelegate` is false or patterns of who may receive", and is itself equal or narrower below.
 */
function checkDelegates(parent: Grant, child: Grant): void {
  const { mayDelegate } = parent
  if (mayDelegate === false) throw wider(child, 'mayDelegate: its parent may not be delegated')
  if (!coversAll(mayDelegate, child.subject)) {
    throw wider(child, `mayDelegate: the subject "${child.subject}" ${isOutside(mayDelegate)}`)
  }
  if (child.mayDelegate === false) return
  const stranger = child.mayDelegate.find((each) => !coversAll(mayDelegate, each))
  if (stranger !== undefined) {
    throw wider(child, `mayDelegate: "${stranger}" ${isOutside(mayDelegate)}`)
  }
}

function isExactly(pattern: Pattern, name: Name): boolean {
  return matches(pattern, name) && !pattern.startsWith('*')
}

function isOutside(patterns: readonly Pattern[]): string {
  return `is outside ${patterns.join(', ')}`
}

function outside(issuer: Name, reason: string): TrustError {
  return new TrustError('outside-slice', `Cannot accept root grant by "${issuer}": ${reason}`)
}

function wider(child: Grant, reason: string): TrustError {
  return new TrustError('wider-than-parent', `Cannot accept grant by "${child.issuer}": ${reason}`)
}
