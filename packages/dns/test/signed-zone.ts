import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import {
  below,
  CLASS,
  compareNames,
  type Asked,
  type DnsName,
  type DnsRecord,
  type DnssecAlgorithm,
  dsOf,
  isAtOrBelowName,
  keyTagOf,
  labelCount,
  parentOf,
  parseDnsName,
  parseRecord,
  ROOT,
  type Rrsig,
  signedData,
  signedLabels,
  toBase32hex,
  TYPE,
  wireOfName,
  writeDnskey,
  writeNsec,
  writeRrsig,
  writeTypeBitmap,
  type ZoneAnchor,
} from '@ixj/dns'

/** A key of a zone, made for one test. */
export interface TestKey {
  readonly dnskey: DnsRecord
  readonly algorithm: number
  readonly keyTag: number
  sign(data: Uint8Array): Uint8Array
}

/** When the zones of tests are looked at, and how long their signatures hold around that. */
export const NOW = Date.parse('2026-11-26T12:00:00Z')
export const HOUR = 3_600_000

/** A new key; `flags` are those of a key that signs alone. */
export function newTestKey(
  zone: DnsName,
  options: {
    readonly algorithm?: DnssecAlgorithm
    readonly flags?: number
    readonly rsaBits?: number
    /** What the record says, where that is not what the key is. */
    readonly claimed?: number
  } = {},
): TestKey {
  const { algorithm = 15, flags = 257 } = options
  const { publicKey, privateKey } = newKeyPair(algorithm, options.rsaBits ?? 1_024)
  const claimed = options.claimed ?? algorithm
  const data = writeDnskey({ flags, protocol: 3, algorithm: claimed, publicKey })
  return {
    dnskey: { name: zone, type: TYPE.DNSKEY, class: CLASS.IN, ttl: 3_600, data },
    algorithm: claimed,
    keyTag: keyTagOf(data),
    sign: (bytes) => {
      if (algorithm === 15) return sign(null, bytes, privateKey)
      return sign('sha256', bytes, { key: privateKey, dsaEncoding: 'ieee-p1363' })
    },
  }
}

function newKeyPair(
  algorithm: DnssecAlgorithm,
  bits: number,
): { readonly publicKey: Uint8Array; readonly privateKey: KeyObject } {
  const part = (text: string | undefined) => Buffer.from(text!, 'base64url')
  if (algorithm === 8) {
    const pair = generateKeyPairSync('rsa', { modulusLength: bits })
    const { n, e } = pair.publicKey.export({ format: 'jwk' })
    const exponent = part(e)
    const publicKey = Buffer.concat([Uint8Array.of(exponent.length), exponent, part(n)])
    return { publicKey, privateKey: pair.privateKey }
  }
  if (algorithm === 13) {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const { x, y } = pair.publicKey.export({ format: 'jwk' })
    return { publicKey: Buffer.concat([part(x), part(y)]), privateKey: pair.privateKey }
  }
  const pair = generateKeyPairSync('ed25519')
  const publicKey = part(pair.publicKey.export({ format: 'jwk' }).x)
  return { publicKey, privateKey: pair.privateKey }
}

/** How a zone is signed and how it denies. */
export interface SignedZoneOptions {
  readonly denial?: 'nsec' | 'nsec3' | 'compact'
  readonly algorithm?: DnssecAlgorithm
  /** The first signs the keys, the last everything else. */
  readonly keys?: readonly TestKey[]
  readonly iterations?: number
  readonly salt?: Uint8Array
  readonly optOut?: boolean
  readonly inception?: number
  readonly expiration?: number
}

/** What a test says of one signature, where it is not what the zone would say. */
export type SignatureChanges = Partial<Rrsig> & { readonly key?: TestKey }

/** A zone that is signed in memory and answers as an authoritative server does. */
export class SignedZone {
  readonly name: DnsName
  readonly keys: readonly TestKey[]
  readonly #records: readonly DnsRecord[]
  readonly #options: SignedZoneOptions
  readonly #names: readonly DnsName[]

