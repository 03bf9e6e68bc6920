import { DnsError } from '../dns-error.ts'
import { VALIDATION_BYTES_MAX, VALIDATION_RECORDS_MAX } from '../limits.ts'
import type { DnsName } from '../wire/dns-name.ts'
import { readRrsig, type Rrsig } from '../wire/rdata.ts'
import { type DnsRecord, sameRecord } from '../wire/record.ts'
import { CLASS, TYPE } from '../wire/record-type.ts'
import { Refused } from './outcome.ts'

/** The records of one name and type, and the signatures beside them. Nothing is checked yet. */
export interface SignedSet {
  readonly name: DnsName
  readonly type: number
  readonly records: readonly DnsRecord[]
  readonly signatures: readonly Signature[]
}

/** A signature as a record and as what it says. */
export interface Signature {
  readonly record: DnsRecord
  readonly rrsig: Rrsig
}

interface GrowingSet extends SignedSet {
  readonly records: DnsRecord[]
  readonly signatures: Signature[]
}

/** Records in any order, grouped. Equal ones count once; other classes than IN do not count. */
export class RecordBag {
  readonly #sets = new Map<string, GrowingSet>()
  readonly #single = new Map<number, readonly SignedSet[]>()

  /**
   * @throws Refused `budget` for more than {@link VALIDATION_RECORDS_MAX} records or
   * {@link VALIDATION_BYTES_MAX} bytes in them
   */
  constructor(records: readonly DnsRecord[]) {
    if (records.length > VALIDATION_RECORDS_MAX) {
      const count = `${records.length} records, limit ${VALIDATION_RECORDS_MAX}`
      throw new Refused('budget', `Cannot validate ${count}`)
    }
    const bytes = records.reduce((sum, { data }) => sum + data.length, 0)
    if (bytes > VALIDATION_BYTES_MAX) {
      const size = `${bytes} bytes of records, limit ${VALIDATION_BYTES_MAX}`
      throw new Refused('budget', `Cannot validate ${size}`)
    }
    for (const record of records) {
      if (record.class !== CLASS.IN) continue
      if (record.type === TYPE.RRSIG) this.#addSignature(record)
      else {
        const set = this.#set(record.name, record.type)
        if (!set.records.some((other) => sameRecord(other, record))) set.records.push(record)
      }
    }
  }

  /** The records of a name and type; undefined if there is none. */
  find(name: DnsName, type: number): SignedSet | undefined {
    const set = this.#sets.get(`${type} ${name}`)
    return set === undefined || set.records.length === 0 ? undefined : set
  }

  /**
   * All records of a type as sets of one, for NSEC and NSEC3: a name has one, but at a cut the zone
   * above and the child have one each.
   */
  single(type: number): readonly SignedSet[] {
    let single = this.#single.get(type)
    if (single === undefined) {
      single = [...this.#sets.values()]
        .filter((set) => set.type === type)
        .flatMap((set) => set.records.map((record) => ({ ...set, records: [record] })))
      this.#single.set(type, single)
    }
    return single
  }

  #set(name: DnsName, type: number): GrowingSet {
    const key = `${type} ${name}`
    let set = this.#sets.get(key)
    if (set === undefined) {
      set = { name, type, records: [], signatures: [] }
      this.#sets.set(key, set)
    }
    return set
  }

  #addSignature(record: DnsRecord): void {
    let rrsig: Rrsig
    try {
      rrsig = readRrsig(record.data)
    } catch (cause) {
      // Bytes that are no signature prove nothing; others may.
      if (cause instanceof DnsError) return
      throw cause
    }
    const { signatures } = this.#set(record.name, rrsig.typeCovered)
    if (!signatures.some((other) => sameRecord(other.record, record))) {
      signatures.push({ record, rrsig })
    }
  }
}
