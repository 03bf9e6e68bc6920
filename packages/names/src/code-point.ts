// LetterDigits (RFC 5892 section 2.1), the hyphen, and the exceptions (2.6) that general categories
// leave out.
const letters = '\\p{Ll}\\p{Lo}\\p{Lm}\\p{Mn}\\p{Mc}\\p{Nd}\\-'
const permitted = '\\xB7\\u0375\\u05F3\\u05F4\\u06FD\\u06FE\\u0F0B\\u3007\\u30FB'

// IgnorableProperties (RFC 5892 section 2.3), the exceptions (2.6) that are letters,
// IgnorableBlocks (2.4), OldHangulJamo (2.9).
const ignorable = '\\p{Default_Ignorable_Code_Point}\\p{White_Space}'
const forbidden = '\\u0640\\u07FA\\u302E\\u302F\\u3031-\\u3035\\u303B'
const blocks = '\\u20D0-\\u20FF\\u{1D100}-\\u{1D24F}'
const oldHangul = '\\u1100-\\u11FF\\uA960-\\uA97C\\uD7B0-\\uD7FB'
const cherokee = '\\p{Script=Cherokee}'
const excluded = `${ignorable}${forbidden}${blocks}${oldHangul}${cherokee}`

const candidate = new RegExp(`^[[${letters}${permitted}]--[${excluded}]]$`, 'v')

// Exceptions (RFC 5892 section 2.6) that case mapping changes, and dotless i, which folds to
// itself.
const stableByException = /^[\xDF\u03C2\u0131]$/v

/**
 * Whether a U-label may hold this one character, apart from its context: PVALID or CONTEXTO.
 *
 * The answer is that of the IDNA2008 tables for the Unicode version of the runtime, with two groups
 * refused beyond them.
 * CONTEXTJ, the zero-width joiner and non-joiner, are invisible, their rules need Unicode
 * properties that ECMAScript lacks, and RFC 5891 section 4.3 lets whoever gives out names permit
 * less. Cherokee folds to upper case, which no canonical name holds.
 * ECMAScript has no case folding; upper and then lower case stands in for it. Compared with all
 * code points of the IDNA tables for Unicode 17.0: no other difference.
 * A runtime of an older Unicode version refuses letters that are newer than itself.
 * Source: RFC 5892 section 3, where `Unstable` (2.2) keeps out full-width letters, ligatures and
 * mathematical alphabets.
 */
export function isAllowedInLabel(character: string): boolean {
  if (!candidate.test(character)) return false
  if (stableByException.test(character)) return true
  const folded = character.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC')
  return folded === character
}
