export { PolicyError, placeOf, type PolicyCode, type PolicyProblem } from './policy/policy-error.ts'
export { POLICY_ACTIONS, POLICY_SCHEMA, POLICY_WORDS } from './policy/schema.ts'
export { DEFAULT_POLICY } from './policy/default-policy.ts'
export { type CompiledPolicy, compilePolicy, type PolicyRule } from './policy/compiled-policy.ts'
export { CachedPolicy } from './policy/cached-policy.ts'
export { type PolicyInput } from './policy/policy-inputs.ts'
export { compileFile, FilePolicy, openFilePolicy, type PolicyChange } from './policy/file-policy.ts'
export {
  explainPolicy,
  type PolicyExplanation,
  type RuleExplanation,
} from './policy/policy-explanation.ts'
export { type CaseResult, parseCases, type PolicyCase, runCases } from './policy/policy-cases.ts'
export {
  GIVEN_FIELDS,
  readRequest,
  type RequestDefaults,
  type RequestFields,
} from './policy/request-fields.ts'
