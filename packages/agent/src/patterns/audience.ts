import { parsePattern, type Pattern } from '@ixj/names'
import { sortedSet } from '@ixj/trust'
import { AgentError } from '../agent-error.ts'

/** Whom in a group a message is for: names or patterns, at most 64; everybody if absent. */
export type Audience = string | readonly string[]

/** Reads an audience. @throws AgentError `argument` */
export function audienceOf(to: Audience | undefined): readonly Pattern[] | null {
  if (to === undefined) return null
  try {
    return sortedSet(
      (typeof to === 'string' ? [to] : to).map((text) => parsePattern(text)),
      (pattern) => pattern,
    )
  } catch (cause) {
    throw new AgentError('argument', `Cannot read the audience: ${(cause as Error).message}`, {
      cause,
    })
  }
}
