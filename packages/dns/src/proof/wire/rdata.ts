import { concatBytes } from '@ixj/trust'
import { DnsError } from '../dns-error.ts'
import { wireOfName, type DnsName } from './dns-name.ts'
import { WireReader } from './reader.ts'
import { typeName, TYPE } from './record-type.ts'
import { WireWriter } from './writer.ts'

/** Start of authority (RFC 1035 section 3.3.13); times in seconds. */
export interface Soa {
  readonly primary: DnsName
  readonly mailbox: DnsName
  readonly serial: number
  readonly refresh: number
  readonly retry: number
  readonly expire: number
  /** How long a negative answer may be kept (RFC 2308 section 4). */
  readonly minimum: number
}

/** A zone's public key (RFC 4034 section 2). */
export interface Dnskey {
  readonly flags: number
  readonly protocol: number
  readonly algorithm: number
  readonly publicKey: Uint8Array
}

/** The digest of a child zone's key, in the parent (RFC 4034 section 5). */
export interface Ds {
  readonly keyTag: number
  readonly algorithm: number
  readonly digestType: number
  readonly digest: Uint8Array
}

/** A signature over one RRset (RFC 4034 section 3); times in seconds, modulo 2^32. */
export interface Rrsig {
  readonly typeCovered: number
  readonly algorithm: number
  readonly labels: number
  readonly originalTtl: number
  readonly expiration: number
  readonly inception: number
  readonly keyTag: number
  readonly signer: DnsName
  readonly signature: Uint8Array
}

/** The next name in a zone, and the types at this one (RFC 4034 section 4). */
export interface Nsec {
  readonly next: DnsName
  readonly types: readonly number[]
}

/** The same over hashes (RFC 5155 section 3). */
export interface Nsec3 {
  readonly hashAlgorithm: number
  readonly flags: number
  readonly iterations: number
  readonly salt: Uint8Array
  readonly nextHash: Uint8Array
  readonly types: readonly number[]
}

/** A certificate association (RFC 6698 section 2.1). */
export interface Tlsa {
  readonly usage: number
  readonly selector: number
  readonly matching: number
  readonly data: Uint8Array
}

/** A service binding (RFC 9460 section 2); priority 0 is an alias. Parameters rise by key. */
export interface Svcb {
  readonly priority: number
  readonly target: DnsName
  readonly parameters: readonly SvcParameter[]
}

/** One parameter, its value as it stands on the wire. */
export interface SvcParameter {
  readonly key: number
  readonly value: Uint8Array
}

/** A transaction signature (RFC 8945 section 4.2); time in seconds. */
export interface Tsig {
  readonly algorithm: DnsName
  readonly time: number
  readonly fudge: number
  readonly mac: Uint8Array
  readonly originalId: number
  readonly error: number
  readonly other: Uint8Array
}

/** Flag of a DNSKEY: it may sign zone data (RFC 4034 section 2.1.1). */
export const ZONE_KEY = 0x0100
/** Flag of a DNSKEY: it is an entry point (RFC 4034 section 2.1.1). */
export const ENTRY_POINT = 0x0001
/** Flag of a DNSKEY: it must not be used any more (RFC 5011 section 3). */
export const REVOKED_KEY = 0x0080
/** Flag of an NSEC3: unsigned delegations may hide in the span (RFC 5155 section 3.1.2.1). */
export const OPT_OUT = 0x01

/** Runs a reader over data that it has to use up. @throws DnsError `record` */
function readWith<Result>(
  type: number,
  data: Uint8Array,
  read: (reader: WireReader) => Result,
): Result {
  try {
    const reader = new WireReader(data)
    const result = read(reader)
    reader.finish(typeName(type))
    return result
  } catch (cause) {
    if (!(cause instanceof DnsError)) throw cause
    throw new DnsError('record', `Cannot read ${typeName(type)}: ${cause.message}`, { cause })
  }
}

function write(build: (writer: WireWriter) => void): Uint8Array {
  const writer = new WireWriter()
  build(writer)
  return writer.finish()
}

/** The name in the data of NS, CNAME, PTR or DNAME. @throws DnsError `record` */
export function readTarget(type: number, data: Uint8Array): DnsName {
  return readWith(type, data, (reader) => reader.name())
}

/** @throws DnsError `record` */
export function readSoa(data: Uint8Array): Soa {
  return readWith(TYPE.SOA, data, (reader) => ({
    primary: reader.name(),
    mailbox: reader.name(),
    serial: reader.u32(),
    refresh: reader.u32(),
    retry: reader.u32(),
    expire: reader.u32(),
    minimum: reader.u32(),
  }))
}

