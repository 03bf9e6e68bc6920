import { readRrsig, TYPE, type DnsName, type DnsRecord, type Secure } from '../proof.ts'
import { namesUp } from './names-up.ts'
import { LeastRecent } from './least-recent.ts'
import { POSITIVE_TTL_SECONDS_MAX, ZONE_KEYS_MAX } from './limits.ts'
import { coveredType } from './record-bag.ts'

interface Kept {
  readonly records: readonly DnsRecord[]
  /** ms since the Unix epoch. */
  readonly storedAt: number
  readonly keptUntil: number
}

/**
 * DNSKEY and DS sets of validated answers, with which later lookups in the same zones begin. They
 * are validated again each time, so what is wrong here costs a second try and no more.
 */
export class ZoneKeys {
  readonly #entries = new LeastRecent<Kept>(ZONE_KEYS_MAX)

  /** The sets of zones at or above a name that may still be used. */
  above(name: DnsName, now: number): readonly DnsRecord[] {
    const found: DnsRecord[] = []
    for (const zone of namesUp(name)) {
      for (const type of [TYPE.DNSKEY, TYPE.DS]) {
        const kept = this.#entries.get(`${zone} ${type}`)
        if (kept === undefined) continue
        if (now >= kept.storedAt && now < kept.keptUntil) found.push(...kept.records)
        else this.#entries.delete(`${zone} ${type}`)
      }
    }
    return found
  }

  /** Keeps the sets that an answer rests on. */
  learn(secure: Secure, now: number): void {
    const sets = new Map<string, DnsRecord[]>()
    for (const record of secure.used) {
      const type = coveredType(record)
      if (type !== TYPE.DNSKEY && type !== TYPE.DS) continue
      const key = `${record.name} ${type}`
      const set = sets.get(key)
      if (set === undefined) sets.set(key, [record])
      else set.push(record)
    }
    for (const [key, records] of sets) {
      // Those that were taken from here do not get older by being used.
      if (this.#entries.get(key) !== undefined) continue
      const seconds = Math.min(POSITIVE_TTL_SECONDS_MAX, ...records.map(ttlOf))
      const keptUntil = Math.min(now + seconds * 1_000, secure.expiresAt)
      this.#entries.set(key, { records, storedAt: now, keptUntil })
    }
  }

  /** Drops the sets of zones at or above a name. */
  forget(name: DnsName): void {
    for (const zone of namesUp(name)) {
      this.#entries.delete(`${zone} ${TYPE.DNSKEY}`)
      this.#entries.delete(`${zone} ${TYPE.DS}`)
    }
  }
}

/** What was signed, where whoever carried it raised it. */
function ttlOf({ type, ttl, data }: DnsRecord): number {
  return type === TYPE.RRSIG ? Math.min(ttl, readRrsig(data).originalTtl) : ttl
}
