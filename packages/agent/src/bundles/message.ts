import {
  concatBytes,
  decodeShared,
  encode,
  readBytes,
  readBytesUpTo,
  readList,
  readArray,
  readOptional,
  readText,
  TrustError,
  type Field,
} from '@ixj/trust'
import { BUNDLE_MESSAGES_MAX, CONTENT_TYPE_BYTES_MAX, MESSAGES_BYTES_MAX } from '../limits.ts'
import {
  CORRELATION_BYTES,
  MESSAGE_ID_BYTES,
  type MessagePart,
  type PackedMessages,
} from './message-part.ts'
import { listHead, packPlain, readPlainMessages } from './plain-messages.ts'

export { MESSAGE_ID_BYTES, type MessagePart, type PackedMessages } from './message-part.ts'

/** What an answer refers to: the request's bundle id ‖ message id. */
export function correlationOf(bundleId: Uint8Array, messageId: Uint8Array): Uint8Array {
  return concatBytes(bundleId, messageId)
}

/** The bytes of a bundle's messages. @throws TrustError `too-large` over 60 KiB */
export function encodeMessages(parts: readonly MessagePart[]): Uint8Array {
  return encode(
    parts.map((part) => [part.id, part.correlation, part.contentType, part.body]),
    { bytesMax: MESSAGES_BYTES_MAX },
  )
}

/** One message in the bytes that it has in a bundle. @throws TrustError `too-large` over 60 KiB */
export function packMessage(part: MessagePart): PackedMessages {
  const { id, correlation, contentType, body } = part
  const isPlain = correlation === null && contentType === null && id.length === MESSAGE_ID_BYTES
  const limits = { bytesMax: MESSAGES_BYTES_MAX }
  const plain = isPlain ? packPlain(part) : undefined
  return { count: 1, bytes: plain ?? encode([id, correlation, contentType, body], limits) }
}

/** The bytes of a bundle's messages, of which some are packed. @throws TrustError `too-large` */
export function joinMessages(packs: readonly PackedMessages[]): Uint8Array {
  const count = packs.reduce((sum, pack) => sum + pack.count, 0)
  const only = packs.length === 1 ? packs[0]?.list : undefined
  const joined = only ?? concatBytes(listHead(count), ...packs.map(({ bytes }) => bytes))
  if (joined.length <= MESSAGES_BYTES_MAX) return joined
  const size = `${joined.length} bytes, limit ${MESSAGES_BYTES_MAX}`
  throw new TrustError('too-large', `Cannot make a bundle of messages of ${size}`)
}

/**
 * Reads the messages of a bundle: exactly as many as its header counts. Their bodies are parts of
 * `bytes`, which nobody may write again.
 * @throws TrustError `encoding`, `too-large`, `form`
 */
export function decodeMessages(bytes: Uint8Array, count: number): readonly MessagePart[] {
  const plain = readPlainMessages(bytes, count)
  if (plain !== undefined) return plain
  const value = decodeShared(bytes, { bytesMax: MESSAGES_BYTES_MAX })
  return readList(value, 'messages', {
    itemsMin: count,
    itemsMax: Math.min(count, BUNDLE_MESSAGES_MAX),
    item: readMessage,
  })
}

function readMessage(field: Field, what: string): MessagePart {
  const fields = readArray(field, what, 4)
  return {
    id: readBytes(fields[0], `id of ${what}`, MESSAGE_ID_BYTES),
    correlation: readOptional(fields[1], `correlation of ${what}`, (value, name) =>
      readBytes(value, name, CORRELATION_BYTES),
    ),
    contentType: readOptional(fields[2], `content type of ${what}`, (value, name) =>
      readText(value, name, CONTENT_TYPE_BYTES_MAX),
    ),
    body: readBytesUpTo(fields[3], `body of ${what}`, MESSAGES_BYTES_MAX),
  }
}
