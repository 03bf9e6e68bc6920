import { concatBytes, equalBytes } from '@ixj/trust'
import type { DnssecAlgorithm } from '../crypto.ts'
import { DnsError } from '../dns-error.ts'
import { type DnsName, isAtOrBelowName, wireOfName } from '../wire/dns-name.ts'
import { type Ds, keyTagOf, readDnskey, readDs, REVOKED_KEY, ZONE_KEY } from '../wire/rdata.ts'
import type { DnsRecord } from '../wire/record.ts'
import { TYPE } from '../wire/record-type.ts'
import { holdSet } from './held-set.ts'
import { Refused, Unsecured } from './outcome.ts'
import type { SignedSet } from './record-bag.ts'
import type { HeldSet, ZoneKey } from './secure-zone.ts'
import type { ZoneAnchor } from './validation.ts'
import type { Work } from './work.ts'

/** DNSSEC is over one protocol (RFC 4034 section 2.1.2). */
const PROTOCOL = 3

/** Digests of DS that are checked, by their number (RFC 4509, RFC 6605 section 2). */
const digests = new Map<number, 'sha256' | 'sha384'>([
  [2, 'sha256'],
  [4, 'sha384'],
])

/**
 * The anchor that counts for a name: the longest at or above it. A shorter one never counts beside
 * it, or its owner could speak for a name that somebody anchored apart.
 */
export function anchorFor(anchors: readonly ZoneAnchor[], name: DnsName): DnsName | undefined {
  let longest: DnsName | undefined
  for (const { zone } of anchors) {
    if (isAtOrBelowName(name, zone) && (longest === undefined || isAtOrBelowName(zone, longest))) {
      longest = zone
    }
  }
  return longest
}

/** Whether an algorithm is one that we check. */
export function isChecked(algorithm: number): algorithm is DnssecAlgorithm {
  return algorithm === 8 || algorithm === 13 || algorithm === 15
}

/**
 * The zone that has to have signed a set: the deepest at or above `lowest` that a signature names.
 * @throws Refused `unsigned`, `wrong-signer`
 */
export function signerOf(work: Work, set: SignedSet, lowest: DnsName): DnsName {
  const anchor = anchorFor(work.context.anchors, lowest)
  if (anchor === undefined) throw new Unsecured(undefined)
  let deepest: DnsName | undefined
  for (const { signer } of set.signatures.map(({ rrsig }) => rrsig)) {
    const able = isAtOrBelowName(lowest, signer) && isAtOrBelowName(signer, anchor)
    if (able && (deepest === undefined || isAtOrBelowName(signer, deepest))) deepest = signer
  }
  if (deepest !== undefined) return deepest
  const what = `Cannot trust type ${set.type} of ${set.name}`
  const [first] = set.signatures
  if (first === undefined) {
    throw new Refused('unsigned', `${what}: no signature stands beside it`)
  }
  throw new Refused('wrong-signer', `${what}: ${first.rrsig.signer} cannot sign for it`)
}

/** A key that may sign zone data: RFC 4034 section 2.1, RFC 5011 section 2.1. */
function zoneKeyOf(record: DnsRecord): ZoneKey | undefined {
  const { flags, protocol, algorithm, publicKey } = tryRead(readDnskey, record.data) ?? NO_KEY
  if ((flags & ZONE_KEY) === 0 || (flags & REVOKED_KEY) !== 0) return undefined
  if (protocol !== PROTOCOL || !isChecked(algorithm)) return undefined
  return { keyTag: keyTagOf(record.data), algorithm, publicKey, record }
}

const NO_KEY = { flags: 0, protocol: 0, algorithm: 0, publicKey: new Uint8Array() }

/** What a DS says; undefined where we cannot check its algorithm or digest. */
export function usableDs(record: DnsRecord): Ds | undefined {
  const ds = tryRead(readDs, record.data)
  if (ds === undefined || !isChecked(ds.algorithm) || !digests.has(ds.digestType)) return undefined
  return ds
}

/** What data say; undefined for data without the form: they name no key. */
function tryRead<Result>(read: (data: Uint8Array) => Result, data: Uint8Array): Result | undefined {
  try {
    return read(data)
  } catch (cause) {
    if (cause instanceof DnsError) return undefined
    throw cause
  }
}

/** The keys of a DNSKEY set that an anchor or a DS names. */
export async function entryKeys(
  work: Work,
  set: SignedSet,
  names: readonly DnsRecord[],
): Promise<ZoneKey[]> {
  const keys: ZoneKey[] = []
  for (const key of set.records.map(zoneKeyOf)) {
    if (key !== undefined && (await isNamed(work, key, names))) keys.push(key)
  }
  return keys
}

async function isNamed(work: Work, key: ZoneKey, names: readonly DnsRecord[]): Promise<boolean> {
  for (const record of names) {
    if (record.type === TYPE.DNSKEY) {
      if (equalBytes(record.data, key.record.data)) return true
      continue
    }
    const ds = record.type === TYPE.DS ? usableDs(record) : undefined
    if (ds?.keyTag !== key.keyTag || ds.algorithm !== key.algorithm) continue
    work.spend('key digests')
    const data = concatBytes(wireOfName(key.record.name), key.record.data)
    const digest = await work.context.crypto.digest(digests.get(ds.digestType)!, data)
    if (equalBytes(digest, ds.digest)) return true
  }
  return false
}

/**
 * All keys of a set that one of its entry keys signed (RFC 4035 section 5.2).
 * @throws Refused `no-key` without an entry key; as {@link holdSet} does
 */
export async function keysThrough(
  work: Work,
  set: SignedSet,
  options: { readonly entry: readonly ZoneKey[]; readonly what: string },
): Promise<{ readonly keys: readonly ZoneKey[]; readonly held: HeldSet }> {
  const { entry, what } = options
  if (entry.length === 0) {
    throw new Refused('no-key', `Cannot trust the keys of ${set.name}: ${what} names none of them`)
  }
  const held = await holdSet(work, set, { zone: set.name, keys: entry })
  const keys = set.records.map(zoneKeyOf).filter((key) => key !== undefined)
  return { keys, held }
}
