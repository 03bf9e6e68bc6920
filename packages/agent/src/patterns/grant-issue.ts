import { parsePattern, type Name, type Pattern } from '@ixj/names'
import {
  chooseGrant,
  findGrants,
  prepareGrant,
  signStatement,
  TrustError,
  type Action,
  type Condition,
  type Grant,
  type Random,
  type Sha256,
  type SignedStatement,
  type UnsignedStatement,
} from '@ixj/trust'
import { AgentError } from '../agent-error.ts'
import type { Clock } from '../clock.ts'
import { boundUntil, grantsOf, type Identity } from '../host/identity.ts'

/** What a sub-agent may do. Without `under`, the parent is the one grant that fits. */
export interface GrantRequest {
  readonly actions: readonly Action[]
  readonly topics: readonly string[]
  readonly conditions?: readonly Condition[]
  /** For whom the holder acts; default: the issuer, or whom the grant above says. */
  readonly onBehalfOf?: Name
  /** Who may receive it further; default: nobody. */
  readonly mayDelegate?: readonly string[]
  /** Id of the grant to pass on a part of. */
  readonly under?: Uint8Array
}

/** What issuing needs of the world. */
export interface IssueContext {
  readonly clock: Clock
  readonly random: Random
  readonly hash: Sha256
  /** Called with what was issued, which is given out when this resolves. */
  issued?(issuer: Identity, statements: readonly SignedStatement[]): Promise<void>
}

/** Grants that are to be issued, whoever holds them. */
export interface GrantWish {
  readonly request: GrantRequest
  /** Ms since the Unix epoch; earlier where the issuer's own right ends before. */
  readonly notAfter: number
  /** For whom the request acts that this is done for: only its authority is passed on. */
  readonly behalf?: Name | undefined
}

/** How grants of one kind are made: what of it is the same for all who hold them is found once. */
export interface GrantPlan {
  /** The grant that they are parts of; undefined: they are roots. */
  readonly parent: SignedStatement<Grant> | undefined
  /**
   * A grant before its signature, for one key of the subject, or for whatever key it has then.
   * @throws TrustError `wider-than-parent`, `outside-slice`, `form`
   */
  prepare(subject: Pattern, subjectKey: Uint8Array | null): UnsignedStatement<Grant>
}

/**
 * Plans grants: roots where the topics lie in the issuer's own slice, else parts of the one grant of
 * its own that fits, or that was named.
 * @throws TrustError `ambiguous-authority`, `not-granted`; AgentError `argument`, `mixed-behalf`
 */
export function planGrant(issuer: Identity, wish: GrantWish, context: IssueContext): GrantPlan {
  const { request, behalf } = wish
  const now = context.clock.now()
  const topics = request.topics.map((text) => parsePattern(text))
  const parent = chooseParent(issuer, { topics, request, now, behalf })
  const statement = parent?.statement
  // A root uses the issuer's own authority, for whomever it is then held.
  checkBehalf(statement?.onBehalfOf ?? issuer.name, behalf)
  const common = {
    issuer: issuer.name,
    notBefore: Math.max(now, statement?.notBefore ?? 0),
    notAfter: Math.min(wish.notAfter, statement?.notAfter ?? Infinity, boundUntil(issuer)),
    onBehalfOf: request.onBehalfOf ?? statement?.onBehalfOf ?? issuer.name,
    actions: request.actions,
    topics,
    conditions: request.conditions ?? statement?.conditions ?? [],
    mayDelegate: request.mayDelegate?.map((text) => parsePattern(text)) ?? false,
  } as const
  const options = { key: issuer.signer.publicKey, ...(parent === undefined ? {} : { parent }) }
  return {
    parent,
    prepare: (subject, subjectKey) =>
      prepareGrant({ ...common, nonce: context.random(16), subject, subjectKey }, options),
  }
}

/**
 * Issues one grant as it is planned, and gives the one that it is a part of, too.
 * @throws as {@link planGrant} and its `prepare`
 */
export async function issueGrantTo(
  issuer: Identity,
  wish: GrantWish & {
    readonly subject: Pattern
    /** The one key that holds it; null: whatever key the subject has then. */
    readonly subjectKey: Uint8Array | null
  },
  context: IssueContext,
): Promise<{ readonly grant: SignedStatement<Grant>; readonly parent?: SignedStatement<Grant> }> {
  const plan = planGrant(issuer, wish, context)
  const { parent } = plan
  const unsigned = plan.prepare(wish.subject, wish.subjectKey)
  const grant = await signStatement(unsigned, issuer.signer, context.hash)
  return parent === undefined ? { grant } : { grant, parent }
}

/** The issuer's grant that this one is a part of; none where the topics lie in its own slice. */
function chooseParent(
  issuer: Identity,
  wanted: {
    readonly topics: readonly Pattern[]
    readonly request: GrantRequest
    readonly now: number
    readonly behalf: Name | undefined
  },
): SignedStatement<Grant> | undefined {
  const { topics, request, now } = wanted
  const behalf = wanted.behalf ?? request.onBehalfOf
  const slice = parsePattern(`**.${issuer.name}`)
  const own = topics.every((topic) => inSlice(topic, issuer.name, slice))
  if (own && request.under === undefined) return undefined
  const candidates = grantsOf(issuer).filter(
    ({ statement }) =>
      statement.mayDelegate !== false &&
      request.actions.every((action) => statement.actions.includes(action)),
  )
  const [topic] = topics
  const [action] = request.actions
  if (topic === undefined || action === undefined) {
    throw new AgentError('argument', 'Cannot grant nothing: name at least one action and one topic')
  }
  const need = {
    subject: issuer.name,
    subjectKey: issuer.signer.publicKey,
    action,
    topic: exampleOf(topic),
    now,
    // The one that the caller named is checked when it is known.
    ...(behalf === undefined || request.under !== undefined ? {} : { onBehalfOf: behalf }),
  }
  const chosen = request.under === undefined ? need : { ...need, under: request.under }
  if (request.under === undefined && findGrants(candidates, need).length === 0) {
    throw new TrustError(
      'not-granted',
      `Cannot grant ${request.actions.join(', ')} on ${topics.join(', ')}: ${issuer.name} holds no grant of it that may be delegated`,
    )
  }
  return chooseGrant(candidates, chosen)
}

/** @throws AgentError `mixed-behalf` */
function checkBehalf(onBehalfOf: Name, behalf: Name | undefined): void {
  if (behalf === undefined || onBehalfOf === behalf) return
  throw new AgentError(
    'mixed-behalf',
    `Cannot grant for a request on behalf of ${behalf}: it would be on behalf of ${onBehalfOf}`,
  )
}

function inSlice(topic: Pattern, issuer: Name, slice: Pattern): boolean {
  const base = topic.replace(/^\*\*?\./, '')
  return base === issuer || base.endsWith(slice.slice(2))
}

/** A name that a pattern matches, to look for the grants that cover it. */
function exampleOf(topic: Pattern): Name {
  return topic.replace(/^\*\*?\./, 'x.') as Name
}
