import { utf8Text } from '../bytes.ts'
import { ENCODED_BYTES_MAX, ENCODED_DEPTH_MAX, ENCODED_ITEMS_MAX } from '../limits.ts'
import { TrustError } from '../trust-error.ts'
import { findInvalidUtf8 } from './utf8.ts'
import type { EncodingLimits } from './value.ts'

/** Which bytes {@link scan} lets pass. */
export interface ScanRules extends EncodingLimits {
  /**
   * `strict`: the forms of the protocol. `application`: message bodies, which may hold floats, and
   * maps whose keys are texts without repeats. Extensions pass in neither.
   */
  readonly mode: 'strict' | 'application'
}

/**
 * Checks that the bytes are exactly one value in the one encoding that it may have: nil, bool,
 * integers within ±(2^53 - 1), strings of valid UTF-8, binary and arrays, each integer and each
 * length in its shortest form. A time in ms obeys the same rule as any integer: today's are above
 * 2^32 and therefore uint64; a small one is written short. Costs one pass, allocates nothing in
 * strict mode, and never looks past the limits.
 * @throws TrustError `too-large` (bytes or items), `depth`, `encoding`; each names the offset
 */
export function scan(bytes: Uint8Array, rules: ScanRules): void {
  const bytesMax = rules.bytesMax ?? ENCODED_BYTES_MAX
  if (bytes.length > bytesMax) {
    const size = `${bytes.length} bytes, limit ${bytesMax}`
    throw new TrustError('too-large', `Cannot read encoded value: ${size}`)
  }
  const scanner = new Scanner(bytes, rules.mode === 'application')
  scanner.value(0)
  if (scanner.offset !== bytes.length) {
    const rest = bytes.length - scanner.offset
    throw refused(scanner.offset, `${rest} bytes follow the value`)
  }
}

class Scanner {
  offset = 0
  #items = 0
  readonly #bytes: Uint8Array
  readonly #application: boolean

  constructor(bytes: Uint8Array, application: boolean) {
    this.#bytes = bytes
    this.#application = application
  }

  /** Passes one value; `depth` is how many arrays and maps stand around it. Recurses at most 8 deep. */
  value(depth: number): void {
    const start = this.offset
    this.#count(start)
    const head = this.#uint(1, start)
    if (head < 0x80 || head >= 0xe0 || head === 0xc0 || head === 0xc2 || head === 0xc3) return
    if (head < 0x90) return this.#map(head & 0x0f, depth, start)
    if (head < 0xa0) return this.#array(head & 0x0f, depth, start)
    if (head < 0xc0) return this.#text(head & 0x1f, start)
    switch (head) {
      case 0xc4:
        return this.#skip(this.#length(1, 0, start), start)
      case 0xc5:
        return this.#skip(this.#length(2, 0x100, start), start)
      case 0xc6:
        return this.#skip(this.#length(4, 0x10000, start), start)
      case 0xca:
        return this.#float(4, start)
      case 0xcb:
        return this.#float(8, start)
      case 0xcc:
        return this.#unsigned(1, 0x80, start)
      case 0xcd:
        return this.#unsigned(2, 0x100, start)
      case 0xce:
        return this.#unsigned(4, 0x10000, start)
      case 0xcf:
        return this.#unsigned64(start)
      case 0xd0:
        return this.#negative(1, 0x20, start)
      case 0xd1:
        return this.#negative(2, 0x80, start)
      case 0xd2:
        return this.#negative(4, 0x8000, start)
      case 0xd3:
        return this.#negative64(start)
      case 0xd9:
        return this.#text(this.#length(1, 0x20, start), start)
      case 0xda:
        return this.#text(this.#length(2, 0x100, start), start)
      case 0xdb:
        return this.#text(this.#length(4, 0x10000, start), start)
      case 0xdc:
        return this.#array(this.#length(2, 0x10, start), depth, start)
      case 0xdd:
        return this.#array(this.#length(4, 0x10000, start), depth, start)
      case 0xde:
        return this.#map(this.#length(2, 0x10, start), depth, start)
      case 0xdf:
        return this.#map(this.#length(4, 0x10000, start), depth, start)
      default:
        // 0xc1 is never used; 0xc7 to 0xc9 and 0xd4 to 0xd8 are extensions, by which a sender could
        // have a decoder define records, compile code, or make dates and sets.
        throw refused(start, `the type 0x${head.toString(16)} is not allowed`)
    }
  }

