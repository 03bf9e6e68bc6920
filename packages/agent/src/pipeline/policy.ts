import { matches, type Name, type Pattern } from '@ixj/names'
import type { Action } from '@ixj/trust'
import type { MessageClass } from '../bundles/header.ts'

/** By what right a sender speaks, before the receiver's policy is asked. */
export type Basis =
  /** Its name is the topic or an ancestor of it. */
  | 'owner'
  /** A chain of grants covers action and topic. */
  | 'grant'
  /** It answers a request that was made of it. */
  | 'answer'
  /** None: on an inbox, the policy alone may still permit it. */
  | 'none'

/** What a policy is asked about one bundle: names and facts that were verified, never claims. */
export interface PolicyRequest {
  /** The node that decides. */
  readonly receiver: Name
  readonly sender: Name
  /** The top of the chain that verified the sender. */
  readonly organisation: Name
  /** The top of the chain that verifies the receiving node. */
  readonly ownOrganisation: Name
  readonly action: Action
  readonly topic: Name
  readonly onBehalfOf: Name
  readonly basis: Basis
  /** Who passed the authority on: the issuers along the chain of grants, root first. */
  readonly delegators: readonly Name[]
  /** Organisations from the receiver's anchor to that of the sender; of one, the anchor's own. */
  readonly path: readonly Name[]
  readonly class: MessageClass
  /** Bytes of the messages. */
  readonly bytes: number
  readonly priority: number
  /** Names whose approvals of this message held, each once, sorted. */
  readonly approvals: readonly Name[]
  /** What is known of revocations along the chains. */
  readonly freshness: NewsAge
  readonly now: number
  /**
   * Raised by any change of anchors, statuses or revocations: what was decided under another one
   * counts no more.
   */
  readonly generation: number
}

/**
 * How new the news of revocations is; of several issuers, the oldest counts. `unchecked`: no status
 * of one was ever heard, or none is asked for.
 */
export type NewsAge = 'fresh' | 'stale' | 'unchecked'

/** What a policy said, and which rule said it. */
export interface PolicyDecision {
  readonly permit: boolean
  /** For people, one line: `permit "crew may publish" (policy.cedar:4)`. */
  readonly rule: string
  /** Which text decided: SHA-256 of the policy file in hex; absent for rules that are built in. */
  readonly policy?: string
}

/** The receiver's own rules. A policy that throws is a fault of ours: nothing is accepted then. */
export interface Policy {
  decide(request: PolicyRequest): PolicyDecision | Promise<PolicyDecision>
}

/** One line of the built-in rule table. */
export interface Rule {
  /** What explanations call it. */
  readonly id: string
  readonly effect: 'permit' | 'forbid'
  /** Which senders. */
  readonly sender: Pattern
  /** Which actions. */
  readonly actions: readonly Action[]
  /** Which topics. */
  readonly topic: Pattern
}

/**
 * The small built-in policy. A rule that forbids wins over all that permit. Without a rule: answers
 * to one's own requests, owners, and holders of grants inside one's own organisation are permitted,
 * and nothing from outside.
 */
export function ruleTable(rules: readonly Rule[] = []): Policy {
  return { decide: (request) => decide(rules, request) }
}

function decide(rules: readonly Rule[], request: PolicyRequest): PolicyDecision {
  let permitting: Rule | undefined
  for (const rule of rules) {
    if (!applies(rule, request)) continue
    if (rule.effect === 'forbid')
      return { permit: false, rule: `forbid ${JSON.stringify(rule.id)}` }
    permitting ??= rule
  }
  if (permitting !== undefined)
    return { permit: true, rule: `permit ${JSON.stringify(permitting.id)}` }
  if (request.basis === 'answer') return { permit: true, rule: 'default: answers to own requests' }
  if (request.organisation !== request.ownOrganisation) {
    return { permit: false, rule: 'default: nothing from outside the organisation' }
  }
  if (request.basis === 'none') {
    return { permit: false, rule: 'default: only owners and holders of grants' }
  }
  return { permit: true, rule: `default: ${request.basis}s inside the organisation` }
}

function applies(rule: Rule, request: PolicyRequest): boolean {
  return (
    rule.actions.includes(request.action) &&
    matches(rule.sender, request.sender) &&
    matches(rule.topic, request.topic)
  )
}
