import { quote, type Fault } from './name-error.ts'

/**
 * The scripts that one label may hold together: each recommended script of UAX 31 table 5 alone,
 * and the three writing systems that mix by nature: Japanese, Korean, and Chinese with Bopomofo
 * (UTS 39 section 5.1).
 */
const writingSystems: readonly (readonly string[])[] = [
  ['Latin'],
  ['Han', 'Hiragana', 'Katakana'],
  ['Han', 'Hangul'],
  ['Han', 'Bopomofo'],
  ['Arabic'],
  ['Armenian'],
  ['Bengali'],
  ['Cyrillic'],
  ['Devanagari'],
  ['Ethiopic'],
  ['Georgian'],
  ['Greek'],
  ['Gujarati'],
  ['Gurmukhi'],
  ['Hebrew'],
  ['Kannada'],
  ['Khmer'],
  ['Lao'],
  ['Malayalam'],
  ['Myanmar'],
  ['Oriya'],
  ['Sinhala'],
  ['Tamil'],
  ['Telugu'],
  ['Thaana'],
  ['Thai'],
  ['Tibetan'],
]

const patterns = writingSystems.map((scripts) => new RegExp(`^${characterClass(scripts)}*$`, 'v'))
const listed = new RegExp(`^${characterClass(writingSystems.flat())}*$`, 'v')

/**
 * Script_Extensions, not Script: it tells that U+30FC is Japanese, which by Script is common and in
 * Latin looks like a dash.
 */
function characterClass(scripts: readonly string[]): string {
  const members = ['Common', 'Inherited', ...scripts]
  return `[${members.map((script) => `\\p{Script_Extensions=${script}}`).join('')}]`
}

/**
 * Whether all characters of a U-label fit into one writing system of the list; common and inherited
 * characters fit into each.
 */
export function isOneScript(uLabel: string): boolean {
  return patterns.some((pattern) => pattern.test(uLabel))
}

/**
 * The fault that the scripts of a U-label are; undefined for a label of one listed script.
 * It stops `аpple` with a Cyrillic first letter, not a whole label of look-alikes: no script rule
 * can.
 */
export function findScriptFault(uLabel: string): Fault | undefined {
  if (isOneScript(uLabel)) return undefined
  if (listed.test(uLabel)) {
    return { code: 'mixed-script', reason: `the label ${quote(uLabel)} mixes scripts` }
  }
  const reason = `the label ${quote(uLabel)} is in a script that names from people may not use`
  return { code: 'unlisted-script', reason }
}
