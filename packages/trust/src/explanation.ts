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
  /** What was not checked, or deserves to be known besides; {@link NOTE_REVOCATION} today. */
  readonly notes: readonly string[]
}

/** Stands in every explanation until revocations are checked. */
export const NOTE_REVOCATION = 'revocation not checked'

/** An answer that was not needed any more, or not reached. */
export const NOT_REACHED: Answer = { state: 'not-reached', lines: [] }

const OUTCOME_WIDTH = 10
const LABEL_WIDTH = 10
const LABELS = ['name', 'key', 'authority', 'policy'] as const

/**
 * The explanation as a tree of text for people, without colours, without a line feed at the end.
 * A refusal says its code, and what would have to change where that is known. Whatever a peer has
 * put into it is escaped: it can neither steer a terminal nor add a line.
 */
export function formatExplanation(explanation: Explanation): string {
  const lines = [headline(explanation)]
  const { code, message, remedy } = explanation
  if (code !== null) {
    const indent = ' '.repeat(OUTCOME_WIDTH)
    lines.push(`${indent}${code}: ${message ?? 'no reason was given'}`)
    if (remedy !== null) lines.push(`${indent}to change it: ${remedy}`)
  }
  for (const [index, label] of LABELS.entries()) {
    const last = index === LABELS.length - 1
    const [first, ...others] = answerLines(explanation[label])
    lines.push(`${last ? '└─' : '├─'} ${label.padEnd(LABEL_WIDTH)}${first}`)
    const indent = `${last ? ' ' : '│'}${' '.repeat(LABEL_WIDTH + 2)}`
    for (const other of others) lines.push(`${indent}${other}`)
  }
  for (const note of explanation.notes) lines.push(`note: ${note}`)
  return lines.map((line) => escapeText(line)).join('\n')
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
