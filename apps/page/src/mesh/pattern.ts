import type { Explanation } from '@ixj/trust'

/** How senders and receivers of a message stand to each other. */
export type Pattern = '1×1' | '1×N' | 'N×1' | 'N×N'

/** All of them, in the order in which they are shown. */
export const PATTERNS: readonly Pattern[] = ['1×1', '1×N', 'N×1', 'N×N']

/** What of an explanation tells the pattern. */
export type Told = Pick<Explanation, 'action' | 'topic' | 'sender'>

/**
 * Which pattern a message was part of, as the one who received it can tell: on a group a request is
 * asked of many and what is published is everybody's; on an inbox an answer to a question that was
 * asked of many is one of many, and all else is between two.
 */
export function patternOf(
  { action, topic }: Told,
  known: {
    readonly groups: ReadonlySet<string>
    readonly gathered: ReadonlySet<string>
    /** Whether a question to a whole group waits for answers. */
    readonly isAsking: boolean
  },
): Pattern {
  if (known.groups.has(topic)) return action === 'request' ? '1×N' : 'N×N'
  if (known.gathered.has(topic)) return 'N×1'
  return action === 'answer' && known.isAsking ? 'N×1' : '1×1'
}
