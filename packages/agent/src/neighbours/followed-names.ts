import type { Name } from '@ixj/names'
import { AgentError } from '../agent-error.ts'
import type { Clock } from '../clock.ts'
import {
  DNSSEC_FETCHES_MAX,
  DNSSEC_FOLLOWED_MAX,
  DNSSEC_REFRESH_MS,
  DNSSEC_RETRY_MS,
} from '../limits.ts'
import { claimIn, isSameClaim } from './published-claim.ts'
import type { ProvenName, ZoneKeyBook, ZoneKeySource } from './zone-keys.ts'

/** Names that proofs of our own rest on: their records are had from the DNS, and kept fresh. */
export class FollowedNames {
  readonly #source: ZoneKeySource | undefined
  readonly #book: ZoneKeyBook
  readonly #clock: Clock
  /** How many follow each name. */
  readonly #followers = new Map<Name, number>()
  readonly #fetching = new Map<Name, Promise<void>>()
  /** When each name was last asked for, ms since the Unix epoch. */
  readonly #askedAt = new Map<Name, number>()

  constructor(source: ZoneKeySource | undefined, book: ZoneKeyBook, clock: Clock) {
    this.#source = source
    this.#book = book
    this.#clock = clock
  }

  /** Whether anybody follows this name. */
  has(name: Name): boolean {
    return this.#followers.has(name)
  }

  /**
   * Has the records of these names at hand, as far as the DNS gives them, and keeps them fresh until
   * the function that it resolves to is called. Names without a zone anchor of ours are left out.
   * @throws AgentError `argument` past {@link DNSSEC_FOLLOWED_MAX} names
   */
  async follow(names: readonly Name[]): Promise<() => void> {
    const own = names.filter((name) => this.#source?.covers(name) === true)
    const others = own.filter((name) => !this.#followers.has(name))
    if (this.#followers.size + others.length > DNSSEC_FOLLOWED_MAX) {
      const limit = `the limit is ${DNSSEC_FOLLOWED_MAX} names`
      throw new AgentError('argument', `Cannot keep the records of ${others[0]} fresh: ${limit}`)
    }
    for (const name of own) this.#followers.set(name, (this.#followers.get(name) ?? 0) + 1)
    let ended = false
    const end = () => {
      if (!ended) for (const name of own) this.#leave(name)
      ended = true
    }
    try {
      const now = this.#clock.now()
      const stale = own.filter((name) => !isFresh(this.#book.newest(name), now))
      await Promise.all(stale.map((name) => this.#fetch(name)))
    } catch (cause) {
      end()
      throw cause
    }
    return end
  }

  /** Asks for what lapses soon, some at a time, and for none too often. @throws what a fetch does */
  async refresh(): Promise<void> {
    const now = this.#clock.now()
    const stale = [...this.#followers.keys()].filter((name) => this.#isDue(name, now))
    const some = stale.slice(0, Math.max(0, DNSSEC_FETCHES_MAX - this.#fetching.size))
    // One name that fails must not hide that others were renewed.
    const outcomes = await Promise.allSettled(some.map((name) => this.#fetch(name)))
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  /**
   * What a proof over these names is made of now, where it was made of `before`: what was good then
   * stays until half of its time is over or newer records say something else. Records that others
   * tell cannot have us make our proofs again and again.
   */
  recordsOf(names: readonly Name[], before: readonly ProvenName[] = []): readonly ProvenName[] {
    const now = this.#clock.now()
    return names.flatMap((name) => {
      const newest = this.#book.newest(name)
      const used = before.find((proven) => proven.name === name)
      if (used !== undefined && newest !== undefined && saysTheSame(used, newest)) {
        if (isFresh(used, now) || used.notAfter >= newest.notAfter) return [used]
      }
      return newest !== undefined && newest.keys.length > 0 && newest.notAfter >= now
        ? [newest]
        : []
    })
  }

  /** Servers sign anew late in a signature's life: until then each question gets the same answer. */
  #isDue(name: Name, now: number): boolean {
    const newest = this.#book.newest(name)
    if (this.#fetching.has(name) || isFresh(newest, now)) return false
    const left = newest === undefined ? 0 : newest.notAfter - now
    const pause = Math.max(DNSSEC_RETRY_MS, left / 8)
    return now >= (this.#askedAt.get(name) ?? -Infinity) + pause
  }

  #leave(name: Name): void {
    const left = (this.#followers.get(name) ?? 1) - 1
    if (left > 0) {
      this.#followers.set(name, left)
      return
    }
    this.#followers.delete(name)
    this.#askedAt.delete(name)
  }

  #fetch(name: Name): Promise<void> {
    const running = this.#fetching.get(name)
    if (running !== undefined) return running
    const fetching = this.#fetchNow(name).finally(() => this.#fetching.delete(name))
    this.#fetching.set(name, fetching)
    return fetching
  }

  async #fetchNow(name: Name): Promise<void> {
    const source = this.#source
    if (source === undefined) return
    this.#askedAt.set(name, this.#clock.now())
    const records = await source.fetch(name)
    if (records === undefined) return
    const { names } = await source.prove(records, this.#clock.now())
    for (const proven of names) {
      this.#book.learn(proven, { asked: proven.name === name, own: this.has(proven.name) })
    }
  }
}

/** Half of the time that is left is time enough to ask again, and again. */
function isFresh(proven: ProvenName | undefined, now: number): boolean {
  if (proven === undefined) return false
  const left = proven.notAfter - now
  return left > Math.max(DNSSEC_REFRESH_MS, (proven.notAfter - proven.signedAt) / 2)
}

function saysTheSame(one: ProvenName, other: ProvenName): boolean {
  if (one === other) return true
  return (
    one.keys.length === other.keys.length &&
    one.keys.every((key) => {
      const claim = claimIn(other, key)
      return claim !== undefined && isSameClaim(claim, key)
    })
  )
}
