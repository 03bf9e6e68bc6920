import { isReservedPool, type Name, type Pattern } from '@ixj/names'
import {
  decode,
  encode,
  readArray,
  readBytes,
  readBytesUpTo,
  readInteger,
  readName,
  readOneOf,
  readOptional,
  readPattern,
  readSortedSet,
  readTime,
  PRIORITY_MAX,
  TrustError,
  type Field,
  type Value,
} from '@ixj/trust'
import {
  APPROVAL_BYTES_MAX,
  APPROVALS_MAX,
  AUDIENCE_MAX,
  BUNDLE_MESSAGES_MAX,
  EVENT_LIFESPAN_MS_MAX,
  HEADER_BYTES_MAX,
  STATE_LIFESPAN_MS_MAX,
  TASK_LIFESPAN_MS_MAX,
} from '../limits.ts'
import { decodeApproval, type Approval } from './approval.ts'
import { checkVersion, VERSION } from './version.ts'

/** How a message is cared for: only the newest counts; ordered; acknowledged and retried. */
export type MessageClass = 'state' | 'event' | 'task'

/** What a bundle does to its receivers. */
export type BundleAction = 'publish' | 'request' | 'answer'

/** The longest lifespan of each class, in ms. */
export const LIFESPAN_MS_MAX: Readonly<Record<MessageClass, number>> = {
  state: STATE_LIFESPAN_MS_MAX,
  event: EVENT_LIFESPAN_MS_MAX,
  task: TASK_LIFESPAN_MS_MAX,
}

/** The signed part of a bundle; docs/protocol.md, "Bundles". Keys, ids and digests are 32 bytes. */
export interface Header {
  readonly topic: Name
  readonly sender: Name
  readonly key: Uint8Array
  readonly epoch: number
  readonly class: MessageClass
  readonly action: BundleAction
  /** Place of the first message in its stream; the first place is 1. */
  readonly first: number
  readonly count: number
  /** ms since the Unix epoch, by the sender's clock. */
  readonly sentAt: number
  readonly lifespanMs: number
  readonly priority: number
  /** Id of the one grant whose chain counts; null: owner, answer, or the receiver's policy. */
  readonly authority: Uint8Array | null
  readonly proof: Uint8Array
  /** Whom it is for; null: all. It selects, it does not hide. */
  readonly audience: readonly Pattern[] | null
  /** Rising by the key that signs, none twice: distinct keys are what counts. */
  readonly approvals: readonly Approval[]
  /** To what the messages are sealed; null: they are not. */
  readonly encryption: Encryption | null
  readonly digest: Uint8Array
}

/** What messages are sealed to: one name's encryption key, or a secret of a group. */
export type Encryption =
  | {
      /** SHA-256 of the recipient's encryptionKey, 32 bytes. */
      readonly recipient: Uint8Array
    }
  | {
      /** Id of the secret, 32 bytes. */
      readonly secret: Uint8Array
    }

const FIELDS = 18
/** The first of the two items of a header's encryption. */
const TO_NAME = 1
const TO_GROUP = 2

/** The bytes of a header, at most 4 KiB. @throws TrustError `too-large`, `form` */
export function encodeHeader(header: Header): Uint8Array {
  return encodeFields(header, header.digest)
}

/** What a sealed body is tied to: the header, which has everything but the digest that follows. */
export function sealingInfo(header: Omit<Header, 'digest'>): Uint8Array {
  return encodeFields(header, null)
}

function encodeFields(header: Omit<Header, 'digest'>, digest: Uint8Array | null): Uint8Array {
  return encode(
    [
      VERSION,
      header.topic,
      header.sender,
      header.key,
      header.epoch,
      header.class,
      header.action,
      header.first,
      header.count,
      header.sentAt,
      header.lifespanMs,
      header.priority,
      header.authority,
      header.proof,
      header.audience,
      header.approvals.map((approval) => approval.envelope),
      encryptionFields(header.encryption),
      digest,
    ],
    { bytesMax: HEADER_BYTES_MAX },
  )
}

/**
 * Reads a header: its form alone; nothing of it is believed yet.
 * @throws TrustError `encoding`, `too-large`, `depth`, `form`, `name`, `unsupported`
 */