  #count(start: number): void {
    this.#items += 1
    if (this.#items > ENCODED_ITEMS_MAX) {
      const limit = `more than ${ENCODED_ITEMS_MAX} values at byte ${start}`
      throw new TrustError('too-large', `Cannot read encoded value: ${limit}`)
    }
  }

  /** Reads a big-endian unsigned number of 1, 2 or 4 bytes. */
  #uint(size: number, start: number): number {
    const end = this.offset + size
    if (end > this.#bytes.length) throw refused(start, 'the bytes end inside it')
    let number = 0
    while (this.offset < end) number = number * 0x100 + this.#bytes[this.offset++]!
    return number
  }

  #length(size: number, least: number, start: number): number {
    const length = this.#uint(size, start)
    if (length < least) throw refused(start, `the length ${length} has a shorter form`)
    return length
  }

  #skip(length: number, start: number): void {
    if (length > this.#bytes.length - this.offset) throw refused(start, 'the bytes end inside it')
    this.offset += length
  }

  #text(length: number, start: number): void {
    const first = this.offset
    this.#skip(length, start)
    const invalid = findInvalidUtf8(this.#bytes, first, this.offset)
    if (invalid !== -1) throw refused(invalid, 'not UTF-8')
  }

  #array(length: number, depth: number, start: number): void {
    checkDepth(depth, start)
    for (let index = 0; index < length; index++) this.value(depth + 1)
  }

  #map(length: number, depth: number, start: number): void {
    if (!this.#application) throw refused(start, 'a map is not allowed')
    checkDepth(depth, start)
    const keys = new Set<string>()
    for (let index = 0; index < length; index++) {
      const keyStart = this.offset
      const key = this.#key(keyStart)
      // Two readers may keep different ones of two equal keys.
      if (keys.has(key)) throw refused(keyStart, `the key ${JSON.stringify(key)} repeats`)
      // Assigned to an object by this name, the value would become the object's prototype.
      if (key === '__proto__') throw refused(keyStart, 'the key "__proto__" is not allowed')
      keys.add(key)
      this.value(depth + 1)
    }
  }

  #key(start: number): string {
    const head = this.#bytes[start] ?? 0xc1
    const isText = (head >= 0xa0 && head < 0xc0) || (head >= 0xd9 && head <= 0xdb)
    if (!isText) throw refused(start, 'a map key must be a text')
    this.value(0)
    const headBytes = head < 0xc0 ? 1 : head === 0xd9 ? 2 : head === 0xda ? 3 : 5
    return utf8Text(this.#bytes.subarray(start + headBytes, this.offset))
  }

  #float(size: number, start: number): void {
    if (!this.#application) throw refused(start, 'a float is not allowed')
    this.#skip(size, start)
  }

  #unsigned(size: number, least: number, start: number): void {
    const number = this.#uint(size, start)
    if (number < least) throw refused(start, `the integer ${number} has a shorter form`)
  }

  #unsigned64(start: number): void {
    const high = this.#uint(4, start)
    this.#uint(4, start)
    if (high === 0) throw refused(start, 'the integer has a shorter form')
    if (high > 0x1fffff) throw refused(start, 'the integer is above 2^53 - 1')
  }

  #negative(size: number, above: number, start: number): void {
    const range = 2 ** (8 * size)
    const number = this.#uint(size, start) - range
    // At or above -range/2 it is negative as written; a positive number has an unsigned form.
    if (number < -range / 2) throw refused(start, 'a positive integer in a signed form')
    if (number >= -above) throw refused(start, `the integer ${number} has a shorter form`)
  }

  #negative64(start: number): void {
    const high = this.#uint(4, start) - 2 ** 32
    const low = this.#uint(4, start)
    if (high < -(2 ** 31)) throw refused(start, 'a positive integer in a signed form')
    if (high < -0x200000 || (high === -0x200000 && low === 0)) {
      throw refused(start, 'the integer is below -(2^53 - 1)')
    }
    if (high === -1 && low >= 0x80000000) throw refused(start, 'the integer has a shorter form')
  }
}

function checkDepth(depth: number, start: number): void {
  if (depth >= ENCODED_DEPTH_MAX) {
    const limit = `nested deeper than ${ENCODED_DEPTH_MAX} at byte ${start}`
    throw new TrustError('depth', `Cannot read encoded value: ${limit}`)
  }
}

function refused(offset: number, reason: string): TrustError {
  return new TrustError('encoding', `Cannot read encoded value at byte ${offset}: ${reason}`)
}
