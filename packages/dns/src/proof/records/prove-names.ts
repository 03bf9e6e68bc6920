import { isName, type Name } from '@ixj/names'
import {
  type Anchor,
  type AnchorSet,
  PROOF_DNSSEC_BYTES_MAX,
  type PublishedKey,
  TrustError,
} from '@ixj/trust'
import { decodeChain, encodeChain } from '../chain/chain.ts'
import type { DnssecCrypto } from '../crypto.ts'
import { DnsError } from '../dns-error.ts'
import { validate } from '../dnssec/validate.ts'
import type { Secure, Validation, ZoneAnchor } from '../dnssec/validation.ts'
import { anchorsOf, parseAnchorRecord } from '../dnssec/zone-anchor.ts'
import { parseDnsName, ROOT } from '../wire/dns-name.ts'
import { type DnsRecord, sameRecord } from '../wire/record.ts'
import { TYPE } from '../wire/record-type.ts'
import { keysOf, type NameKeys } from './keys-of.ts'
import { keyOwner, nameOfKeyOwner } from './owner-name.ts'

/** Names whose keys the records of one proof may prove: each costs a validation of its own. */
export const PROVEN_NAMES_MAX = 6
/** Signature checks that the records of one proof may ask for in all: six names take some thirty. */
const SIGNATURE_CHECKS_MAX = 48
/** Digests, of keys and of names for NSEC3, that they may cost in all. */
const DIGESTS_MAX = 256

/** What DNSSEC records prove of one name. */
export interface ProvenKeys {
  readonly name: Name
  /** When the zone signed it, ms since the Unix epoch: of two, the newer counts. */
  readonly signedAt: number
  /** When its records lapse, ms. */
  readonly notAfter: number
  /** Those whose time is still to come stand here too; empty where none of the records counts. */
  readonly keys: readonly PublishedKey[]
  /** The records of this name alone. */
  readonly records: Uint8Array
}

/** What records prove against zone anchors, and why the rest of them does not. */
export interface ProvenRecords {
  readonly names: readonly ProvenKeys[]
  readonly faults: readonly string[]
}

/** The zone anchors of a trust store and that of the root, as the DNS has them. @throws DnsError `record`, `argument` */
export function zoneAnchorsOf(anchors: AnchorSet): readonly ZoneAnchor[] {
  const { root } = anchors
  const zones = anchors.list.filter(({ kind }) => kind === 'zone')
  const all = [...(root === undefined ? [] : [{ name: '', records: root.records }]), ...zones]
  return all.flatMap((anchor) => zoneAnchorOf(anchor))
}

/** One zone anchor of a trust store. @throws DnsError `record`, `argument` */
export function zoneAnchorOf({
  name,
  records,
}: Pick<Anchor, 'records'> & { readonly name: string }): readonly ZoneAnchor[] {
  const zone = parseDnsName(`${name}.`)
  return anchorsOf(records.map((record) => parseAnchorRecord(zone, record)))
}

/**
 * Checks what the records of a proof say of names against the zone anchors of a trust store: at a
 * bounded cost, and without a throw for what they say.
 * @throws DnsError if an anchor's records cannot be read
 */
export function openNameProver(
  anchors: AnchorSet,
  native: DnssecCrypto,
): (records: Uint8Array, now: number) => Promise<ProvenRecords> {
  const zones = zoneAnchorsOf(anchors)
  const root = zones.filter(({ zone }) => zone === ROOT)
  const covers = (name: Name) => anchors.asksDns(name)
  return async (bytes, now) => {
    const records = decode(bytes)
    if (typeof records === 'string') return { names: [], faults: [records] }
    const crypto = boundedCrypto(native)
    const context = { anchors: zones, now, crypto }
    const check = (name: Name, by: readonly ZoneAnchor[] = zones) =>
      validate({ name: keyOwner(name), type: TYPE.TXT }, records, { ...context, anchors: by })
    // What came from the root is passed on whole, though a nearer anchor of ours needs less of it.
    const fromRoot = (name: Name) => (root.length === 0 ? undefined : check(name, root))
    const proof = await proveNames(records, { covers, check, fromRoot, now })
    if (!crypto.isSpent) return proof
    return { names: [], faults: ['the records cost more signature checks than the cap'] }
  }
}

/** The records, or why they are none. */
function decode(bytes: Uint8Array): readonly DnsRecord[] | string {
  try {
    return decodeChain(bytes)
  } catch (cause) {
    if (cause instanceof DnsError) return cause.message
    throw cause
  }
}

