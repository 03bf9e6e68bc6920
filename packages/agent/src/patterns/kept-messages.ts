import { matches, type Name } from '@ixj/names'
import { decodeApplication, equalBytes, TrustError } from '@ixj/trust'
import { decodeBundle, type Bundle } from '../bundles/bundle.ts'
import { decodeMessages, type MessagePart } from '../bundles/message.ts'
import type { Core } from '../host/core.ts'
import type { Sink } from '../host/topics.ts'
import type { KeptBundle } from '../history/history.ts'
import type { HistoryRow } from '../history/history-rows.ts'
import { HISTORY_MESSAGES_MAX } from '../history/limits.ts'
import type { Stretch } from '../history/stretch.ts'
import { Refusal } from '../pipeline/verdicts.ts'
import { isGivenSecret } from '../sealing/secret-type.ts'
import { isVoid } from '../pipeline/void-history.ts'
import { openMessages } from '../sealing/opened-messages.ts'
import type { Message } from './message.ts'

/** Bundles that are read at once, the newest first. */
const READ_AT_ONCE = 64

/**
 * Messages of a topic that this node keeps, for one of its agents, in the order of sending: those
 * that were published, that are for it, and whose sender's key is not revoked. Each was found to
 * hold when it came, and is marked as history, whether it still lives or not.
 */
export async function keptMessages(
  topic: Name,
  stretch: Stretch,
  { core, sink }: { readonly core: Core; readonly sink: Sink },
): Promise<readonly Message[]> {
  const { history } = core.keeper
  const since = 'since' in stretch ? stretch.since : 0
  const most = 'last' in stretch ? stretch.last : HISTORY_MESSAGES_MAX
  const rows = history
    .rows(topic)
    .filter(({ sentAt, origin }) => sentAt >= since && origin !== 'carried')
    .toReversed()
  let messages: readonly Message[] = []
  for (let start = 0; start < rows.length && messages.length < most; start += READ_AT_ONCE) {
    const kept = await history.read(rows.slice(start, start + READ_AT_ONCE).toReversed())
    const read = await Promise.all(kept.map((each) => readKept(each, { core, sink })))
    messages = [...read.flat(), ...messages]
  }
  return most === 0 ? [] : messages.slice(-most)
}

async function readKept(
  { row, bytes }: KeptBundle,
  { core, sink }: { readonly core: Core; readonly sink: Sink },
): Promise<readonly Message[]> {
  const bundle = decodeBundle(bytes, core.hash)
  if (!isFor(bundle, sink) || isVoid(bundle.header, row.verifiedAt, core)) return []
  const parts = await partsOf(bundle, core, sink)
  return parts.flatMap((part) => (isGivenSecret(part) ? [] : (messageOf(part, bundle, row) ?? [])))
}

/** "The sender itself, the same name with the same key, never does" take a bundle. */
function isFor({ header }: Bundle, sink: Sink): boolean {
  const { action, audience, sender, key } = header
  const isOwn = sender === sink.agent && equalBytes(key, sink.key)
  if (action !== 'publish' || isOwn) return false
  return audience === null || audience.some((pattern) => matches(pattern, sink.agent))
}

async function partsOf(bundle: Bundle, core: Core, sink: Sink): Promise<readonly MessagePart[]> {
  const keys = sink.opening === undefined ? [] : [sink.opening]
  try {
    return decodeMessages(
      await openMessages(bundle, { keys, secrets: core.secrets, hash: core.hash }),
      bundle.header.count,
    )
  } catch (cause) {
    // The key that it was sealed to has gone since, or opens it no more.
    if (cause instanceof Refusal) return []
    throw cause
  }
}

function messageOf(part: MessagePart, { header }: Bundle, row: HistoryRow): Message | undefined {
  let body
  try {
    body = decodeApplication(part.body)
  } catch (cause) {
    // It was counted against its sender when it came.
    if (cause instanceof TrustError) return undefined
    throw cause
  }
  return {
    id: part.id,
    topic: header.topic,
    sender: header.sender,
    senderKey: header.key,
    onBehalfOf: row.onBehalfOf,
    body,
    contentType: part.contentType,
    class: header.class,
    sealed: header.encryption !== null,
    sentAt: header.sentAt,
    expiresAt: header.sentAt + header.lifespanMs,
    gap: 0,
    late: false,
    historical: true,
    grounds: () => ({ of: 'history', row }),
  }
}
