import type { Rule } from '@ixj/agent'
import { NameError, parsePattern, type Pattern } from '@ixj/names'
import type { Action } from '@ixj/trust'
import { HomeError } from './home-error.ts'
import {
  formatFile,
  type Json,
  malformed,
  parseFile,
  readItems,
  readObject,
  readString,
} from './json-text.ts'
import { RULE_ID_MAX, RULES_MAX } from './limits.ts'

const VERSION = 1

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

/**
 * The text of a policy file: JSON with `version` 1 and `rules`, each `{ id, effect, sender, actions,
 * topic }`; `effect` is `permit` or `forbid`, `sender` and `topic` are patterns.
 */
export function formatRules(rules: readonly Rule[]): string {
  return formatFile({
    version: VERSION,
    rules: rules.map(({ id, effect, sender, actions, topic }) => {
      return { id, effect, sender, actions: [...actions], topic }
    }),
  })
}

/**
 * Reads a policy file. Strict: a file that is wrong in any place is no policy.
 * @throws HomeError `malformed`, `too-large`, `unsupported`
 */
export function parseRules(bytes: Uint8Array, path: string): readonly Rule[] {
  const file = parseFile(bytes, path, { version: VERSION, members: ['rules'] })
  const items = readItems(file['rules'], `rules in ${path}`, RULES_MAX)
  const rules = items.map((item, index) => readRule(item, `rule [${index}] in ${path}`))
  const ids = rules.map(({ id }) => id)
  const twice = ids.find((id, index) => ids.indexOf(id) !== index)
  // Explanations name the rule that decided: two of one name would leave it open.
  if (twice !== undefined) throw malformed(path, `two rules have the id ${JSON.stringify(twice)}`)
  return rules
}

function readRule(value: Json, what: string): Rule {
  const rule = readObject(value, what, ['id', 'effect', 'sender', 'actions', 'topic'])
  return {
    id: readId(rule['id'], `id of ${what}`),
    effect: readEffect(rule['effect'], `effect of ${what}`),
    sender: readPatternText(rule['sender'], `sender of ${what}`),
    actions: readActions(rule['actions'], `actions of ${what}`),
    topic: readPatternText(rule['topic'], `topic of ${what}`),
  }
}

function readId(value: Json | undefined, what: string): string {
  const id = readString(value, what)
  if (id.length === 0) throw malformed(what, 'it is empty')
  if (id.length <= RULE_ID_MAX) return id
  const size = `${id.length} characters, limit ${RULE_ID_MAX}`
  throw new HomeError('too-large', `Cannot read ${what}: ${size}`)
}

function readEffect(value: Json | undefined, what: string): Rule['effect'] {
  if (value === 'permit' || value === 'forbid') return value
  throw malformed(what, 'it must be "permit" or "forbid"')
}

function readActions(value: Json | undefined, what: string): readonly Action[] {
  const known = Object.keys(ACTIONS) as Action[]
  const items = readItems(value, what, known.length)
  if (items.length === 0) throw malformed(what, 'it is empty')
  return items.map((item) => {
    const action = known.find((each) => each === item)
    if (action === undefined) throw malformed(what, `must be of ${known.join(', ')}`)
    return action
  })
}

function readPatternText(value: Json | undefined, what: string): Pattern {
  const text = readString(value, what)
  try {
    return parsePattern(text)
  } catch (cause) {
    if (!(cause instanceof NameError)) throw cause
    throw malformed(what, cause.message, { cause })
  }
}
