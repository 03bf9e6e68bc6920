import { CLASS, type DnsName, type DnsRecord, signRrset, TYPE } from '../proof.ts'
import { SIGNATURE_BACKDATE_MS, SIGNATURE_VALIDITY_MS, SIGNATURES_MAX } from './limits.ts'
import { bytesOf, type Rrset, textOfBytes } from './rrset.ts'
import type { ZoneKey } from './zone-key.ts'

/** How a zone is signed. */
export interface ZoneSignerOptions {
  /** From inception to expiration; default {@link SIGNATURE_VALIDITY_MS}. */
  readonly validityMs?: number
  readonly signaturesMax?: number
}

/** Signs RRsets of a zone when they are asked for, and keeps the signatures. */
export class ZoneSigner {
  readonly #zone: DnsName
  readonly #key: ZoneKey
  readonly #aheadMs: number
  readonly #signaturesMax: number
  // An RRset never changes, so its signature holds for as long as the RRset is the zone's.
  //
  // The data of each RRSIG are kept as the RRset's own are, in a string.
  readonly #kept = new Map<Rrset, string>()
  /** Signatures made since the start, and answers that came from those that were kept. */
  made = 0
  reused = 0

  constructor(zone: DnsName, key: ZoneKey, options: ZoneSignerOptions = {}) {
    this.#zone = zone
    this.#key = key
    this.#aheadMs = (options.validityMs ?? SIGNATURE_VALIDITY_MS) - SIGNATURE_BACKDATE_MS
    this.#signaturesMax = options.signaturesMax ?? SIGNATURES_MAX
  }

  /** How long a new signature holds from now on. */
  get aheadMs(): number {
    return this.#aheadMs
  }

  /**
   * The signature over an RRset, kept or new: new when less is left than `leftMs`, by default half
   * of what a new one has.
   */
  signature(rrset: Rrset, now: number, leftMs = this.#aheadMs / 2): DnsRecord {
    const kept = this.#kept.get(rrset)
    // A clock that was set back would leave signatures that have not begun.
    if (kept !== undefined && holds(kept, now, leftMs)) {
      this.reused++
      const { name, ttl } = rrset
      return { name, type: TYPE.RRSIG, class: CLASS.IN, ttl, data: bytesOf(kept) }
    }
    const record = this.signOnce(rrset, now)
    this.#kept.delete(rrset)
    this.#kept.set(rrset, textOfBytes(record.data))
    if (this.#kept.size > this.#signaturesMax) this.#forgetOldest()
    return record
  }

  /** A signature that is not kept: for denials of names that do not exist, of which there is no end. */
  signOnce(rrset: Rrset, now: number): DnsRecord {
    this.made++
    return signRrset(rrset.records, {
      zone: this.#zone,
      key: this.#key.dnskey,
      signer: this.#key.signer,
      inception: now - SIGNATURE_BACKDATE_MS,
      expiration: now + this.#aheadMs,
    })
  }

  /** Called when an RRset is no longer in the zone. */
  forget(rrset: Rrset): void {
    this.#kept.delete(rrset)
  }

  #forgetOldest(): void {
    for (const oldest of this.#kept.keys()) {
      this.#kept.delete(oldest)
      return
    }
  }
}

/** Whether an RRSIG has begun and holds for long enough; its times are in its data, in seconds. */
function holds(rrsig: string, now: number, leftMs: number): boolean {
  const [expiration, inception] = [timeAt(rrsig, 8), timeAt(rrsig, 12)]
  const seconds = Math.floor(now / 1_000)
  // Times are on the circle of serial numbers (RFC 4034 section 3.1.5).
  return ((expiration - seconds) | 0) * 1_000 >= leftMs && ((seconds - inception) | 0) >= 0
}

function timeAt(rrsig: string, offset: number): number {
  let time = 0
  for (let index = offset; index < offset + 4; index++) time = time * 256 + rrsig.charCodeAt(index)
  return time
}
