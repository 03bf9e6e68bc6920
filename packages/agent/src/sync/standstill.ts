import type { Name } from '@ixj/names'
import type { History } from '../history/history.ts'
import type { Head } from '../history/topic-index.ts'

/**
 * Whether, when it is asked later, a stream goes on past what is here and nothing of it has come since;
 * undefined where none goes on. A stream of which something comes is on its way: to pull the rest of it
 * would bring that twice. Should the rest be lost, the next announcement of these heads tells.
 */
export function standstillOf(
  history: Pick<History, 'next'>,
  topic: Name,
  heads: readonly Head[],
): (() => boolean) | undefined {
  const lacking = heads.flatMap((head) => {
    const before = history.next(topic, head)
    return head.next > before ? [{ head, before }] : []
  })
  if (lacking.length === 0) return undefined
  return () => lacking.some(({ head, before }) => history.next(topic, head) === before)
}
