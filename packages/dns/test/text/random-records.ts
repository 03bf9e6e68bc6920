import * as fc from 'fast-check'
import {
  below,
  type DnsName,
  type DnsRecord,
  TYPE,
  wireOfName,
  writeDnskey,
  writeDs,
  writeNsec,
  writeSoa,
  writeSvcb,
  writeTlsa,
  writeTypeBitmap,
} from '@ixj/dns/proof'
import { concatBytes } from '@ixj/trust'

/** Names below a zone, of a few labels of any bytes. */
export function names(zone: DnsName): fc.Arbitrary<DnsName> {
  const byte = fc.oneof(fc.constantFrom(...Buffer.from('az09-_*.@$"\\;() ')), fc.nat(255))
  const label = fc.array(byte, { minLength: 1, maxLength: 12 }).map(escaped)
  return fc
    .array(label, { maxLength: 4 })
    .map((labels) => labels.reduce<DnsName>((name, text) => below(text, name), zone))
}

function escaped(bytes: readonly number[]): string {
  return bytes.map((byte) => `\\${String(byte).padStart(3, '0')}`).join('')
}

const u8 = fc.nat(255)
const u16 = fc.nat(65_535)
const u32 = fc.nat(0xffff_ffff)
const some = fc.uint8Array({ minLength: 1, maxLength: 40 })
const string = fc.uint8Array({ maxLength: 255 }).map(counted)
const typeSet = fc.uniqueArray(fc.integer({ min: 1, max: 65_535 }), { minLength: 1, maxLength: 8 })

function counted(bytes: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(bytes.length), bytes)
}

function bytes16(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values.flatMap((value) => [value >> 8, value & 0xff]))
}

/** Well-formed data of every type that has a text form. */
function dataOf(
  zone: DnsName,
  protocol: fc.Arbitrary<Uint8Array>,
): ReadonlyMap<number, fc.Arbitrary<Uint8Array>> {
  const name = names(zone)
  const target = name.map(wireOfName)
  const ds = fc
    .record({ keyTag: u16, algorithm: u8, digestType: fc.constant(2) })
    .chain((front) =>
      fc
        .uint8Array({ minLength: 32, maxLength: 32 })
        .map((digest) => writeDs({ ...front, digest })),
    )
  const key = fc
    .record({
      flags: fc.constantFrom(256, 257),
      protocol: fc.constant(3),
      algorithm: fc.constant(15),
      publicKey: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    })
    .map(writeDnskey)
  const svcb = fc
    .record({
      target: name,
      protocols: fc.array(protocol.map(counted), { minLength: 1, maxLength: 3 }),
      port: u16,
      hints: fc.array(fc.uint8Array({ minLength: 16, maxLength: 16 }), {
        minLength: 1,
        maxLength: 3,
      }),
      other: fc.uint8Array({ maxLength: 30 }),
    })
    .map(({ target: host, protocols, port, hints, other }) =>
      writeSvcb({
        priority: 1,
        target: host,
        parameters: [
          { key: 0, value: bytes16(1, 3) },
          { key: 1, value: concatBytes(...protocols) },
          { key: 2, value: new Uint8Array() },
          { key: 3, value: bytes16(port) },
          { key: 6, value: concatBytes(...hints) },
          { key: 65_400, value: other },
        ],
      }),
    )
  return new Map([
    [TYPE.A, fc.uint8Array({ minLength: 4, maxLength: 4 })],
    [TYPE.AAAA, fc.uint8Array({ minLength: 16, maxLength: 16 })],
    [TYPE.NS, target],
    [TYPE.PTR, target],
    [TYPE.MX, fc.tuple(u16, target).map(([order, host]) => concatBytes(bytes16(order), host))],
    [
      TYPE.SRV,
      fc.tuple(u16, u16, u16, target).map(([a, b, c, host]) => concatBytes(bytes16(a, b, c), host)),
    ],
    [
      TYPE.TXT,
      fc.array(string, { minLength: 1, maxLength: 3 }).map((parts) => concatBytes(...parts)),
    ],
    [TYPE.DS, ds],
    [TYPE.DNSKEY, key],
    [TYPE.TLSA, some.map((data) => writeTlsa({ usage: 3, selector: 1, matching: 0, data }))],
    [TYPE.SVCB, svcb],
    [TYPE.HTTPS, svcb],
    [
      TYPE.CAA,
      fc
        .uint8Array({ maxLength: 60 })
        .map((value) => concatBytes(Uint8Array.of(0), counted(Buffer.from('issue')), value)),
    ],
    [65_280, fc.uint8Array({ maxLength: 60 })],
  ])
}

/** Well-formed data of types that a server makes by itself. */
function madeDataOf(zone: DnsName): ReadonlyMap<number, fc.Arbitrary<Uint8Array>> {
  const name = names(zone)
  const soa = fc.record({
    primary: name,
    mailbox: name,
    serial: u32,
    refresh: u32,
    retry: u32,
    expire: u32,
    minimum: u32,
  })
  const hash = fc.uint8Array({ minLength: 20, maxLength: 20 }).map(counted)
  return new Map([
    [TYPE.SOA, soa.map(writeSoa)],
    [TYPE.NSEC, fc.tuple(name, typeSet).map(([next, types]) => writeNsec(next, types))],
    [
      TYPE.NSEC3,
      fc
        .tuple(u8, u16, fc.uint8Array({ maxLength: 8 }).map(counted), hash, typeSet)
        .map(([flags, rounds, salt, next, types]) =>
          concatBytes(Uint8Array.of(1, flags), bytes16(rounds), salt, next, writeTypeBitmap(types)),
        ),
    ],
    [
      TYPE.RRSIG,
      fc
        .tuple(u16, u8, u8, u32, u32, u32, u16, name, some)
        .map(([covered, algorithm, labels, ttl, end, start, tag, signer, signature]) =>
          concatBytes(
            bytes16(covered, (algorithm << 8) | labels),
            ...[ttl, end, start].map((value) => bytes16(value >>> 16, value & 0xffff)),
            bytes16(tag),
            wireOfName(signer),
            signature,
          ),
        ),
    ],
  ])
}

/** Any record that a zone may have; with `ownData`, only those that an owner writes. */
export function records(zone: DnsName, ownData: boolean): fc.Arbitrary<DnsRecord> {
  // Knot and ldns do not read a protocol that begins with a comma, so theirs are plain.
  const protocol = ownData
    ? fc.constantFrom('h2', 'h3-19', 'ixj/1').map((text) => Buffer.from(text))
    : some
  const all = [...dataOf(zone, protocol), ...(ownData ? [] : madeDataOf(zone))]
  const typed = fc.oneof(...all.map(([type, data]) => data.map((bytes) => ({ type, data: bytes }))))
  const ttl = fc.nat(2 ** 31 - 1)
  return fc
    .tuple(names(zone), typed, ttl)
    .map(([name, { type, data }, seconds]) => ({ name, type, class: 1, ttl: seconds, data }))
}
