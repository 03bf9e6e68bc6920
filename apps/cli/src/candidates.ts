import type { PolicyRequest } from '@ixj/agent'
import { ancestors, isAtOrBelow, type Name, type Pattern, parsePattern, isName } from '@ixj/names'
import type { CompiledPolicy } from '@ixj/node/policy'
import { type Action, checkName, grantCovers, isBinding, isGrant, TrustError } from '@ixj/trust'
import { exampleOf, type GrantContext, heldGrant } from './held-grant.ts'

/** A name or pattern that may be able to do something, and by what right. */
export interface Candidate {
  readonly name: Pattern
  readonly by: 'owner' | 'grant' | 'policy'
  /** Id of the grant; null where none is needed. */
  readonly grant: string | null
  /** Who passed it on, root first. */
  readonly via: readonly Name[]
  readonly onBehalfOf: Name
  /** Ms since the Unix epoch; null: no end of its own. */
  readonly until: number | null
  readonly mayDelegate: readonly Pattern[]
  /** Why the right does not hold here; null: it does. */
  readonly refusal: { readonly code: string; readonly message: string } | null
  /** What the policy says of it; null where it is not asked. */
  readonly policy: { readonly permit: boolean; readonly rule: string } | null
}

/** What is asked: who can do this here. */
export interface Deed {
  readonly action: Action
  readonly topic: Name
  readonly receiver: Name
}

/** Actions of messages; only of these is the policy asked. */
const ASKED: readonly Action[] = ['publish', 'request', 'answer']

/** Everybody in a home's statements who can do something, and who cannot for lack of a chain. */
export function candidatesFor(
  deed: Deed,
  context: GrantContext,
  policy: CompiledPolicy,
): readonly Candidate[] {
  const rights = [...owners(deed, context), ...holders(deed, context)]
  return [...rights, ...permitted(deed, context, policy)].map((candidate) => ({
    ...candidate,
    policy: ask(deed, candidate, { context, policy }),
  }))
}

type Right = Omit<Candidate, 'policy'>

/** The topic's name and those above it, up to the anchor, as far as this home knows their keys. */
function owners({ topic }: Deed, context: GrantContext): readonly Right[] {
  const { anchors, statements } = context
  const anchor = anchors.for(topic)
  if (anchor === undefined) return []
  const names = [topic, ...ancestors(topic)].filter((name) => isAtOrBelow(name, anchor.name))
  return names.toReversed().flatMap((name) => {
    const common = { by: 'owner', grant: null, via: [], mayDelegate: [], refusal: null } as const
    const right = { ...common, name: parsePattern(name), onBehalfOf: name }
    if (name === anchor.name) return [{ ...right, until: null }]
    const ends = statements.filter(isBinding).flatMap(({ statement }) => {
      if (statement.name !== name) return []
      const end = endOf(name, statement.key, context)
      return end === undefined ? [] : [end]
    })
    const published = context.published?.some((key) => key.name === name) === true
    if (ends.length === 0 && !published) return []
    return [{ ...right, until: ends.length === 0 ? null : Math.max(...ends) }]
  })
}

function endOf(name: Name, key: Uint8Array, context: GrantContext): number | undefined {
  const bindings = context.statements
    .filter(isBinding)
    .filter(({ statement }) => isAtOrBelow(name, statement.name))
  try {
    return checkName({ name, key, use: 'sign', purpose: 'send' }, { ...context, bindings }).notAfter
  } catch (cause) {
    if (!(cause instanceof TrustError)) throw cause
    // Not an owner here; ixj explain says why.
    return undefined
  }
}

function holders({ action, topic }: Deed, context: GrantContext): readonly Right[] {
  return context.statements
    .filter(isGrant)
    .filter(({ statement }) => grantCovers(statement, { action, topic }))
    .map((grant) => {
      const { subject, onBehalfOf, mayDelegate, issuer } = grant.statement
      const { authority, refusal, until } = heldGrant(grant, context, { action, topic })
      return {
        name: subject,
        by: 'grant' as const,
        grant: grant.idText,
        via: authority?.chain.map(({ statement }) => statement.issuer) ?? [issuer],
        onBehalfOf,
        until,
        mayDelegate: mayDelegate === false ? [] : mayDelegate,
        refusal,
      }
    })
    .toSorted((left, right) => left.via.length - right.via.length)
}

/** Names that the policy itself lets write to an inbox, without any grant. */
function permitted(deed: Deed, context: GrantContext, policy: CompiledPolicy): readonly Right[] {
  if (!ASKED.includes(deed.action) || deed.action === 'answer') return []
  const names = new Set(
    policy.rules
      .filter(({ effect }) => effect === 'permit')
      .flatMap(({ json }) => namedIn(json.principal)),
  )
  return [...names].flatMap((name) => {
    const sender = exampleOf(name)
    if (isAtOrBelow(deed.topic, sender)) return []
    const decision = policy.decide(
      requestOf(deed, { sender, basis: 'none', onBehalfOf: sender }, context),
    )
    if (!decision.permit) return []
    const common = { by: 'policy', grant: null, via: [], until: null, mayDelegate: [] } as const
    return [{ ...common, name, onBehalfOf: sender, refusal: null }]
  })
}

/** The names that a rule's scope speaks of: an agent, or all names of a zone. */
function namedIn(principal: object): readonly Pattern[] {
  if (!('op' in principal) || !('entity' in principal)) return []
  const { entity } = principal
  if (typeof entity !== 'object' || entity === null || !('id' in entity)) return []
  if (!isName(entity.id)) return []
  return principal.op === '=='
    ? [parsePattern(entity.id)]
    : [parsePattern(entity.id), parsePattern(`**.${entity.id}`)]
}

function ask(
  deed: Deed,
  right: Right,
  { context, policy }: { readonly context: GrantContext; readonly policy: CompiledPolicy },
): Candidate['policy'] {
  if (!ASKED.includes(deed.action) || right.refusal !== null) return null
  const basis = right.by === 'policy' ? 'none' : right.by
  const { via: delegators, onBehalfOf } = right
  const asked = { sender: exampleOf(right.name), basis, delegators, onBehalfOf } as const
  return policy.decide(requestOf(deed, asked, context))
}

function requestOf(
  { action, topic, receiver }: Deed,
  asked: Pick<PolicyRequest, 'sender' | 'basis' | 'onBehalfOf'> &
    Partial<Pick<PolicyRequest, 'delegators'>>,
  { anchors, now }: GrantContext,
): PolicyRequest {
  const organisation = anchors.for(asked.sender)?.name ?? asked.sender
  return {
    receiver,
    organisation,
    ownOrganisation: anchors.for(receiver)?.name ?? receiver,
    path: [organisation],
    action,
    topic,
    delegators: [],
    class: 'event',
    bytes: 0,
    priority: 1,
    approvals: [],
    freshness: 'fresh',
    now,
    generation: 0,
    ...asked,
  }
}
