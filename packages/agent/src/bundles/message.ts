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
  type Field,
} from '@ixj/trust'
import { BUNDLE_MESSAGES_MAX, CONTENT_TYPE_BYTES_MAX, MESSAGES_BYTES_MAX } from '../limits.ts'

/** One message inside a bundle: `[id, correlation | nil, contentType | nil, body]`. */
export interface MessagePart {
  /** 16 bytes that stay the same on every retry. */
  readonly id: Uint8Array
  /** 48 bytes, bundle id ‖ message id of the request that this answers. */
  readonly correlation: Uint8Array | null
  readonly contentType: string | null
  /** An encoded application value, or what the content type says. */
  readonly body: Uint8Array
}

/** Bytes of a message id. */
export const MESSAGE_ID_BYTES = 16
/** Bytes of a correlation: bundle id and message id. */
export const CORRELATION_BYTES = 48

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

/**
 * Reads the messages of a bundle: exactly as many as its header counts. Their bodies are parts of
 * `bytes`, which nobody may write again.
 * @throws TrustError `encoding`, `too-large`, `form`
 */
export function decodeMessages(bytes: Uint8Array, count: number): readonly MessagePart[] {
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
