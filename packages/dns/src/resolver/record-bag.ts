import { sameRecord, TYPE, type Asked, type DnsRecord } from '../proof.ts'
import { LOOKUP_RECORDS_MAX } from './limits.ts'

interface Group {
  records: DnsRecord[]
  /** Whether it is the answer to a question for just this name and type. */
  readonly exact: boolean
}

/**
 * The records of one lookup, from several answers. Of one RRset there is one version: two mixed
 * would verify under no signature. The one that was asked for by name and type counts, whatever
 * else came along with other answers; of NSEC and NSEC3 all count, since each of them is a statement
 * of its own, and a zone that denies online makes one for each question.
 */
export class RecordBag {
  readonly #groups = new Map<string, Group>()
  #taken = 0

  /** Adds an answer's records; `asked` is the question that they came for. */
  add(records: readonly DnsRecord[], asked?: Asked): void {
    this.#taken += records.length
    // Counted before anything is compared.
    if (this.isFull) return
    const question = asked === undefined ? undefined : `${asked.name} ${asked.type}`
    const fresh = new Map<string, DnsRecord[]>()
    for (const record of records) {
      const key = keyOf(record)
      const group = fresh.get(key)
      if (group === undefined) fresh.set(key, [record])
      else group.push(record)
    }
    for (const [key, group] of fresh) this.#put(key, group, key === question)
  }

  #put(key: string, records: readonly DnsRecord[], exact: boolean): void {
    const before = this.#groups.get(key)
    const isDenial =
      coveredType(records[0]!) === TYPE.NSEC || coveredType(records[0]!) === TYPE.NSEC3
    if (before !== undefined && !isDenial && (before.exact || !exact)) return
    const kept = isDenial ? [...(before?.records ?? [])] : []
    for (const record of records) {
      if (!kept.some((other) => sameRecord(other, record))) kept.push(record)
    }
    this.#groups.set(key, { records: kept, exact })
  }

  /** Whether it was given more than a lookup may collect; it takes no more then. */
  get isFull(): boolean {
    return this.#taken > LOOKUP_RECORDS_MAX
  }

  records(): readonly DnsRecord[] {
    return [...this.#groups.values()].flatMap((group) => group.records)
  }
}

/** A signature stands with what it covers: they came together and go together. */
function keyOf(record: DnsRecord): string {
  return `${record.name} ${coveredType(record)}`
}

/** The type that a record, or its signature, belongs to. */
export function coveredType({ type, data }: DnsRecord): number {
  return type === TYPE.RRSIG && data.length >= 2 ? (data[0]! << 8) | data[1]! : type
}
