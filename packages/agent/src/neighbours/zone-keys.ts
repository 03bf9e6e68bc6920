import type { Name } from '@ixj/names'
import { toHex, type PublishedKey, type Sha256 } from '@ixj/trust'
import type { Clock } from '../clock.ts'
import {
  DNSSEC_CHECKED_MAX,
  DNSSEC_CHECKS_PER_SECOND,
  DNSSEC_FAILED_MS,
  DNSSEC_NAME_MS,
  DNSSEC_NAMES_MAX,
  DNSSEC_OWNERS_MAX,
} from '../limits.ts'
import { Budget } from '../pipeline/rate.ts'
import { Refusal } from '../pipeline/verdicts.ts'
import type { Peer } from '../transport.ts'
import { claimIn, isSameClaim } from './published-claim.ts'

/** What DNSSEC records prove of one name. */
export interface ProvenName {
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

/** What one set of records proved. Its names are kept without their records. */
interface Checked {
  readonly id: string
  readonly names: readonly Pick<ProvenName, 'name' | 'signedAt' | 'keys'>[]
  readonly faults: readonly string[]
  /** What does not hold now may hold later, by its times: then it may be checked again. */
  readonly until: number
}

const NOTHING = { names: [], faults: [] }

/**
 * Keys that DNS publishes, as far as this node has proved them: what each set of records proves, and
 * for each name the newest. What a zone has taken back is not brought back by older records.
 */
export class ZoneKeyBook {
  readonly #source: ZoneKeySource | undefined
  readonly #clock: Clock
  readonly #hash: Sha256
  /** By the SHA-256 of the records; what proves nothing stands apart, and cannot push out the rest. */
  readonly #checked = new Map<string, Checked>()
  readonly #failed = new Map<string, Checked>()
  /** As long as somebody holds the records, nothing pushes out what they proved. */
  readonly #byBytes = new WeakMap<Uint8Array, Checked>()
  /** What records proved, until whoever brought them has proved to be a neighbour. */
  readonly #unlearnt = new WeakMap<Checked, readonly ProvenName[]>()
  readonly #running = new Map<string, Promise<Checked>>()
  readonly #newest = new Map<Name, ProvenName>()
  /** When the zone signed the set that a key was found in. */
  readonly #signedAt = new WeakMap<PublishedKey, number>()
  readonly #strangers: Budget
  readonly #budgets = new Map<Peer, Budget>()

  constructor(source: ZoneKeySource | undefined, clock: Clock, hash: Sha256) {
    this.#source = source
    this.#clock = clock
    this.#hash = hash
    this.#strangers = new Budget(DNSSEC_CHECKS_PER_SECOND, clock.now())
  }

