import { isAtOrBelow, type Name } from '@ixj/names'
import {
  checkConditions,
  messagesPerSecondBudgets,
  TrustError,
  type Authority,
  type ProofStatements,
} from '@ixj/trust'
import type { Bundle } from '../bundles/bundle.ts'
import type { Header } from '../bundles/header.ts'
import type { MessagePart } from '../bundles/message.ts'
import { PRIORITY_DEFAULT } from '../limits.ts'
import { grantChain } from './chains.ts'
import type { Carrier, PipelineContext } from './context.ts'
import type { Basis } from './policy.ts'
import { Refusal } from './verdicts.ts'

/** By what right a sender speaks, and for whom. */
export interface Standing {
  readonly basis: Basis
  readonly onBehalfOf: Name
  readonly authority?: Authority
}

/**
 * An answer is authorised by its request alone. Otherwise the header names one leaf grant, and only
 * that chain counts; without one, in this order: owner, and on an inbox the policy. In a group, nil
 * is for owners alone. Messages are null where they cannot be opened: who opens them checks the rest.
 */
export function checkStanding(
  bundle: Bundle,
  messages: readonly MessagePart[] | null,
  material: ProofStatements,
  context: PipelineContext,
): Standing {
  const { header } = bundle
  if (header.authority !== null && header.action !== 'answer') {
    const authority = grantChain(header, header.authority, material, context)
    checkUse(header, messages, authority, context)
    return { basis: 'grant', onBehalfOf: authority.onBehalfOf, authority }
  }
  if (header.priority > PRIORITY_DEFAULT) {
    throw new TrustError(
      'condition',
      `Cannot accept priority ${header.priority} without a grant, limit ${PRIORITY_DEFAULT}`,
    )
  }
  const onBehalfOf = header.sender
  // Not by a grant either: `answer` lets a name be asked in a group, not speak there unasked.
  if (header.action === 'answer') {
    if (messages?.some((part) => context.asked(header, part)) === true)
      return { basis: 'answer', onBehalfOf }
    throw new Refusal('not-asked', `Cannot accept answer: nothing was asked of ${header.sender}`)
  }
  if (isAtOrBelow(header.topic, header.sender)) return { basis: 'owner', onBehalfOf }
  if (context.opened(header.topic) === 'inbox') return { basis: 'none', onBehalfOf }
  throw new TrustError(
    'not-granted',
    `Cannot accept ${header.action} on group ${header.topic}: ${header.sender} is not its owner and names no grant`,
  )
}

/** Conditions of every grant in the chain hold for this very bundle. */
function checkUse(
  header: Header,
  messages: readonly MessagePart[] | null,
  authority: Authority,
  context: PipelineContext,
): void {
  const now = context.clock.now()
  const bytesPerMessage = Math.max(0, ...(messages ?? []).map((part) => part.body.length))
  // Whether these approved is checked next: without enough of them, no signature is looked at.
  const approvers = header.approvals.map(({ signed }) => signed.signer)
  const { topic, priority } = header
  const isState = header.class === 'state'
  const use = { now, bytesPerMessage, priority, approvers, topic, isState }
  for (const { statement } of authority.chain) checkConditions(statement.conditions, use)
}

/** How far sentAt may lie back and still count at its own time: a burst of the network, no more. */
const BURST_MS = 2_000

/**
 * Messages a second, by grant, so that children share their parent's budget. Counted over sentAt,
 * so that a burst in the network is not held against a sender that kept the pace; but sentAt is the
 * sender's word, so it counts no further back than 2 s and never ahead. All budgets are looked at
 * before any is drawn, and drawn by the function that is returned, when nothing else can refuse.
 * What comes by repair may be minutes old, and minutes' worth of it come at once: each second of
 * sentAt has a budget of its own, twice the rate, which is what a full budget lets through in one.
 * @throws TrustError `condition`
 */
export function checkRate(
  header: Header,
  standing: Standing,
  carrier: Carrier,
  context: PipelineContext,
): () => void {
  if (standing.authority === undefined) return () => {}
  const now = context.clock.now()
  const second = Math.floor(header.sentAt / 1_000)
  const isRepaired = carrier.isRepaired === true
  const at = isRepaired ? second * 1_000 : Math.min(now, Math.max(header.sentAt, now - BURST_MS))
  const budgets = messagesPerSecondBudgets(standing.authority).map(({ grantIdText, perSecond }) => {
    const budget = isRepaired
      ? context.grantBudget(`${grantIdText}|${second}`, 2 * perSecond)
      : context.grantBudget(grantIdText, perSecond)
    if (budget.has(header.count, at)) return budget
    throw new TrustError(
      'condition',
      `Cannot accept ${header.count} messages: grant ${grantIdText} allows ${perSecond} a second`,
    )
  })
  return () => {
    for (const budget of budgets) budget.take(header.count, at)
  }
}