/** The data of an SOA. */
export function writeSoa(soa: Soa): Uint8Array {
  return write((writer) => {
    writer.name(soa.primary)
    writer.name(soa.mailbox)
    for (const value of [soa.serial, soa.refresh, soa.retry, soa.expire, soa.minimum]) {
      writer.u32(value)
    }
  })
}

/** The strings of a TXT, each of at most 255 bytes. @throws DnsError `record` */
export function readTxt(data: Uint8Array): readonly Uint8Array[] {
  return readWith(TYPE.TXT, data, (reader) => {
    const strings: Uint8Array[] = []
    do strings.push(Uint8Array.from(reader.view(reader.u8())))
    while (reader.left > 0)
    return strings
  })
}

/** The data of a TXT: the bytes cut into strings of 255. */
export function writeTxt(bytes: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = []
  for (let offset = 0; offset === 0 || offset < bytes.length; offset += 255) {
    const part = bytes.subarray(offset, offset + 255)
    parts.push(Uint8Array.of(part.length), part)
  }
  return concatBytes(...parts)
}

/** @throws DnsError `record` */
export function readDnskey(data: Uint8Array): Dnskey {
  return readWith(TYPE.DNSKEY, data, (reader) => ({
    flags: reader.u16(),
    protocol: reader.u8(),
    algorithm: reader.u8(),
    publicKey: Uint8Array.from(reader.rest()),
  }))
}

/** The data of a DNSKEY. */
export function writeDnskey(key: Dnskey): Uint8Array {
  return write((writer) => {
    writer.u16(key.flags)
    writer.u8(key.protocol)
    writer.u8(key.algorithm)
    writer.raw(key.publicKey)
  })
}

/** The tag that helps to find a key among several; two keys may share one (RFC 4034 appendix B). */
export function keyTagOf(dnskeyData: Uint8Array): number {
  let sum = 0
  for (const [index, byte] of dnskeyData.entries()) sum += index % 2 === 0 ? byte << 8 : byte
  return (sum + (sum >>> 16)) & 0xffff
}

/** @throws DnsError `record` */
export function readDs(data: Uint8Array): Ds {
  return readWith(TYPE.DS, data, (reader) => ({
    keyTag: reader.u16(),
    algorithm: reader.u8(),
    digestType: reader.u8(),
    digest: Uint8Array.from(reader.rest()),
  }))
}

/** The data of a DS. */
export function writeDs(ds: Ds): Uint8Array {
  return write((writer) => {
    writer.u16(ds.keyTag)
    writer.u8(ds.algorithm)
    writer.u8(ds.digestType)
    writer.raw(ds.digest)
  })
}

/** @throws DnsError `record` */
export function readRrsig(data: Uint8Array): Rrsig {
  return readWith(TYPE.RRSIG, data, (reader) => ({
    typeCovered: reader.u16(),
    algorithm: reader.u8(),
    labels: reader.u8(),
    originalTtl: reader.u32(),
    expiration: reader.u32(),
    inception: reader.u32(),
    keyTag: reader.u16(),
    signer: reader.name(),
    signature: Uint8Array.from(reader.rest()),
  }))
}

/** The data of an RRSIG; with an empty signature, the front of what is signed. */
export function writeRrsig(rrsig: Rrsig): Uint8Array {
  return write((writer) => {
    writer.u16(rrsig.typeCovered)
    writer.u8(rrsig.algorithm)
    writer.u8(rrsig.labels)
    writer.u32(rrsig.originalTtl)
    writer.u32(rrsig.expiration)
    writer.u32(rrsig.inception)
    writer.u16(rrsig.keyTag)
    writer.name(rrsig.signer)
    writer.raw(rrsig.signature)
  })
}

/** @throws DnsError `record` */
export function readNsec(data: Uint8Array): Nsec {
  return readWith(TYPE.NSEC, data, (reader) => ({
    next: reader.name(),
    types: readTypeBitmap(reader),
  }))
}

/** The data of an NSEC. */
export function writeNsec(next: DnsName, types: Iterable<number>): Uint8Array {
  return concatBytes(wireOfName(next), writeTypeBitmap(types))
}

/** @throws DnsError `record` */
export function readNsec3(data: Uint8Array): Nsec3 {
  return readWith(TYPE.NSEC3, data, (reader) => ({
    hashAlgorithm: reader.u8(),
    flags: reader.u8(),
    iterations: reader.u16(),
    salt: Uint8Array.from(reader.view(reader.u8())),
    nextHash: Uint8Array.from(reader.view(reader.u8())),
    types: readTypeBitmap(reader),
  }))
}

