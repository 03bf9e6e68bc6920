import type { Clause, Expr, PolicyJson } from '@cedar-policy/cedar-wasm/nodejs'
import type { PolicyDecision, PolicyRequest } from '@ixj/agent'
import { type CedarEngine, loadCedar } from './cedar.ts'
import type { CompiledPolicy, PolicyRule } from './compiled-policy.ts'
import { PolicyError } from './policy-error.ts'
import { callOf } from './request-entities.ts'

/** What one rule has to do with a request. */
export interface RuleExplanation {
  readonly rule: PolicyRule
  readonly applies: boolean
  /** The parts that do not hold, as they stand in the rule; none where it applies. */
  readonly failing: readonly string[]
}

/** Why a policy decides as it does. */
export interface PolicyExplanation {
  readonly decision: PolicyDecision
  /** The rules that decided, in the order of the text. */
  readonly determining: readonly PolicyRule[]
  /** Every rule of the text. */
  readonly rules: readonly RuleExplanation[]
  /** What would have to change for another decision, for people. */
  readonly remedies: readonly string[]
}

/** Rules of which the explanation says what they lack. */
const NEAREST_MAX = 3

/** Why a policy decides as it does about a request. @throws PolicyError `engine` */
export async function explainPolicy(
  policy: CompiledPolicy,
  request: PolicyRequest,
): Promise<PolicyExplanation> {
  const cedar = await loadCedar()
  const rules = policy.rules.map((rule) => explainRule(cedar, rule, request))
  const determining = policy.determining(request)
  const decision = policy.decide(request)
  const explained = { decision, determining, rules }
  return { ...explained, remedies: remediesOf(explained, request) }
}

function explainRule(
  cedar: CedarEngine,
  rule: PolicyRule,
  request: PolicyRequest,
): RuleExplanation {
  const { json } = rule
  const failing: string[] = []
  for (const part of scopeParts(json)) {
    if (!holds(cedar, part, request)) failing.push(scopeText(cedar, part))
  }
  for (const condition of json.conditions) {
    failing.push(...failingParts(cedar, condition, request))
  }
  return { rule, applies: failing.length === 0, failing }
}

const ANYTHING: PolicyJson = {
  effect: 'permit',
  principal: { op: 'All' },
  action: { op: 'All' },
  resource: { op: 'All' },
  conditions: [],
}

/** A rule for each part of the scope that says something. */
function scopeParts({ principal, action, resource }: PolicyJson): readonly PolicyJson[] {
  return [
    ...(principal.op === 'All' ? [] : [{ ...ANYTHING, principal }]),
    ...(action.op === 'All' ? [] : [{ ...ANYTHING, action }]),
    ...(resource.op === 'All' ? [] : [{ ...ANYTHING, resource }]),
  ]
}

/** The parts of a condition that do not hold: all of them are needed. */
function failingParts(
  cedar: CedarEngine,
  condition: Clause,
  request: PolicyRequest,
): readonly string[] {
  const isHeld = (clause: Clause) => holds(cedar, { ...ANYTHING, conditions: [clause] }, request)
  if (isHeld(condition)) return []
  if (condition.kind === 'unless') return [`unless ${conditionText(cedar, condition)}`]
  return conjuncts(condition.body)
    .map((body): Clause => ({ kind: 'when', body }))
    .filter((part) => !isHeld(part))
    .map((part) => conditionText(cedar, part))
}

function conjuncts(body: Expr): readonly Expr[] {
  if (!('&&' in body)) return [body]
  const both = body['&&'] as { readonly left: Expr; readonly right: Expr }
  return [...conjuncts(both.left), ...conjuncts(both.right)]
}

function holds(cedar: CedarEngine, rule: PolicyJson, request: PolicyRequest): boolean {
  const policies = { staticPolicies: { part: rule } }
  const answer = cedar.isAuthorized({ ...callOf(request), policies })
  if (answer.type === 'success') return answer.response.decision === 'allow'
  const reason = answer.errors.map(({ message }) => message).join('; ')
  throw new PolicyError('engine', `Cannot explain a rule: ${reason}`)
}

function scopeText(cedar: CedarEngine, part: PolicyJson): string {
  const text = textOf(cedar, part)
  const parts = text.slice(text.indexOf('(') + 1, text.lastIndexOf(')')).split(/,\s*(?![^[]*\])/)
  return parts.find((each) => !/^(principal|action|resource)$/.test(each.trim()))?.trim() ?? text
}

function conditionText(cedar: CedarEngine, condition: Clause): string {
  const text = textOf(cedar, { ...ANYTHING, conditions: [condition] })
  return text.slice(text.indexOf('{') + 1, text.lastIndexOf('}')).trim()
}

function textOf(cedar: CedarEngine, rule: PolicyJson): string {
  const answer = cedar.policyToText(rule)
  if (answer.type === 'success') return answer.text.replaceAll(/\s+/g, ' ')
  const reason = answer.errors.map(({ message }) => message).join('; ')
  throw new PolicyError('engine', `Cannot show a rule: ${reason}`)
}

function remediesOf(
  explained: Omit<PolicyExplanation, 'remedies'>,
  request: PolicyRequest,
): readonly string[] {
  const { decision, determining, rules } = explained
  const scope = `principal == Agent::"${request.sender}", action == Action::"${request.action}", resource == Topic::"${request.topic}"`
  if (decision.permit) {
    const permits = determining.map(({ label }) => `take away ${label}`)
    return [...permits, `or add: forbid (${scope});`]
  }
  if (determining.length > 0) return determining.map(({ label }) => `narrow ${label}`)
  const nearest = rules
    .filter(({ rule }) => rule.effect === 'permit')
    .toSorted((left, right) => left.failing.length - right.failing.length)
    .slice(0, NEAREST_MAX)
    .map(({ rule, failing }) => `${rule.label} would permit it if ${failing.join(', and ')}`)
  return [...nearest, `or add: permit (${scope});`]
}
