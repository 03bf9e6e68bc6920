import { isReservedPool, liesWithin, type Name, parsePattern, type Pattern } from '@ixj/names'
import { equalBytes } from './bytes.ts'
import { sortedSet } from './encoding/index.ts'
import { checkPublicKey } from './keys/index.ts'
import {
  ANCHOR_ADDED_BY_MAX,
  ANCHOR_KEYS_MAX,
  ANCHOR_NAMES_MAX,
  ANCHOR_RECORD_LENGTH_MAX,
  ANCHOR_RECORDS_MAX,
  ID_BYTES,
  SKEW_MS,
} from './limits.ts'
import { TrustError } from './trust-error.ts'

/**
 * What an anchor is trusted for, docs/protocol.md, section "Anchors". `connect`: its nodes pass
 * hello. `send`: its names count as senders. `grant`: grants that its names issued count in chains.
 */
export type Purpose = 'connect' | 'send' | 'grant'

/** A name and its keys that this entity trusts by its own decision. Section "Anchors". */
export interface Anchor {
  readonly name: Name
  /** `key`: its keys are trusted. `zone`: keys are those that the DNS zone publishes. */
  readonly kind: 'key' | 'zone'
  /** 1 to {@link ANCHOR_KEYS_MAX} Ed25519 public keys of 32 bytes; none for a zone. */
  readonly keys: readonly Uint8Array[]
  /**
   * 1 to {@link ANCHOR_RECORDS_MAX} records that a zone's key is told by, `DNSKEY …` or `DS …` as in
   * a zone file (RFC 4034 sections 2.2, 5.3); none for keys. What they say is for the DNS to check.
   */
  readonly records: readonly string[]
  /** What the anchor may speak for, all at or below its name. */
  readonly names: readonly Pattern[]
  readonly purposes: readonly Purpose[]
  /** What is asked of the statuses of names under it. */
  readonly freshness: FreshnessRule
  /** SHA-256 of the key to come, 32 bytes; without it only a person replaces its keys. */
  readonly next?: Uint8Array
  /** Those of its keys that a successor has taken the place of, and until when they count. */
  readonly retiring: readonly RetiringKey[]
  /** It is none of the set: what the anchor of the root comes to for the names of one zone. */
  readonly underRoot?: true
  /** When it was added, ms since the Unix epoch. */
  readonly addedAt?: number
  /** Who added it: text for people. */
  readonly addedBy?: string
}

/**
 * What an anchor asks of statuses. `required`: a fresh one of each issuer. `when-known`: the same of
 * each issuer of which one was ever heard. `off`: nothing; known revocations count all the same.
 */
export type FreshnessRule = 'required' | 'when-known' | 'off'

/** All of them, the strictest first. */
export const FRESHNESS_RULES: readonly FreshnessRule[] = ['required', 'when-known', 'off']

/**
 * What is asked where nobody says otherwise: an organisation whose root lies in a safe, and that has
 * named nobody to revoke for it, can be talked to; one that publishes a status cannot be robbed of it.
 */
export const FRESHNESS_DEFAULT: FreshnessRule = 'when-known'

/** A key of an anchor that ends. */
export interface RetiringKey {
  /** 32 bytes; one of the anchor's keys. */
  readonly key: Uint8Array
  /** Ms since the Unix epoch. */
  readonly until: number
}

/** What one gives to make an anchor; see {@link makeAnchor} for the defaults. */
export interface AnchorFields {
  readonly name: Name
  /** Default: `key`. */
  readonly kind?: 'key' | 'zone'
  readonly keys?: readonly Uint8Array[]
  readonly records?: readonly string[]
  readonly names?: readonly Pattern[]
  readonly purposes?: readonly Purpose[]
  readonly freshness?: FreshnessRule
  readonly next?: Uint8Array
  readonly retiring?: readonly RetiringKey[]
  readonly underRoot?: true
  readonly addedAt?: number
  readonly addedBy?: string
}

/** All purposes, in the order in which they are written. */
export const PURPOSES: readonly Purpose[] = ['connect', 'grant', 'send']

/**
 * What an anchor is trusted for where its maker says nothing: to meet and to hear, not to decide
 * who may do what here. One's own organisation needs all three.
 */
export const ANCHOR_PURPOSES_DEFAULT: readonly Purpose[] = ['connect', 'send']

/**
 * Makes an anchor from a copy of its fields. `names` defaults to the name and everything below it,
 * `purposes` to {@link ANCHOR_PURPOSES_DEFAULT}; both are sorted. Costs some 0.1 ms a key.
 * @throws TrustError `bad-key`, `form` (a count, a repeated key, a record that is none, names outside
 * the anchor's slice)
 */
