import { type Name, NameError, parseName, parsePattern, type Pattern } from '@ixj/names'
import { type Field, readText } from './encoding/index.ts'
import { TrustError } from './trust-error.ts'

/**
 * A name in canonical form.
 * @throws TrustError `form` if it is no text, `name` if it is not canonical
 */
export function readName(value: Field, what: string): Name {
  return canonical(readText(value, what), what, parseName)
}

/**
 * A pattern in canonical form.
 * @throws TrustError `form` if it is no text, `name` if it is not canonical
 */
export function readPattern(value: Field, what: string): Pattern {
  return canonical(readText(value, what), what, parsePattern)
}

function canonical<Result>(text: string, what: string, parse: (text: string) => Result): Result {
  try {
    return parse(text)
  } catch (cause) {
    if (!(cause instanceof NameError)) throw cause
    throw new TrustError('name', `Cannot read ${what}: ${cause.message}`, { cause })
  }
}
