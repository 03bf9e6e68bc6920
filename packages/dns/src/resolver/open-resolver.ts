import { randomBytes } from 'node:crypto'
import { nodeDnssecCrypto } from '../crypto/node-crypto.ts'
import { rememberingCrypto } from '../crypto/remembering-crypto.ts'
import {
  DnsError,
  isAtOrBelowName,
  TYPE,
  typeName,
  type Asked,
  type Bogus,
  type DnsName,
  type DnssecCrypto,
  type Insecure,
  type Resolution,
  type Secure,
  type ZoneAnchor,
} from '../proof.ts'
import { AnswerCache } from './answer-cache.ts'
import { openDeadline } from './deadline.ts'
import type { RandomBytes } from './exchange.ts'
import { LOOKUP_MS_MAX, LOOKUP_QUESTIONS_MAX, LOOKUPS_MAX, LOOKUPS_RUNNING_MAX } from './limits.ts'
import { lookUp } from './lookup.ts'
import { namesUp } from './names-up.ts'
import { NewestSigned } from './newest-signed.ts'
import type { Resolver, SecureNames, Upstream } from './resolver.ts'
import { SecureNamesInMemory } from './secure-names.ts'
import { SharedLookup } from './shared-lookup.ts'
import { Slots } from './slots.ts'
import { askTrusted } from './trusted-answer.ts'
import { isLoopback, systemUpstreams, UpstreamTable } from './upstreams.ts'
import { ZoneKeys } from './zone-keys.ts'

/** What a resolver rests on, and where it asks. */
export interface ResolverOptions {
  /** The longest zone at or above a name is the only one that counts for it. */
  readonly anchors: readonly ZoneAnchor[]
  /** Default: the name servers of the system, for every name. */
  readonly upstreams?: readonly Upstream[]
  /** ms since the Unix epoch; default: the system's clock. */
  readonly now?: () => number
  /** Ids, spellings: what a spoofer must not guess. Default: `node:crypto`. */
  readonly random?: RandomBytes
  /** Default: `node:crypto`. */
  readonly crypto?: DnssecCrypto
  /** Zones that were secure once; default: in memory. */
  readonly secure?: SecureNames
  /**
   * Believes the AD bit of the upstreams where no anchor covers a name: all that then stands between
   * a forger and us is that resolver. So every upstream has to be on this machine.
   */
  readonly trustAd?: boolean
  /** The port of servers that a zone refers to; default 53. */
  readonly referralPort?: number
  readonly limits?: ResolverLimits
}

/** Bounds of one lookup. */
export interface ResolverLimits {
  /** Default: {@link LOOKUP_MS_MAX}. */
  readonly lookupMs?: number
  /** Default: {@link LOOKUP_QUESTIONS_MAX}. */
  readonly questions?: number
}

/** What a resolver has done so far. */
export interface ResolverCounts {
  lookups: number
  /** Lookups that were answered from what was kept. */
  kept: number
  /** Questions that were put to servers. */
  questions: number
  /** Datagrams from a server's address that answer no query of ours. */
  junk: number
  /** Queries that were put again over TCP. */
  overTcp: number
}

/** A resolver that validates, with what it counted. */
export interface ValidatingResolver extends Resolver {
  readonly counts: Readonly<ResolverCounts>
}

/**
 * Opens a resolver; nothing is asked before it is. Outcomes are kept as long as their TTL, at most an
 * hour, denials a minute, bogus ones a second, and what could not be reached not at all. Equal
 * lookups at the same time are one.
 * @throws DnsError `argument`: an upstream without an IP address or port, `trustAd` with an upstream
 * that is not on this machine
 */
export function openResolver(options: ResolverOptions): ValidatingResolver {
  return new NodeResolver(options)
}

class NodeResolver implements ValidatingResolver {
  readonly counts: ResolverCounts = { lookups: 0, kept: 0, questions: 0, junk: 0, overTcp: 0 }
  readonly #anchors: readonly ZoneAnchor[]
  readonly #now: () => number
  readonly #random: RandomBytes
  readonly #crypto: DnssecCrypto
  readonly #secure: SecureNames
  readonly #trustAd: boolean
  readonly #referralPort: number
  readonly #limits: Required<ResolverLimits>
  readonly #upstreams: UpstreamTable
  readonly #cache = new AnswerCache()
  readonly #zoneKeys = new ZoneKeys()
  readonly #newest = new NewestSigned()
  readonly #running = new Map<string, SharedLookup<Resolution>>()
  readonly #slots = new Slots(LOOKUPS_RUNNING_MAX)
  #closed = false

