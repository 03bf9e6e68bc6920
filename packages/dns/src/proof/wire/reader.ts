import { DnsError } from '../dns-error.ts'
import { LABELS_MAX, NAME_BYTES_MAX } from '../limits.ts'
import { ROOT, textOfByte, type DnsName } from './dns-name.ts'

/** Where a name is put together before its length is known. */
const scratch = new Uint8Array(NAME_BYTES_MAX)

/** Reads the DNS wire format from front to back. Numbers are big-endian (RFC 1035 section 2.3.2). */
export class WireReader {
  readonly bytes: Uint8Array
  offset: number
  readonly end: number

  /** Reads `bytes` from `offset` up to `end`; compressed names may point before `offset`. */
  constructor(bytes: Uint8Array, offset = 0, end = bytes.length) {
    this.bytes = bytes
    this.offset = offset
    this.end = end
  }

  /** Bytes that are left. */
  get left(): number {
    return this.end - this.offset
  }

  u8(): number {
    return this.bytes[this.#take(1)]!
  }

  u16(): number {
    const at = this.#take(2)
    return (this.bytes[at]! << 8) | this.bytes[at + 1]!
  }

  u32(): number {
    const high = this.u16()
    return high * 0x1_0000 + this.u16()
  }

  /** A view of the next bytes: they change if the packet does. */
  view(length: number): Uint8Array {
    const at = this.#take(length)
    return this.bytes.subarray(at, at + length)
  }

  /** All that is left, as a view. */
  rest(): Uint8Array {
    return this.view(this.left)
  }

  /** @throws DnsError `format` unless everything was read */
  finish(what: string): void {
    if (this.left !== 0) {
      throw new DnsError('format', `Cannot read ${what}: ${this.left} bytes follow its end`)
    }
  }

  /** A name, compression pointers followed (RFC 1035 section 4.1.4); its case is not kept. */
  name(): DnsName {
    let text = ''
    this.#labels((at, length) => {
      if (text !== '') text += '.'
      for (let index = at; index < at + length; index++) text += textOfByte(this.bytes[index]!)
    })
    return text === '' ? ROOT : (text as DnsName)
  }

  /** A name in uncompressed wire form, its case kept. */
  wireName(): Uint8Array {
    const wire = scratch
    let offset = 0
    this.#labels((at, length) => {
      wire[offset] = length
      wire.set(this.bytes.subarray(at, at + length), offset + 1)
      offset += length + 1
    })
    wire[offset] = 0
    return wire.slice(0, offset + 1)
  }

  /** Each pointer must lead further to the front than the one before, so there is an end. */
  #labels(visit: (at: number, length: number) => void): void {
    let at = this.offset
    let end = this.end
    let after: number | undefined
    let wireBytes = 1
    let before = at
    for (let labels = 0; labels <= LABELS_MAX;) {
      const length = at < end ? this.bytes[at]! : undefined
      if (length === undefined) throw new DnsError('format', 'Cannot read name: the bytes end')
      if (length === 0) {
        this.offset = after ?? at + 1
        return
      }
      if (length >= 0xc0) {
        if (at + 1 >= end) throw new DnsError('format', 'Cannot read name: the bytes end')
        const target = ((length & 0x3f) << 8) | this.bytes[at + 1]!
        if (target >= before) {
          throw new DnsError('format', `Cannot read name: it points to ${target}, not to its front`)
        }
        after ??= at + 2
        before = target
        at = target
        end = this.bytes.length
        continue
      }
      if (length > 0x3f) throw new DnsError('format', `Cannot read name: label type ${length >> 6}`)
      wireBytes += length + 1
      if (wireBytes > NAME_BYTES_MAX || at + 1 + length > end) {
        throw new DnsError('format', `Cannot read name: over ${NAME_BYTES_MAX} bytes, or cut off`)
      }
      visit(at + 1, length)
      at += length + 1
      labels++
    }
    throw new DnsError('format', `Cannot read name: over ${LABELS_MAX} labels`)
  }

  #take(length: number): number {
    const at = this.offset
    if (length > this.end - at) {
      throw new DnsError('format', `Cannot read ${length} bytes: ${this.end - at} are left`)
    }
    this.offset = at + length
    return at
  }
}
