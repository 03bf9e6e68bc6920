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
  readSortedSet,
  TrustError,
  type Field,
  type Value,
} from '@ixj/trust'
import { checkVersion, VERSION } from '../bundles/version.ts'
import {
  FRAME_NOTICES_MAX,
  FRAME_STATEMENTS_MAX,
  NOTICE_BYTES_MAX,
  REVOKED_IDS_MAX,
} from '../limits.ts'
import { FRAME_ANNOUNCEMENTS_MAX } from '../presence/limits.ts'
import { CHANNEL_FRAME_BYTES_MAX, MESSAGE_BYTES_MAX } from '../transport.ts'

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
  /** Revocations, statuses, successors. */
  | { readonly kind: 'notices'; readonly notices: readonly Uint8Array[] }
  /** The digest of all revocations that I know under an anchor. */
  | { readonly kind: 'revoked'; readonly root: Name; readonly digest: Uint8Array }
  /** Their ids from one to another; send me the notices of the others between. */
  | HaveFrame
  | PresentFrame

/** The frames by which neighbours compare revocations. */
export type RevokedFrame = Extract<Frame, { readonly kind: 'revoked' | 'have' | 'notices' }>

/** Announcements of a group that the neighbour has heard, each as its node signed it. */
export interface PresentFrame {
  readonly kind: 'present'
  readonly topic: Name
  readonly announcements: readonly Uint8Array[]
}

/** The frames by which neighbours tell what others said. */
export type ToldFrame = RevokedFrame | PresentFrame

/** The ids of revocations that a node knows, in a stretch of all ids. */
export interface HaveFrame {
  readonly kind: 'have'
  readonly root: Name
  /** Both ends belong to the stretch; 32 bytes. */
  readonly from: Uint8Array
  readonly to: Uint8Array
  /** A set. */
  readonly ids: readonly Uint8Array[]
}

/** A right that a node shows: to receive a group for a member, or an inbox. */
export interface RightFrame {
  readonly kind: 'right'
  readonly topic: Name
  /** A combiner is a host of an inbox, of which a sender chooses one. */
  readonly of: 'combiner' | 'group' | 'inbox'
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
    case 'notices':
      return [frame.notices]
    case 'revoked':
      return [frame.root, frame.digest]
    case 'present':
      return [frame.topic, frame.announcements]
    case 'have':
      return [frame.root, frame.from, frame.to, frame.ids]
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
      return { kind: 'fetch', proof: readBytes(readArray(value, 'fetch', 3)[2], 'proof id') }
    case 'unknown':
      return { kind: 'unknown', proof: readBytes(readArray(value, 'unknown', 3)[2], 'proof id') }
    case 'ask':
      return { kind: 'ask', ids: readIds(readArray(value, 'ask', 3)[2]) }
    case 'want':
      return { kind: 'want', mark: readBytes(readArray(value, 'want', 3)[2], 'mark') }
    case 'unwant':
      return { kind: 'unwant', mark: readBytes(readArray(value, 'unwant', 3)[2], 'mark') }
    case 'end':
      return { kind: 'end', topic: readName(readArray(value, 'end', 3)[2], 'topic') }
    case 'right':
      return readRight(readArray(value, 'right', 10))
    case 'notices':
      return { kind: 'notices', notices: readNotices(readArray(value, 'notices', 3)[2]) }
    case 'revoked': {
      const [, , root, digest] = readArray(value, 'revoked', 4)
      return { kind: 'revoked', root: readName(root, 'root'), digest: readBytes(digest, 'digest') }
    }
    case 'present':
      return readPresent(readArray(value, 'present', 4))
    case 'have':
      return readHave(readArray(value, 'have', 6))
    default:
      throw new TrustError('unsupported', 'Cannot read frame: its kind is not known')
  }
}

function readRight(fields: readonly Value[]): RightFrame {
  return {
    kind: 'right',
    topic: readName(fields[2], 'topic of right'),
    of: readOneOf(fields[3], 'kind of right', ['combiner', 'group', 'inbox']),
    carrier: readName(fields[4], 'carrier of right'),
    agent: readOptional(fields[5], 'agent of right', readName),
    agentKey: readOptional(fields[6], 'key of right', readBytes),
    subscribe: readOptional(fields[7], 'subscribe grant of right', readBytes),
    host: readOptional(fields[8], 'host grant of right', readBytes),
    proof: readBytes(fields[9], 'proof of right'),
  }
}

function readPresent(fields: readonly Value[]): PresentFrame {
  return {
    kind: 'present',
    topic: readName(fields[2], 'topic of announcements'),
    announcements: readList(fields[3], 'announcements', {
      itemsMin: 1,
      itemsMax: FRAME_ANNOUNCEMENTS_MAX,
      item: (item, what) => readBytesUpTo(item, what, MESSAGE_BYTES_MAX),
    }),
  }
}

function readHave(fields: readonly Value[]): HaveFrame {
  return {
    kind: 'have',
    root: readName(fields[2], 'root of ids'),
    from: readBytes(fields[3], 'first id'),
    to: readBytes(fields[4], 'last id'),
    ids: readSortedSet(fields[5], 'ids', {
      itemsMax: REVOKED_IDS_MAX,
      item: readBytes,
    }),
  }
}

function readNotices(field: Field): readonly Uint8Array[] {
  return readList(field, 'notices', {
    itemsMax: FRAME_NOTICES_MAX,
    item: (item, what) => readBytesUpTo(item, what, NOTICE_BYTES_MAX),
  })
}

function readEnvelopes(field: Field): readonly Uint8Array[] {
  return readList(field, 'statements', {
    itemsMax: FRAME_STATEMENTS_MAX,
    item: (item, what) => readBytesUpTo(item, what, CHANNEL_FRAME_BYTES_MAX),
  })
}

function readIds(field: Field): readonly Uint8Array[] {
  return readList(field, 'ids', { itemsMin: 1, itemsMax: FRAME_STATEMENTS_MAX, item: readBytes })
}

function readProof(field: Field): Uint8Array {
  return readBytesUpTo(field, 'proof', CHANNEL_FRAME_BYTES_MAX)
}