export function decodeHeader(bytes: Uint8Array): Header {
  const value = decode(bytes, { bytesMax: HEADER_BYTES_MAX })
  checkVersion(value, 'header')
  const fields = readArray(value, 'header', FIELDS)
  const header = readFields(fields)
  checkPooled(header)
  checkApproved(header)
  checkTask(header)
  return header
}

/** "A task is alone in its bundle": what is acknowledged and handed out again is one message. */
function checkTask({ class: messageClass, count }: Header): void {
  if (messageClass !== 'task' || count === 1) return
  throw new TrustError('form', `Cannot read header of class task: ${count} messages, limit 1`)
}

/** "Agents of a pool send no state": of which of them it would be is known to nobody. */
function checkPooled({ sender, class: messageClass }: Header): void {
  if (messageClass !== 'state' || !isReservedPool(sender)) return
  throw new TrustError('form', `Cannot read header by ${sender}: agents of a pool send no state`)
}

/** "The bundle holds that one message", and an approval names the grant under which it is sent. */
function checkApproved({ approvals, authority, count, action, encryption }: Header): void {
  if (approvals.length === 0) return
  // Nobody on the way could tell a false approval from a good one.
  if (encryption !== null) {
    throw new TrustError('form', 'Cannot read header with approvals: its messages are sealed')
  }
  if (authority !== null && count === 1 && action !== 'answer') return
  const what = `${count} messages of action ${action}, ${authority === null ? 'no' : 'a'} grant`
  throw new TrustError(
    'form',
    `Cannot read header with approvals: they are for 1 message under a grant, it has ${what}`,
  )
}

function readFields(fields: readonly Value[]): Header {
  const messageClass = readOneOf(fields[5], 'class of header', ['state', 'event', 'task'])
  // What a later version may mean is looked at before the rest.
  const encryption = readOptional(fields[16], 'encryption of header', readEncryption)
  return {
    topic: readName(fields[1], 'topic of header'),
    sender: readName(fields[2], 'sender of header'),
    key: readBytes(fields[3], 'key of header'),
    epoch: readTime(fields[4], 'epoch of header'),
    class: messageClass,
    action: readOneOf(fields[6], 'action of header', ['publish', 'request', 'answer']),
    first: readInteger(fields[7], 'first sequence of header', { min: 1, max: 2 ** 52 }),
    count: readInteger(fields[8], 'count of header', { min: 1, max: BUNDLE_MESSAGES_MAX }),
    sentAt: readTime(fields[9], 'sentAt of header'),
    lifespanMs: readInteger(fields[10], 'lifespan of header', {
      min: 1,
      max: LIFESPAN_MS_MAX[messageClass],
    }),
    priority: readInteger(fields[11], 'priority of header', { min: 0, max: PRIORITY_MAX }),
    authority: readOptional(fields[12], 'authority of header', readBytes),
    proof: readBytes(fields[13], 'proof of header'),
    audience: readOptional(fields[14], 'audience of header', (field, what) =>
      readSortedSet(field, what, {
        itemsMin: 1,
        itemsMax: AUDIENCE_MAX,
        item: readPattern,
      }),
    ),
    approvals: readSortedSet(fields[15], 'approvals of header', {
      itemsMax: APPROVALS_MAX,
      item: (field, what) => decodeApproval(readBytesUpTo(field, what, APPROVAL_BYTES_MAX)),
      key: (approval) => approval.signed.signerKey,
    }),
    encryption,
    digest: readBytes(fields[17], 'digest of header'),
  }
}

function encryptionFields(encryption: Encryption | null): Value {
  if (encryption === null) return null
  return 'secret' in encryption ? [TO_GROUP, encryption.secret] : [TO_NAME, encryption.recipient]
}

function readEncryption(field: Field, what: string): Encryption {
  const [to, hash] = readArray(field, what, 2)
  const form = readInteger(to, `form in ${what}`, { min: TO_NAME, max: TO_GROUP })
  const bytes = readBytes(hash, `hash in ${what}`)
  return form === TO_GROUP ? { secret: bytes } : { recipient: bytes }
}
