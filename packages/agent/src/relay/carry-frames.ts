import type { Name } from '@ixj/names'
import {
  decode,
  encode,
  readArray,
  readBytes,
  readName,
  readOneOf,
  readOptional,
  readText,
  TrustError,
  type Value,
} from '@ixj/trust'
import { checkVersion, VERSION } from '../bundles/version.ts'
import { CODE_BYTES_MAX } from '../limits.ts'
import { CHANNEL_FRAME_BYTES_MAX } from '../transport.ts'

/** The protocol by which a page has its relay carry topics; docs/protocol.md, "Carrying". */
export const CARRY_PROTOCOL = '/ixj/carry/1'

/** A topic that a relay is to receive for an agent of a page. */
export interface CarryFrame {
  readonly kind: 'carry'
  readonly topic: Name
  readonly of: 'group' | 'inbox'
  readonly agent: Name
  readonly agentKey: Uint8Array
  /** Group: the agent's `subscribe`; null: it owns the topic. */
  readonly subscribe: Uint8Array | null
  /** The grant by which the agent lets the relay receive for it. */
  readonly host: Uint8Array
  /** Id of the proof that holds the statements of all these. */
  readonly proof: Uint8Array
}

/** What a page and its relay tell each other of topics that are carried. */
export type CarryTold =
  | CarryFrame
  /** The page: no longer. */
  | { readonly kind: 'end'; readonly topic: Name }
  /** The relay: it is carried, or, with a code, it is not. */
  | { readonly kind: 'carried'; readonly topic: Name; readonly code: string | null }

/** The bytes of a frame. */
export function encodeCarry(frame: CarryTold): Uint8Array {
  return encode([VERSION, frame.kind, ...fieldsOf(frame)])
}

function fieldsOf(frame: CarryTold): readonly Value[] {
  switch (frame.kind) {
    case 'carry': {
      const { topic, of, agent, agentKey, subscribe, host, proof } = frame
      return [topic, of, agent, agentKey, subscribe, host, proof]
    }
    case 'end':
      return [frame.topic]
    case 'carried':
      return [frame.topic, frame.code]
  }
}

/** Reads a frame. @throws TrustError `encoding`, `form`, `name`, `unsupported` */
export function decodeCarry(bytes: Uint8Array): CarryTold {
  const value = decode(bytes, { bytesMax: CHANNEL_FRAME_BYTES_MAX })
  checkVersion(value, 'frame about a carried topic')
  const kind = (value as readonly Value[])[1]
  switch (kind) {
    case 'carry': {
      const fields = readArray(value, kind, 9)
      return {
        kind,
        topic: readName(fields[2], 'topic to carry'),
        of: readOneOf(fields[3], 'kind of topic', ['group', 'inbox']),
        agent: readName(fields[4], 'agent to carry for'),
        agentKey: readBytes(fields[5], 'key of agent'),
        subscribe: readOptional(fields[6], 'subscribe grant', readBytes),
        host: readBytes(fields[7], 'host grant'),
        proof: readBytes(fields[8], 'proof'),
      }
    }
    case 'end':
      return { kind, topic: readName(readArray(value, kind, 3)[2], 'topic') }
    case 'carried': {
      const [, , topic, code] = readArray(value, kind, 4)
      return {
        kind,
        topic: readName(topic, 'topic'),
        code: readOptional(code, 'code', (field, what) => readText(field, what, CODE_BYTES_MAX)),
      }
    }
    default:
      throw new TrustError('unsupported', 'Cannot read frame about a carried topic: unknown kind')
  }
}
