import { createHash } from 'node:crypto'
import { WIRE_TOPIC_MAX } from './limits.ts'

/** What precedes a topic's name on the wire (docs/protocol.md: `/ixj/1/<name>`). */
export const WIRE_PREFIX = '/ixj/1/'

/** Exactly these bytes precede the topic in a message id. */
const MESSAGE_ID_PREFIX = 'ixj/1/gossip\0'

/** The gossipsub topic of a name. */
export function formatWireTopic(topic: string): string {
  return WIRE_PREFIX + topic
}

/** The name in a gossipsub topic, or undefined if it is none of ours. */
export function parseWireTopic(wire: string | undefined): string | undefined {
  if (wire === undefined || wire.length > WIRE_TOPIC_MAX) return undefined
  if (!wire.startsWith(WIRE_PREFIX) || wire.length === WIRE_PREFIX.length) return undefined
  return wire.slice(WIRE_PREFIX.length)
}

/**
 * SHA-256("ixj/1/gossip" ‖ 0 ‖ topic ‖ 0 ‖ data), with the topic's name, as gossipsub's message id.
 * It covers every byte: an id that did not would let junk with the same id go first and make the
 * genuine message a duplicate.
 */
export function messageId(topic: string, data: Uint8Array): Uint8Array {
  return createHash('sha256').update(`${MESSAGE_ID_PREFIX}${topic}\0`).update(data).digest()
}

/** A message id as tables hold it: a character for each byte, which one call makes. */
export function textOfId(id: Uint8Array): string {
  return Buffer.from(id.buffer, id.byteOffset, id.length).toString('latin1')
}
