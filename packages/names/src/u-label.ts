import { isAllowedInLabel } from './code-point.ts'
import { uLabelLengthMax } from './limits.ts'
import { quote, type Fault } from './name-error.ts'
import { isRightToLeft, keepsBidiRule } from './right-to-left.ts'

/** Where contextual characters must not stand: RFC 5892 appendix A.3 to A.6, in this order. */
const misplaced =
  /(?<!l)\xB7|\xB7(?!l)|\u0375(?!\p{Script=Greek})|(?<!\p{Script=Hebrew})[\u05F3\u05F4]/v

/**
 * The rule that makes this text no U-label; undefined for a valid one. It must hold at least one
 * character beyond ASCII.
 *
 * Cost: linear in the text, which is cut off at 59 code points.
 * Source: RFC 5891 sections 4.2.1 to 4.2.3 and 5.4, RFC 5892, RFC 5893.
 */
export function findULabelFault(label: string): Fault | undefined {
  const characters = [...label]
  if (characters.length > uLabelLengthMax) {
    const count = characters.length
    const reason = `a label has ${count} code points, an A-label fits at most ${uLabelLengthMax}`
    return { code: 'label-length', reason }
  }
  if (label.normalize('NFC') !== label) return fault('not-normal', label, 'is not in NFC')
  if (label.toLowerCase() !== label) return fault('not-normal', label, 'is not lower case')
  return findHyphenFault(label) ?? findCharacterFault(label, characters) ?? findContextFault(label)
}

/**
 * The fault that the hyphens of a label, other than an A-label, are: at an edge, or `--` in places
 * 3 and 4 (RFC 5891 section 4.2.3.1).
 */
export function findHyphenFault(label: string): Fault | undefined {
  if (label.startsWith('-') || label.endsWith('-')) {
    return fault('hyphen-edge', label, 'starts or ends with "-"')
  }
  if (/^.{2}--/sv.test(label)) {
    return fault('reserved-hyphens', label, 'has "--" in places 3 and 4, which only "xn--" may')
  }
  return undefined
}

function findCharacterFault(label: string, characters: readonly string[]): Fault | undefined {
  const wrong = characters.find((character) => !isAllowedInLabel(character))
  if (wrong === '_') return fault('underscore', label, 'holds "_", which is for DNS records only')
  if (wrong !== undefined) {
    const codePoint = wrong.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')
    return fault('character', label, `holds U+${codePoint}, which no label may hold`)
  }
  if (/^\p{M}/v.test(label)) return fault('leading-mark', label, 'starts with a combining mark')
  return undefined
}

function findContextFault(label: string): Fault | undefined {
  // RFC 5892 appendix A.8 and A.9: Arabic-Indic and extended Arabic-Indic digits do not mix.
  const mixesDigits = /[\u0660-\u0669]/v.test(label) && /[\u06F0-\u06F9]/v.test(label)
  // RFC 5892 appendix A.7: a katakana middle dot looks like a separator, so it needs Japanese.
  const strayDot =
    label.includes('\u30FB') &&
    !/[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}]/v.test(label)
  if (mixesDigits || strayDot || misplaced.test(label)) {
    return fault('context', label, 'holds a character where its contextual rule forbids it')
  }
  // Without this a right-to-left label could move the dot and the labels beside it on the screen.
  if (isRightToLeft(label) && !keepsBidiRule(label)) {
    return fault('right-to-left', label, 'breaks the Bidi rule')
  }
  return undefined
}

function fault(code: Fault['code'], label: string, what: string): Fault {
  return { code, reason: `the label ${quote(label)} ${what}` }
}
