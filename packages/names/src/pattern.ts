import { deepBaseLengthMax, patternLengthMax, wildcardBaseLengthMax } from './limits.ts'
import { depthBelow, isAtOrBelow, isBelow } from './lineage.ts'
import { findLengthFault, nameError, type Fault } from './name-error.ts'
import { parseName, type Name } from './name.ts'

declare const patternBrand: unique symbol

/**
 * A set of names in canonical text: `N` is the name N, `*.N` all names one label below N, `**.N`
 * all names below N.
 */
export type Pattern = string & { readonly [patternBrand]: true }

const oneLabel = '*.'
const anyLabels = '**.'

/**
 * Reads a pattern: a canonical name, or `*.` or `**.` and one; nothing else.
 *
 * A wildcard whose base has more than 251 characters is refused, because no name would match it.
 * Cost: the length is checked first, as in `parseName`.
 *
 * @throws NameError `pattern`, `matches-nothing`, `too-long`, `empty`, `not-text`, or a code of
 * `parseName` for the base.
 */
export function parsePattern(text: string): Pattern {
  const fault = findLengthFault(text, patternLengthMax) ?? findWildcardFault(text)
  if (fault !== undefined) throw nameError('read the pattern', text, fault)
  parseName(baseText(text))
  return text as Pattern
}

function findWildcardFault(text: string): Fault | undefined {
  const base = baseText(text)
  if (base.includes('*') || base === '') {
    const reason = '"*" and "**" stand only as the first label, with a name after them'
    return { code: 'pattern', reason }
  }
  if (base !== text && base.length > wildcardBaseLengthMax) {
    const reason = `its base has ${base.length} characters, the limit is ${wildcardBaseLengthMax}`
    return { code: 'matches-nothing', reason }
  }
  return undefined
}

function baseText(text: string): string {
  if (text.startsWith(oneLabel)) return text.slice(oneLabel.length)
  if (text.startsWith(anyLabels)) return text.slice(anyLabels.length)
  return text
}

/** The name in a pattern: after the wildcard, or the whole of an exact pattern. */
export function patternBase(pattern: Pattern): Name {
  return baseText(pattern) as Name
}

/** Whether a name is in the pattern's set. */
export function matches(pattern: Pattern, name: Name): boolean {
  const base = patternBase(pattern)
  if (pattern.startsWith(oneLabel)) return depthBelow(name, base) === 1
  if (pattern.startsWith(anyLabels)) return isBelow(name, base)
  return name === base
}

/**
 * Whether every name that `narrower` matches is matched by `wider`; exact, so attenuation neither
 * leaks nor refuses too much.
 *
 * `**.a.b` covers `*.c.a.b` and `**.a.b`, not `a.b`; `*.a.b` covers `c.a.b` and itself.
 */
export function covers(wider: Pattern, narrower: Pattern): boolean {
  if (wider === narrower) return true
  const base = patternBase(narrower)
  if (base.length === narrower.length) return matches(wider, base)
  if (wider.startsWith(anyLabels)) return isAtOrBelow(base, patternBase(wider))
  // Below the longest bases only one more label fits, so there `*.` and `**.` mean the same.
  return (
    wider.startsWith(oneLabel) && patternBase(wider) === base && base.length > deepBaseLengthMax
  )
}

/**
 * Whether each of the narrower patterns is covered by one of the wider ones; true for no narrower
 * pattern at all.
 *
 * One that only several together would cover is refused: enumerating the names below a base that
 * way takes 36 patterns or more.
 * Cost: the product of both lengths, which the caller bounds.
 */
export function coversAll(
  widers: readonly Pattern[],
  narrower: Pattern | readonly Pattern[],
): boolean {
  const each = typeof narrower === 'string' ? [narrower] : narrower
  return each.every((pattern) => widers.some((wider) => covers(wider, pattern)))
}

/**
 * Whether all names that a pattern matches are at or below a name, so that its owner may decide
 * about them.
 */
export function liesWithin(pattern: Pattern, ancestor: Name): boolean {
  return isAtOrBelow(patternBase(pattern), ancestor)
}
