import { utf8Bytes } from '../bytes.ts'
import { ENCODED_BYTES_MAX, ENCODED_DEPTH_MAX, ENCODED_ITEMS_MAX } from '../limits.ts'
import { TrustError } from '../trust-error.ts'
import { copyOfPart } from './slab.ts'
import type { ApplicationValue, EncodingLimits, Value } from './value.ts'

// By hand, for msgpackr cannot write this subset: it turns integers from 2^32 into floats, writes a
// positive BigInt as int64 where uint64 is the one allowed form, and makes Buffers in Node.

/**
 * The one encoding of a value; {@link scan} lets it pass in strict mode. -0 is written as 0.
 * @throws TrustError `form` for what has no encoding (a fraction, an integer beyond ±(2^53 - 1),
 * undefined, an object), `encoding` for a lone surrogate, `depth`, `too-large`
 */
export function encode(value: Value, limits: EncodingLimits = {}): Uint8Array {
  return write(value, { application: false, bytesMax: limits.bytesMax ?? ENCODED_BYTES_MAX })
}

/**
 * An encoding of a message's body. Integers within ±(2^53 - 1) are written as such, all other
 * numbers, -0 among them, as float64; plain objects as maps in their own order of keys.
 * @throws TrustError `form` for what has no encoding (undefined, a Date, a class of one's own),
 * `encoding` for a lone surrogate, `depth` (also for a cycle), `too-large`
 */
export function encodeApplication(
  value: ApplicationValue,
  limits: EncodingLimits = {},
): Uint8Array {
  return write(value, { application: true, bytesMax: limits.bytesMax ?? ENCODED_BYTES_MAX })
}

/** What a writer may keep between two values: room for the largest form, and for one growth. */
const ROOM_BYTES_MAX = 128 * 1024

interface WritingRules {
  readonly application: boolean
  readonly bytesMax: number
}

/** Kept for the next value; undefined while it is in use. A getter of a body may encode, too. */
let idle: Writer | undefined

function write(value: ApplicationValue, rules: WritingRules): Uint8Array {
  const writer = idle ?? new Writer()
  idle = undefined
  try {
    writer.begin(rules)
    writer.value(value, 0)
    return writer.finish()
  } finally {
    if (writer.room <= ROOM_BYTES_MAX) idle = writer
  }
}

/** Texts up to this length are written here if they are ASCII; a call to the runtime costs more. */
const SHORT_TEXT_MAX = 64

class Writer {
  #bytes = new Uint8Array(512)
  #view = new DataView(this.#bytes.buffer)
  #offset = 0
  #items = 0
  #application = false
  #bytesMax = 0

  /** Bytes that it keeps. */
  get room(): number {
    return this.#bytes.length
  }

  begin({ application, bytesMax }: WritingRules): void {
    this.#offset = 0
    this.#items = 0
    this.#application = application
    this.#bytesMax = bytesMax
  }

  finish(): Uint8Array {
    // A body is copied into its bundle soon; what is signed or kept has memory of its own.
    if (this.#application) return copyOfPart(this.#bytes, 0, this.#offset)
    return this.#bytes.slice(0, this.#offset)
  }

  value(value: ApplicationValue, depth: number): void {
    this.#count()
    if (value === null) return this.#byte(0xc0)
    switch (typeof value) {
      case 'boolean':
        return this.#byte(value ? 0xc3 : 0xc2)
      case 'number':
        return this.#number(value)
      case 'string':
        return this.#text(value)
      case 'object':
        if (value instanceof Uint8Array) return this.#binary(value)
        if (depth >= ENCODED_DEPTH_MAX) {
          throw new TrustError('depth', `Cannot encode: nested deeper than ${ENCODED_DEPTH_MAX}`)
        }
        if (isArray(value)) return this.#array(value, depth)
        if (this.#application && isPlain(value)) return this.#map(value, depth)
        throw new TrustError('form', `Cannot encode ${describe(value)}`)
      default:
        throw new TrustError('form', `Cannot encode ${typeof value}`)
    }
  }

  #count(): void {
    this.#items += 1
    if (this.#items > ENCODED_ITEMS_MAX) {
      throw new TrustError('too-large', `Cannot encode more than ${ENCODED_ITEMS_MAX} values`)
    }
  }

  /** Makes room for that many bytes and returns where they begin. */
  #reserve(size: number): number {
    const start = this.#offset
    const end = start + size
    if (end > this.#bytesMax) {
      throw new TrustError('too-large', `Cannot encode into ${end} bytes, limit ${this.#bytesMax}`)
    }
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(end, this.#bytes.length * 2))
      larger.set(this.#bytes)
      this.#bytes = larger
      this.#view = new DataView(larger.buffer)
    }
    this.#offset = end
    return start
  }

  #byte(byte: number): void {
    const start = this.#reserve(1)
    this.#bytes[start] = byte
  }

