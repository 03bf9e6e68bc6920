import type { Name, Pattern } from '@ixj/names'
import { type Condition, conditionFields, readConditions } from './conditions.ts'
import {
  type Field,
  readBytes,
  readOptional,
  readSortedSet,
  readText,
  sortedSet,
  type Value,
} from './encoding/index.ts'
import { GRANT_ACTIONS_MAX, GRANT_DELEGATES_MAX, GRANT_TOPICS_MAX } from './limits.ts'
import { readName, readPattern } from './name-fields.ts'
import type { StatementBase } from './statement-base.ts'
import { TrustError } from './trust-error.ts'

/**
 * What a grant may allow, docs/protocol.md, section "Grant". `publish`, `request`: send such
 * bundles. `subscribe`: receive a group. `answer`: be asked in a group. `invite`: seal the group's
 * secret to holders of `subscribe`. `host`: receive and serve for this topic. `speak`: a node signs
 * as this name. `keep`: vouch for history. `revoke`: sign revocations and status. `log`: sign
 * checkpoints.
 */
export type Action =
  | 'publish'
  | 'request'
  | 'subscribe'
  | 'answer'
  | 'invite'
  | 'host'
  | 'speak'
  | 'keep'
  | 'revoke'
  | 'log'

/** A signed, attenuable permission: who may do what, where, until when. Section "Grant". */
export interface Grant extends StatementBase<'grant'> {
  /** For whom the holder acts; the same in every grant of a chain. */
  readonly onBehalfOf: Name
  /** Who holds it. */
  readonly subject: Pattern
  /** The one key that holds it, 32 bytes, so that the next bearer of a name inherits nothing. */
  readonly subjectKey: Uint8Array | null
  /** A set: sorted, without repeats. */
  readonly actions: readonly Action[]
  /** A set: sorted, without repeats; exact names where `host` or `speak` is among the actions. */
  readonly topics: readonly Pattern[]
  /** Sorted by name, each name once. */
  readonly conditions: readonly Condition[]
  /** Who may receive a part of it; false: nobody. A set: sorted, without repeats. */
  readonly mayDelegate: false | readonly Pattern[]
  /** The id of the grant that this one is a part of, 32 bytes; null for a root. */
  readonly parent: Uint8Array | null
}

/** Fields of a grant after the common ones. */
export const GRANT_FIELDS = 8

const ACTIONS: ReadonlySet<string> = new Set<Action>([
  'publish',
  'request',
  'subscribe',
  'answer',
  'invite',
  'host',
  'speak',
  'keep',
  'revoke',
  'log',
])

/** "`host` and `speak` take exact names only": a pattern would hand over names yet to be born. */
const EXACT_ACTIONS: readonly Action[] = ['host', 'speak']

/** The own fields of a grant, in the order of the wire; sets are sorted, repeats left out. */
export function grantFields(grant: Omit<Grant, 'issuerKey'>): Value[] {
  const { onBehalfOf, subject, subjectKey, mayDelegate, parent } = grant
  return [
    onBehalfOf,
    subject,
    subjectKey,
    sortedSet(grant.actions),
    sortedSet(grant.topics),
    conditionFields(grant.conditions),
    mayDelegate === false ? false : sortedSet(mayDelegate),
    parent,
  ]
}

/**
 * Reads the own fields of a grant and checks its rules of form.
 * @throws TrustError `form`, `name`, `unsupported` (an action that is not known)
 */
export function readGrant(base: StatementBase<'grant'>, fields: readonly Field[]): Grant {
  const [onBehalfOf, subject, subjectKey, actions, topics, conditions, mayDelegate, parent] = fields
  const grant: Grant = {
    ...base,
    onBehalfOf: readName(onBehalfOf, 'onBehalfOf of grant'),
    subject: readPattern(subject, 'subject of grant'),
    subjectKey: readOptional(subjectKey, 'subjectKey of grant', readBytes),
    actions: readSortedSet(actions, 'actions of grant', {
      itemsMin: 1,
      itemsMax: GRANT_ACTIONS_MAX,
      item: readAction,
    }),
    topics: readPatterns(topics, 'topics of grant', GRANT_TOPICS_MAX),
    conditions: readConditions(conditions, 'conditions of grant'),
    mayDelegate:
      mayDelegate === false
        ? false
        : readPatterns(mayDelegate, 'mayDelegate of grant', GRANT_DELEGATES_MAX),
    parent: readOptional(parent, 'parent of grant', readBytes),
  }
  checkExactTopics(grant)
  return grant
}

function readAction(value: Field, what: string): Action {
  const text = readText(value, what)
  if (isAction(text)) return text
  const shown = JSON.stringify(text.slice(0, 64))
  throw new TrustError('unsupported', `Cannot read ${what}: the action ${shown} is not known`)
}

function isAction(text: string): text is Action {
  return ACTIONS.has(text)
}

function readPatterns(value: Field, what: string, itemsMax: number): Pattern[] {
  const rules = { itemsMin: 1, itemsMax, item: readPattern }
  return readSortedSet(value, what, rules)
}

function checkExactTopics(grant: Grant): void {
  const action = EXACT_ACTIONS.find((exact) => grant.actions.includes(exact))
  if (action === undefined) return
  const topic = grant.topics.find((pattern) => pattern.startsWith('*'))
  if (topic === undefined) return
  const message = `Cannot read topics of grant: "${topic}", and "${action}" takes exact names only`
  throw new TrustError('form', message)
}
