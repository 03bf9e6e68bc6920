import type { DnssecCrypto } from '../crypto.ts'
import type { DnsName } from '../wire/dns-name.ts'
import type { DnsRecord } from '../wire/record.ts'

/** A zone whose keys a verifier trusts by its own decision: DNSKEY or DS records of that zone. */
export interface ZoneAnchor {
  readonly zone: DnsName
  readonly records: readonly DnsRecord[]
}

/** What is asked. The class is always IN. */
export interface Asked {
  readonly name: DnsName
  readonly type: number
}

/** What a validation rests on beside the records. */
export interface ValidationContext {
  /** The longest zone at or above a name is the only one that counts for it. */
  readonly anchors: readonly ZoneAnchor[]
  /** ms since the Unix epoch. */
  readonly now: number
  readonly crypto: DnssecCrypto
}

/** Why an answer is bogus. */
export type BogusReason =
  /** No signature by a key of the zone stands beside the records. */
  | 'unsigned'
  /** A signature's time is over. */
  | 'expired'
  /** A signature's time has not begun. */
  | 'not-yet-valid'
  /** No signature holds over these bytes. */
  | 'bad-signature'
  /** The signer is not the zone that has to sign: a sibling, a parent, a child. */
  | 'wrong-signer'
  /** None of the zone's keys is the one that the parent's DS, or the anchor, names. */
  | 'no-key'
  /** The proof that a name, a type or a DS does not exist has a hole, or contradicts itself. */
  | 'bad-denial'
  /** The answer came from a wildcard where that is not allowed. */
  | 'wildcard'
  /** Aliases form a loop, or are too many. */
  | 'alias'
  /** A record that the answer rests on does not have the form of its type. */
  | 'malformed'
  /** Checking it would cost more signatures, keys or hashes than the budget (KeyTrap). */
  | 'budget'
  /** It was secure before, and comes without signatures now. */
  | 'downgrade'
  /** A newer signature over something else was seen before: an old answer, played again. */
  | 'replayed'

/** One step of a validation, for people: what was looked at, and what came of it. */
export interface ValidationStep {
  readonly zone: DnsName
  readonly what: string
  readonly outcome: 'holds' | 'absent' | 'unsigned' | 'fails'
}

/** The records are those that their zone signed, up to an anchor. */
export interface Secure {
  readonly state: 'secure'
  readonly answer: 'positive' | 'nodata' | 'nxdomain'
  /** The zone that signed the answer. */
  readonly zone: DnsName
  /** The anchor that it rests on. */
  readonly anchor: DnsName
  /** The name that the records have: the one asked, or the end of its aliases. */
  readonly name: DnsName
  /** The RRset that was asked for; empty for the two denials. */
  readonly records: readonly DnsRecord[]
  /** How long this may be kept, in seconds: never above what was signed. */
  readonly ttlSeconds: number
  /** Newest inception of a signature over the answer itself, ms: of two answers, this one counts. */
  readonly signedAt: number
  /** The earliest expiration of a signature that this rests on, ms. */
  readonly expiresAt: number
  /** Whether a wildcard of the zone was expanded; a key found so does not count. */
  readonly wildcard: boolean
  /** The records that this rests on, the answer first: enough to validate it again, offline. */
  readonly used: readonly DnsRecord[]
  readonly steps: readonly ValidationStep[]
}

/** A zone above says, signed, that it delegates without security; or no anchor covers the name. */
export interface Insecure {
  readonly state: 'insecure'
  /** The name that is so: the one asked, or where signed aliases lead from it. */
  readonly name: DnsName
  /** The lowest zone that is secure; undefined where no anchor stands above the name. */
  readonly below: DnsName | undefined
  readonly records: readonly DnsRecord[]
  readonly steps: readonly ValidationStep[]
}

/** Something contradicts the anchors. */
export interface Bogus {
  readonly state: 'bogus'
  readonly reason: BogusReason
  readonly message: string
  readonly steps: readonly ValidationStep[]
}

/** Not decided yet: these records are needed as well, with the proof if they do not exist. */
export interface Incomplete {
  readonly state: 'incomplete'
  readonly needs: readonly Asked[]
  readonly steps: readonly ValidationStep[]
}

/** What validation says of an answer. */
export type Validation = Secure | Insecure | Bogus | Incomplete

/** What a resolver says: validated, or nobody could be asked. */
export type Resolution = Secure | Insecure | Bogus | Unreachable

/** No server gave an answer. That says nothing about the name. */
export interface Unreachable {
  readonly state: 'unreachable'
  readonly message: string
  readonly steps: readonly ValidationStep[]
}