  /**
   * Checks records that somebody gave; each set of them once. A neighbour, and all who are not
   * admitted together (`from` is null), get a number of checks a second, counted before any
   * signature.
   * @throws Refusal `rate`
   */
  async check(records: Uint8Array, from: Peer | null): Promise<void> {
    if (this.#source === undefined) return
    const now = this.#clock.now()
    const known = this.#find(records)
    if (known !== undefined && now < known.until) return
    const id = known?.id ?? this.#idOf(records)
    let running = this.#running.get(id)
    if (running === undefined) {
      if (!this.#budget(from, now).take(1, now)) {
        throw new Refusal('rate', 'Cannot check more DNSSEC records in this second')
      }
      running = this.#prove(id, records, this.#source).finally(() => this.#running.delete(id))
      this.#running.set(id, running)
    }
    this.#byBytes.set(records, await running)
  }

  /**
   * Takes in what records that were checked prove of their names. Not before whoever brought them
   * has proved its own name: a stranger's records fill no table that lasts.
   */
  learnFrom(records: Uint8Array): void {
    const checked = this.#find(records)
    if (checked === undefined) return
    for (const proven of this.#unlearnt.get(checked) ?? []) this.learn(proven, {})
    this.#unlearnt.delete(checked)
  }

  /** What records that were checked prove now: where newer ones are known, what those say counts. */
  proven(records: Uint8Array): {
    readonly published: readonly PublishedKey[]
    readonly unproven: readonly string[]
  } {
    const { names, faults } = this.#find(records) ?? NOTHING
    return { published: names.flatMap((proven) => this.#current(proven)), unproven: faults }
  }

  /** Whether newer records of its name than those that it was found in leave a key out, or change it. */
  isOutvoted(key: PublishedKey): boolean {
    const newest = this.#newest.get(key.name)
    if (newest === undefined || newest.signedAt <= (this.#signedAt.get(key) ?? 0)) return false
    const claim = claimIn(newest, key)
    return claim === undefined || !isSameClaim(claim, key)
  }

  /** The newest records of a name that are known. */
  newest(name: Name): ProvenName | undefined {
    return this.#newest.get(name)
  }

  /** Records that were proved, as one set. @throws what {@link ZoneKeySource.join} does */
  join(parts: readonly ProvenName[]): Uint8Array | undefined {
    if (this.#source === undefined || parts.length === 0) return undefined
    const records = this.#source.join(parts.map((proven) => proven.records))
    const id = this.#idOf(records)
    this.#byBytes.set(records, { id, names: parts, faults: [], until: Infinity })
    return records
  }

  /**
   * Takes in what records prove of a name. Of two, the one signed later counts; of two signed at
   * once, the one that holds longer, or the one that was `asked` for: nobody chose it for us.
   * A full table takes no name that is not `own`, and loses none.
   */
  learn(proven: ProvenName, options: { readonly asked?: boolean; readonly own?: boolean }): void {
    for (const key of proven.keys) this.#signedAt.set(key, proven.signedAt)
    const before = this.#newest.get(proven.name)
    if (before === undefined) {
      if (this.#newest.size >= DNSSEC_NAMES_MAX && options.own !== true) return
    } else {
      const later = options.asked === true || proven.notAfter > before.notAfter
      if (proven.signedAt < before.signedAt) return
      if (proven.signedAt === before.signedAt && !later) return
    }
    this.#newest.set(proven.name, proven)
  }

  /** Forgets names of which no older records can count any more, and their holders do not need. */
  sweep(now: number, isNeeded: (name: Name) => boolean): void {
    for (const [name, { signedAt }] of this.#newest) {
      if (signedAt + DNSSEC_NAME_MS < now && !isNeeded(name)) this.#newest.delete(name)
    }
  }

  async #prove(id: string, records: Uint8Array, source: ZoneKeySource): Promise<Checked> {
    const now = this.#clock.now()
    const { names, faults } = await source.prove(records, now)
    for (const { keys, signedAt } of names) {
      for (const key of keys) this.#signedAt.set(key, signedAt)
    }
    const checked = {
      id,
      names: names.map(({ name, signedAt, keys }) => ({ name, signedAt, keys })),
      faults,
      until: faults.length === 0 ? Infinity : now + DNSSEC_FAILED_MS,
    }
    this.#checked.delete(id)
    this.#failed.delete(id)
    const known = names.length === 0 ? this.#failed : this.#checked
    known.set(id, checked)
    this.#unlearnt.set(checked, names)
    dropOldest(known, DNSSEC_CHECKED_MAX)
    return checked
  }

  #find(records: Uint8Array): Checked | undefined {
    const held = this.#byBytes.get(records)
    if (held !== undefined) return this.#checked.get(held.id) ?? held
    const id = this.#idOf(records)
    const found = this.#checked.get(id) ?? this.#failed.get(id)
    if (found !== undefined) this.#byBytes.set(records, found)
    return found
  }

  #idOf(records: Uint8Array): string {
    return toHex(this.#hash(records))
  }

  /**
   * A key as its name's newest records have it: gone, or allowed less, or more. How long it holds is
   * what its own records say.
   */
  #current({ name, signedAt, keys }: Checked['names'][number]): readonly PublishedKey[] {
    const newest = this.#newest.get(name)
    if (newest === undefined || newest.signedAt <= signedAt) return keys
    return keys.flatMap((key) => {
      const claim = claimIn(newest, key)
      if (claim === undefined) return []
      if (isSameClaim(claim, key)) return [key]
      const changed = { ...claim, notAfter: key.notAfter }
      this.#signedAt.set(changed, newest.signedAt)
      return [changed]
    })
  }

  #budget(from: Peer | null, now: number): Budget {
    if (from === null) return this.#strangers
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
