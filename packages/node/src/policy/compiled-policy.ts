import type {
  AuthorizationAnswer,
  AuthorizationError,
  DetailedError,
  PolicyJson,
} from '@cedar-policy/cedar-wasm/nodejs'
import type { PolicyDecision, PolicyRequest } from '@ixj/agent'
import { toHex } from '@ixj/trust'
import { POLICY_FILE_BYTES_MAX, RULE_ID_MAX, RULES_MAX } from '../home/limits.ts'
import { nodeSha256 } from '../node-keys.ts'
import { type CedarEngine, loadCedar } from './cedar.ts'
import { PolicyError, type PolicyProblem, problemsError } from './policy-error.ts'
import { inputsOf, type PolicyInput } from './policy-inputs.ts'
import {
  findBadNames,
  findTooDeep,
  indexOfByte,
  positionOf,
  type RuleText,
  splitRules,
} from './policy-text.ts'
import { callOf } from './request-entities.ts'
import { POLICY_SCHEMA } from './schema.ts'

/** One rule of a policy that was read. */
export interface PolicyRule {
  /** What the engine calls it: `policy.cedar:4`. */
  readonly place: string
  readonly effect: 'permit' | 'forbid'
  /** Its annotation `@id`; null without one. */
  readonly id: string | null
  /** For people: `permit "crew may publish" (policy.cedar:4)`. */
  readonly label: string
  readonly json: PolicyJson
}

/** A policy text that was parsed and validated, and is kept ready by the engine. */
export interface CompiledPolicy extends Disposable {
  /** The file's name, for people. */
  readonly file: string
  /** SHA-256 of the text in hex. */
  readonly digest: string
  readonly rules: readonly PolicyRule[]
  /** Every input of a request that its decisions depend on. */
  readonly inputs: readonly PolicyInput[]
  /** What the validator doubts, such as a rule that can never apply. */
  readonly warnings: readonly PolicyProblem[]
  /** Decides, some 0.4 ms. @throws PolicyError `engine` */
  decide(request: PolicyRequest): PolicyDecision
  /** Every rule that decided, in the order of the text. @throws PolicyError `engine` */
  determining(request: PolicyRequest): readonly PolicyRule[]
}

/** Ids of policy sets that the engine keeps; it has no way to drop one, so they are used again. */
const freeIds: string[] = []
let lastId = 0

/**
 * Parses and validates a policy text. Dispose of it to free the engine's copy.
 * @throws PolicyError `syntax`, `invalid`, `name`, `unsupported`, `empty`, `too-large`, `engine`
 */
export async function compilePolicy(text: string, file: string): Promise<CompiledPolicy> {
  checkSize(text, file)
  const cedar = await loadCedar()
  const rules = engineSafe(() => readRules(cedar, text, file))
  const warnings = engineSafe(() => validate(cedar, text, file))
  const id = freeIds.pop() ?? `policy ${(lastId += 1)}`
  const staticPolicies = Object.fromEntries(rules.map(({ place, text: own }) => [place, own]))
  engineSafe(() => prepare(cedar, id, staticPolicies))
  return new ReadyPolicy({ cedar, id, file, text, rules, warnings })
}

/** What tells one policy text from another: its SHA-256 in hex. */
export function digestOf(text: string): string {
  return toHex(nodeSha256(Buffer.from(text)))
}

function checkSize(text: string, file: string): void {
  const bytes = Buffer.byteLength(text)
  if (bytes > POLICY_FILE_BYTES_MAX) {
    const size = `${bytes} bytes, limit ${POLICY_FILE_BYTES_MAX}`
    throw new PolicyError('too-large', `Cannot use ${file}: ${size}`)
  }
  const tooDeep = findTooDeep(text)
  if (tooDeep.length > 0) throw problemsError('too-large', file, tooDeep)
}

interface RuleSource extends PolicyRule, RuleText {}

