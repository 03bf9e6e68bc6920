import { utf8Text } from '../bytes.ts'
import { ENCODED_BYTES_MAX } from '../limits.ts'
import { scan } from './scan.ts'
import { copyOfPart } from './slab.ts'
import type { ApplicationValue, EncodingLimits, Value } from './value.ts'

// By hand, for msgpackr 2.1.3 does not give back every value that the scanner lets pass: it drops the
// byte order mark from a text of more than 64 bytes, so that two encodings would have one value; it
// renames the key "__proto__"; it leaves a property `dataView` on the caller's bytes. Measured, it is
// no faster. The tests hold this decoder against it on everything else.

/**
 * The value of strictly encoded bytes. Nothing of it shares memory with them: binary values are
 * copies, plain `Uint8Array`s in every runtime, so that an id of 32 bytes never keeps a whole frame
 * alive, and a buffer used again changes nothing that was checked.
 * @throws TrustError `too-large`, `depth`, `encoding`
 */
export function decode(bytes: Uint8Array, limits: EncodingLimits = {}): Value {
  scan(bytes, { ...limits, mode: 'strict' })
  // In strict mode the scanner lets neither floats nor maps pass, so the value is a `Value`.
  return new Decoder(bytes, copyAlone).value() as Value
}

/**
 * The same, but for binary values of more than 64 bytes, which are parts of `bytes`: for those who
 * own them, read the value at once, and do not keep it.
 * @throws TrustError `too-large`, `depth`, `encoding`
 */
export function decodeShared(bytes: Uint8Array, limits: EncodingLimits = {}): Value {
  scan(bytes, { ...limits, mode: 'strict' })
  return new Decoder(bytes, shareLong).value() as Value
}

/**
 * The same, but every binary value is a part of `bytes`: for those who own them and keep them, so
 * that what is read of them takes no memory of its own.
 * @throws TrustError `too-large`, `depth`, `encoding`
 */
export function decodeOwned(bytes: Uint8Array, limits: EncodingLimits = {}): Value {
  scan(bytes, { ...limits, mode: 'strict' })
  return new Decoder(bytes, share).value() as Value
}

/**
 * The value of a message's body. Maps become plain objects; binary values are copies, which may
 * share a buffer of 8 KiB with each other.
 * @throws TrustError `too-large`, `depth`, `encoding`
 */
export function decodeApplication(
  bytes: Uint8Array,
  limits: EncodingLimits = {},
): ApplicationValue {
  const start = beginOfWholeBinary(bytes)
  if (start !== -1 && bytes.length <= (limits.bytesMax ?? ENCODED_BYTES_MAX)) {
    return copyOfPart(bytes, start, bytes.length)
  }
  scan(bytes, { ...limits, mode: 'application' })
  return new Decoder(bytes, copyOfPart).value()
}

/**
 * Where the one binary value begins that the bytes are, in its shortest form; -1 if they are another
 * value, or none. Machines send bytes more than anything else, and no scanner is made for these.
 */
function beginOfWholeBinary(bytes: Uint8Array): number {
  const head = bytes[0]
  const first = bytes[1] ?? 0
  const second = bytes[2] ?? 0
  if (head === 0xc4) return bytes.length === 2 + first ? 2 : -1
  const length = first * 0x100 + second
  return head === 0xc5 && length >= 0x100 && bytes.length === 3 + length ? 3 : -1
}

/** How a binary value is taken out of what is decoded. */
type TakePart = (bytes: Uint8Array, start: number, end: number) => Uint8Array

const copyAlone: TakePart = (bytes, start, end) => bytes.slice(start, end)

const share: TakePart = (bytes, start, end) => bytes.subarray(start, end)

const shareLong: TakePart = (bytes, start, end) =>
  end - start <= 64 ? bytes.slice(start, end) : bytes.subarray(start, end)

/** Texts up to this length are put together here; a longer one is worth a call to the runtime. */
const SHORT_TEXT_BYTES_MAX = 24

/** Reads bytes that the scanner has let pass: every head is known, every length fits. */
class Decoder {
  #offset = 0
  readonly #bytes: Uint8Array
  readonly #takePart: TakePart
  #dataView: DataView | undefined

