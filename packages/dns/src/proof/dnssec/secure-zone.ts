import type { DnssecAlgorithm } from '../crypto.ts'
import type { DnsName } from '../wire/dns-name.ts'
import type { DnsRecord } from '../wire/record.ts'
import type { Signature, SignedSet } from './record-bag.ts'

/** A key that may sign the data of its zone. */
export interface ZoneKey {
  readonly keyTag: number
  readonly algorithm: DnssecAlgorithm
  readonly publicKey: Uint8Array
  readonly record: DnsRecord
}

/** A set of records, and the one signature that was found to hold over it. */
export interface HeldSet {
  readonly set: SignedSet
  readonly signature: Signature
  /** The zone that signed. */
  readonly zone: DnsName
  /** ms since the Unix epoch. */
  readonly inception: number
  /** ms since the Unix epoch. */
  readonly expiration: number
  /** The signature is over the wildcard with this many labels; undefined: over the name itself. */
  readonly wildcardLabels: number | undefined
}

/** A zone whose keys are known, up to an anchor. */
export interface SecureZone {
  readonly name: DnsName
  readonly keys: readonly ZoneKey[]
  /** Its DNSKEY set, its DS set, and those of the zones above up to the anchor. */
  readonly held: readonly HeldSet[]
  /** The zone that is the anchor. */
  readonly anchor: DnsName
}
