import type { Name } from '@ixj/names'
import {
  decode,
  encode,
  fromHex,
  readArray,
  readBytes,
  readInteger,
  readName,
  readTime,
  toHex,
  type Field,
  type Sha256,
  type Value,
} from '@ixj/trust'
import { MESSAGE_ID_BYTES } from '../bundles/message.ts'
import { TASK_ATTEMPTS_MAX, TASK_RECORD_BYTES_MAX } from '../limits.ts'
import { keptFields, readKept, type KeptBundle } from './kept-bundle.ts'

/** What is remembered of a task, until no copy of it can pass the lifespan check. */
export interface ReceivedTask {
  readonly idText: string
  readonly id: Uint8Array
  readonly messageId: Uint8Array
  readonly sender: Name
  /** ms since the Unix epoch: no copy passes the lifespan check afterwards. */
  readonly until: number
  /** `taking`: not stored yet. `open`: acknowledged, and its handler is not through with it. */
  state: 'taking' | 'open' | 'done'
  /** While it is not done. */
  work: OpenWork | undefined
  acknowledgedAt: number
  /** An acknowledgement is on its way, or waits for its sender to be reached. */
  isTelling: boolean
}

/** What is kept of it while it is not done. */
export interface OpenWork {
  readonly kept: KeptBundle
  readonly bytes: number
  readonly topic: Name
  /** When it was accepted first: what it was accepted by counted then. */
  readonly acceptedAt: number
  /** When it is worth nothing any more, by this node's clock. */
  readonly endsAt: number
  /** How often it was handed out. */
  attempt: number
  cancel: () => void
}

/** Sender and message id: a message in two bundles is one task. */
export function messageKeyOf({ sender, messageId }: ReceivedTask): string {
  return `${sender}|${toHex(messageId)}`
}

/** The form in which it is stored. */
export function encodeReceived({ sender, messageId, until, work }: ReceivedTask): Uint8Array {
  const open: Value =
    work === undefined ? null : [work.attempt, work.acceptedAt, work.endsAt, keptFields(work.kept)]
  return encode([sender, messageId, until, open], { bytesMax: TASK_RECORD_BYTES_MAX })
}

/**
 * Reads it.
 * @throws TrustError `encoding`, `form` for a store that is damaged: nothing is guessed
 */
export function readReceived(idText: string, record: Uint8Array, hash: Sha256): ReceivedTask {
  const value = decode(record, { bytesMax: TASK_RECORD_BYTES_MAX })
  const fields = readArray(value, 'task', 4)
  const work = fields[3] === null ? undefined : readWork(fields[3], hash)
  return {
    idText,
    id: fromHex(idText),
    sender: readName(fields[0], 'sender of task'),
    messageId: readBytes(fields[1], 'message of task', MESSAGE_ID_BYTES),
    until: readTime(fields[2], 'end of task'),
    state: work === undefined ? 'done' : 'open',
    work,
    acknowledgedAt: 0,
    isTelling: false,
  }
}

function readWork(field: Field, hash: Sha256): OpenWork {
  const [attempt, acceptedAt, endsAt, fields] = readArray(field, 'open task', 4)
  const kept = readKept(fields, 'open task', hash)
  return {
    kept,
    bytes: kept.bundle.bytes.length,
    topic: kept.bundle.header.topic,
    attempt: readInteger(attempt, 'attempt of task', { min: 0, max: TASK_ATTEMPTS_MAX }),
    acceptedAt: readTime(acceptedAt, 'start of task'),
    endsAt: readTime(endsAt, 'end of work of task'),
    cancel: () => {},
  }
}
