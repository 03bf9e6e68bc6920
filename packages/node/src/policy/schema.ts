import type { PolicyRequest } from '@ixj/agent'
import type { Action } from '@ixj/trust'

/** A record, so that a new action is a compile error here. */
const ACTIONS: Readonly<Record<Action, true>> = {
  publish: true,
  request: true,
  subscribe: true,
  answer: true,
  invite: true,
  host: true,
  speak: true,
  keep: true,
  revoke: true,
  log: true,
}

/** Every action that a policy may speak of. */
export const POLICY_ACTIONS = Object.keys(ACTIONS) as readonly Action[]

/** Records again: a new word of a request has to be taught to the schema. */
const BASES: Readonly<Record<PolicyRequest['basis'], true>> = {
  owner: true,
  grant: true,
  answer: true,
  none: true,
}
const CLASSES: Readonly<Record<PolicyRequest['class'], true>> = {
  state: true,
  event: true,
  task: true,
}
const FRESHNESS: Readonly<Record<PolicyRequest['freshness'], true>> = {
  fresh: true,
  stale: true,
  unchecked: true,
}

/** What `basis`, `class` and `freshness` of a request can be. */
export const POLICY_WORDS = {
  basis: Object.keys(BASES) as readonly PolicyRequest['basis'][],
  class: Object.keys(CLASSES) as readonly PolicyRequest['class'][],
  freshness: Object.keys(FRESHNESS) as readonly PolicyRequest['freshness'][],
} as const

/**
 * What rules may speak of, as a schema of Cedar; docs/protocol.md, section "Policy". Words are
 * entities of closed types, not texts: a misspelt one is found when the policy is read, where a
 * text would only never be equal.
 */
export const POLICY_SCHEMA = `// A name and every name below it.
entity Zone in [Zone];
entity Agent in [Zone];
entity Topic in [Zone];
entity Basis enum [${words(POLICY_WORDS.basis)}];
entity Class enum [${words(POLICY_WORDS.class)}];
entity Freshness enum [${words(POLICY_WORDS.freshness)}];

action ${words(POLICY_ACTIONS)} appliesTo {
  principal: [Agent],
  resource: [Topic],
  context: {
    receiver: Agent,          // the node that decides
    organisation: Zone,       // the sender's
    ownOrganisation: Zone,    // the receiver's
    path: Set<Zone>,          // organisations from the receiver's anchor to the sender
    onBehalfOf: Agent,
    basis: Basis,
    delegators: Set<Agent>,   // issuers along the chain of grants
    class: Class,
    bytes: Long,
    priority: Long,
    approvals: Set<Agent>,
    freshness: Freshness,
    time: Long,               // ms since the Unix epoch
    minute: Long,             // of the UTC day, 0 to 1439
    weekday: Long,            // of that day, 1 Monday to 7 Sunday
  },
};
`

function words(all: readonly string[]): string {
  return all.map((word) => JSON.stringify(word)).join(', ')
}
