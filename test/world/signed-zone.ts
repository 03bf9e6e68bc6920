import {
  CLASS,
  dnskeyOf,
  type DnsName,
  type DnsRecord,
  dsOf,
  encodeChain,
  formatRecord,
  isAtOrBelowName,
  keyOwner,
  type KeyRecord,
  nodeDnssecCrypto,
  parseDnsName,
  parseZoneAnchors,
  type Resolution,
  type Resolver,
  signRrset,
  TYPE,
  unproven,
  validate,
  writeKeyRecord,
  writeTxt,
} from '@ixj/dns'
import type { ZoneKeySource } from '@ixj/agent'
import { concatBytes, utf8Bytes, type AnchorFields, type AnchorSet, type Signer } from '@ixj/trust'
import { openZoneKeySource } from '../../packages/node/src/dns/zone-key-source.ts'
import { name, type World } from './world.ts'

const HOUR_MS = 3_600_000

/** One `_ixjkey` record; what is left out is as in a record of a name that signs and binds. */
export type PublishedRecord = Pick<KeyRecord, 'key'> & Partial<KeyRecord>

/** How a zone signs. */
export interface SignedZoneOptions {
  /** From inception to expiration; default 4 hours. */
  readonly validityMs?: number
  /** How far before the clock a signature begins; default none. */
  readonly backdateMs?: number
  /** The zone that delegates this one. */
  readonly parent?: SignedZone
}

/**
 * A zone with one Ed25519 key, signed in memory by the world's clock, and a resolver that answers
 * from it. What was given away stays as it was: a test can play it again.
 */
export class SignedZone implements Resolver {
  readonly zone: DnsName
  readonly signer: Signer
  readonly dnskey: DnsRecord
  /** How often it was asked. */
  asked = 0
  /** Whether it answers. */
  up = true
  readonly #world: World
  readonly #validityMs: number
  readonly #backdateMs: number
  readonly #parent: SignedZone | undefined
  readonly #sets = new Map<string, { records: readonly DnsRecord[]; rrsig: DnsRecord }>()

  constructor(world: World, zone: string, options: SignedZoneOptions = {}) {
    this.#world = world
    this.zone = parseDnsName(zone)
    this.signer = world.key()
    this.#validityMs = options.validityMs ?? 4 * HOUR_MS
    this.#backdateMs = options.backdateMs ?? 0
    this.#parent = options.parent
    this.dnskey = dnskeyOf(this.zone, { publicKey: this.signer.publicKey, ttl: 300 })
    this.#put([this.dnskey])
    this.#parent?.delegate(this)
  }

  /** The anchor that a verifier trusts this zone by, for everything unless told otherwise. */
  anchor(purposes: AnchorFields['purposes'] = ['connect', 'grant', 'send']): AnchorFields {
    const [, , , ...fields] = formatRecord(this.dnskey).split(' ')
    return {
      name: name(this.zone),
      kind: 'zone',
      records: [fields.join(' ')],
      ...(purposes === undefined ? {} : { purposes }),
    }
  }

  /** Publishes the keys of a name, in place of what was there. */
  publish(owner: string, ...records: readonly PublishedRecord[]): void {
    const data = records.map((record) =>
      writeKeyRecord({
        uses: 'both',
        depth: 4,
        strict: false,
        notBefore: 0,
        encryptionKey: null,
        next: null,
        hosts: [],
        ...record,
      }),
    )
    this.write(owner, ...data)
  }

  /** Publishes TXT data at a name's place for keys, whatever they are. */
  write(owner: string, ...data: readonly Uint8Array[]): void {
    const at = keyOwner(name(owner))
    this.#put(data.map((each) => ({ ...recordAt(at), type: TYPE.TXT, data: each })))
  }

  /** Takes the keys of a name away. */
  remove(owner: string): void {
    this.#sets.delete(`${TYPE.TXT} ${keyOwner(name(owner))}`)
  }

  /** Signs the zone's key and these names again, now; by default everything, the zones above too. */
  renew(...owners: readonly string[]): void {
    const chosen = new Set(owners.map((owner) => `${TYPE.TXT} ${keyOwner(name(owner))}`))
    for (const [place, { records }] of this.#sets) {
      const isChosen = owners.length === 0 || chosen.has(place) || records[0]?.type !== TYPE.TXT
      if (isChosen) this.#put(records)
    }
    this.#parent?.renew()
  }

  /** Puts the DS of a zone below. */
  delegate(child: SignedZone): void {
    this.#put([dsOf(child.dnskey)])
  }

  /** The records that lead to the keys of these names, as one set of bytes. */
  chain(...owners: readonly string[]): Uint8Array {
    const keys = owners.flatMap((owner) => this.#of(keyOwner(name(owner)), TYPE.TXT))
    return encodeChain([...keys, ...this.zoneRecords()])
  }

  /** The same with a record of no meaning at their end. */
  chainWith(text: string, ...owners: readonly string[]): Uint8Array {
    const data = writeTxt(utf8Bytes(text))
    const record = { ...recordAt(parseDnsName(`junk.${this.zone}`)), type: TYPE.TXT, data }
    return concatBytes(this.chain(...owners), encodeChain([record]))
  }

  /** The records of the zone's own key, up to the zone at the top. */
  zoneRecords(): readonly DnsRecord[] {
    const own = this.#of(this.zone, TYPE.DNSKEY)
    const parent = this.#parent
    if (parent === undefined) return own
    return [...own, ...parent.#of(this.zone, TYPE.DS), ...parent.zoneRecords()]
  }

  async resolve(owner: DnsName, type: number): Promise<Resolution> {
    this.asked += 1
    if (!isAtOrBelowName(owner, this.zone) && this.#parent !== undefined) {
      return await this.#parent.resolve(owner, type)
    }
    if (!this.up || !isAtOrBelowName(owner, this.zone)) {
      return { state: 'unreachable', message: 'nobody answers', steps: [] }
    }
    const records = [...this.#of(owner, type), ...this.zoneRecords()]
    const top = this.#top()
    const validation = await validate({ name: owner, type }, records, {
      anchors: parseZoneAnchors(formatRecord(top.dnskey)),
      now: this.#world.clock.now(),
      crypto: nodeDnssecCrypto(),
    })
    return validation.state === 'incomplete' ? unproven(validation) : validation
  }

  /** What a host needs of the DNS: the node's own, over this zone. */
  source = (anchors: AnchorSet): ZoneKeySource => openZoneKeySource(anchors, { resolver: this })

  async [Symbol.asyncDispose](): Promise<void> {
    this.up = false
  }

  #top(): SignedZone {
    return this.#parent === undefined ? this : this.#parent.#top()
  }

  #of(owner: DnsName, type: number): readonly DnsRecord[] {
    const set = this.#sets.get(`${type} ${owner}`)
    return set === undefined ? [] : [...set.records, set.rrsig]
  }

  #put(records: readonly DnsRecord[]): void {
    const [first] = records
    if (first === undefined) throw new Error('A set without records cannot be published')
    const inception = this.#world.clock.now() - this.#backdateMs
    const signer = { sign: (data: Uint8Array) => this.signer.sign(data) as Uint8Array }
    const rrsig = signRrset(records, {
      zone: this.zone,
      key: this.dnskey,
      signer: { publicKey: this.signer.publicKey, ...signer },
      inception,
      expiration: inception + this.#validityMs,
    })
    this.#sets.set(`${first.type} ${first.name}`, { records, rrsig })
  }
}

function recordAt(owner: DnsName): Pick<DnsRecord, 'name' | 'class' | 'ttl'> {
  return { name: owner, class: CLASS.IN, ttl: 300 }
}
