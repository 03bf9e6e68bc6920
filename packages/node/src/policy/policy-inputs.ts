import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs'
import type { PolicyRequest } from '@ixj/agent'
import { minuteOf, weekdayOf } from './request-entities.ts'

/** Every input that a rule can speak of, as a text in which no two different values are the same. */
const INPUTS = {
  principal: (request: PolicyRequest) => request.sender,
  action: (request: PolicyRequest) => request.action,
  resource: (request: PolicyRequest) => request.topic,
  receiver: (request: PolicyRequest) => request.receiver,
  organisation: (request: PolicyRequest) => request.organisation,
  ownOrganisation: (request: PolicyRequest) => request.ownOrganisation,
  path: (request: PolicyRequest) => request.path.join(','),
  onBehalfOf: (request: PolicyRequest) => request.onBehalfOf,
  basis: (request: PolicyRequest) => request.basis,
  delegators: (request: PolicyRequest) => request.delegators.join(','),
  class: (request: PolicyRequest) => request.class,
  bytes: (request: PolicyRequest) => request.bytes,
  priority: (request: PolicyRequest) => request.priority,
  approvals: (request: PolicyRequest) => request.approvals.join(','),
  freshness: (request: PolicyRequest) => request.freshness,
  time: (request: PolicyRequest) => request.now,
  minute: (request: PolicyRequest) => minuteOf(request.now),
  weekday: (request: PolicyRequest) => weekdayOf(request.now),
} as const satisfies Readonly<Record<string, (request: PolicyRequest) => string | number>>

/** What a rule can speak of: a part of the scope, or an attribute of the context. */
export type PolicyInput = keyof typeof INPUTS

const ALL = Object.keys(INPUTS) as readonly PolicyInput[]
const SCOPE: readonly string[] = ['principal', 'action', 'resource']

/** The inputs that these rules mention, in a fixed order; nothing else can change what they say. */
export function inputsOf(rules: readonly PolicyJson[]): readonly PolicyInput[] {
  const found = new Set<string>()
  for (const rule of rules) {
    if (rule.principal.op !== 'All') found.add('principal')
    if (rule.action.op !== 'All') found.add('action')
    if (rule.resource.op !== 'All') found.add('resource')
    for (const { body } of rule.conditions) addExpression(body, found)
  }
  return ALL.filter((input) => found.has(input) || (found.has('context') && !isScope(input)))
}

function isScope(input: PolicyInput): boolean {
  return SCOPE.includes(input)
}

/** One text for the inputs' values: equal texts, equal values. Names and words hold no `|`. */
export function inputsKey(inputs: readonly PolicyInput[], request: PolicyRequest): string {
  let key = ''
  for (const input of inputs) key += `${INPUTS[input](request)}|`
  return key
}

/**
 * Walks an expression of Cedar's JSON form. What is not understood counts as the whole context, so
 * that a form of a later version costs entries of the cache and never a wrong answer.
 */
function addExpression(value: unknown, found: Set<string>): void {
  if (Array.isArray(value)) {
    for (const item of value) addExpression(item, found)
    return
  }
  if (typeof value !== 'object' || value === null) return
  for (const [operator, operand] of Object.entries(value) as [string, unknown][]) {
    if (operator === 'Value') continue
    if (operator === 'Var') {
      found.add(String(operand))
    } else if ((operator === '.' || operator === 'has') && isContext(operand)) {
      const [first] = [operand.attr].flat()
      found.add(typeof first === 'string' ? first : 'context')
    } else if (operator === 'Record' && typeof operand === 'object' && operand !== null) {
      // Its members are the author's words, not operators.
      for (const item of Object.values(operand) as unknown[]) addExpression(item, found)
    } else {
      addExpression(operand, found)
    }
  }
}

function isContext(operand: unknown): operand is { readonly attr: unknown } {
  if (typeof operand !== 'object' || operand === null) return false
  if (!('left' in operand) || !('attr' in operand)) return false
  const { left } = operand
  return typeof left === 'object' && left !== null && 'Var' in left && left.Var === 'context'
}
