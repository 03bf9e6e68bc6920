import type { Name } from '@ixj/names'
import {
  decode,
  encode,
  readArray,
  readBytes,
  readBytesUpTo,
  readList,
  readName,
  readOneOf,
  readOptional,
  TrustError,
  type Field,
  type Value,
} from '@ixj/trust'
import { checkVersion, VERSION } from '../bundles/version.ts'
import { FRAME_STATEMENTS_MAX } from '../limits.ts'
import { CHANNEL_FRAME_BYTES_MAX } from '../transport.ts'

/** What neighbours tell each other on `/ixj/proof/1`; docs/protocol.md, "Between neighbours". */
export type Frame =
  /** Statements, ahead of a proof or right that needs them. */
  | { readonly kind: 'statements'; readonly envelopes: readonly Uint8Array[] }
  /** A proof whose statements were sent before. */
  | { readonly kind: 'proof'; readonly bytes: Uint8Array }
  /** Send the proof with this id. */
  | { readonly kind: 'fetch'; readonly proof: Uint8Array }
  /** The proof with this id is not here. */
  | { readonly kind: 'unknown'; readonly proof: Uint8Array }
  /** Send the statements with these ids. */
  | { readonly kind: 'ask'; readonly ids: readonly Uint8Array[] }
  /** I have to do with the topic behind this mark. */
  | { readonly kind: 'want'; readonly mark: Uint8Array }
  /** Nothing here has to do with it any more. */
  | { readonly kind: 'unwant'; readonly mark: Uint8Array }
  /** I may receive this topic. */
  | RightFrame
  /** I receive this topic no longer. */
  | { readonly kind: 'end'; readonly topic: Name }

/** A right that a node shows: to receive a group for a member, or an inbox. */
export interface RightFrame {
  readonly kind: 'right'
  readonly topic: Name
  readonly of: 'group' | 'inbox'
  /** The topic on which it comes: its own, or the node's name. */
  readonly carrier: Name
  /** Group: the member and its key. */
  readonly agent: Name | null
  readonly agentKey: Uint8Array | null
  readonly subscribe: Uint8Array | null
  readonly host: Uint8Array | null
  /** Id of the proof that holds the statements of all these. */
  readonly proof: Uint8Array
}

/** The bytes of a frame. @throws TrustError `too-large` */
export function encodeFrame(frame: Frame): Uint8Array {
  return encode([VERSION, frame.kind, ...fieldsOf(frame)], { bytesMax: CHANNEL_FRAME_BYTES_MAX })
}

function fieldsOf(frame: Frame): readonly Value[] {
  switch (frame.kind) {
    case 'statements':
      return [frame.envelopes]
    case 'proof':
      return [frame.bytes]
    case 'fetch':
    case 'unknown':
      return [frame.proof]
    case 'ask':
      return [[...frame.ids]]
    case 'want':
    case 'unwant':
      return [frame.mark]
    case 'end':
      return [frame.topic]
    case 'right': {
      const { topic, of, carrier, agent, agentKey, subscribe, host, proof } = frame
      return [topic, of, carrier, agent, agentKey, subscribe, host, proof]
    }
  }
}

/** Reads a frame. @throws TrustError `encoding`, `form`, `name`, `unsupported` */
export function decodeFrame(bytes: Uint8Array): Frame {
  const value = decode(bytes, { bytesMax: CHANNEL_FRAME_BYTES_MAX })
  checkVersion(value, 'frame')
  const fields = value as readonly Value[]
  switch (fields[1]) {
    case 'statements':
      return { kind: 'statements', envelopes: readEnvelopes(readArray(value, 'statements', 3)[2]) }
    case 'proof':
      return { kind: 'proof', bytes: readProof(readArray(value, 'proof', 3)[2]) }
    case 'fetch':
      return { kind: 'fetch', proof: readId(readArray(value, 'fetch', 3)[2], 'proof id') }
    case 'unknown':
      return { kind: 'unknown', proof: readId(readArray(value, 'unknown', 3)[2], 'proof id') }
    case 'ask':
      return { kind: 'ask', ids: readIds(readArray(value, 'ask', 3)[2]) }
    case 'want':
      return { kind: 'want', mark: readId(readArray(value, 'want', 3)[2], 'mark') }
    case 'unwant':
      return { kind: 'unwant', mark: readId(readArray(value, 'unwant', 3)[2], 'mark') }
    case 'end':
      return { kind: 'end', topic: readName(readArray(value, 'end', 3)[2], 'topic') }
    case 'right':
      return readRight(readArray(value, 'right', 10))
    default:
      throw new TrustError('unsupported', 'Cannot read frame: its kind is not known')
  }
}

function readRight(fields: readonly Value[]): RightFrame {
  return {
    kind: 'right',
    topic: readName(fields[2], 'topic of right'),
    of: readOneOf(fields[3], 'kind of right', ['group', 'inbox']),
    carrier: readName(fields[4], 'carrier of right'),
    agent: readOptional(fields[5], 'agent of right', readName),
    agentKey: readOptional(fields[6], 'key of right', readId),
    subscribe: readOptional(fields[7], 'subscribe grant of right', readId),
    host: readOptional(fields[8], 'host grant of right', readId),
    proof: readId(fields[9], 'proof of right'),
  }
}

function readEnvelopes(field: Field): readonly Uint8Array[] {
  return readList(field, 'statements', {
    itemsMax: FRAME_STATEMENTS_MAX,
    item: (item, what) => readBytesUpTo(item, what, CHANNEL_FRAME_BYTES_MAX),
  })
}

function readIds(field: Field): readonly Uint8Array[] {
  return readList(field, 'ids', { itemsMin: 1, itemsMax: FRAME_STATEMENTS_MAX, item: readId })
}

function readProof(field: Field): Uint8Array {
  return readBytesUpTo(field, 'proof', CHANNEL_FRAME_BYTES_MAX)
}

function readId(field: Field, what: string): Uint8Array {
  return readBytes(field, what, 32)
}