function readRules(cedar: CedarEngine, text: string, file: string): readonly RuleSource[] {
  const parsed = cedar.policySetTextToParts(text)
  if (parsed.type === 'failure')
    throw problemsError('syntax', file, problemsOf(parsed.errors, text))
  if (parsed.policy_templates.length > 0) {
    const reason = 'it has a template (?principal or ?resource), and nothing would fill it in'
    throw new PolicyError('unsupported', `Cannot use ${file}: ${reason}`)
  }
  const rules = splitRules(text)
  if (rules.length === 0) {
    const remedy = 'to refuse everything, write: forbid (principal, action, resource);'
    throw new PolicyError('empty', `Cannot use ${file}: it has no rule; ${remedy}`)
  }
  if (rules.length > RULES_MAX) {
    throw new PolicyError(
      'too-large',
      `Cannot use ${file}: ${rules.length} rules, limit ${RULES_MAX}`,
    )
  }
  if (rules.length !== parsed.policies.length) {
    const counts = `${rules.length} rules were found, and the engine found ${parsed.policies.length}`
    throw new PolicyError('engine', `Cannot use ${file}: ${counts}`)
  }
  const badNames = findBadNames(text)
  if (badNames.length > 0) throw problemsError('name', file, badNames)
  const read = rules.map((rule) => readRule(cedar, rule, file))
  const places = read.map(({ place }) => place)
  const twice = places.find((place, index) => places.indexOf(place) !== index)
  // Explanations name a rule by its line: two of one line would leave it open.
  if (twice !== undefined) {
    throw new PolicyError('unsupported', `Cannot use ${twice}: two rules stand in one line`)
  }
  return read
}

function readRule(cedar: CedarEngine, rule: RuleText, file: string): RuleSource {
  const place = `${file}:${rule.line}`
  const parsed = cedar.policyToJson(rule.text)
  if (parsed.type === 'failure') {
    const reason = parsed.errors.map(({ message }) => message).join('; ')
    throw new PolicyError('engine', `Cannot use ${place}: ${reason}`)
  }
  const { json } = parsed
  const id = json.annotations?.['id'] ?? null
  if (id !== null && id.length > RULE_ID_MAX) {
    const size = `its @id has ${id.length} characters, limit ${RULE_ID_MAX}`
    throw new PolicyError('too-large', `Cannot use ${place}: ${size}`)
  }
  const label = `${json.effect} ${id === null ? '' : `${JSON.stringify(id)} `}(${place})`
  return { ...rule, place, effect: json.effect, id, label, json }
}

/** @throws PolicyError `invalid` */
function validate(cedar: CedarEngine, text: string, file: string): readonly PolicyProblem[] {
  const answer = cedar.validate({ schema: POLICY_SCHEMA, policies: { staticPolicies: text } })
  if (answer.type === 'failure') {
    throw problemsError('invalid', file, problemsOf(answer.errors, text))
  }
  const errors = answer.validationErrors.map(({ error }) => error)
  if (errors.length > 0) throw problemsError('invalid', file, problemsOf(errors, text))
  const warnings = answer.validationWarnings.map(({ error }) => error)
  return problemsOf([...warnings, ...answer.otherWarnings], text)
}

function problemsOf(errors: readonly DetailedError[], text: string): readonly PolicyProblem[] {
  const problems = errors.map((error) => {
    const [place] = error.sourceLocations ?? []
    const { line, column } = positionOf(text, indexOfByte(text, place?.start ?? 0))
    // The engine counts rules by itself, `policy0`, where the place tells it better, and finds the
    // same for each action, since all have one context.
    const message = error.message
      .replace(/^for policy `policy\d+`, /, '')
      .replace(/ for Action::"\w+"/, '')
    const details = [place?.label, error.help].filter((part) => typeof part === 'string')
    return { line, column, message: [message, ...details].join('; ') }
  })
  const distinct = new Map(problems.map((problem) => [JSON.stringify(problem), problem]))
  return [...distinct.values()].toSorted(
    (left, right) => left.line - right.line || left.column - right.column,
  )
}

