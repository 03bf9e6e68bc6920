import { DnsError } from '../dns-error.ts'
import { MESSAGE_BYTES_MAX } from '../limits.ts'
import { ROOT, wireOfName, type DnsName } from './dns-name.ts'

const POINTER_MAX = 0x3fff

/** Writes the DNS wire format from front to back. */
export class WireWriter {
  #bytes: Uint8Array
  #offset = 0
  readonly #bytesMax: number
  readonly #places = new Map<string, number>()

  /** @throws DnsError `limit` from every method that would write past `bytesMax` */
  constructor(bytesMax = MESSAGE_BYTES_MAX) {
    this.#bytesMax = bytesMax
    this.#bytes = new Uint8Array(Math.min(512, bytesMax))
  }

  get offset(): number {
    return this.#offset
  }

  u8(value: number): void {
    const at = this.#room(1)
    this.#bytes[at] = value
  }

  u16(value: number): void {
    const at = this.#room(2)
    this.#bytes[at] = value >> 8
    this.#bytes[at + 1] = value
  }

  u32(value: number): void {
    this.u16(Math.floor(value / 0x1_0000))
    this.u16(value % 0x1_0000)
  }

  raw(bytes: Uint8Array): void {
    const at = this.#room(bytes.length)
    this.#bytes.set(bytes, at)
  }

  /** A name without compression, as it stands in signed data. */
  name(name: DnsName): void {
    this.raw(wireOfName(name))
  }

  /** A name that may point to an equal end of an earlier one (RFC 1035 section 4.1.4). */
  compressedName(name: DnsName): void {
    let rest: string = name
    while (rest !== ROOT) {
      const place = this.#places.get(rest)
      if (place !== undefined) return this.u16(0xc000 | place)
      if (this.#offset <= POINTER_MAX) this.#places.set(rest, this.#offset)
      const dot = rest.indexOf('.')
      const label = dot < 0 ? rest : rest.slice(0, dot)
      // The label alone, without the zero that ends a name.
      const wire = wireOfName(label as DnsName)
      this.raw(wire.subarray(0, wire.length - 1))
      rest = dot < 0 ? ROOT : rest.slice(dot + 1)
    }
    this.u8(0)
  }

  /** Later names may point to this one, which stands at `offset`, whatever its spelling. */
  remember(name: DnsName, offset: number): void {
    let at = offset
    for (let rest: string = name; rest !== ROOT;) {
      if (at <= POINTER_MAX && !this.#places.has(rest)) this.#places.set(rest, at)
      const dot = rest.indexOf('.')
      const label = dot < 0 ? rest : rest.slice(0, dot)
      at += wireOfName(label as DnsName).length - 1
      rest = dot < 0 ? ROOT : rest.slice(dot + 1)
    }
  }

  /** Writes 16 bits over earlier ones. */
  patch16(offset: number, value: number): void {
    this.#bytes[offset] = value >> 8
    this.#bytes[offset + 1] = value
  }

  /** What was written, in bytes of its own. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#offset)
  }

  #room(length: number): number {
    const at = this.#offset
    const needed = at + length
    if (needed > this.#bytesMax) {
      throw new DnsError('limit', `Cannot write ${needed} bytes, limit ${this.#bytesMax}`)
    }
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(
        Math.min(Math.max(this.#bytes.length * 2, needed), this.#bytesMax),
      )
      larger.set(this.#bytes)
      this.#bytes = larger
    }
    this.#offset = needed
    return at
  }
}
