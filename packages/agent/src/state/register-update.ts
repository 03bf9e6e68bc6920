import {
  decodeApplication,
  encodeApplication,
  readTime,
  TrustError,
  type ApplicationValue,
  type Field,
} from '@ixj/trust'
import type { Header } from '../bundles/header.ts'
import type { MessagePart } from '../bundles/message.ts'
import { STATE_REGISTER_BYTES_MAX, STATE_UPDATE_BYTES_MAX } from '../limits.ts'
import { Refusal } from '../pipeline/verdicts.ts'

/** Content type of a message that sets or clears one register of its sender. */
export const STATE_TYPE = 'ixj/state'

/** What a sender says of one register of its own: `[register, asOf, value]`, cleared without value. */
export interface RegisterUpdate {
  readonly register: string
  /** When the value was set, ms since the Unix epoch by the sender's clock; a repeat keeps it. */
  readonly asOf: number
  /** Undefined: the register is cleared. */
  readonly value: ApplicationValue | undefined
}

const REGISTER = /^[A-Za-z0-9._:/-]+$/

/** Whether a text may name a register: 1 to 64 of `A-Z a-z 0-9 . _ : / -`. */
export function isRegister(text: string): boolean {
  return text.length <= STATE_REGISTER_BYTES_MAX && REGISTER.test(text)
}

/** Whether a message is meant for shared state; what it holds is read by {@link readUpdate}. */
export function isUpdate(header: Header, part: MessagePart): boolean {
  const { class: messageClass, action } = header
  return messageClass === 'state' && action === 'publish' && part.contentType === STATE_TYPE
}

/** The body of an update. @throws TrustError `too-large`, `form`, `encoding`, `depth` */
export function encodeUpdate({ register, asOf, value }: RegisterUpdate): Uint8Array {
  const fields = value === undefined ? [register, asOf] : [register, asOf, value]
  return encodeApplication(fields, { bytesMax: STATE_UPDATE_BYTES_MAX })
}

/**
 * The register that an update is about, without reading the rest; undefined if the body does not
 * begin as an update does.
 */
export function peekRegister({ body }: MessagePart): string | undefined {
  if (body[0] !== 0x92 && body[0] !== 0x93) return undefined
  const head = body[1] ?? 0
  const isShort = (head & 0xe0) === 0xa0
  if (!isShort && head !== 0xd9) return undefined
  const start = isShort ? 2 : 3
  const length = isShort ? head & 0x1f : (body[2] ?? 0)
  if (length > STATE_REGISTER_BYTES_MAX || start + length > body.length) return undefined
  const register = String.fromCharCode(...body.subarray(start, start + length))
  return isRegister(register) ? register : undefined
}

/**
 * Reads an update: "it is for all, its register is a register's name, and it is not set later than
 * sent". Its sender signed whatever is wrong.
 * @throws Refusal `body`
 */
export function readUpdate(header: Header, part: MessagePart): RegisterUpdate {
  const refuse = (reason: string, cause?: unknown) =>
    new Refusal('body', `Cannot take state of ${header.sender}: ${reason}`, { cause })
  if (header.audience !== null) throw refuse('it is not for all of the group')
  if (part.body.length > STATE_UPDATE_BYTES_MAX) {
    throw refuse(`it has ${part.body.length} bytes, limit ${STATE_UPDATE_BYTES_MAX}`)
  }
  let fields: ApplicationValue
  let asOf: number
  try {
    fields = decodeApplication(part.body)
    if (!isList(fields) || fields.length < 2 || fields.length > 3) {
      throw new TrustError('form', 'Cannot read state: it is an array of 2 or 3')
    }
    asOf = readTime(fields[1] as Field, 'asOf of state')
  } catch (cause) {
    if (cause instanceof TrustError) throw refuse('its body does not hold', cause)
    throw cause
  }
  const [register, , value] = fields
  if (typeof register !== 'string' || !isRegister(register)) {
    throw refuse('it names no register')
  }
  if (asOf > header.sentAt) throw refuse(`it is set ${asOf - header.sentAt} ms after it was sent`)
  return { register, asOf, value }
}

function isList(value: ApplicationValue): value is readonly ApplicationValue[] {
  return Array.isArray(value)
}