function prepare(cedar: CedarEngine, id: string, staticPolicies: Record<string, string>): void {
  const answer = cedar.preparsePolicySet(id, { staticPolicies })
  if (answer.type === 'success') return
  const reason = answer.errors.map(({ message }) => message).join('; ')
  throw new PolicyError('engine', `Cannot prepare a policy: ${reason}`)
}

/** A trap in the engine, such as a stack that ends, becomes a coded error. */
function engineSafe<T>(run: () => T): T {
  try {
    return run()
  } catch (cause) {
    if (cause instanceof PolicyError) throw cause
    throw new PolicyError('engine', 'Cannot ask the policy engine: it failed', { cause })
  }
}

class ReadyPolicy implements CompiledPolicy {
  readonly file: string
  readonly digest: string
  readonly rules: readonly PolicyRule[]
  readonly inputs: readonly PolicyInput[]
  readonly warnings: readonly PolicyProblem[]
  readonly #cedar: CedarEngine
  readonly #id: string
  readonly #byPlace: ReadonlyMap<string, PolicyRule>
  #disposed = false

  constructor(parts: {
    readonly cedar: CedarEngine
    readonly id: string
    readonly file: string
    readonly text: string
    readonly rules: readonly PolicyRule[]
    readonly warnings: readonly PolicyProblem[]
  }) {
    this.#cedar = parts.cedar
    this.#id = parts.id
    this.file = parts.file
    this.digest = digestOf(parts.text)
    this.rules = parts.rules
    this.warnings = parts.warnings
    this.inputs = inputsOf(parts.rules.map(({ json }) => json))
    this.#byPlace = new Map(parts.rules.map((rule) => [rule.place, rule]))
  }

  decide(request: PolicyRequest): PolicyDecision {
    const { permit, rules } = this.#ask(request)
    const [first] = rules
    const rule = first === undefined ? `no rule permits it (${this.file})` : first.label
    return { permit, rule, policy: this.digest }
  }

  determining(request: PolicyRequest): readonly PolicyRule[] {
    return this.#ask(request).rules
  }

  [Symbol.dispose](): void {
    if (this.#disposed) return
    this.#disposed = true
    engineSafe(() => this.#cedar.preparsePolicySet(this.#id, { staticPolicies: {} }))
    freeIds.push(this.#id)
  }

  #ask(request: PolicyRequest): {
    readonly permit: boolean
    readonly rules: readonly PolicyRule[]
  } {
    if (this.#disposed)
      throw new PolicyError('engine', `Cannot ask ${this.file}: it is disposed of`)
    const { decision, diagnostics } = readAnswer(engineSafe(() => this.#call(request)))
    // The engine skips a rule that it cannot evaluate, as on a sum that is too large. A rule that
    // forbids must not be switched off by what a sender puts into a message.
    const failed = diagnostics.errors.map((error) => this.#rule(error))
    const forbidding = failed.filter(({ effect }) => effect === 'forbid')
    if (forbidding.length > 0) return { permit: false, rules: this.#ordered(forbidding) }
    const rules = diagnostics.reason.map((place) => this.#rule({ policyId: place }))
    return { permit: decision === 'allow', rules: this.#ordered(rules) }
  }

  /** Without the schema: what the texts may say was validated, and requests are made here. */
  #call(request: PolicyRequest): AuthorizationAnswer {
    return this.#cedar.statefulIsAuthorized({
      ...callOf(request),
      preparsedPolicySetId: this.#id,
    })
  }

  #rule({ policyId }: Pick<AuthorizationError, 'policyId'>): PolicyRule {
    const rule = this.#byPlace.get(policyId)
    if (rule === undefined) throw new PolicyError('engine', `Cannot find the rule ${policyId}`)
    return rule
  }

  #ordered(rules: readonly PolicyRule[]): readonly PolicyRule[] {
    return this.rules.filter((rule) => rules.includes(rule))
  }
}

function readAnswer(
  answer: AuthorizationAnswer,
): Extract<AuthorizationAnswer, { type: 'success' }>['response'] {
  if (answer.type === 'success') return answer.response
  const reason = answer.errors.map(({ message }) => message).join('; ')
  throw new PolicyError('engine', `Cannot decide: ${reason}`)
}
