import type { Name } from '@ixj/names'
import { equalBytes, toHex, type PublishedKey, type Sha256 } from '@ixj/trust'
import type { Clock } from '../clock.ts'
import {
  DNSSEC_CHECKED_MAX,
  DNSSEC_CHECKS_PER_SECOND,
  DNSSEC_NAMES_MAX,
  DNSSEC_OWNERS_MAX,
  DNSSEC_REFRESH_MS,
} from '../limits.ts'
import { Budget } from '../pipeline/rate.ts'
import { Refusal } from '../pipeline/verdicts.ts'
import type { Peer } from '../transport.ts'

/** What DNSSEC records prove of one name. */
export interface ProvenName {
  readonly name: Name
  /** When the zone signed it, ms since the Unix epoch: of two, the newer counts. */
  readonly signedAt: number
  /** When its records lapse, ms. */
  readonly notAfter: number
  /** Empty where the zone proves that it publishes none. */
  readonly keys: readonly PublishedKey[]
  /** The records of this name alone. */
  readonly records: Uint8Array
}

/** What records prove against this node's zone anchors, and why the rest of them does not. */
export interface ZoneProof {
  readonly names: readonly ProvenName[]
  readonly faults: readonly string[]
}

/** The DNS, as a node gives it to its host: what it checks with, and whom it asks. */
export interface ZoneKeySource {
  /** Never throws for what the records say. */
  prove(records: Uint8Array, now: number): Promise<ZoneProof>
  /** The records of several names as one. @throws what is too much for one proof */
  join(chains: readonly Uint8Array[]): Uint8Array
  /** Whether a zone anchor of ours is the one that counts for this name. */
  covers(name: Name): boolean
  /** The records of a name from the DNS; undefined if nobody could be asked, or nothing is there. */
  fetch(name: Name): Promise<Uint8Array | undefined>
}

interface Checked {
  readonly keys: readonly PublishedKey[]
  readonly faults: readonly string[]
}

const NOTHING: Checked = { keys: [], faults: [] }

/**
 * Keys that DNS publishes, as far as this node has proved them: what each set of records proves, and
 * for each name the newest. A zone that has taken a key back is not outvoted by older records.
 */
export class ZoneKeyBook {
  readonly #source: ZoneKeySource | undefined
  readonly #clock: Clock
  readonly #hash: Sha256
  /** By the SHA-256 of the records; what proves nothing stands apart, and cannot push out the rest. */
  readonly #checked = new Map<string, Checked>()
  readonly #failed = new Map<string, Checked>()
  readonly #byBytes = new WeakMap<Uint8Array, Checked>()
  readonly #newest = new Map<Name, ProvenName>()
  readonly #budgets = new Map<string, Budget>()
  /** Names whose records we keep fresh, since our own proofs rest on them. */
  readonly #followed = new Set<Name>()
  readonly #fetching = new Map<Name, Promise<boolean>>()
  #version = 0

  constructor(source: ZoneKeySource | undefined, clock: Clock, hash: Sha256) {
    this.#source = source
    this.#clock = clock
    this.#hash = hash
  }

  /** Rises whenever newer records of any name have come. */
  get version(): number {
    return this.#version
  }

  /** Whether a zone anchor of ours is the one that counts for this name. */
  covers(name: Name): boolean {
    return this.#source?.covers(name) ?? false
  }

