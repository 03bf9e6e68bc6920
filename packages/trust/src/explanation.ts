import { EXPLANATION_LINE_MAX } from './limits.ts'

/** One of the four answers: what was found, in lines for people. */
export interface Answer {
  readonly state: 'yes' | 'no' | 'not-reached'
  readonly lines: readonly string[]
}

/**
 * Why something was let in or not. Four answers stay apart: who controls the name, which key it is,
 * what authority it has, what the receiver's policy said; docs/protocol.md, section "Verdicts".
 */
export interface Explanation {
  readonly outcome: 'accepted' | 'ignored' | 'rejected'
  /** The code of the refusal; null if accepted. */
  readonly code: string | null
  /** The message of the refusal; null if accepted. */
  readonly message: string | null
  /** What would have to change for it not to come; null if accepted, or if nothing here could. */
  readonly remedy: string | null
  readonly action: string
  readonly topic: string
  readonly sender: string
  readonly onBehalfOf: string | null
  readonly name: Answer
  readonly key: Answer
  readonly authority: Answer
  readonly policy: Answer
  /** What was not checked, or deserves to be known besides. */
  readonly notes: readonly string[]
}

/** Stands where statements were looked at in a home, by nobody who hears of revocations elsewhere. */
export const NOTE_STATUS =
  'only revocations in this home are checked: a running node hears of others'

/** An answer that was not needed any more, or not reached. */
export const NOT_REACHED: Answer = { state: 'not-reached', lines: [] }

const OUTCOME_WIDTH = 10
const LABEL_WIDTH = 10
/** As wide as a terminal is at least. */
const COLUMNS = 80
const LABELS = ['name', 'key', 'authority', 'policy'] as const

/**
 * The explanation as a tree of text for people, without colours, without a line feed at the end.
 * A refusal says its code, and what would have to change where that is known. Whatever a peer has
 * put into it is escaped: it can neither steer a terminal nor add a line. Lines are parted at
 * `columns`, default {@link COLUMNS}; words that are longer stay whole.
 */
export function formatExplanation(
  explanation: Explanation,
  options: { readonly columns?: number } = {},
): string {
  const columns = options.columns ?? COLUMNS
  const { code, message, remedy } = explanation
  const indent = ' '.repeat(OUTCOME_WIDTH)
  const lines = wrapped(headline(explanation), { first: '', further: indent, columns })
  if (code !== null) {
    const reasons = [`${code}: ${message ?? 'no reason was given'}`]
    if (remedy !== null) reasons.push(`to change it: ${remedy}`)
    for (const reason of reasons)
      lines.push(...wrapped(reason, { first: indent, further: indent, columns }))
  }
  for (const [index, label] of LABELS.entries()) {
    const last = index === LABELS.length - 1
    const further = `${last ? ' ' : '│'}${' '.repeat(LABEL_WIDTH + 2)}`
    const [head = '', ...others] = answerLines(explanation[label])
    const first = `${last ? '└─' : '├─'} ${label.padEnd(LABEL_WIDTH)}`
    lines.push(...wrapped(head, { first, further, columns }))
    for (const other of others) lines.push(...wrapped(other, { first: further, further, columns }))
  }
  for (const note of explanation.notes) {
    lines.push(...wrapped(`note: ${note}`, { first: '', further: ' '.repeat(6), columns }))
  }
  return lines.join('\n')
}

/**
 * A text in lines of at most so many columns, safe to print: parted before an arrow of a chain or at
 * two spaces where there are any, else after a comma or at a space; words that are longer stay whole.
 */
function wrapped(
  text: string,
  layout: { readonly first: string; readonly further: string; readonly columns: number },
): string[] {
  const lines: string[] = []
  let indent = layout.first
  let rest = escapeText(text)
  for (;;) {
    const room = layout.columns - indent.length
    const end = rest.length <= room ? -1 : breakOf(rest, room)
    lines.push(`${indent}${end === -1 ? rest : rest.slice(0, end).trimEnd()}`)
    if (end === -1) return lines
    rest = rest.slice(end).trimStart()
    indent = layout.further
  }
}

/** Where a text is parted that is longer than the room; -1 if nowhere. */
function breakOf(text: string, room: number): number {
  // A chain that begins the line is parted at its links; an arrow within a sentence is a word.
  const isChain = /^(→ |← )?\S+( \(.*?\))? [→←] /.test(text)
  const parts = isChain ? [' → ', ' ← ', '  '] : ['  ']
  const part = Math.max(...parts.map((each) => text.lastIndexOf(each, room)))
  if (part > 0) return part
  const comma = text.lastIndexOf(', ', room - 1)
  if (comma > room / 2) return comma + 1
  const space = text.lastIndexOf(' ', room)
  return space > 0 ? space : text.indexOf(' ', room)
}

/**
 * A text as one line that is safe to print: controls, format and bidirectional characters, line and
 * paragraph separators and what is invisible become `\u{…}`; cut at {@link EXPLANATION_LINE_MAX}.
 */
export function escapeText(text: string): string {
  const shown = text
    .slice(0, EXPLANATION_LINE_MAX)
    .replace(
      /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gv,
      (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
    )
  return text.length > EXPLANATION_LINE_MAX ? `${shown}…` : shown
}

function headline({ outcome, action, topic, sender, onBehalfOf }: Explanation): string {
  const start = `${outcome.toUpperCase().padEnd(OUTCOME_WIDTH)}${action} on ${topic}  by ${sender}`
  return onBehalfOf === null || onBehalfOf === sender
    ? start
    : `${start}  (on behalf of ${onBehalfOf})`
}

function answerLines({ state, lines }: Answer): readonly string[] {
  if (state === 'not-reached') return ['not reached', ...lines]
  const [first, ...others] = lines
  if (state === 'yes') return [first ?? 'yes', ...others]
  return [first === undefined ? 'no' : `no: ${first}`, ...others]
}
