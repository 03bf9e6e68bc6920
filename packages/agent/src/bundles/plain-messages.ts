import { copyOfPart, encodeApplication, type ApplicationValue, type Random } from '@ixj/trust'
import { BUNDLE_MESSAGES_MAX, MESSAGES_BYTES_MAX } from '../limits.ts'
import { MESSAGE_ID_BYTES, type MessagePart, type PackedMessages } from './message-part.ts'

// A plain message has an id and a body, no correlation and no content type: what is sent most. It
// is written and read here byte by byte, in the one encoding that it has; the general encoder and
// decoder make an object for each of its values, which costs some ten times as much. The tests hold
// both against each other.

/** An array of four: binary of 16 bytes, then the id, nil, nil, and the body as binary. */
const ARRAY_OF_FOUR = 0x94
const NIL = 0xc0
const BINARY_8 = 0xc4
const BINARY_16 = 0xc5
/** Of one message in front of its body's own head. */
const FIXED_BYTES = 3 + MESSAGE_ID_BYTES + 2
/** Of all lengths that fit into a bundle. */
const HEAD_BYTES_MAX = 3

/** Room for the head of the list around messages. */
const LIST_HEAD_BYTES_MAX = 3

/** What is written before it is known how long it is; nothing of it outlives a call. */
const scratch = new Uint8Array(LIST_HEAD_BYTES_MAX + MESSAGES_BYTES_MAX)

/** Messages that were packed, and their ids one after the other, 16 bytes each. */
export interface PackedBodies {
  readonly packs: readonly PackedMessages[]
  readonly ids: Uint8Array
}

/**
 * Packs bodies as plain messages in their order, into as few packs as hold them: each at most
 * `messagesMax` messages and `bytesMax` bytes, 60 KiB at most.
 * @throws TrustError `too-large` for a body that fits into none; what no body can be: `form`,
 * `encoding`, `depth`
 */
export function packBodies(
  bodies: readonly ApplicationValue[],
  limits: {
    readonly random: Random
    readonly messagesMax: number
    readonly bytesMax: number
    readonly bodyBytesMax: number
  },
): PackedBodies {
  const { messagesMax, bytesMax, bodyBytesMax } = limits
  const ids = limits.random(MESSAGE_ID_BYTES * bodies.length)
  const packs: PackedMessages[] = []
  let used = LIST_HEAD_BYTES_MAX
  let count = 0
  const close = () => {
    if (count > 0) packs.push(packOf(count, used))
    used = LIST_HEAD_BYTES_MAX
    count = 0
  }
  for (const [index, body] of bodies.entries()) {
    const isShort = body instanceof Uint8Array && body.length + HEAD_BYTES_MAX <= bodyBytesMax
    // Its own limit is told by the encoder; what it made is taken as it is.
    const encoded = isShort ? undefined : encodeApplication(body, { bytesMax: bodyBytesMax })
    const value = encoded ?? (body as Uint8Array)
    const innerBytes = encoded === undefined ? headBytes(value.length) + value.length : value.length
    const wholeBytes = FIXED_BYTES + headBytes(innerBytes) + innerBytes
    if (count === messagesMax || used + wholeBytes > LIST_HEAD_BYTES_MAX + bytesMax) close()
    const idAt = index * MESSAGE_ID_BYTES
    let at = writeFixed(used, ids, idAt)
    at = writeHead(at, innerBytes)
    if (encoded === undefined) at = writeHead(at, value.length)
    scratch.set(value, at)
    used += wholeBytes
    count += 1
  }
  close()
  return { packs, ids }
}

/** What was written, and in front of it the head that it has where it is all of a bundle. */
function packOf(count: number, used: number): PackedMessages {
  const head = listHead(count)
  const start = LIST_HEAD_BYTES_MAX - head.length
  scratch.set(head, start)
  const list = copyOfPart(scratch, start, used)
  return { count, bytes: list.subarray(head.length), list }
}

/** The head of a list of so many messages. */
export function listHead(count: number): Uint8Array {
  return Uint8Array.from(count < 0x10 ? [0x90 | count] : [0xdc, count >> 8, count & 0xff])
}

/** One plain message whose body is encoded already; undefined if it is too long for any bundle. */
export function packPlain({ id, body }: Pick<MessagePart, 'id' | 'body'>): Uint8Array | undefined {
  const wholeBytes = FIXED_BYTES + headBytes(body.length) + body.length
  if (wholeBytes > MESSAGES_BYTES_MAX) return undefined
  scratch.set(body, writeHead(writeFixed(0, id, 0), body.length))
  return copyOfPart(scratch, 0, wholeBytes)
}