  /**
   * Checks records that somebody gave; each set of them once. A neighbour, and all who are not
   * admitted together, get a number of checks a second, counted before any signature.
   * @throws Refusal `rate`
   */
  async check(records: Uint8Array, from: Peer | null): Promise<void> {
    if (this.#source === undefined || this.#find(records) !== undefined) return
    const now = this.#clock.now()
    if (!this.#budget(from ?? '', now).take(1, now)) {
      throw new Refusal('rate', 'Cannot check more DNSSEC records in this second')
    }
    const { names, faults } = await this.#source.prove(records, now)
    for (const proven of names) this.#learn(proven)
    const known = names.length === 0 ? this.#failed : this.#checked
    known.set(this.#idOf(records), { keys: names.flatMap(({ keys }) => keys), faults })
    dropOldest(known, DNSSEC_CHECKED_MAX)
  }

  /** What records that were checked prove now. */
  proven(records: Uint8Array): {
    readonly published: readonly PublishedKey[]
    readonly unproven: readonly string[]
  } {
    const { keys, faults } = this.#find(records) ?? NOTHING
    const published = keys.filter((key) => this.#isCurrent(key))
    return { published, unproven: faults }
  }

  /** The records at hand for these names, as one; undefined where there are none. */
  recordsFor(names: readonly Name[]): Uint8Array | undefined {
    if (this.#source === undefined) return undefined
    const now = this.#clock.now()
    const found = names.flatMap((name) => {
      const proven = this.#newest.get(name)
      return proven !== undefined && proven.keys.length > 0 && proven.notAfter > now ? [proven] : []
    })
    if (found.length === 0) return undefined
    const records = this.#source.join(found.map((proven) => proven.records))
    this.#byBytes.set(records, { keys: found.flatMap(({ keys }) => keys), faults: [] })
    return records
  }

  /** Has the records of these names at hand, as far as the DNS gives them, and keeps them fresh. */
  async follow(names: readonly Name[]): Promise<void> {
    const own = names.filter((name) => this.covers(name))
    for (const name of own) this.#followed.add(name)
    await Promise.all(own.filter((name) => !this.#isFresh(name)).map((name) => this.#fetch(name)))
  }

  /** Fetches what lapses soon; resolves to whether anything is newer than before. */
  async refresh(): Promise<boolean> {
    const stale = [...this.#followed].filter((name) => !this.#isFresh(name))
    const renewed = await Promise.all(stale.map((name) => this.#fetch(name)))
    return renewed.includes(true)
  }

  #find(records: Uint8Array): Checked | undefined {
    const known = this.#byBytes.get(records)
    if (known !== undefined) return known
    const id = this.#idOf(records)
    const found = this.#checked.get(id) ?? this.#failed.get(id)
    if (found !== undefined) this.#byBytes.set(records, found)
    return found
  }

  #idOf(records: Uint8Array): string {
    return toHex(this.#hash(records))
  }

  /** Half of the time that is left is time enough to ask again, and again. */
  #isFresh(name: Name): boolean {
    const proven = this.#newest.get(name)
    if (proven === undefined) return false
    const left = proven.notAfter - this.#clock.now()
    return left > Math.max(DNSSEC_REFRESH_MS, (proven.notAfter - proven.signedAt) / 2)
  }

  #fetch(name: Name): Promise<boolean> {
    const running = this.#fetching.get(name)
    if (running !== undefined) return running
    const fetching = this.#fetchNow(name).finally(() => this.#fetching.delete(name))
    this.#fetching.set(name, fetching)
    return fetching
  }

  async #fetchNow(name: Name): Promise<boolean> {
    const before = this.#newest.get(name)?.signedAt
    const records = await this.#source?.fetch(name)
    if (records === undefined || this.#source === undefined) return false
    const { names } = await this.#source.prove(records, this.#clock.now())
    for (const proven of names) this.#learn(proven)
    return this.#newest.get(name)?.signedAt !== before
  }

  #learn(proven: ProvenName): void {
    const before = this.#newest.get(proven.name)
    if (before !== undefined && before.signedAt >= proven.signedAt) return
    this.#newest.delete(proven.name)
    this.#newest.set(proven.name, proven)
    this.#version += 1
    dropOldest(this.#newest, DNSSEC_NAMES_MAX)
  }

  /** A key that newer records of its name leave out was taken back. */
  #isCurrent(key: PublishedKey): boolean {
    const newest = this.#newest.get(key.name)
    return newest === undefined || newest.keys.some((other) => equalBytes(other.key, key.key))
  }

  #budget(from: string, now: number): Budget {
    const known = this.#budgets.get(from)
    if (known !== undefined) return known
    const budget = new Budget(DNSSEC_CHECKS_PER_SECOND, now)
    this.#budgets.set(from, budget)
    dropOldest(this.#budgets, DNSSEC_OWNERS_MAX)
    return budget
  }
}

function dropOldest(map: Map<unknown, unknown>, limit: number): void {
  const oldest = map.keys().next()
  if (map.size > limit && oldest.done !== true) map.delete(oldest.value)
}
