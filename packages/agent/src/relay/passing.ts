import type { Name } from '@ixj/names'
import { toHex, type Sha256 } from '@ixj/trust'
import { AgentError } from '../agent-error.ts'
import type { Clock } from '../clock.ts'
import type { Deliver } from '../deliver/deliver.ts'
import { DirectBundle } from '../deliver/direct-bundle.ts'
import type { AuditTrail } from '../host/audit-trail.ts'
import type { Handover } from '../host/handover.ts'
import type { Identity } from '../host/identity.ts'
import type { HostPart } from '../host/host-part.ts'
import type { Intake } from '../host/intake.ts'
import type { Topics } from '../host/topics.ts'
import type { Exchange } from '../neighbours/exchange.ts'
import type { Neighbours } from '../neighbours/neighbours.ts'
import type { ProofBook } from '../neighbours/proof-book.ts'
import type { Bundle } from '../bundles/bundle.ts'
import type { Trace } from '../pipeline/context.ts'
import { bundleDecision, type Decision } from '../pipeline/decision.ts'
import { judgePassing } from '../pipeline/passing.ts'
import { Budget } from '../pipeline/rate.ts'
import { isCode, type Code } from '../pipeline/verdicts.ts'
import { mayPassLater } from '../sync/passing.ts'
import type { Peer, Verdict } from '../transport.ts'
import type { CarriedTopics } from './carried-topics.ts'
import { PASS_MS_MAX, PASS_SOUGHT_PER_SECOND, PASS_WAITING_MAX, PASSED_KEPT_MAX } from './limits.ts'

/** What of a relay's node its passing on uses. */
export interface PassingNode {
  readonly identity: Pick<Identity, 'name' | 'signer'>
  readonly clock: Clock
  readonly hash: Sha256
  readonly proofs: ProofBook
  readonly handover: Handover
  readonly deliver: Deliver
  readonly intake: Intake
  readonly neighbours: Neighbours
  readonly topics: Topics
  readonly audit: AuditTrail
  record(decision: Decision): void
}

/** What a relay did with bundles for inboxes. */
export interface PassedBundles {
  /** Their host has accepted them. */
  accepted: number
  /** Their host has refused them. */
  refused: number
  /** No host was found, or none has decided in time. */
  undecided: number
  /** Their sender gave them again, and was told what their host had decided. */
  repeated: number
  /** Of those without a host: whoever gave them had too many names looked for, or too many waiting. */
  shed: number
}

/** What became of a bundle that was passed on. */
export interface Passed {
  readonly code: Code | null
  readonly verdict: Verdict
}

interface Outcome extends Passed {
  /** Whether it would be the same the next time. */
  readonly isFinal: boolean
}

/** Whoever gave bundles to be passed on: what it fills is its own. */
interface Giver {
  /** Names that it may have looked for. */
  readonly sought: Budget
  /** Bundles that wait for a host to be found. */
  waiting: number
  /** What became of its last bundles, or will, by the hash of their bytes. */
  readonly passed: Map<string, Promise<Passed>>
}

/**
 * Passes bundles for inboxes on, to pages and from them. Whoever gave one is told what its host has
 * decided, not that the relay has it: what a relay loses is sent again by its sender.
 */
export class Passing implements HostPart {
  readonly counts: PassedBundles = {
    accepted: 0,
    refused: 0,
    undecided: 0,
    repeated: 0,
    shed: 0,
  }
  readonly #node: PassingNode
  readonly #carried: CarriedTopics
  readonly #isPage: (peer: Peer) => boolean
  readonly #givers = new Map<Peer, Giver>()
  /** Names whose hosts are looked for, once for all bundles that wait for them. */
  readonly #seeking = new Map<Name, Promise<boolean>>()

  constructor(node: PassingNode, carried: CarriedTopics, isPage: (peer: Peer) => boolean) {
    this.#node = node
    this.#carried = carried
    this.#isPage = isPage
  }

  gone(peer: Peer): void {
    this.#givers.delete(peer)
  }