/**
 * The messages of a bundle if they are `count` plain ones in exactly their encoding, each a part of
 * `bytes`; undefined if they are anything else, good or bad, about which the general decoder says.
 */
export function readPlainMessages(
  bytes: Uint8Array,
  count: number,
): readonly MessagePart[] | undefined {
  const fits = bytes.length <= MESSAGES_BYTES_MAX && count >= 1 && count <= BUNDLE_MESSAGES_MAX
  if (!fits) return undefined
  let at = afterListHead(bytes, count)
  if (at === -1) return undefined
  const parts: MessagePart[] = []
  for (let index = 0; index < count; index++) {
    const isPlain =
      bytes[at] === ARRAY_OF_FOUR &&
      bytes[at + 1] === BINARY_8 &&
      bytes[at + 2] === MESSAGE_ID_BYTES &&
      bytes[at + FIXED_BYTES - 2] === NIL &&
      bytes[at + FIXED_BYTES - 1] === NIL
    if (!isPlain) return undefined
    const bodyAt = afterHead(bytes, at + FIXED_BYTES)
    if (bodyAt === -1) return undefined
    const end = bodyAt + lengthAt(bytes, at + FIXED_BYTES)
    if (end > bytes.length) return undefined
    parts.push(new PlainMessage(bytes, { idAt: at + 3, bodyAt, end }))
    at = end
  }
  return at === bytes.length ? parts : undefined
}

/** A plain message inside its bundle's bytes. */
class PlainMessage implements MessagePart {
  readonly #bytes: Uint8Array
  readonly #idAt: number
  readonly #bodyAt: number
  readonly #end: number

  constructor(
    bytes: Uint8Array,
    places: { readonly idAt: number; readonly bodyAt: number; readonly end: number },
  ) {
    this.#bytes = bytes
    this.#idAt = places.idAt
    this.#bodyAt = places.bodyAt
    this.#end = places.end
  }

  get id(): Uint8Array {
    return this.#bytes.slice(this.#idAt, this.#idAt + MESSAGE_ID_BYTES)
  }

  get correlation(): null {
    return null
  }

  get contentType(): null {
    return null
  }

  get body(): Uint8Array {
    return this.#bytes.subarray(this.#bodyAt, this.#end)
  }
}

function writeFixed(at: number, ids: Uint8Array, idAt: number): number {
  scratch[at] = ARRAY_OF_FOUR
  scratch[at + 1] = BINARY_8
  scratch[at + 2] = MESSAGE_ID_BYTES
  for (let index = 0; index < MESSAGE_ID_BYTES; index++) {
    scratch[at + 3 + index] = ids[idAt + index]!
  }
  scratch[at + FIXED_BYTES - 2] = NIL
  scratch[at + FIXED_BYTES - 1] = NIL
  return at + FIXED_BYTES
}

function headBytes(length: number): number {
  return length < 0x100 ? 2 : HEAD_BYTES_MAX
}

/** Writes the head of a binary value of less than 64 KiB. */
function writeHead(at: number, length: number): number {
  if (length < 0x100) {
    scratch[at] = BINARY_8
    scratch[at + 1] = length
    return at + 2
  }
  scratch[at] = BINARY_16
  scratch[at + 1] = length >> 8
  scratch[at + 2] = length & 0xff
  return at + HEAD_BYTES_MAX
}

/** Where a binary value's bytes begin whose head, in its shortest form, stands here; else -1. */
function afterHead(bytes: Uint8Array, at: number): number {
  const head = bytes[at]
  if (head === BINARY_8) return at + 2
  return head === BINARY_16 && bytes[at + 1]! > 0 ? at + HEAD_BYTES_MAX : -1
}

/** The length that such a head says; Infinity where the bytes end inside it. */
function lengthAt(bytes: Uint8Array, at: number): number {
  const first = bytes[at + 1] ?? Infinity
  return bytes[at] === BINARY_8 ? first : first * 0x100 + (bytes[at + 2] ?? Infinity)
}

/** Where the items of an array of that length begin, its head being in the shortest form; else -1. */
function afterListHead(bytes: Uint8Array, count: number): number {
  if (count < 0x10) return bytes[0] === (0x90 | count) ? 1 : -1
  const isHead = bytes[0] === 0xdc && bytes[1] === count >> 8 && bytes[2] === (count & 0xff)
  return isHead ? 3 : -1
}
