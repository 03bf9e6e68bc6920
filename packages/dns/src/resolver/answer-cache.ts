import type { Asked, Resolution, Secure } from '../proof.ts'
import { LeastRecent } from './least-recent.ts'
import {
  BOGUS_TTL_SECONDS,
  CACHE_BYTES_MAX,
  CACHE_ENTRIES_MAX,
  INSECURE_TTL_SECONDS_MAX,
  NEGATIVE_TTL_SECONDS_MAX,
  POSITIVE_TTL_SECONDS_MAX,
} from './limits.ts'

/** Bytes that a record takes beside its data and name: a guess, on the safe side. */
const RECORD_OVERHEAD_BYTES = 160

interface Kept {
  readonly resolution: Resolution
  /** ms since the Unix epoch. */
  readonly storedAt: number
  readonly keptUntil: number
  readonly bytes: number
}

/** Outcomes of lookups, as long as they may be kept; bounded in entries and bytes. */
export class AnswerCache {
  readonly #entries = new LeastRecent<Kept>(CACHE_ENTRIES_MAX)
  #bytes = 0

  /** What is kept of a name and type, its TTL lowered by its age. */
  get({ name, type }: Asked, now: number): Resolution | undefined {
    const key = `${name} ${type}`
    const kept = this.#entries.get(key)
    if (kept === undefined) return undefined
    // A clock that was set back makes what is kept look young for ever: it goes as well.
    if (now >= kept.keptUntil || now < kept.storedAt) {
      this.#forget(this.#entries.delete(key))
      return undefined
    }
    const { resolution } = kept
    if (resolution.state !== 'secure') return resolution
    return { ...resolution, ttlSeconds: Math.ceil((kept.keptUntil - now) / 1_000) }
  }

  set({ name, type }: Asked, resolution: Resolution, now: number): void {
    const key = `${name} ${type}`
    this.#forget(this.#entries.delete(key))
    const seconds = secondsToKeep(resolution)
    if (seconds <= 0) return
    const end = now + seconds * 1_000
    const keptUntil = resolution.state === 'secure' ? Math.min(end, resolution.expiresAt) : end
    const kept = { resolution, storedAt: now, keptUntil, bytes: bytesOf(resolution) }
    if (kept.bytes > CACHE_BYTES_MAX) return
    this.#bytes += kept.bytes
    this.#forget(this.#entries.set(key, kept))
    while (this.#bytes > CACHE_BYTES_MAX) this.#forget(this.#entries.dropOldest())
  }

  get entries(): number {
    return this.#entries.size
  }

  get bytes(): number {
    return this.#bytes
  }

  #forget(kept: Kept | undefined): void {
    this.#bytes -= kept?.bytes ?? 0
  }
}

/** How long an outcome may be kept, in seconds; 0: not at all. */
function secondsToKeep(resolution: Resolution): number {
  switch (resolution.state) {
    case 'secure':
      return secureSeconds(resolution)
    case 'insecure': {
      const ttls = resolution.records.map(({ ttl }) => ttl)
      return Math.min(INSECURE_TTL_SECONDS_MAX, ...ttls)
    }
    case 'bogus':
      return BOGUS_TTL_SECONDS
    // An outage says nothing about the name, so the next lookup asks again.
    case 'unreachable':
      return 0
  }
}

function secureSeconds(secure: Secure): number {
  if (secure.answer === 'positive') return Math.min(secure.ttlSeconds, POSITIVE_TTL_SECONDS_MAX)
  return Math.min(secure.ttlSeconds, NEGATIVE_TTL_SECONDS_MAX)
}

function bytesOf(resolution: Resolution): number {
  const lists = resolution.state === 'secure' ? [resolution.records, resolution.used] : []
  if (resolution.state === 'insecure') lists.push(resolution.records)
  const words = 'steps' in resolution ? resolution.steps.length * RECORD_OVERHEAD_BYTES : 0
  return lists
    .flat()
    .reduce((sum, { name, data }) => sum + name.length + data.length + RECORD_OVERHEAD_BYTES, words)
}