  /** Whether a bundle for this inbox, from this neighbour, is passed on instead of taken in. */
  concerns(topic: Name, from: Peer): boolean {
    if (this.#carried.isCarried(topic)) return true
    return this.#isPage(from) && this.#node.topics.opened(topic) === undefined
  }

  /**
   * Passes a bundle on; resolves to what its host has decided. Never rejects for its bytes. What is
   * given again is answered here: its host would hold copies against this relay.
   */
  async pass(bytes: Uint8Array, from: Peer): Promise<Passed> {
    const { passed } = this.#giverOf(from)
    const id = toHex(this.#node.hash(bytes))
    const before = passed.get(id)
    if (before !== undefined) {
      this.counts.repeated += 1
      return await before
    }
    const outcome = this.#passOnce(bytes, from)
    passed.set(id, outcome)
    const [oldest] = passed.keys()
    if (passed.size > PASSED_KEPT_MAX && oldest !== undefined) passed.delete(oldest)
    let isFinal = false
    try {
      const { code, verdict, ...rest } = await outcome
      isFinal = rest.isFinal
      return { code, verdict }
    } finally {
      // A host that was not found, or a proof that was missing, may be there the next time.
      if (!isFinal) passed.delete(id)
    }
  }

  async #passOnce(bytes: Uint8Array, from: Peer): Promise<Outcome> {
    const { intake, identity, clock, audit } = this.#node
    const trace: Trace = {}
    let bundle: Bundle
    try {
      bundle = await judgePassing(bytes, { topic: identity.name, from }, intake.context, trace)
    } catch (cause) {
      trace.leave?.()
      const decision = bundleDecision(trace, clock.now(), cause)
      audit.refused(trace, from, decision)
      this.#node.record(decision)
      return { ...decision, isFinal: false }
    }
    try {
      const code = await this.#deliver(bundle, from)
      if (code === null) this.counts.accepted += 1
      else if (code === undefined) this.counts.undecided += 1
      else this.counts.refused += 1
      // Its word is no reason to blame whoever gave us what we have checked.
      if (code === null) return { code: null, verdict: 'accept', isFinal: true }
      const told = code !== undefined && isCode(code) ? code : 'not-hosted'
      return { code: told, verdict: 'ignore', isFinal: !mayPassLater(told) }
    } finally {
      trace.leave?.()
    }
  }

  /** What its host said; undefined if none has in time. */
  async #deliver({ header, bytes, id }: Bundle, from: Peer): Promise<string | null | undefined> {
    const { clock, proofs, handover, deliver } = this.#node
    const proof = proofs.get(toHex(header.proof))
    if (proof === undefined) return undefined
    const { topic } = header
    const until = Math.min(header.sentAt + header.lifespanMs, clock.now() + PASS_MS_MAX)
    const decided = Promise.withResolvers<string | null | undefined>()
    const cancel = clock.at(until, () => decided.resolve(undefined))
    const bundle = new DirectBundle({
      topic,
      id,
      toReader: header.class === 'task',
      bytes,
      proof,
      until,
      decided: (code) => decided.resolve(code),
      // Gossip has it, or it was given up.
      landed: () => decided.resolve(undefined),
    })
    try {
      const pages = this.#carried.hostsOf(topic)
      if (pages.length > 0) this.#hand(pages, bundle)
      else if (!(await this.#isFound(topic, from, until))) return undefined
      else if (!handover.again(bundle)) deliver.keep(bundle)
      return await decided.promise
    } finally {
      cancel()
      // Whoever sent it sends it again, if it is to be: the relay keeps nothing.
      bundle.land()
    }
  }

  #hand(pages: readonly Exchange[], bundle: DirectBundle): void {
    const { deliver } = this.#node
    let taken = false
    for (const page of pages) {
      page.push(bundle.proof)
      taken = deliver.hand(page.peer, bundle) || taken
    }
    if (!taken) deliver.keep(bundle)
  }

  /** Whether a host is there in time. One name is looked for once, however many bundles wait for it. */
  async #isFound(topic: Name, from: Peer, until: number): Promise<boolean> {
    const { clock, neighbours, handover } = this.#node
    // One that is there already costs nothing.
    if (neighbours.isSought(topic) && handover.hasRoute(topic)) return true
    const giver = this.#giverOf(from)
    const isNew = !neighbours.isSought(topic)
    if (giver.waiting >= PASS_WAITING_MAX || (isNew && !giver.sought.take(1, clock.now()))) {
      this.counts.shed += 1
      return false
    }
    giver.waiting += 1
    const late = Promise.withResolvers<false>()
    const cancel = clock.at(until, () => late.resolve(false))
    try {
      return await Promise.race([this.#seek(topic), late.promise])
    } finally {
      cancel()
      giver.waiting -= 1
    }
  }

  #seek(topic: Name): Promise<boolean> {
    let seeking = this.#seeking.get(topic)
    if (seeking === undefined) {
      seeking = this.#route(topic)
      this.#seeking.set(topic, seeking)
    }
    return seeking
  }

  async #route(topic: Name): Promise<boolean> {
    const { clock, handover } = this.#node
    try {
      await handover.route(topic, clock.now() + PASS_MS_MAX)
      return true
    } catch (cause) {
      if (cause instanceof AgentError && cause.code === 'unreachable') return false
      throw cause
    } finally {
      this.#seeking.delete(topic)
    }
  }

  #giverOf(peer: Peer): Giver {
    let giver = this.#givers.get(peer)
    if (giver === undefined) {
      const sought = new Budget(PASS_SOUGHT_PER_SECOND, this.#node.clock.now())
      giver = { sought, waiting: 0, passed: new Map() }
      this.#givers.set(peer, giver)
    }
    return giver
  }
}
