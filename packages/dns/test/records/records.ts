import { parseName, type Name } from '@ixj/names'
import { concatBytes, fromHex } from '@ixj/trust'
import * as fc from 'fast-check'
import { CLASS, type DnsName, type DnsRecord, type KeyRecord } from '../../src/proof.ts'

/** The seed of all property tests: fixed, so that each run is the same; IXJ_SEED tries another. */
export const seed = Number(process.env['IXJ_SEED'] ?? 20_261_126)

/** Public keys of RFC 8032 section 7.1. */
export const KEYS = [
  'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
  '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
  'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
  '278117fc144c72340f67d0f2316e8386ceffbf2b2428c9c51fef7c597f1d426e',
  'ec172b93ad5e563f4932c70e1245034c35467ef2efd4d64ebf819683467e2bf2',
].map((key) => fromHex(key))

/** A record of a key that may sign, with changes. */
export function keyRecord(changes: Partial<KeyRecord> = {}): KeyRecord {
  return {
    key: KEYS[0]!,
    uses: 'sign',
    depth: 0,
    strict: false,
    notBefore: 0,
    encryptionKey: null,
    next: null,
    hosts: [],
    ...changes,
  }
}

/** The data of a TXT with these strings, each character one byte. */
export function txtData(strings: readonly string[]): Uint8Array {
  const parts = strings.map((text) => Uint8Array.from(text, (each) => each.charCodeAt(0)))
  return concatBytes(...parts.flatMap((part) => [Uint8Array.of(part.length), part]))
}

export function record(name: DnsName, type: number, data: Uint8Array): DnsRecord {
  return { name, type, class: CLASS.IN, ttl: 300, data }
}

const label = fc.stringMatching(/^[a-z0-9]{1,12}$/)
/** Names of two to four labels. */
export const names: fc.Arbitrary<Name> = fc
  .array(label, { minLength: 1, maxLength: 3 })
  .map((labels) => parseName([...labels, 'example'].join('.')))

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 })

/** Records that may be published. */
export const keyRecords: fc.Arbitrary<KeyRecord> = fc.record({
  key: fc.constantFrom(...KEYS),
  uses: fc.constantFrom('sign', 'bind', 'both'),
  depth: fc.integer({ min: 0, max: 16 }),
  strict: fc.boolean(),
  notBefore: fc.integer({ min: 0, max: 253_402_300_799 }).map((seconds) => seconds * 1_000),
  encryptionKey: fc.option(bytes32),
  next: fc.option(bytes32),
  hosts: fc.uniqueArray(names, { maxLength: 16 }).map((hosts) => hosts.toSorted()),
})
