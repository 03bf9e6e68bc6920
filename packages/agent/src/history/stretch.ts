import { AgentError } from '../agent-error.ts'
import { HISTORY_MESSAGES_MAX } from './limits.ts'

/** Which part of a topic's history is asked for: the last n messages, or all since a time. */
export type Stretch = { readonly last: number } | { readonly since: number }

/**
 * What an application asks of history: a number is the last n.
 * @throws AgentError `argument`
 */
export function stretchOf(asked: number | Stretch): Stretch {
  const stretch = typeof asked === 'number' ? { last: asked } : asked
  const [name, value, max] =
    'last' in stretch
      ? (['last', stretch.last, HISTORY_MESSAGES_MAX] as const)
      : (['since', stretch.since, Number.MAX_SAFE_INTEGER] as const)
  if (Number.isSafeInteger(value) && value >= 0 && value <= max) return stretch
  const reason = `${name} is a whole number from 0 to ${max}`
  throw new AgentError('argument', `Cannot read history by ${name} ${value}: ${reason}`)
}
