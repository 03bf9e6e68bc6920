import { NameError, parseName } from '@ixj/names'
import { RULE_DEPTH_MAX, RULE_LINKS_MAX } from '../home/limits.ts'
import type { PolicyProblem } from './policy-error.ts'

/** One rule of a policy text. */
export interface RuleText {
  /** From its first annotation to its `;`. */
  readonly text: string
  /** The line of `permit` or `forbid`, from 1. */
  readonly line: number
}

interface Token {
  readonly text: string
  readonly start: number
}

/**
 * The tokens that matter for finding rules: comments go to the end of their line, which a carriage
 * return is too (Cedar has no others), texts may hold anything escaped, and a `;` in neither ends a rule.
 */
const TOKEN = /\/\/[^\n\r]*|"(?:[^"\\]|\\.)*"|::|&&|\|\||[A-Za-z_]\w*|[^\s"]/gs

/** What an expression grows deeper by; items of lists and clauses stand beside each other. */
const LINKS: ReadonlySet<string> = new Set('&& || + - * ! . if ( [ {'.split(' '))
const OPENING: ReadonlySet<string> = new Set('([{')
const CLOSING: ReadonlySet<string> = new Set(')]}')

/** Entity types whose ids are names. */
const NAMED: ReadonlySet<string> = new Set(['Agent', 'Zone', 'Topic'])

/** The rules of a text that Cedar has parsed, in their order. */
export function splitRules(text: string): readonly RuleText[] {
  const rules: RuleText[] = []
  let start: number | undefined
  let effectAt: number | undefined
  for (const token of tokensOf(text)) {
    start ??= token.start
    if (effectAt === undefined && /^(permit|forbid)$/.test(token.text)) effectAt = token.start
    if (token.text !== ';') continue
    rules.push({
      text: text.slice(start, token.start + 1),
      line: positionOf(text, effectAt ?? start).line,
    })
    start = undefined
    effectAt = undefined
  }
  return rules
}

/**
 * Rules that are too deep for the engine. It works on a stack of 1 MiB, and when that ends it never
 * answers again: one bad file would silence the policy that decides until then.
 */
export function findTooDeep(text: string): readonly PolicyProblem[] {
  const problems: PolicyProblem[] = []
  let depth = 0
  let links = 0
  for (const token of tokensOf(text)) {
    if (LINKS.has(token.text)) links += 1
    if (OPENING.has(token.text)) depth += 1
    if (CLOSING.has(token.text)) depth -= 1
    if (depth > RULE_DEPTH_MAX || links > RULE_LINKS_MAX) {
      const what =
        depth > RULE_DEPTH_MAX ? `brackets ${RULE_DEPTH_MAX}` : `operators ${RULE_LINKS_MAX}`
      const message = `the rule is too deep, the limit of ${what}; split it`
      problems.push({ ...positionOf(text, token.start), message })
      return problems
    }
    if (token.text === ';') {
      depth = 0
      links = 0
    }
  }
  return problems
}

/**
 * Names in the text that are none. Cedar compares them as texts, so a rule that forbids
 * `Zone::"Evil.example"` would forbid nobody.
 */
export function findBadNames(text: string): readonly PolicyProblem[] {
  const tokens = tokensOf(text)
  return tokens.flatMap(({ text: quoted, start }, index) => {
    const type = tokens[index - 2]?.text ?? ''
    if (!quoted.startsWith('"') || tokens[index - 1]?.text !== '::' || !NAMED.has(type)) return []
    const reason = nameFault(quoted.slice(1, -1))
    if (reason === undefined) return []
    return [{ ...positionOf(text, start), message: `${type}::${quoted}: ${reason}` }]
  })
}

function nameFault(text: string): string | undefined {
  if (text.includes('\\')) return 'names are written without escapes'
  try {
    parseName(text)
    return undefined
  } catch (cause) {
    if (!(cause instanceof NameError)) throw cause
    return cause.message
  }
}

function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = []
  for (const match of text.matchAll(TOKEN)) {
    if (!match[0].startsWith('//')) tokens.push({ text: match[0], start: match.index })
  }
  return tokens
}

/** Line and column, from 1, of a place in a text that is counted in UTF-16 units. */
export function positionOf(
  text: string,
  index: number,
): { readonly line: number; readonly column: number } {
  const before = text.slice(0, index)
  const lineStart = before.lastIndexOf('\n') + 1
  // The loop below costs less than an array of lines where a text has many.
  let line = 1
  for (let at = before.indexOf('\n'); at !== -1; at = before.indexOf('\n', at + 1)) line += 1
  return { line, column: Array.from(before.slice(lineStart)).length + 1 }
}

/** The place in UTF-16 units of one that the engine counts in bytes of UTF-8. */
export function indexOfByte(text: string, byte: number): number {
  return Buffer.from(text).subarray(0, byte).toString().length
}
