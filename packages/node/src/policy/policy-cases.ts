import {
  type Json,
  type JsonObject,
  malformed,
  parseFile,
  readItems,
  readString,
} from '../home/json-text.ts'
import { POLICY_CASES_MAX } from '../home/limits.ts'
import type { CompiledPolicy } from './compiled-policy.ts'
import { readRequest, type RequestDefaults } from './request-fields.ts'

const VERSION = 1
const EXPECTATIONS = ['permit', 'forbid'] as const

/** What a case asks, and what it expects. */
export interface PolicyCase {
  /** What people call it. */
  readonly name: string
  readonly expect: 'permit' | 'forbid'
  /** The `@id` or the place of the rule that has to decide; null: any may. */
  readonly by: string | null
  /** `sender`, `action`, `topic` and what is given besides. */
  readonly fields: JsonObject
}

/** What became of a case. */
export interface CaseResult {
  readonly name: string
  readonly expected: string
  readonly found: string
  readonly holds: boolean
}

/**
 * Reads a table of cases: JSON with `version` 1, `given` for all of them, and `cases`, each
 * `{ name, sender, action, topic, expect, by?, given? }`.
 * @throws HomeError `malformed`, `too-large`, `unsupported`
 */
export function parseCases(bytes: Uint8Array, path: string): readonly PolicyCase[] {
  const file = parseFile(bytes, path, { version: VERSION, members: ['given', 'cases'] })
  const given = readGiven(file['given'], `given in ${path}`)
  const cases = readItems(file['cases'], `cases in ${path}`, POLICY_CASES_MAX)
  if (cases.length === 0) throw malformed(path, 'it has no case')
  return cases.map((item, index) => readCase(item, `case [${index}] in ${path}`, given))
}

function readCase(value: Json, what: string, given: JsonObject): PolicyCase {
  const members = asObject(value, what)
  const { name, expect, by = null, given: own = {}, ...fields } = members
  const expected = EXPECTATIONS.find((each) => each === expect)
  if (expected === undefined) throw malformed(what, 'expect must be "permit" or "forbid"')
  return {
    name: readString(name, `name of ${what}`),
    expect: expected,
    by: by === null ? null : readString(by, `by of ${what}`),
    fields: { ...given, ...readGiven(own, `given of ${what}`), ...fields },
  }
}

function readGiven(value: Json | undefined, what: string): JsonObject {
  const given = asObject(value, what)
  const main = ['sender', 'action', 'topic'].find((field) => field in given)
  if (main !== undefined) throw malformed(what, `"${main}" stands in each case itself`)
  return given
}

function asObject(value: Json | undefined, what: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as JsonObject
  }
  throw malformed(what, 'it must be an object')
}

/**
 * Holds cases against a policy. Where the policy speaks of the time, each case has to give one.
 * @throws HomeError `malformed` for a case that is no request; PolicyError `engine`
 */
export function runCases(
  cases: readonly PolicyCase[],
  policy: CompiledPolicy,
  defaults: Omit<RequestDefaults, 'now'>,
): readonly CaseResult[] {
  const timed = policy.inputs.some((input) => ['time', 'minute', 'weekday'].includes(input))
  const now = timed ? undefined : 0
  return cases.map((each) => {
    const request = readRequest(each.fields, `case "${each.name}"`, { ...defaults, now })
    const { permit, rule } = policy.decide(request)
    const effect = permit ? 'permit' : 'forbid'
    const rules = policy.determining(request)
    const by = each.by
    const isBy = by === null || rules.some(({ id, place }) => id === by || place === by)
    return {
      name: each.name,
      expected: by === null ? each.expect : `${each.expect} by ${JSON.stringify(by)}`,
      found: rules.length === 0 ? `${effect}: ${rule}` : rules.map(({ label }) => label).join(', '),
      holds: effect === each.expect && isBy,
    }
  })
}
