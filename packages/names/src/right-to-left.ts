// Bidi classes are no property that ECMAScript knows. Letters and digits of these blocks are R or
// AL, save the numbers named apart; DerivedBidiClass.txt gives these blocks those classes by
// default, so letters of later Unicode versions are in.
const blocks =
  '\\u0590-\\u08FF\\uFB1D-\\uFDFF\\uFE70-\\uFEFF\\u{10800}-\\u{10FFF}\\u{1E800}-\\u{1EFFF}'
const letters = '\\p{L}\\p{Nd}\\u05F3\\u05F4\\u06FD\\u06FE'
const arabicNumber = '\\u0660-\\u0669\\u{10D30}-\\u{10D39}'
const europeanNumber = '0-9\\u06F0-\\u06F9'
const strong = `[[[${blocks}]&&[${letters}]]--[${arabicNumber}${europeanNumber}]]`

const hasRightToLeft = new RegExp(`[${strong}${arabicNumber}]`, 'v')
const hasArabicNumber = new RegExp(`[${arabicNumber}]`, 'v')
const hasEuropeanNumber = new RegExp(`[${europeanNumber}]`, 'v')
const ending = `[${strong}${arabicNumber}${europeanNumber}]`
const rightToLeftLabel = new RegExp(
  `^(?=${strong})[\\-\\p{Mn}${ending}]*(?<=${ending}\\p{Mn}*)$`,
  'v',
)

/**
 * Whether a label holds a character of Bidi class R, AL or AN, which makes it an RTL label (RFC
 * 5893 section 1.4).
 */
export function isRightToLeft(label: string): boolean {
  return hasRightToLeft.test(label)
}

/**
 * Whether an RTL label keeps the Bidi rule, conditions 1 to 4: it starts with R or AL, holds
 * nothing left-to-right, ends with a letter or digit and its marks, and does not hold both kinds of
 * numbers, so that it cannot reorder what stands beside it.
 * Narrower than the rule in one place: modifier letters of class ON, which no right-to-left script
 * writes, are refused.
 * Source: RFC 5893 section 2.
 */
export function keepsBidiRule(label: string): boolean {
  if (hasArabicNumber.test(label) && hasEuropeanNumber.test(label)) return false
  return rightToLeftLabel.test(label)
}
