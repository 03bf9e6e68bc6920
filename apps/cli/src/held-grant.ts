import { type Name, type Pattern, patternBase } from '@ixj/names'
import { type Home, systemClock } from '@ixj/node/home'
import {
  type Action,
  type Authority,
  type Grant,
  isBinding,
  isGrant,
  type SignedStatement,
  toHex,
  type TrustCode,
  TrustError,
} from '@ixj/trust'
import { type BeliefContext, checkAuthorityOf, verified } from './belief.ts'
import { readRevocations } from './home-revocations.ts'
import { statementsOf } from './explain-here.ts'
import { findZoneKeys, rootsOf } from './zone-keys.ts'

/** What grants of a home are held against: its anchors, and all statements whose signature holds. */
export interface GrantContext extends BeliefContext {
  readonly statements: readonly SignedStatement[]
}

/** A grant as this home sees it. */
export interface HeldGrant {
  readonly grant: SignedStatement<Grant>
  /** The chain to an anchor of this home; null where there is none, and `refusal` says why. */
  readonly authority: Authority | null
  readonly refusal: { readonly code: TrustCode; readonly message: string } | null
  /** When the first link of its chain ends, ms since the Unix epoch; null without a chain. */
  readonly until: number | null
}

/** Everything of a home that grants are held against; the DNS is asked about `name`, too. */
export async function grantContext(home: Home, name: Name): Promise<GrantContext> {
  const anchors = await home.readAnchors()
  const statements = await verified(await statementsOf(home))
  const found = await findZoneKeys(rootsOf(name, statements), { home, anchors })
  const revocations = await readRevocations(home, anchors)
  return { anchors, ...found, revocations, now: systemClock.now(), statements }
}

/**
 * Whether a grant's chain leads to an anchor of this home, for a holder or for an example of whom it
 * is for, and for one action and topic or for the first that it names.
 */
export function heldGrant(
  grant: SignedStatement<Grant>,
  context: GrantContext,
  asked: {
    readonly holder?: { readonly name: Name; readonly key: Uint8Array }
    readonly action?: Action
    readonly topic?: Name
  } = {},
): HeldGrant {
  const { statement } = grant
  const [firstAction] = statement.actions
  const [firstTopic] = statement.topics
  if (firstAction === undefined || firstTopic === undefined) {
    throw new Error('A grant of nothing was read')
  }
  const question = {
    leaf: grant.id,
    subject: asked.holder?.name ?? exampleOf(statement.subject),
    subjectKey: asked.holder?.key ?? statement.subjectKey ?? new Uint8Array(32),
    action: asked.action ?? firstAction,
    topic: asked.topic ?? exampleOf(firstTopic),
  }
  try {
    const statements = provingOf(grant, context.statements)
    const authority = checkAuthorityOf(question, { ...context, statements })
    const key = asked.holder?.key ?? statement.subjectKey
    checkHolderKeys({ name: question.subject, key }, context)
    return { grant, authority, refusal: null, until: authority.notAfter }
  } catch (cause) {
    if (!(cause instanceof TrustError)) throw cause
    const { code, message } = cause
    return { grant, authority: null, refusal: { code, message }, until: null }
  }
}

/**
 * A grant holds nothing for a name whose keys are all revoked, as far as this home knows its keys:
 * the one given, or those that were bound. @throws TrustError `revoked`
 */
function checkHolderKeys(
  holder: { readonly name: Name; readonly key: Uint8Array | null },
  { statements, revocations }: GrantContext,
): void {
  const { name, key } = holder
  const bound = statements.filter(isBinding).filter(({ statement }) => statement.name === name)
  const keys = key === null ? bound.map(({ statement }) => statement.key) : [key]
  const found = keys.map((each) => revocations.ofKey(name, each))
  const [revocation] = found
  if (revocation === undefined || found.includes(undefined)) return
  const by = `revoked by "${revocation.statement.issuer}" (${revocation.idText.slice(0, 16)})`
  throw new TrustError('revoked', `Cannot use grant: the key of "${name}" is void, ${by}`)
}

/**
 * The grants above a grant, and all bindings: what a proof may hold is counted, and a home has
 * grants of many.
 */
function provingOf(
  grant: SignedStatement<Grant>,
  statements: readonly SignedStatement[],
): readonly SignedStatement[] {
  const byId = new Map(statements.filter(isGrant).map((each) => [each.idText, each]))
  const chain = [grant]
  // A grant's id covers its parent's, so a chain cannot return to itself.
  for (let parent = grant.statement.parent; parent !== null;) {
    const above = byId.get(toHex(parent))
    if (above === undefined) break
    chain.push(above)
    parent = above.statement.parent
  }
  return [...chain, ...statements.filter(isBinding)]
}

/** A name that a pattern matches. */
export function exampleOf(pattern: Pattern): Name {
  const base = patternBase(pattern)
  return (base as string) === pattern ? base : (`x.${base}` as Name)
}
