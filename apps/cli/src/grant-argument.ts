import type { GrantRequest } from '@ixj/agent'
import type { Action } from '@ixj/trust'
import { listArgument, patternsArgument } from './arguments.ts'
import { ArgumentError } from './command-error.ts'

/** A record, so that a new action is a compile error here. */
const ACTIONS: Readonly<Record<Action, true>> = {
  publish: true,
  request: true,
  subscribe: true,
  answer: true,
  host: true,
  invite: true,
  speak: true,
  keep: true,
  revoke: true,
  log: true,
}

/** The actions that a grant may have. */
export const GRANT_ACTIONS: readonly string[] = Object.keys(ACTIONS)

/**
 * Reads `ACTIONS TOPICS[; delegate PATTERNS]`, each a list with commas, as
 * `publish,subscribe crew.acme.example; delegate *.planner.acme.example`.
 * @throws ArgumentError `usage`, or the code of a pattern's broken rule
 */
export function grantArgument(text: string): GrantRequest {
  const [main = '', ...clauses] = text.split(';').map((part) => part.trim())
  const words = main.split(/\s+/)
  const [actionsText = '', topicsText = ''] = words
  if (words.length !== 2) throw refused(text, 'needed are actions, a space, and topics')
  const actions = listArgument(actionsText).map((action) => readAction(text, action))
  const topics = patternsArgument(topicsText)
  if (clauses.length === 0) return { actions, topics }
  const [clause = ''] = clauses
  const [, patterns] = /^delegate\s+(\S+)$/.exec(clause) ?? []
  if (clauses.length > 1 || patterns === undefined) {
    throw refused(text, 'after ";" stands "delegate" and patterns, once')
  }
  return { actions, topics, mayDelegate: patternsArgument(patterns) }
}

/** One action. @throws ArgumentError `usage` */
export function actionArgument(word: string): Action {
  if (isAction(word)) return word
  const reason = `it is not one of ${GRANT_ACTIONS.join(', ')}`
  throw new ArgumentError('usage', `Cannot read the action ${JSON.stringify(word)}: ${reason}`)
}

function readAction(text: string, word: string): Action {
  if (isAction(word)) return word
  throw refused(text, `${JSON.stringify(word)} is not one of ${GRANT_ACTIONS.join(', ')}`)
}

function isAction(word: string): word is Action {
  return GRANT_ACTIONS.includes(word)
}

function refused(text: string, reason: string): ArgumentError {
  return new ArgumentError('usage', `Cannot read the grant ${JSON.stringify(text)}: ${reason}`)
}