/** One set of records cannot make us work without end: past the caps nothing of it holds. */
function boundedCrypto(native: DnssecCrypto): DnssecCrypto & { readonly isSpent: boolean } {
  let checks = 0
  let digests = 0
  return {
    get isSpent() {
      return checks > SIGNATURE_CHECKS_MAX || digests > DIGESTS_MAX
    },
    verify: (...question) => {
      checks += 1
      return checks <= SIGNATURE_CHECKS_MAX && native.verify(...question)
    },
    digest: (algorithm, data) => {
      digests += 1
      return digests > DIGESTS_MAX ? new Uint8Array() : native.digest(algorithm, data)
    },
  }
}

function namesIn(records: readonly DnsRecord[]): ReadonlySet<Name> {
  const owners = records.filter(({ type }) => type === TYPE.TXT).map(({ name }) => name)
  return new Set(owners.flatMap((owner) => nameOfKeyOwner(owner) ?? []))
}

async function proveNames(
  records: readonly DnsRecord[],
  by: {
    readonly covers: (name: Name) => boolean
    readonly check: (name: Name) => Promise<Validation>
    /** The same from the root of the DNS; undefined where that is not trusted. */
    readonly fromRoot: (name: Name) => Promise<Validation> | undefined
    readonly now: number
  },
): Promise<ProvenRecords> {
  const { covers, check, fromRoot, now } = by
  const names = namesIn(records)
  // Counted before any signature is checked.
  if (names.size > PROVEN_NAMES_MAX) {
    return { names: [], faults: [`keys of ${names.size} names, limit ${PROVEN_NAMES_MAX}`] }
  }
  const proven: ProvenKeys[] = []
  const faults: string[] = []
  for (const name of names) {
    // A name without a zone anchor here costs no signature, and is for somebody else.
    if (!covers(name)) continue
    const validation = await check(name)
    if (validation.state !== 'secure') {
      faults.push(`${name}: ${describe(validation)}`)
      continue
    }
    const found = keysOf(name, validation, { now })
    const keys = publishedKeys(found, validation)
    if (keys.length === 0) faults.push(...found.reasons.map((reason) => `${name}: ${reason}`))
    // Records of the name itself that give no key outvote older ones; an alias, which others may
    // have signed anew, or a wildcard do not.
    const isOwn = validation.name === keyOwner(name) && !validation.wildcard
    if (validation.answer !== 'positive' || !isOwn) continue
    const whole = await fromRoot(name)
    const passedOn = whole?.state === 'secure' ? whole : validation
    proven.push({
      name,
      keys,
      signedAt: validation.signedAt,
      notAfter: Math.min(found.notAfter, passedOn.expiresAt),
      records: encodeChain(passedOn.used),
    })
  }
  return { names: proven, faults }
}

function describe(validation: Exclude<Validation, Secure>): string {
  switch (validation.state) {
    case 'insecure':
      return 'the zone is not signed'
    case 'bogus':
      return validation.message
    case 'incomplete':
      return 'records that lead to the anchor are missing'
  }
}

/** A zone with a single label has no name of ours, so its keys count for nobody. */
function publishedKeys(found: NameKeys, { zone }: Secure): readonly PublishedKey[] {
  if (!isName(zone)) return []
  // Keys that are to count later are checked now: this set of records is not looked at again.
  return [...found.keys, ...found.pending].map((record) => ({
    ...record,
    name: found.name,
    zone,
    notAfter: found.notAfter,
  }))
}

/** Records that stand in several chains stand once in the whole. @throws TrustError `too-large` */
export function joinChains(chains: readonly Uint8Array[]): Uint8Array {
  const refuse = (reason: string, options?: ErrorOptions) =>
    new TrustError('too-large', `Cannot put the DNSSEC records into one proof: ${reason}`, options)
  const joined: DnsRecord[] = []
  for (const record of chains.flatMap((chain) => decodeChain(chain))) {
    if (!joined.some((other) => sameRecord(record, other))) joined.push(record)
  }
  const names = namesIn(joined).size
  if (names > PROVEN_NAMES_MAX) throw refuse(`${names} names, limit ${PROVEN_NAMES_MAX}`)
  try {
    const bytes = encodeChain(joined)
    if (bytes.length <= PROOF_DNSSEC_BYTES_MAX) return bytes
    throw refuse(`${bytes.length} bytes, limit ${PROOF_DNSSEC_BYTES_MAX}`)
  } catch (cause) {
    if (!(cause instanceof DnsError)) throw cause
    throw refuse(cause.message, { cause })
  }
}