  constructor(options: ResolverOptions) {
    const upstreams = options.upstreams ?? systemUpstreams()
    this.#trustAd = options.trustAd ?? false
    const away = this.#trustAd && upstreams.find(({ address }) => !isLoopback(address))
    if (away) {
      const why = `${away.address} is not on this machine, so anybody between could set its AD bit`
      throw new DnsError('argument', `Cannot trust the AD bit of an upstream: ${why}`)
    }
    this.#upstreams = new UpstreamTable(upstreams, this.counts)
    this.#anchors = options.anchors
    this.#now = options.now ?? Date.now
    this.#random = options.random ?? ((length) => Uint8Array.from(randomBytes(length)))
    this.#crypto = options.crypto ?? rememberingCrypto(nodeDnssecCrypto())
    this.#secure = options.secure ?? new SecureNamesInMemory()
    this.#referralPort = options.referralPort ?? 53
    this.#limits = {
      lookupMs: LOOKUP_MS_MAX,
      questions: LOOKUP_QUESTIONS_MAX,
      ...options.limits,
    }
  }

  async resolve(
    name: DnsName,
    type: number,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<Resolution> {
    options.signal?.throwIfAborted()
    this.counts.lookups++
    if (this.#closed) return unreachable('The resolver is closed')
    const asked = { name, type }
    const kept = this.#cache.get(asked, this.#now())
    if (kept !== undefined) {
      this.counts.kept++
      return kept
    }
    const key = `${name} ${type}`
    let lookup = this.#running.get(key)
    if (lookup === undefined || lookup.isAbandoned) {
      if (this.#running.size >= LOOKUPS_MAX) {
        return unreachable(`Cannot look up ${name}: ${LOOKUPS_MAX} lookups run, the limit`)
      }
      lookup = this.#start(asked, key)
    }
    return await lookup.wait(options.signal)
  }

  #start(asked: Asked, key: string): SharedLookup<Resolution> {
    const lookup: SharedLookup<Resolution> = new SharedLookup(async (signal) => {
      try {
        const resolution = this.#judge(asked, await this.#look(asked, signal))
        if (!signal.aborted) this.#cache.set(asked, resolution, this.#now())
        return resolution
      } finally {
        if (this.#running.get(key) === lookup) this.#running.delete(key)
      }
    })
    this.#running.set(key, lookup)
    return lookup
  }

  async #look(asked: Asked, outer: AbortSignal): Promise<Resolution> {
    const { lookupMs } = this.#limits
    const what = `${asked.name} ${typeName(asked.type)}`
    using deadline = openDeadline(outer, {
      ms: lookupMs,
      reason: () => new DnsError('unreachable', `Cannot look up ${what} in ${lookupMs} ms`),
    })
    const { signal } = deadline
    try {
      return await this.#slots.run(signal, () => this.#ask(asked, signal))
    } catch (cause) {
      if (!signal.aborted) throw cause
      return unreachable((signal.reason as Error).message)
    }
  }

  async #ask(asked: Asked, signal: AbortSignal): Promise<Resolution> {
    const [now, random] = [this.#now(), this.#random]
    if (this.#trustAd && !this.#isAnchored(asked.name)) {
      const list = this.#upstreams.find(asked)
      if (list !== undefined) return await askTrusted(asked, list, { signal, random, now })
    }
    return await lookUp(asked, {
      upstreams: this.#upstreams,
      random,
      signal,
      questionsMax: this.#limits.questions,
      referralPort: this.#referralPort,
      counts: this.counts,
      context: { anchors: this.#anchors, now, crypto: this.#crypto },
      zoneKeys: this.#zoneKeys,
    })
  }

  #isAnchored(name: DnsName): boolean {
    return this.#anchors.some(({ zone }) => isAtOrBelowName(name, zone))
  }

  /** What earlier answers say of this one. */
  #judge(asked: Asked, resolution: Resolution): Resolution {
    if (resolution.state === 'insecure') return this.#withoutDowngrade(resolution)
    // The word of another resolver teaches us nothing that should outlive it.
    if (resolution.state !== 'secure' || resolution.used.length === 0) return resolution
    if (!this.#newest.admit(resolution, asked.type)) return replayed(resolution)
    for (const zone of zonesOf(resolution)) this.#secure.add(zone)
    this.#zoneKeys.learn(resolution, this.#now())
    return resolution
  }

  /** A zone that was secure once lies where nothing is signed now: somebody took its DS away. */
  #withoutDowngrade(insecure: Insecure): Insecure | Bogus {
    for (const zone of namesUp(insecure.name)) {
      if (zone === insecure.below) break
      if (!this.#secure.has(zone)) continue
      const message =
        `Cannot use ${insecure.name} without signatures: ${zone} was secure before; ` +
        `if its owner took that back, run: ixj trust forget ${zone}`
      return { state: 'bogus', reason: 'downgrade', message, steps: insecure.steps }
    }
    return insecure
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    const reason = new DnsError('unreachable', 'The resolver is closed')
    await Promise.all([...this.#running.values()].map((lookup) => lookup.end(reason)))
    await this.#upstreams[Symbol.asyncDispose]()
  }
}

/** The zones that an answer shows to be secure: its own, and those above it up to the anchor. */
function zonesOf({ used }: Secure): ReadonlySet<DnsName> {
  return new Set(used.filter(({ type }) => type === TYPE.DNSKEY).map(({ name }) => name))
}

function unreachable(message: string): Resolution {
  return { state: 'unreachable', message, steps: [] }
}

function replayed({ name, signedAt, steps }: Secure): Bogus {
  const message =
    `Cannot use the answer for ${name}: it was signed at ${new Date(signedAt).toISOString()}, ` +
    'and a newer one that says something else was seen before'
  return { state: 'bogus', reason: 'replayed', message, steps }
}