  /** Writes a head and a big-endian unsigned number of 1, 2 or 4 bytes. */
  #head(head: number, size: 1 | 2 | 4, number: number): void {
    const start = this.#reserve(1 + size)
    this.#bytes[start] = head
    if (size === 1) this.#view.setUint8(start + 1, number)
    else if (size === 2) this.#view.setUint16(start + 1, number)
    else this.#view.setUint32(start + 1, number)
  }

  #number(number: number): void {
    if (!Number.isSafeInteger(number) || (this.#application && Object.is(number, -0))) {
      return this.#float(number)
    }
    if (number >= 0) {
      if (number < 0x80) return this.#byte(number)
      if (number < 0x100) return this.#head(0xcc, 1, number)
      if (number < 0x10000) return this.#head(0xcd, 2, number)
      if (number < 2 ** 32) return this.#head(0xce, 4, number)
      return this.#integer64(0xcf, number)
    }
    if (number >= -0x20) return this.#byte(number + 0x100)
    // setUint8 to setUint32 take a negative number as its two's complement.
    if (number >= -0x80) return this.#head(0xd0, 1, number)
    if (number >= -0x8000) return this.#head(0xd1, 2, number)
    if (number >= -(2 ** 31)) return this.#head(0xd2, 4, number)
    return this.#integer64(0xd3, number)
  }

  #integer64(head: number, number: number): void {
    const start = this.#reserve(9)
    const high = Math.floor(number / 2 ** 32)
    this.#bytes[start] = head
    this.#view.setInt32(start + 1, high)
    this.#view.setUint32(start + 5, number - high * 2 ** 32)
  }

  #float(number: number): void {
    if (!this.#application) {
      throw new TrustError('form', `Cannot encode ${number}: no integer within ±(2^53 - 1)`)
    }
    const start = this.#reserve(9)
    this.#bytes[start] = 0xcb
    this.#view.setFloat64(start + 1, number)
  }

  #text(text: string): void {
    if (text.length <= SHORT_TEXT_MAX && isAscii(text)) {
      this.#textHead(text.length)
      const start = this.#reserve(text.length)
      for (let index = 0; index < text.length; index++) {
        this.#bytes[start + index] = text.charCodeAt(index)
      }
      return
    }
    const bytes = utf8Bytes(text)
    this.#textHead(bytes.length)
    const start = this.#reserve(bytes.length)
    this.#bytes.set(bytes, start)
  }

  #textHead(length: number): void {
    if (length < 0x20) this.#byte(0xa0 | length)
    else if (length < 0x100) this.#head(0xd9, 1, length)
    else if (length < 0x10000) this.#head(0xda, 2, length)
    else this.#head(0xdb, 4, length)
  }

  #binary(bytes: Uint8Array): void {
    const length = bytes.length
    if (length < 0x100) this.#head(0xc4, 1, length)
    else if (length < 0x10000) this.#head(0xc5, 2, length)
    else this.#head(0xc6, 4, length)
    const start = this.#reserve(length)
    this.#bytes.set(bytes, start)
  }

  #array(items: readonly ApplicationValue[], depth: number): void {
    const length = items.length
    if (length < 0x10) this.#byte(0x90 | length)
    else if (length < 0x10000) this.#head(0xdc, 2, length)
    else this.#head(0xdd, 4, length)
    for (const item of items) this.value(item, depth + 1)
  }

  #map(map: { readonly [key: string]: ApplicationValue }, depth: number): void {
    const entries = Object.entries(map)
    const length = entries.length
    if (length < 0x10) this.#byte(0x80 | length)
    else if (length < 0x10000) this.#head(0xde, 2, length)
    else this.#head(0xdf, 4, length)
    for (const [key, item] of entries) {
      if (key === '__proto__') throw new TrustError('form', 'Cannot encode the key "__proto__"')
      this.#count()
      this.#text(key)
      this.value(item, depth + 1)
    }
  }
}

function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    if (text.charCodeAt(index) >= 0x80) return false
  }
  return true
}

// Array.isArray does not narrow a readonly array.
function isArray(value: object): value is readonly ApplicationValue[] {
  return Array.isArray(value)
}

function isPlain(value: object): value is { readonly [key: string]: ApplicationValue } {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function describe(value: object): string {
  const prototype = Object.getPrototypeOf(value) as { constructor?: { name?: string } } | null
  return `an object of class ${prototype?.constructor?.name ?? 'null'}`
}