  constructor(bytes: Uint8Array, takePart: TakePart) {
    // A plain view, for a Buffer's slice() shares memory and gives a Buffer.
    const isPlain = bytes.constructor === Uint8Array
    this.#bytes = isPlain ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#takePart = takePart
  }

  /** Made when a number needs it: most short values have none. */
  get #view(): DataView {
    const { buffer, byteOffset, byteLength } = this.#bytes
    return (this.#dataView ??= new DataView(buffer, byteOffset, byteLength))
  }

  /** The next value. Recurses at most 8 deep. */
  value(): ApplicationValue {
    const head = this.#bytes[this.#offset++]!
    if (head < 0x80) return head
    if (head < 0x90) return this.#map(head & 0x0f)
    if (head < 0xa0) return this.#array(head & 0x0f)
    if (head < 0xc0) return this.#text(head & 0x1f)
    if (head >= 0xe0) return head - 0x100
    switch (head) {
      case 0xc0:
        return null
      case 0xc2:
        return false
      case 0xc3:
        return true
      case 0xc4:
        return this.#binary(this.#bytes[this.#offset++]!)
      case 0xc5:
        return this.#binary(this.#bytes[this.#offset++]! * 0x100 + this.#bytes[this.#offset++]!)
      case 0xc6:
        return this.#binary(this.#view.getUint32(this.#advance(4)))
      case 0xca:
        return this.#view.getFloat32(this.#advance(4))
      case 0xcb:
        return this.#view.getFloat64(this.#advance(8))
      case 0xcc:
        return this.#view.getUint8(this.#advance(1))
      case 0xcd:
        return this.#view.getUint16(this.#advance(2))
      case 0xce:
        return this.#view.getUint32(this.#advance(4))
      case 0xcf:
        return this.#view.getUint32(this.#advance(4)) * 2 ** 32 + this.#low()
      case 0xd0:
        return this.#view.getInt8(this.#advance(1))
      case 0xd1:
        return this.#view.getInt16(this.#advance(2))
      case 0xd2:
        return this.#view.getInt32(this.#advance(4))
      case 0xd3:
        return this.#view.getInt32(this.#advance(4)) * 2 ** 32 + this.#low()
      case 0xd9:
        return this.#text(this.#view.getUint8(this.#advance(1)))
      case 0xda:
        return this.#text(this.#view.getUint16(this.#advance(2)))
      case 0xdb:
        return this.#text(this.#view.getUint32(this.#advance(4)))
      case 0xdc:
        return this.#array(this.#view.getUint16(this.#advance(2)))
      case 0xdd:
        return this.#array(this.#view.getUint32(this.#advance(4)))
      case 0xde:
        return this.#map(this.#view.getUint16(this.#advance(2)))
      case 0xdf:
        return this.#map(this.#view.getUint32(this.#advance(4)))
      default:
        throw new Error(`The scanner let the type 0x${head.toString(16)} pass`)
    }
  }

  #advance(size: number): number {
    const start = this.#offset
    this.#offset += size
    return start
  }

  #low(): number {
    return this.#view.getUint32(this.#advance(4))
  }

  #binary(length: number): Uint8Array {
    const start = this.#advance(length)
    return this.#takePart(this.#bytes, start, this.#offset)
  }

  #text(length: number): string {
    const start = this.#advance(length)
    if (length > SHORT_TEXT_BYTES_MAX) return utf8Text(this.#bytes.subarray(start, this.#offset))
    let text = ''
    for (let offset = start; offset < this.#offset; offset++) {
      const byte = this.#bytes[offset]!
      if (byte >= 0x80) return utf8Text(this.#bytes.subarray(start, this.#offset))
      text += String.fromCharCode(byte)
    }
    return text
  }

  #array(length: number): ApplicationValue[] {
    const items: ApplicationValue[] = []
    for (let index = 0; index < length; index++) items.push(this.value())
    return items
  }

  #map(length: number): { [key: string]: ApplicationValue } {
    const map: { [key: string]: ApplicationValue } = {}
    for (let index = 0; index < length; index++) {
      // The scanner has refused "__proto__", the one name that would not become a property.
      const key = this.value() as string
      map[key] = this.value()
    }
    return map
  }
}
