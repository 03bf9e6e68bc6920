import { type DnsRecord, type Message, RCODE, readRrsig, readSoa, TYPE } from '../proof.ts'
import {
  FORWARDED_KEPT_BYTES_MAX,
  FORWARDED_KEPT_MAX,
  FORWARDED_KEPT_PER_ASKER_MAX,
  FORWARDED_KEPT_SECONDS_MAX,
} from './limits.ts'

/** Bytes that a record takes beside its data and name: a guess, on the safe side. */
const RECORD_OVERHEAD_BYTES = 160

interface Kept {
  readonly answer: Message
  readonly asker: string
  /** ms since the Unix epoch. */
  readonly storedAt: number
  readonly keptUntil: number
  readonly bytes: number
}

/**
 * Answers of servers as they came, for others who ask the same within a minute. Each is charged to
 * who asked first: who asks for ever new names pushes out what it asked for itself.
 */
export class ForwardedAnswers {
  readonly #kept = new Map<string, Kept>()
  /** Keys by asker, longest unused first. */
  readonly #askers = new Map<string, Set<string>>()
  #bytes = 0

  /** Answers that are kept. */
  get size(): number {
    return this.#kept.size
  }

  /** Bytes of these. */
  get bytes(): number {
    return this.#bytes
  }

  /** What is kept for a question, its TTLs lowered by its age. */
  get(key: string, now: number): Message | undefined {
    const kept = this.#kept.get(key)
    if (kept === undefined) return undefined
    // A clock that was set back makes what is kept look young for ever: it goes as well.
    if (now >= kept.keptUntil || now < kept.storedAt) {
      this.#forget(key)
      return undefined
    }
    const keys = this.#askers.get(kept.asker)
    keys?.delete(key)
    keys?.add(key)
    return aged(kept.answer, Math.floor((now - kept.storedAt) / 1_000))
  }

  /** Keeps an answer as long as all in it may be, if it is one that may. */
  set(key: string, answer: Message, { asker, now }: { asker: string; now: number }): void {
    this.#forget(key)
    const seconds = secondsToKeep(answer, Math.floor(now / 1_000))
    if (seconds <= 0) return
    const bytes = bytesOf(answer)
    const keptUntil = now + seconds * 1_000
    this.#kept.set(key, { answer, asker, storedAt: now, keptUntil, bytes })
    this.#bytes += bytes
    const keys = this.#askers.get(asker) ?? new Set<string>()
    this.#askers.set(asker, keys.add(key))
    if (keys.size > FORWARDED_KEPT_PER_ASKER_MAX) this.#forgetOldest(keys)
    while (this.#kept.size > FORWARDED_KEPT_MAX || this.#bytes > FORWARDED_KEPT_BYTES_MAX) {
      this.#forgetOldest(this.#mostKeys())
    }
  }

  #mostKeys(): Set<string> {
    return [...this.#askers.values()].reduce((most, keys) => (keys.size > most.size ? keys : most))
  }

  #forgetOldest(keys: Set<string>): void {
    const [oldest] = keys
    if (oldest !== undefined) this.#forget(oldest)
  }

  #forget(key: string): void {
    const kept = this.#kept.get(key)
    if (kept === undefined) return
    this.#kept.delete(key)
    this.#bytes -= kept.bytes
    const keys = this.#askers.get(kept.asker)
    keys?.delete(key)
    if (keys?.size === 0) this.#askers.delete(kept.asker)
  }
}

function recordsOf({ answers, authorities, additionals }: Message): readonly DnsRecord[] {
  return [...answers, ...authorities, ...additionals]
}

/** Errors say nothing about a name, and what holds no record says nothing about its time. */
function secondsToKeep(answer: Message, nowSeconds: number): number {
  const { rcode, truncated } = answer
  const isKept = (rcode === RCODE.NOERROR || rcode === RCODE.NXDOMAIN) && !truncated
  const records = isKept ? recordsOf(answer) : []
  if (records.length === 0) return 0
  const times = records.map((record) => secondsOf(record, nowSeconds))
  return Math.min(FORWARDED_KEPT_SECONDS_MAX, ...times)
}

function secondsOf({ type, ttl, data }: DnsRecord, nowSeconds: number): number {
  // RFC 2308, section 5: "The TTL of this record is set from the minimum of the MINIMUM field of the
  // SOA record and the TTL of the SOA itself".
  if (type === TYPE.SOA) return Math.min(ttl, readSoa(data).minimum)
  if (type !== TYPE.RRSIG) return ttl
  // RFC 4035, section 5.3.3: no longer than the original TTL, and than the signature's end, which is
  // a serial number (RFC 4034, section 3.1.5).
  const { originalTtl, expiration } = readRrsig(data)
  return Math.min(ttl, originalTtl, (expiration - nowSeconds) | 0)
}

function aged(answer: Message, seconds: number): Message {
  const age = (records: readonly DnsRecord[]) =>
    records.map((record) => ({ ...record, ttl: Math.max(0, record.ttl - seconds) }))
  const { answers, authorities, additionals } = answer
  return {
    ...answer,
    answers: age(answers),
    authorities: age(authorities),
    additionals: age(additionals),
  }
}

function bytesOf(answer: Message): number {
  return recordsOf(answer).reduce(
    (sum, { name, data }) => sum + name.length + data.length + RECORD_OVERHEAD_BYTES,
    RECORD_OVERHEAD_BYTES,
  )
}
