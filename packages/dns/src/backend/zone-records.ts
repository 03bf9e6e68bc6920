import {
  CLASS,
  DnsError,
  formatRecord,
  parseRecord,
  readSoa,
  sameRecord,
  TYPE,
  typeName,
  writeSoa,
  type DnsName,
  type DnsRecord,
} from '../proof.ts'
import { nextSerial } from '../server/serial.ts'
import type { ZoneCondition, ZoneEdit } from './zone-backend.ts'

/** Records of a signed zone: a change would leave them false. */
const signatures = new Set<number>([TYPE.RRSIG, TYPE.NSEC, TYPE.NSEC3])

/** The records of one zone by name, and what may be done to them. */
export class ZoneRecords {
  readonly zone: DnsName
  readonly #byName = new Map<DnsName, readonly DnsRecord[]>()

  /** @throws DnsError `zone` unless it is the unsigned content of a zone: one SOA, at least one NS */
  constructor(zone: DnsName, records: readonly DnsRecord[]) {
    this.zone = zone
    for (const record of records) {
      if (signatures.has(record.type)) {
        throw new DnsError(
          'zone',
          `Cannot keep ${zone}: it is signed, and changes would break that`,
        )
      }
      this.#add(record)
    }
    const soas = records.filter(({ type }) => type === TYPE.SOA)
    const [soa] = soas
    if (soa === undefined || soa.name !== zone || soas.length > 1) {
      throw new DnsError('zone', `Cannot keep ${zone}: it has ${soas.length} SOA, must be its own`)
    }
    if (!this.#has(zone, TYPE.NS)) throw new DnsError('zone', `Cannot keep ${zone}: it has no NS`)
  }

  all(): readonly DnsRecord[] {
    return [...this.#byName.values()].flat()
  }

  /** @throws DnsError `zone` */
  check({ kind, name, type }: ZoneCondition): void {
    if (this.#has(name, type) === (kind === 'present')) return
    const what = type === undefined ? name : `${name} ${typeName(type)}`
    throw new DnsError('zone', `Cannot change ${this.zone}: ${what} is not ${kind}`)
  }

  /** Makes edits, and raises the serial. @throws DnsError `record`, `zone` */
  edit(edits: readonly ZoneEdit[]): void {
    const serial = nextSerial(readSoa(this.#soa().data).serial)
    for (const edit of edits) {
      this.#remove(edit)
      if (edit.kind === 'set') this.#set(edit)
    }
    for (const { name } of edits) this.#checkAlias(name)
    const soa = this.#soa()
    const data = writeSoa({ ...readSoa(soa.data), serial })
    this.#remove({ kind: 'remove', name: this.zone, type: TYPE.SOA })
    this.#add({ ...soa, data })
  }

  #soa(): DnsRecord {
    return this.#at(this.zone).find(({ type }) => type === TYPE.SOA)!
  }

  #at(name: DnsName): readonly DnsRecord[] {
    return this.#byName.get(name) ?? []
  }

  #has(name: DnsName, type: number | undefined): boolean {
    return this.#at(name).some((record) => type === undefined || record.type === type)
  }

  /** Everything but the zone's own SOA and NS, if no type is said (RFC 2136 section 3.4.2.3). */
  #remove({ name, type }: ZoneEdit): void {
    const isVital = (other: number) =>
      name === this.zone && (other === TYPE.SOA || other === TYPE.NS)
    const left = this.#at(name).filter((record) =>
      type === undefined ? isVital(record.type) : record.type !== type,
    )
    if (left.length === 0) this.#byName.delete(name)
    else this.#byName.set(name, left)
  }

  #set({ name, type, ttl, data }: ZoneEdit & { readonly kind: 'set' }): void {
    for (const bytes of data) {
      const record = { name, type, class: CLASS.IN, ttl, data: Uint8Array.from(bytes) }
      // What cannot be read back must not get into the file.
      this.#add(parseRecord(formatRecord(record)))
    }
  }

  #add(record: DnsRecord): void {
    const before = this.#at(record.name)
    if (before.some((other) => sameRecord(other, record))) return
    this.#byName.set(record.name, [...before, record])
  }

  /** An alias stands alone at its name (RFC 2181 section 10.1). */
  #checkAlias(name: DnsName): void {
    if (this.#has(name, TYPE.CNAME) && this.#at(name).length > 1) {
      throw new DnsError(
        'zone',
        `Cannot change ${this.zone}: ${name} has a CNAME and other records`,
      )
    }
  }
}
