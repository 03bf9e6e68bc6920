import { DnsError } from '../dns-error.ts'
import { nameOfWire, type DnsName } from './dns-name.ts'
import { WireReader } from './reader.ts'
import { TYPE, typeName } from './record-type.ts'
import { WireWriter } from './writer.ts'

/**
 * One resource record. Its data are the bytes of RDATA with names uncompressed and in their own
 * case: signatures are over bytes, so bytes are what is kept. `rdata.ts` reads them by type.
 */
export interface DnsRecord {
  readonly name: DnsName
  readonly type: number
  readonly class: number
  /** Seconds. */
  readonly ttl: number
  readonly data: Uint8Array
}

/** Types whose data begin with a name, or have one after a fixed part: `[bytes before, names]`. */
const namesIn = new Map<number, readonly [before: number, names: number]>([
  [TYPE.NS, [0, 1]],
  [TYPE.CNAME, [0, 1]],
  [TYPE.PTR, [0, 1]],
  [TYPE.DNAME, [0, 1]],
  [TYPE.SOA, [0, 2]],
  [TYPE.MX, [2, 1]],
  [TYPE.SRV, [6, 1]],
  [TYPE.RRSIG, [18, 1]],
])

/** Of these, the ones that may come compressed (RFC 3597 section 4); a signer's name may not. */
const compressible = new Set<number>([...namesIn.keys()].filter((type) => type !== TYPE.RRSIG))

/** Reads the data of a record up to `end`, names uncompressed. @throws DnsError `format` */
export function readData(packet: WireReader, type: number, length: number): Uint8Array {
  const end = packet.offset + length
  if (length > packet.left) {
    throw new DnsError('format', `Cannot read ${typeName(type)}: its ${length} bytes are cut off`)
  }
  const shape = namesIn.get(type)
  // An update may delete by type alone: no data at all (RFC 2136 section 2.5.2).
  if (length === 0 || shape === undefined || !compressible.has(type)) {
    return Uint8Array.from(packet.view(length))
  }
  const reader = new WireReader(packet.bytes, packet.offset, end)
  const data = new WireWriter()
  data.raw(reader.view(shape[0]))
  for (let count = 0; count < shape[1]; count++) data.raw(reader.wireName())
  data.raw(reader.rest())
  packet.offset = end
  return data.finish()
}

/**
 * The data in the form that signatures cover: names in lower case for the types of RFC 4034
 * section 6.2, as RFC 6840 section 5.1 leaves them (NSEC keeps its case, and so does SVCB).
 * @throws DnsError `record` if the data do not have that form
 */
export function canonicalData(type: number, data: Uint8Array): Uint8Array {
  const shape = namesIn.get(type)
  if (shape === undefined || data.length === 0) return data
  const lower = Uint8Array.from(data)
  let offset = shape[0]
  for (let count = 0; count < shape[1]; count++) {
    for (;;) {
      const length = lower[offset]
      if (length === undefined || length > 63) {
        throw new DnsError('record', `Cannot use ${typeName(type)}: its name is cut off`)
      }
      if (length === 0) break
      for (let index = offset + 1; index <= offset + length; index++) {
        const byte = lower[index]
        if (byte !== undefined && byte >= 0x41 && byte <= 0x5a) lower[index] = byte + 0x20
      }
      offset += length + 1
    }
    offset++
  }
  return lower
}

/** Whether two records are the same but for their TTL. */
export function sameRecord(left: DnsRecord, right: DnsRecord): boolean {
  return (
    left.type === right.type &&
    left.name === right.name &&
    left.class === right.class &&
    left.data.length === right.data.length &&
    left.data.every((byte, index) => byte === right.data[index])
  )
}

/** The name at the front of data, or after `before` bytes; its case is not kept. */
export function nameInData(data: Uint8Array, before = 0): DnsName {
  return nameOfWire(new WireReader(data, before).wireName())
}
