/** What a policy text or file can be refused for. */
export type PolicyCode =
  /** It cannot be parsed. */
  | 'syntax'
  /** It speaks of what no request has: an attribute, a type, an action. */
  | 'invalid'
  /** A name in it is not canonical, so the rule could never apply. */
  | 'name'
  /** A part of Cedar that is not used here, such as templates. */
  | 'unsupported'
  /** It has no rule. */
  | 'empty'
  /** Too many bytes or rules. */
  | 'too-large'
  /** There is no such file. */
  | 'absent'
  /** The policy engine itself failed. */
  | 'engine'

/** One thing that is wrong in a policy text, and where. */
export interface PolicyProblem {
  /** From 1. */
  readonly line: number
  /** In characters, from 1. */
  readonly column: number
  readonly message: string
}

/** A policy could not be used; `code` says why, `problems` where. */
export class PolicyError extends Error {
  override readonly name = 'PolicyError'
  readonly code: PolicyCode
  /** In the order of the text; none where the text as a whole is refused. */
  readonly problems: readonly PolicyProblem[]

  constructor(
    code: PolicyCode,
    message: string,
    options: ErrorOptions & { readonly problems?: readonly PolicyProblem[] } = {},
  ) {
    super(message, options)
    this.code = code
    this.problems = options.problems ?? []
  }
}

/** The error for problems at places of a text; its message tells the first and counts the rest. */
export function problemsError(
  code: PolicyCode,
  file: string,
  problems: readonly PolicyProblem[],
): PolicyError {
  const [first] = problems
  if (first === undefined) throw new Error('A policy was refused for no problem')
  const more = problems.length === 1 ? '' : ` (and ${problems.length - 1} more)`
  const message = `Cannot use ${placeOf(file, first)}: ${first.message}${more}`
  return new PolicyError(code, message, { problems })
}

/** `policy.cedar:4:9`, as editors read it. */
export function placeOf(file: string, at: Pick<PolicyProblem, 'line' | 'column'>): string {
  return `${file}:${at.line}:${at.column}`
}