  constructor(zone: string, lines: readonly string[], options: SignedZoneOptions = {}) {
    this.name = parseDnsName(zone)
    this.#options = options
    const { algorithm } = options
    this.keys = options.keys ?? [
      newTestKey(this.name, algorithm === undefined ? {} : { algorithm }),
    ]
    const origin = this.name
    const given = lines.map((line) => parseRecord(line, { origin, ttl: 300 }))
    const apex = ['@ 300 IN SOA ns hostmaster 1 3600 600 604800 300', '@ 300 IN NS ns']
    this.#records = [
      ...apex.map((line) => parseRecord(line, { origin })),
      ...this.keys.map(({ dnskey }) => dnskey),
      ...given,
    ]
    this.#names = this.#ownNames()
  }

  /** The anchor that its owner publishes. */
  get anchor(): ZoneAnchor {
    return { zone: this.name, records: [this.keys[0]!.dnskey] }
  }

  /** The DS records for the zone above, as lines. */
  get ds(): DnsRecord {
    return dsOf(this.keys[0]!.dnskey)
  }

  /** The records of a name and type. */
  records(name: DnsName, type: number): DnsRecord[] {
    return this.#records.filter((record) => record.name === name && record.type === type)
  }

  /** The RRSIG of a set. */
  sign(rrset: readonly DnsRecord[], changes: SignatureChanges = {}): DnsRecord {
    const [first] = rrset
    const { key = this.#signerOf(first!.type), ...said } = changes
    const { inception = NOW - HOUR, expiration = NOW + 24 * HOUR } = this.#options
    const rrsig: Rrsig = {
      typeCovered: first!.type,
      algorithm: key.algorithm,
      labels: signedLabels(first!.name),
      originalTtl: first!.ttl,
      expiration: expiration / 1_000,
      inception: inception / 1_000,
      keyTag: key.keyTag,
      signer: this.name,
      signature: new Uint8Array(),
      ...said,
    }
    const signature = said.signature ?? key.sign(signedData(rrset, rrsig))
    const data = writeRrsig({ ...rrsig, signature })
    return { ...first!, type: TYPE.RRSIG, data }
  }

  #signerOf(type: number): TestKey {
    return type === TYPE.DNSKEY ? this.keys[0]! : this.keys.at(-1)!
  }

  #signed(rrset: readonly DnsRecord[], changes: SignatureChanges = {}): DnsRecord[] {
    return [...rrset, this.sign(rrset, changes)]
  }

  /** What a server of the zone answers, signatures included. */
  answer({ name, type }: Asked): DnsRecord[] {
    const cut = this.#cutAbove(name, type)
    if (cut !== undefined) return this.#referral(cut)
    const own = this.records(name, type)
    if (own.length > 0) return this.#signed(own)
    const alias = this.records(name, TYPE.CNAME)
    if (alias.length > 0) return this.#signed(alias)
    for (let at = name; at !== this.name;) {
      at = parentOf(at)
      const dname = this.records(at, TYPE.DNAME)
      if (dname.length > 0) return this.#signed(dname)
    }
    return this.#fromWildcard(name, type) ?? this.deny(name, type)
  }

  #cutAbove(name: DnsName, type: number): DnsName | undefined {
    return this.#cuts().find(
      (cut) => isAtOrBelowName(name, cut) && !(name === cut && type === TYPE.DS),
    )
  }

  #cuts(): DnsName[] {
    return this.#records
      .filter(({ name, type }) => type === TYPE.NS && name !== this.name)
      .map(({ name }) => name)
  }

  #referral(cut: DnsName): DnsRecord[] {
    const ds = this.records(cut, TYPE.DS)
    const proof = ds.length > 0 ? this.#signed(ds) : this.deny(cut, TYPE.DS)
    return [...this.records(cut, TYPE.NS), ...proof]
  }

  #fromWildcard(name: DnsName, type: number): DnsRecord[] | undefined {
    if (this.#names.includes(name)) return undefined
    const encloser = this.#encloserOf(name)
    const wildcard = below('*', encloser)
    const source = [...this.records(wildcard, type), ...this.records(wildcard, TYPE.CNAME)]
    if (source.length === 0) return undefined
    const expanded = source.map((record) => ({ ...record, name }))
    const labels = labelCount(encloser)
    const closer = closerName(name, encloser)
    if (this.#options.denial === 'compact') return this.#signed(expanded)
    const proof =
      this.#options.denial === 'nsec3' ? this.#covering3(closer) : this.#covering(closer)
    return [...this.#signed(expanded, { labels }), ...this.#signed([proof])]
  }

  /** The proof that a name, or a type at it, does not exist. */
  deny(name: DnsName, type: number): DnsRecord[] {
    const { denial = 'nsec' } = this.#options
    const soa = this.#signed(this.records(this.name, TYPE.SOA))
    if (denial === 'compact') return [...soa, ...this.#signed([this.#compact(name)])]
    const sets = denial === 'nsec' ? this.#denyNsec(name) : this.#denyNsec3(name, type)
    return [...soa, ...distinct(sets).flatMap((record) => this.#signed([record]))]
  }

  #compact(name: DnsName): DnsRecord {
    const types = this.#names.includes(name) ? this.#typesAt(name) : [TYPE.NXNAME]
    const data = writeNsec(below('\\000', name), [...types, TYPE.RRSIG, TYPE.NSEC])
    return { name, type: TYPE.NSEC, class: CLASS.IN, ttl: 300, data }
  }

  #denyNsec(name: DnsName): DnsRecord[] {
    if (this.#typesAt(name).length > 0) return [this.nsecAt(name)]
    const cover = this.#covering(name)
    if (this.#names.includes(name)) return [cover]
    const wildcard = below('*', this.#encloserOf(name))
    const own = this.#typesAt(wildcard).length > 0
    return [cover, own ? this.nsecAt(wildcard) : this.#covering(wildcard)]
  }

  #denyNsec3(name: DnsName, type: number): DnsRecord[] {
    if (this.#hashed().has(this.hash(name))) return [this.nsec3At(name)]
    const encloser = this.#encloserOf(name)
    const proof = [this.nsec3At(encloser), this.#covering3(closerName(name, encloser))]
    if (type === TYPE.DS && this.#options.optOut === true) return proof
    const wildcard = below('*', encloser)
    const own = this.#hashed().has(this.hash(wildcard))
    return [...proof, own ? this.nsec3At(wildcard) : this.#covering3(wildcard)]
  }

  /** The NSEC of a name that has records. */
  nsecAt(name: DnsName): DnsRecord {
    const chain = this.#chain()
    const next = chain[(chain.indexOf(name) + 1) % chain.length]!
    const data = writeNsec(next, [...this.#typesAt(name), TYPE.RRSIG, TYPE.NSEC])
    return { name, type: TYPE.NSEC, class: CLASS.IN, ttl: 300, data }
  }

  #covering(name: DnsName): DnsRecord {
    const chain = this.#chain()
    return this.nsecAt(chain.findLast((owner) => compareNames(owner, name) < 0) ?? this.name)
  }

  #chain(): DnsName[] {
    return this.#names
      .filter((name) => this.#typesAt(name).length > 0)
      .toSorted((left, right) => compareNames(left, right))
  }

  /** The label that a name has in NSEC3, computed apart from the code under test. */
  hash(name: DnsName): string {
    const { iterations = 0, salt = new Uint8Array() } = this.#options
    let hash: Uint8Array = wireOfName(name)
    for (let round = 0; round <= iterations; round++) {
      hash = createHash('sha1').update(hash).update(salt).digest()
    }
    return toBase32hex(hash)
  }

  #hashed(): Map<string, DnsName> {
    const { optOut = false } = this.#options
    const listed = this.#names.filter((name) => !(optOut && this.#isUnsignedCut(name)))
    return new Map(listed.map((name) => [this.hash(name), name]))
  }

  #isUnsignedCut(name: DnsName): boolean {
    return this.#cuts().includes(name) && this.records(name, TYPE.DS).length === 0
  }

  /** The NSEC3 of a name that exists. */
  nsec3At(name: DnsName): DnsRecord {
    const hashes = [...this.#hashed().keys()].toSorted()
    const hash = this.hash(name)
    const next = hashes[(hashes.indexOf(hash) + 1) % hashes.length]!
    const { iterations = 0, salt = new Uint8Array(), optOut = false } = this.#options
    const types = this.#typesAt(name)
    const signed = types.length > 0 && !this.#isUnsignedCut(name) ? [...types, TYPE.RRSIG] : types
    const data = Buffer.concat([
      Uint8Array.of(1, optOut ? 1 : 0, iterations >> 8, iterations, salt.length),
      salt,
      Uint8Array.of(20),
      fromBase32hexText(next),
      writeTypeBitmap(signed),
    ])
    const owner = below(hash, this.name)
    return { name: owner, type: TYPE.NSEC3, class: CLASS.IN, ttl: 300, data: Uint8Array.from(data) }
  }

  #covering3(name: DnsName): DnsRecord {
    const hash = this.hash(name)
    const names = this.#hashed()
    const hashes = [...names.keys()].toSorted()
    return this.nsec3At(names.get(hashes.findLast((own) => own < hash) ?? hashes.at(-1)!)!)
  }

  #typesAt(name: DnsName): number[] {
    const types = this.#records.filter((record) => record.name === name).map(({ type }) => type)
    if (!this.#cuts().includes(name)) return [...new Set(types)]
    return [...new Set(types)].filter((type) => type === TYPE.NS || type === TYPE.DS)
  }

  /** Names with records of the zone's own, cuts, and the empty ones between. */
  #ownNames(): DnsName[] {
    const cuts = this.#cuts()
    const names = new Set<DnsName>()
    for (const { name } of this.#records) {
      if (cuts.some((cut) => name !== cut && isAtOrBelowName(name, cut))) continue
      for (let at = name; ; at = parentOf(at)) {
        names.add(at)
        if (at === this.name || at === ROOT) break
      }
    }
    return [...names]
  }

  #encloserOf(name: DnsName): DnsName {
    let at = parentOf(name)
    while (!this.#names.includes(at)) at = parentOf(at)
    return at
  }
}

/** The name one label longer than an ancestor, on the way to a name. */
function closerName(name: DnsName, encloser: DnsName): DnsName {
  let at = name
  while (parentOf(at) !== encloser) at = parentOf(at)
  return at
}

function distinct(records: readonly DnsRecord[]): DnsRecord[] {
  return records.filter(
    (record, index) => records.findIndex(({ name }) => name === record.name) === index,
  )
}

function fromBase32hexText(text: string): Uint8Array {
  const bits = [...text].map((digit) => Number.parseInt(digit, 32).toString(2).padStart(5, '0'))
  return Uint8Array.from(bits.join('').match(/.{8}/g) ?? [], (byte) => Number.parseInt(byte, 2))
}
