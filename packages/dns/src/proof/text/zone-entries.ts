import { DnsError } from '../dns-error.ts'

/** One word of a zone file, without its quotes; escapes are as they were. */
export interface Word {
  readonly text: string
  readonly quoted: boolean
}

/** What stands on one line, or on several that parentheses join (RFC 1035 section 5.1). */
export interface ZoneEntry {
  /** Counted from 1, where the entry begins. */
  readonly line: number
  /** It begins with a blank: its owner is that of the entry before. */
  readonly indented: boolean
  readonly words: readonly Word[]
}

const BLANK = /[ \t\r]/
// What ends a word that is not quoted.
const PLAIN = /[^ \t\r\n;()"\\]+/y
const QUOTED = /[^"\\\n]+/y

/**
 * Cuts the text of a zone file into entries, one at a time; empty lines and comments are none.
 * @throws DnsError `record` for quotes and parentheses that do not match, and control characters
 */
export function* readEntries(text: string): Generator<ZoneEntry> {
  let line = 1
  let depth = 0
  let words: Word[] = []
  let start = { line: 1, indented: false }
  const refuse = (why: string) => new DnsError('record', `Cannot read line ${line}: ${why}`)
  for (let at = 0; at < text.length;) {
    const character = text[at]!
    if (character === '\n') {
      if (depth === 0) {
        if (words.length > 0) yield { ...start, words }
        words = []
      }
      line++
      at++
      if (depth === 0) start = { line, indented: BLANK.test(text[at] ?? '') }
    } else if (BLANK.test(character)) {
      if (at === 0) start = { line, indented: true }
      at++
    } else if (character === ';') {
      const end = text.indexOf('\n', at)
      at = end < 0 ? text.length : end
    } else if (character === '(' || character === ')') {
      depth += character === '(' ? 1 : -1
      if (depth < 0 || depth > 1) throw refuse(`a "${character}" too many`)
      at++
    } else {
      const read = readWord(text, at)
      if (typeof read === 'string') throw refuse(read)
      words.push(read.word)
      at = read.end
    }
  }
  if (depth > 0) throw refuse('a ")" is missing at the end')
  if (words.length > 0) yield { ...start, words }
}

/** A word from `start` on, or why there is none. A key with a quoted value is one word. */
function readWord(text: string, start: number): { word: Word; end: number } | string {
  let quoted = text[start] === '"'
  const wholly = quoted
  let word = ''
  let at = quoted ? start + 1 : start
  for (;;) {
    const pattern = quoted ? QUOTED : PLAIN
    pattern.lastIndex = at
    const run = pattern.exec(text)?.[0] ?? ''
    const control = controlCharacter.exec(run)?.[0]
    if (control !== undefined) return `it has the control character ${control.charCodeAt(0)}`
    word += run
    at += run.length
    const next = text[at]
    if (next === '\\') {
      if (at + 1 >= text.length || text[at + 1] === '\n') return 'it ends in a "\\"'
      word += text.slice(at, at + 2)
      at += 2
    } else if (quoted) {
      if (next !== '"') return 'a quote is not closed'
      return { word: { text: word, quoted: wholly }, end: at + 1 }
    } else if (next === '"') {
      if (!word.endsWith('=')) return 'a quote stands inside of a word'
      quoted = true
      at++
    } else return { word: { text: word, quoted: false }, end: at }
  }
}

// oxlint-disable-next-line no-control-regex -- These are what is looked for.
const controlCharacter = /[\u0000-\u0008\u000a-\u001f\u007f]/
