/** Why a socket was cut; each has a close code and a reason that a person can read. */
export type CutReason =
  | 'backlog'
  | 'blamed'
  | 'closed'
  | 'crowded'
  | 'draining'
  | 'form'
  | 'held'
  | 'login'
  | 'not-admitted'
  | 'replaced'
  | 'silent'
  | 'slow'
  | 'text'

/** What the other side is told: the close code of RFC 6455 section 7.4, and a text. */
export interface Cut {
  readonly reason: CutReason
  readonly code: number
  /** At most 123 bytes. */
  readonly text: string
}

const CUTS: Readonly<Record<CutReason, readonly [code: number, text: string]>> = {
  closed: [1000, 'this side has no further use for the connection'],
  draining: [1001, 'the relay is closing: use your other relay'],
  crowded: [1013, 'too many wait here to log in: try again, or your other relay'],
  text: [1003, 'frames of ixj.1 are binary'],
  form: [4400, 'a frame was none of ixj.1, or broke its rules'],
  login: [4401, 'the login does not hold'],
  blamed: [4403, 'too much of what came was what no honest node passes on'],
  'not-admitted': [4408, 'login and hello took too long'],
  replaced: [4409, 'the same key has logged in again'],
  silent: [4410, 'nothing was heard for too long, no pong either'],
  slow: [4411, 'what was begun was not finished, or nothing that was sent is read'],
  backlog: [4413, 'too much waits unread: read faster, or join less'],
  held: [4414, 'too much gossip came before hello was done'],
}

/** Every reason, for metrics. */
export const CUT_REASONS = Object.keys(CUTS) as readonly CutReason[]

/** What the other side is told of a reason; `detail` follows it, cut to what a close frame holds. */
export function cutOf(reason: CutReason, detail = ''): Cut {
  const [code, text] = CUTS[reason]
  return { reason, code, text: asciiOf(detail === '' ? text : `${text}: ${detail}`) }
}

/** A close frame holds 123 bytes of text (RFC 6455 section 5.5): one for each character here. */
const TEXT_BYTES_MAX = 123

function asciiOf(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/gu, '?').slice(0, TEXT_BYTES_MAX)
}
