import {
  canonicalData,
  type DnsName,
  type DnsRecord,
  parseDnsName,
  parseRecord,
  type ZoneBackend,
  type ZoneCondition,
  type ZoneEdit,
} from '@ixj/dns'

/** A backend under test, on a zone that has its SOA and NS. */
export interface OpenedBackend extends AsyncDisposable {
  readonly backend: ZoneBackend
  /** Records of a name and type as a query gets them; left out where nobody answers queries. */
  readonly ask?: (name: DnsName, type: number) => Promise<readonly DnsRecord[]>
}

let names = 0

/** One test's view of the backend: names of its own, and what is in the zone. */
export class Subject {
  readonly backend: ZoneBackend
  readonly name: DnsName
  readonly #ask: OpenedBackend['ask']

  constructor(opened: OpenedBackend) {
    this.backend = opened.backend
    this.#ask = opened.ask
    this.name = this.at(`w${names++}`)
  }

  at(label: string): DnsName {
    return parseDnsName(`${label}.${this.backend.zone}`)
  }

  below(label: string): DnsName {
    return parseDnsName(`${label}.${this.name}`)
  }

  /** `60 TXT "x"` as an edit that sets it, or several of one type. */
  set(name: DnsName, ...texts: readonly string[]): ZoneEdit & { readonly kind: 'set' } {
    const records = texts.map((text) => parseRecord(`${name}. ${text}`))
    const { type, ttl } = records[0]!
    return { kind: 'set', name, type, ttl, data: records.map(({ data }) => data) }
  }

  async apply(edits: readonly ZoneEdit[], conditions: readonly ZoneCondition[] = []) {
    await this.backend.apply(edits, { conditions })
  }

  /** Data and TTL of an RRset, in the list and in answers, which have to agree. */
  async found(name: DnsName, type: number): Promise<readonly string[]> {
    const listed = (await this.backend.list()).filter(
      (record) => record.name === name && record.type === type,
    )
    const texts = textsOf(listed)
    const answered = this.#ask === undefined ? texts : textsOf(await this.#ask(name, type))
    if (answered.join('\n') === texts.join('\n')) return texts
    throw new Error(`${name}: listed ${texts.join(', ')}, answered ${answered.join(', ')}`)
  }

  async types(name: DnsName): Promise<readonly number[]> {
    const listed = (await this.backend.list()).filter((record) => record.name === name)
    return [...new Set(listed.map(({ type }) => type))].toSorted((left, right) => left - right)
  }

  /** Whether a query gets such a record; true where nobody answers queries. */
  async isSeen(name: DnsName, type: number): Promise<boolean> {
    return this.#ask === undefined || (await this.#ask(name, type)).length > 0
  }
}

/** Data and TTL of records, in one order. */
export function textsOf(records: readonly DnsRecord[]): readonly string[] {
  return records
    .map(
      ({ type, ttl, data }) => `${ttl} ${Buffer.from(canonicalData(type, data)).toString('hex')}`,
    )
    .toSorted()
}

/** The same of TXT records with these strings and a TTL of 60 s. */
export function txt(...values: readonly string[]): readonly string[] {
  return values
    .map((value) => `60 ${Buffer.from([value.length, ...Buffer.from(value)]).toString('hex')}`)
    .toSorted()
}
