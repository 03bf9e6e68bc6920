import {
  decode,
  encode,
  readArray,
  readBytesUpTo,
  readInteger,
  readText,
  TrustError,
  type Value,
} from '@ixj/trust'
import { checkVersion, VERSION } from '../bundles/version.ts'
import { CHANNEL_FRAME_BYTES_MAX, MESSAGE_BYTES_MAX } from '../transport.ts'
import { SOCKET_FRAME_BYTES_MAX, SOCKET_TOPIC_BYTES_MAX, SOCKET_WINDOW_BYTES } from './limits.ts'

/** What both sides of a socket send after login; docs/protocol.md, "Sockets". */
export type SocketFrame =
  /** Take a channel. Ids of the page are odd, those of the relay even. */
  | { readonly kind: 'open'; readonly channel: number; readonly protocol: string }
  /** The channel was taken, was not taken, or has ended. */
  | { readonly kind: 'opened' | 'refused' | 'close'; readonly channel: number }
  /** One frame of a channel. */
  | { readonly kind: 'data'; readonly channel: number; readonly bytes: Uint8Array }
  /** That many bytes of a channel were read: as many more may be sent. */
  | { readonly kind: 'read'; readonly channel: number; readonly count: number }
  /** I have joined, or left, a topic. */
  | { readonly kind: 'subscribe' | 'unsubscribe'; readonly topic: string }
  /** A message on a topic. */
  | { readonly kind: 'message'; readonly topic: string; readonly bytes: Uint8Array }

/** Channels that a socket may have over its life, of one side. */
const CHANNEL_ID_MAX = 2 ** 31

/** A protocol's name. */
const PROTOCOL_BYTES_MAX = 64

/** The bytes of a frame. @throws TrustError `too-large` */
export function encodeSocketFrame(frame: SocketFrame): Uint8Array {
  return encode([VERSION, frame.kind, ...fieldsOf(frame)], { bytesMax: SOCKET_FRAME_BYTES_MAX })
}

function fieldsOf(frame: SocketFrame): readonly Value[] {
  switch (frame.kind) {
    case 'open':
      return [frame.channel, frame.protocol]
    case 'opened':
    case 'refused':
    case 'close':
      return [frame.channel]
    case 'data':
      return [frame.channel, frame.bytes]
    case 'read':
      return [frame.channel, frame.count]
    case 'subscribe':
    case 'unsubscribe':
      return [frame.topic]
    case 'message':
      return [frame.topic, frame.bytes]
  }
}

/** Reads a frame. @throws TrustError `too-large`, `depth`, `encoding`, `form`, `unsupported` */
export function decodeSocketFrame(bytes: Uint8Array): SocketFrame {
  const value = decode(bytes, { bytesMax: SOCKET_FRAME_BYTES_MAX })
  checkVersion(value, 'frame of a socket')
  const kind = (value as readonly Value[])[1]
  switch (kind) {
    case 'open': {
      const [, , channel, protocol] = readArray(value, kind, 4)
      return { kind, channel: readChannel(channel), protocol: readProtocol(protocol) }
    }
    case 'opened':
    case 'refused':
    case 'close':
      return { kind, channel: readChannel(readArray(value, kind, 3)[2]) }
    case 'data': {
      const [, , channel, data] = readArray(value, kind, 4)
      return { kind, channel: readChannel(channel), bytes: readData(data) }
    }
    case 'read': {
      const [, , channel, count] = readArray(value, kind, 4)
      const range = { min: 1, max: SOCKET_WINDOW_BYTES }
      return { kind, channel: readChannel(channel), count: readInteger(count, 'bytes read', range) }
    }
    case 'subscribe':
    case 'unsubscribe':
      return { kind, topic: readTopic(readArray(value, kind, 3)[2]) }
    case 'message': {
      const [, , topic, data] = readArray(value, kind, 4)
      return {
        kind,
        topic: readTopic(topic),
        bytes: readBytesUpTo(data, 'message', MESSAGE_BYTES_MAX),
      }
    }
    default:
      throw new TrustError('unsupported', 'Cannot read frame of a socket: its kind is not known')
  }
}

function readChannel(value: Value | undefined): number {
  return readInteger(value, 'channel', { min: 1, max: CHANNEL_ID_MAX })
}

function readProtocol(value: Value | undefined): string {
  return readText(value, 'protocol', PROTOCOL_BYTES_MAX)
}

function readTopic(value: Value | undefined): string {
  const topic = readText(value, 'topic', SOCKET_TOPIC_BYTES_MAX)
  if (topic.length > 0) return topic
  throw new TrustError('form', 'Cannot read topic: it is empty')
}

function readData(value: Value | undefined): Uint8Array {
  const data = readBytesUpTo(value, 'data of a channel', CHANNEL_FRAME_BYTES_MAX)
  if (data.length > 0) return data
  throw new TrustError('form', 'Cannot read data of a channel: it is empty')
}