/**
 * The types of a bitmap, up to the end: windows rise, none is empty (RFC 4034 section 4.1.2).
 * @throws DnsError `format`
 */
export function readTypeBitmap(reader: WireReader): readonly number[] {
  const types: number[] = []
  for (let before = -1; reader.left > 0;) {
    const window = reader.u8()
    const length = reader.u8()
    if (window <= before || length < 1 || length > 32) {
      throw new DnsError('format', `Cannot read types: window ${window} of ${length} bytes`)
    }
    before = window
    for (const [index, byte] of reader.view(length).entries()) {
      for (let bit = 0; bit < 8; bit++) {
        if ((byte & (0x80 >> bit)) !== 0) types.push(window * 256 + index * 8 + bit)
      }
    }
  }
  return types
}

/** A set of types as NSEC and NSEC3 have it. */
export function writeTypeBitmap(types: Iterable<number>): Uint8Array {
  const windows = new Map<number, Uint8Array>()
  for (const type of types) {
    const window = type >> 8
    const bits = windows.get(window) ?? new Uint8Array(32)
    bits[(type & 0xff) >> 3]! |= 0x80 >> (type & 7)
    windows.set(window, bits)
  }
  const parts: Uint8Array[] = []
  for (const window of [...windows.keys()].toSorted((left, right) => left - right)) {
    const bits = windows.get(window)!
    const length = bits.findLastIndex((byte) => byte !== 0) + 1
    parts.push(Uint8Array.of(window, length), bits.subarray(0, length))
  }
  return concatBytes(...parts)
}

/** @throws DnsError `record` */
export function readTlsa(data: Uint8Array): Tlsa {
  return readWith(TYPE.TLSA, data, (reader) => ({
    usage: reader.u8(),
    selector: reader.u8(),
    matching: reader.u8(),
    data: Uint8Array.from(reader.rest()),
  }))
}

/** The data of a TLSA. */
export function writeTlsa(tlsa: Tlsa): Uint8Array {
  return concatBytes(Uint8Array.of(tlsa.usage, tlsa.selector, tlsa.matching), tlsa.data)
}

/** @throws DnsError `record`: also if parameters do not rise by key (RFC 9460 section 2.2) */
export function readSvcb(data: Uint8Array): Svcb {
  return readWith(TYPE.SVCB, data, (reader) => {
    const priority = reader.u16()
    const target = reader.name()
    const parameters: SvcParameter[] = []
    for (let before = -1; reader.left > 0;) {
      const key = reader.u16()
      if (key <= before) throw new DnsError('format', `Cannot read parameter ${key}: out of order`)
      before = key
      parameters.push({ key, value: Uint8Array.from(reader.view(reader.u16())) })
    }
    return { priority, target, parameters }
  })
}

/** The data of an SVCB or HTTPS, its parameters in their order. */
export function writeSvcb(svcb: Svcb): Uint8Array {
  return write((writer) => {
    writer.u16(svcb.priority)
    writer.name(svcb.target)
    for (const { key, value } of svcb.parameters.toSorted((left, right) => left.key - right.key)) {
      writer.u16(key)
      writer.u16(value.length)
      writer.raw(value)
    }
  })
}

/** @throws DnsError `record` */
export function readTsig(data: Uint8Array): Tsig {
  return readWith(TYPE.TSIG, data, (reader) => ({
    algorithm: reader.name(),
    time: reader.u16() * 0x1_0000_0000 + reader.u32(),
    fudge: reader.u16(),
    mac: Uint8Array.from(reader.view(reader.u16())),
    originalId: reader.u16(),
    error: reader.u16(),
    other: Uint8Array.from(reader.view(reader.u16())),
  }))
}

/** The data of a TSIG. */
export function writeTsig(tsig: Tsig): Uint8Array {
  return write((writer) => {
    writer.name(tsig.algorithm)
    writer.u16(Math.floor(tsig.time / 0x1_0000_0000))
    writer.u32(tsig.time % 0x1_0000_0000)
    writer.u16(tsig.fudge)
    writer.u16(tsig.mac.length)
    writer.raw(tsig.mac)
    writer.u16(tsig.originalId)
    writer.u16(tsig.error)
    writer.u16(tsig.other.length)
    writer.raw(tsig.other)
  })
}
