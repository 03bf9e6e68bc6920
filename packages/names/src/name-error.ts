import { quotedLengthMax } from './limits.ts'

/**
 * Each rule that a text can break, one code per rule:
 * - `not-text`: the value is no string, whatever its type claimed;
 * - `empty`: the text has no characters;
 * - `too-long`: the whole text is over its limit (253 characters for a name, RFC 1035 section
 *   2.3.4);
 * - `trailing-dot`: the text ends with the dot of the DNS root;
 * - `empty-label`: two dots meet, or the text starts with one;
 * - `label-length`: a label has over 63 characters, as A-label (RFC 1035 section 2.3.4);
 * - `underscore`: a label holds `_`, which is for DNS records only (RFC 8552);
 * - `upper-case`: a canonical text holds one of A-Z;
 * - `not-ascii`: a canonical text holds a U-label, or anything else beyond ASCII;
 * - `character`: a character that no label holds (RFC 952; RFC 5892 section 3);
 * - `hyphen-edge`: a label starts or ends with `-` (RFC 952; RFC 5891 section 4.2.3.1);
 * - `reserved-hyphens`: `--` in places 3 and 4 without `xn` (RFC 5891 section 4.2.3.1);
 * - `not-a-label`: the rest after `xn--` is not the Punycode of its own decoding (RFC 5891 section
 *   5.4);
 * - `not-normal`: an A-label decodes to text that is not NFC or not lower case (RFC 5891 section
 *   5.4);
 * - `leading-mark`: a U-label starts with a combining mark (RFC 5891 section 4.2.3.2);
 * - `context`: a character stands where its contextual rule forbids it (RFC 5892 appendix A);
 * - `right-to-left`: a right-to-left label breaks the Bidi rule (RFC 5893 section 2);
 * - `mixed-script`: a label from a user mixes scripts (UTS 39 section 5.1);
 * - `unlisted-script`: a label from a user is in a script outside UAX 31 table 5;
 * - `too-few-labels`: fewer than two labels;
 * - `numeric-tld`: the last label is a number (RFC 3696 section 2), so the text may be read as an
 *   IPv4 address;
 * - `pattern`: a `*` stands elsewhere than in a first label `*` or `**`, or stands alone;
 * - `matches-nothing`: the base of a wildcard pattern leaves no room for one more label;
 * - `topic`: a topic string does not start with `/ixj/1/`.
 */
export type NameCode =
  | 'not-text'
  | 'empty'
  | 'too-long'
  | 'trailing-dot'
  | 'empty-label'
  | 'label-length'
  | 'underscore'
  | 'upper-case'
  | 'not-ascii'
  | 'character'
  | 'hyphen-edge'
  | 'reserved-hyphens'
  | 'not-a-label'
  | 'not-normal'
  | 'leading-mark'
  | 'context'
  | 'right-to-left'
  | 'mixed-script'
  | 'unlisted-script'
  | 'too-few-labels'
  | 'numeric-tld'
  | 'pattern'
  | 'matches-nothing'
  | 'topic'

/**
 * A text was refused as a name, pattern or topic string; `code` tells the broken rule, and the
 * first one found is the one reported.
 */
export class NameError extends Error {
  override readonly name = 'NameError'
  readonly code: NameCode

  constructor(code: NameCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** A broken rule, before anybody knows which text it is reported for. */
export interface Fault {
  readonly code: NameCode
  /** What was wrong, with the limit, as the end of a sentence. */
  readonly reason: string
  readonly cause?: unknown
}

/** The error that reports `fault` for the whole `text`; `tried` completes "Cannot …". */
export function nameError(tried: string, text: unknown, fault: Fault): NameError {
  const value = typeof text === 'string' ? quote(text) : `of type ${typeof text}`
  const options = fault.cause === undefined ? undefined : { cause: fault.cause }
  return new NameError(fault.code, `Cannot ${tried} ${value}: ${fault.reason}`, options)
}

/**
 * The text in double quotes, cut after 80 UTF-16 code units, with all that could break a log line,
 * reorder it or stay invisible written as `\u{…}`: controls, format characters, lone surrogates,
 * spaces other than U+0020, `"` and `\`.
 */
export function quote(text: string): string {
  const shown = text
    .slice(0, quotedLengthMax)
    .replace(/[[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}"\\]--[ ]]/gv, escapeCharacter)
  if (text.length <= quotedLengthMax) return `"${shown}"`
  return `"${shown}…" (${text.length} characters)`
}

function escapeCharacter(character: string): string {
  return `\\u{${character.codePointAt(0)?.toString(16)}}`
}

/** The fault that a text's type or length is, found before any work that grows with its length. */
export function findLengthFault(text: unknown, lengthMax: number): Fault | undefined {
  if (typeof text !== 'string') return { code: 'not-text', reason: 'it is no string' }
  if (text.length === 0) return { code: 'empty', reason: 'it is empty' }
  if (text.length > lengthMax) {
    return {
      code: 'too-long',
      reason: `it has ${text.length} characters, the limit is ${lengthMax}`,
    }
  }
  return undefined
}
