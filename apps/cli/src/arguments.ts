import { type Name, NameError, nameFromUser, parsePattern, type Pattern } from '@ixj/names'
import { checkPublicKey, fromBase64url, fromHex, TrustError } from '@ixj/trust'
import { ArgumentError } from './command-error.ts'

/** A name that a person typed, in canonical form. @throws ArgumentError with the code of the rule */
export function nameArgument(text: string): Name {
  return asArgument(() => nameFromUser(text))
}

/** A pattern that a person typed: `NAME`, `*.NAME` or `**.NAME`. @throws ArgumentError */
export function patternArgument(text: string): Pattern {
  const [, wildcard = '', base = ''] = /^(\*{1,2}\.)?(.*)$/s.exec(text) ?? []
  return asArgument(() => parsePattern(`${wildcard}${nameFromUser(base)}`))
}

/** Collects an option that may be given several times. */
export function repeated<T>(
  read: (text: string) => T,
): (text: string, before: readonly T[] | undefined) => readonly T[] {
  return (text, before = []) => [...before, read(text)]
}

/** Patterns with commas between them. @throws ArgumentError */
export function patternsArgument(text: string): readonly Pattern[] {
  return listArgument(text).map((each) => patternArgument(each))
}

/** Words with commas between them. @throws ArgumentError `usage` for an empty one */
export function listArgument(text: string): readonly string[] {
  const words = text.split(',').map((word) => word.trim())
  if (words.includes('')) {
    throw new ArgumentError(
      'usage',
      `Cannot read the list ${JSON.stringify(text)}: a part is empty`,
    )
  }
  return words
}

/** No word of a command line can contain it. */
const MARK = '\0'

/**
 * The words of a command line, with a mark before those that look like a public key and begin with
 * `-`, as one in 64 does: they would be taken for options. What stands after `--` is left alone.
 */
export function markKeys(words: readonly string[]): readonly string[] {
  const end = words.includes('--') ? words.indexOf('--') : words.length
  return words.map((word, index) => (index < end && /^-[\w-]{42}$/.test(word) ? MARK + word : word))
}

/** The word as it was typed. */
export function textArgument(text: string): string {
  return text.startsWith(MARK) ? text.slice(MARK.length) : text
}

/** A public key in base64url, 32 bytes. @throws ArgumentError `bad-key`, `encoding` */
export function keyArgument(word: string): Uint8Array {
  const text = textArgument(word)
  try {
    const key = fromBase64url(text)
    checkPublicKey(key)
    return key
  } catch (cause) {
    if (!(cause instanceof TrustError)) throw cause
    const shown = JSON.stringify(text.slice(0, 80))
    throw new ArgumentError(cause.code, `Cannot read the key ${shown}: ${cause.message}`, { cause })
  }
}

/** A folder; not the option that stands after a forgotten one. @throws ArgumentError `usage` */
export function folderArgument(word: string): string {
  const text = textArgument(word)
  if (text !== '' && !text.startsWith('-')) return text
  const reason = 'a folder is needed; one that starts with "-" is written ./-'
  throw new ArgumentError('usage', `Cannot use ${JSON.stringify(text)} as a folder: ${reason}`)
}

/** A multiaddr over TCP, as the mesh takes them. @throws ArgumentError `usage` */
export function addressArgument(text: string): string {
  const form = /^\/(ip4|ip6|dns|dns4|dns6)\/[^/\s]+\/tcp\/\d{1,5}(\/p2p\/\w{1,128})?$/
  if (form.test(text)) return text
  const shown = JSON.stringify(text.slice(0, 80))
  const reason = 'an address looks like /ip4/127.0.0.1/tcp/4001, with /p2p/PEER at most'
  throw new ArgumentError('usage', `Cannot read the address ${shown}: ${reason}`)
}

/** A whole number in these bounds. @throws ArgumentError `usage` */
export function numberArgument(bounds: {
  readonly min: number
  readonly max: number
}): (text: string) => number {
  return (text) => {
    const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
    if (number >= bounds.min && number <= bounds.max) return number
    const limit = `it must be a whole number from ${bounds.min} to ${bounds.max}`
    throw new ArgumentError('usage', `Cannot read ${JSON.stringify(text)}: ${limit}`)
  }
}

/** What is wrong with a name on the command line is the caller's to correct. */
function asArgument<T>(read: () => T): T {
  try {
    return read()
  } catch (cause) {
    if (!(cause instanceof NameError)) throw cause
    throw new ArgumentError(cause.code, cause.message, { cause })
  }
}

/** A SHA-256 as 64 hexadecimal digits. @throws ArgumentError `usage` */
export function digestArgument(text: string): Uint8Array {
  if (/^[0-9a-f]{64}$/.test(text)) return fromHex(text)
  const shown = JSON.stringify(text.slice(0, 80))
  throw new ArgumentError('usage', `Cannot read the digest ${shown}: it has 64 hexadecimal digits`)
}
