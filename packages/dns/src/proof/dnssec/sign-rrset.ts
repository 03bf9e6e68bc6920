import { concatBytes, sha256, type Signer } from '@ixj/trust'
import { DnsError } from '../dns-error.ts'
import { type DnsName, isAtOrBelowName, wireOfName } from '../wire/dns-name.ts'
import {
  ENTRY_POINT,
  keyTagOf,
  readDnskey,
  type Rrsig,
  writeDnskey,
  writeDs,
  writeRrsig,
  ZONE_KEY,
} from '../wire/rdata.ts'
import type { DnsRecord } from '../wire/record.ts'
import { CLASS, TYPE } from '../wire/record-type.ts'
import { signedData, signedLabels } from './canonical.ts'

/** The number of Ed25519 among the algorithms of DNSSEC (RFC 8080). */
export const ED25519 = 15

/** What a signature says beside the records. */
export interface SignOptions {
  readonly zone: DnsName
  /** The DNSKEY of the signer, in the zone. */
  readonly key: DnsRecord
  readonly signer: Signer
  /** ms since the Unix epoch; the record has whole seconds, rounded down. */
  readonly inception: number
  /** ms since the Unix epoch; the record has whole seconds, rounded down. */
  readonly expiration: number
  /** Fewer than the owner has: the records are an expansion of the wildcard at this depth. */
  readonly labels?: number
}

/**
 * The RRSIG of an RRset by an Ed25519 key (RFC 4034 section 3, RFC 8080). The TTL that is signed is
 * that of the first record. Answers at once where the signer does.
 * @throws DnsError `argument` for a key that is not Ed25519 or an owner outside the zone; as
 * {@link signedData} does
 */
export function signRrset(
  rrset: readonly DnsRecord[],
  options: SignOptions & { readonly signer: { sign(data: Uint8Array): Uint8Array } },
): DnsRecord
export function signRrset(
  rrset: readonly DnsRecord[],
  options: SignOptions,
): DnsRecord | Promise<DnsRecord>
export function signRrset(
  rrset: readonly DnsRecord[],
  options: SignOptions,
): DnsRecord | Promise<DnsRecord> {
  const { zone, key, signer } = options
  const [first] = rrset
  if (first === undefined) throw new DnsError('argument', 'Cannot sign an RRset without records')
  const { algorithm } = readDnskey(key.data)
  if (algorithm !== ED25519) {
    throw new DnsError('argument', `Cannot sign with algorithm ${algorithm}, must be ${ED25519}`)
  }
  if (!isAtOrBelowName(first.name, zone)) {
    throw new DnsError('argument', `Cannot sign ${first.name} in zone ${zone}: it is outside`)
  }
  const unsigned: Rrsig = {
    typeCovered: first.type,
    algorithm,
    labels: options.labels ?? signedLabels(first.name),
    originalTtl: first.ttl,
    // RFC 4034 section 3.1.5: seconds modulo 2^32, compared as serial numbers.
    expiration: Math.floor(options.expiration / 1_000) % 0x1_0000_0000,
    inception: Math.floor(options.inception / 1_000) % 0x1_0000_0000,
    keyTag: keyTagOf(key.data),
    signer: zone,
    signature: new Uint8Array(),
  }
  const finish = (signature: Uint8Array): DnsRecord => ({
    name: first.name,
    type: TYPE.RRSIG,
    class: first.class,
    ttl: first.ttl,
    data: writeRrsig({ ...unsigned, signature }),
  })
  const signature = signer.sign(signedData(rrset, unsigned))
  return signature instanceof Uint8Array ? finish(signature) : signature.then(finish)
}

/** The DNSKEY of an Ed25519 key that signs a zone alone: zone key and entry point (CSK). */
export function dnskeyOf(
  zone: DnsName,
  options: { readonly publicKey: Uint8Array; readonly ttl: number },
): DnsRecord {
  const data = writeDnskey({
    flags: ZONE_KEY | ENTRY_POINT,
    protocol: 3,
    algorithm: ED25519,
    publicKey: options.publicKey,
  })
  return { name: zone, type: TYPE.DNSKEY, class: CLASS.IN, ttl: options.ttl, data }
}

/** The digests that we make: every validator knows SHA-256 (RFC 8624 section 3.3). */
const DIGESTS = { sha256: { digestType: 2, hash: sha256 } } as const

/**
 * The DS of a key, with the key's TTL, for the parent zone (RFC 4034 section 5.1.4).
 * @throws DnsError `record` if it is no DNSKEY
 */
export function dsOf(dnskey: DnsRecord, digest: keyof typeof DIGESTS = 'sha256'): DnsRecord {
  const { algorithm } = readDnskey(dnskey.data)
  const { digestType, hash } = DIGESTS[digest]
  const data = writeDs({
    keyTag: keyTagOf(dnskey.data),
    algorithm,
    digestType,
    digest: hash(concatBytes(wireOfName(dnskey.name), dnskey.data)),
  })
  return { ...dnskey, type: TYPE.DS, data }
}
