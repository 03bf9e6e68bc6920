import type { Name } from '@ixj/names'
import { AgentError } from '../agent-error.ts'
import type { Core } from '../host/core.ts'
import type { Sink } from '../host/topics.ts'
import { stretchOf, type Stretch } from '../history/stretch.ts'
import type { Accepted } from '../pipeline/context.ts'
import { Refusal } from '../pipeline/verdicts.ts'
import { isGivenSecret } from '../sealing/secret-type.ts'
import type { HistoryAbilities } from './history-abilities.ts'
import { readMessage, type Message } from './message.ts'
import type { ReadOptions } from './readers.ts'

/** How messages are read. */
export interface MessagesOptions {
  readonly queueMax?: number
  readonly signal?: AbortSignal
  /** What is kept comes first: the last n messages, or all since a time, ms since the Unix epoch. */
  readonly history?: number | Stretch
}

/** Who reads, and where. */
interface ReadingAgent {
  readonly parts: { readonly core: Core; readonly abilities: HistoryAbilities }
  readonly sink: Sink
}

/** What a reader of this topic is opened with. @throws AgentError `argument` */
export function readOptions(
  topic: Name,
  { history, ...rest }: MessagesOptions,
  agent: ReadingAgent,
): ReadOptions<Message> {
  if (history === undefined) return rest
  return { ...rest, history: historyMessages(topic, stretchOf(history), agent) }
}

/** Of a page that cannot download what reads history, nothing; it is told so, and reads on. */
async function historyMessages(
  topic: Name,
  stretch: Stretch,
  { parts: { core, abilities }, sink }: ReadingAgent,
): Promise<readonly Message[]> {
  let ability: Awaited<ReturnType<HistoryAbilities['history']>>
  try {
    ability = await abilities.history()
  } catch (cause) {
    if (!(cause instanceof AgentError)) throw cause
    const refusal = new Refusal('transport', cause.message, { cause })
    core.record(core.plain('history', 'read', topic, sink.agent, refusal))
    return []
  }
  return await ability.keptMessages(topic, stretch, { core, sink })
}

/** Messages that came as history alone, for those who read that: what was published, no request. */
export function rememberedMessages(core: Core, accepted: Accepted): readonly Message[] {
  if (accepted.bundle.header.action !== 'publish') return []
  const turn = { gap: 0, late: true, historical: true }
  return accepted.messages.flatMap((part) =>
    isGivenSecret(part) ? [] : (readMessage(core, accepted, part, turn) ?? []),
  )
}