export function makeAnchor(fields: AnchorFields): Anchor {
  const { name, addedAt, addedBy, kind = 'key', keys = [], records = [] } = fields
  const names = fields.names ?? [parsePattern(name), parsePattern(`**.${name}`)]
  const purposes = fields.purposes ?? ANCHOR_PURPOSES_DEFAULT
  const { freshness = FRESHNESS_DEFAULT, next, retiring = [] } = fields
  // "It means some agent that this node vouches for": trust in one alone would mean any of them.
  if (isReservedPool(name)) throw refused(name, 'it is in a pool; trust the node that has it')
  if (kind === 'key') checkKeys(name, keys, records)
  else checkRecords(name, keys, records)
  checkCount(name, 'names', names.length, ANCHOR_NAMES_MAX)
  checkCount(name, 'purposes', purposes.length, PURPOSES.length)
  checkRollover(name, { kind, keys, next, retiring })
  // What an anchor speaks for is a part of its own slice: trust in a name is trust in that name.
  const stranger = names.find((pattern) => !liesWithin(pattern, name))
  if (stranger !== undefined) throw refused(name, `"${stranger}" is not at or below its name`)
  if (addedAt !== undefined && !(Number.isSafeInteger(addedAt) && addedAt >= 0)) {
    throw refused(name, `addedAt ${addedAt} is no time in ms since the Unix epoch`)
  }
  if (addedBy !== undefined && addedBy.length > ANCHOR_ADDED_BY_MAX) {
    const size = `${addedBy.length} characters, limit ${ANCHOR_ADDED_BY_MAX}`
    throw refused(name, `addedBy has ${size}`)
  }
  const anchor: Anchor = Object.freeze({
    name,
    kind,
    keys: Object.freeze(keys.map((key) => Uint8Array.from(key))),
    records: Object.freeze([...records]),
    names: Object.freeze(sortedSet(names)),
    purposes: Object.freeze(sortedSet(purposes)),
    freshness,
    ...(next === undefined ? {} : { next: Uint8Array.from(next) }),
    retiring: Object.freeze(
      retiring.map(({ key, until }) => ({ key: Uint8Array.from(key), until })),
    ),
    ...(fields.underRoot === undefined ? {} : { underRoot: fields.underRoot }),
    ...(addedAt === undefined ? {} : { addedAt }),
    ...(addedBy === undefined ? {} : { addedBy }),
  })
  made.add(anchor)
  return anchor
}

/** What {@link makeAnchor} has checked: a set that changes by one anchor checks one. */
const made = new WeakSet<Anchor>()

/** Whether these fields are an anchor that was made, and so checked, here. */
export function isMade(fields: AnchorFields): fields is Anchor {
  return made.has(fields as Anchor)
}

function checkKeys(name: Name, keys: readonly Uint8Array[], records: readonly string[]): void {
  checkCount(name, 'keys', keys.length, ANCHOR_KEYS_MAX)
  if (records.length > 0) throw refused(name, 'it has keys of its own, and records of a zone')
  for (const key of keys) checkPublicKey(key)
  if (sortedSet(keys).length !== keys.length) {
    throw refused(name, 'one of its keys repeats')
  }
}

/** Until when each key of an anchor counts, skew not included; Infinity for one that does not end. */
export function keyEnd({ retiring }: Pick<Anchor, 'retiring'>, key: Uint8Array): number {
  return retiring.find((each) => equalBytes(each.key, key))?.until ?? Infinity
}

/** The keys of an anchor that count at this time, skew included. */
export function anchorKeysAt(
  anchor: Pick<Anchor, 'keys' | 'retiring'>,
  now: number,
): readonly Uint8Array[] {
  if (anchor.retiring.length === 0) return anchor.keys
  return anchor.keys.filter((key) => now <= keyEnd(anchor, key) + SKEW_MS)
}

function checkRollover(
  name: Name,
  {
    kind,
    keys,
    next,
    retiring,
  }: {
    readonly kind: Anchor['kind']
    readonly keys: readonly Uint8Array[]
    readonly next: Uint8Array | undefined
    readonly retiring: readonly RetiringKey[]
  },
): void {
  if (next !== undefined && next.length !== ID_BYTES) {
    throw refused(name, `next has ${next.length} bytes, must be ${ID_BYTES}`)
  }
  if (kind === 'zone' && (next !== undefined || retiring.length > 0)) {
    throw refused(name, 'it is of a zone, whose keys the DNS replaces')
  }
  for (const { key, until } of retiring) {
    if (!keys.some((each) => equalBytes(each, key))) {
      throw refused(name, 'a retiring key is none of its keys')
    }
    if (!(Number.isSafeInteger(until) && until >= 0)) {
      throw refused(name, `a key ends at ${until}, which is no time in ms since the Unix epoch`)
    }
  }
}

const zoneRecord = /^(?:DNSKEY [0-9]{1,5} 3 [0-9]{1,3}|DS [0-9]{1,5} [0-9]{1,3} [0-9]{1,3}) \S+$/

/**
 * Checks the records of a zone's anchor, or of the root's (`.`).
 * @throws TrustError `form`
 */
export function checkRecords(
  name: Name | '.',
  keys: readonly Uint8Array[],
  records: readonly string[],
): void {
  checkCount(name, 'records', records.length, ANCHOR_RECORDS_MAX)
  if (keys.length > 0) throw refused(name, 'it is of a zone, and has keys of its own')
  for (const record of records) {
    if (record.length > ANCHOR_RECORD_LENGTH_MAX || !zoneRecord.test(record)) {
      const form = `"DNSKEY flags 3 algorithm key" or "DS tag algorithm type digest"`
      throw refused(name, `one of its records is no ${form}`)
    }
  }
  if (new Set(records).size !== records.length) throw refused(name, 'one of its records repeats')
}

function checkCount(name: Name | '.', what: string, count: number, limit: number): void {
  if (count < 1 || count > limit) throw refused(name, `${count} ${what}, must be 1 to ${limit}`)
}

/** The error for an anchor that cannot be made. */
export function refused(name: Name | '.', reason: string): TrustError {
  return new TrustError('form', `Cannot make anchor "${name}": ${reason}`)
}
