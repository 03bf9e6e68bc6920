import type { Name } from '@ixj/names'
import { toHex } from '@ixj/trust'
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
import type { Peer, Verdict } from '../transport.ts'
import type { CarriedTopics } from './carried-topics.ts'
import { PASS_MS_MAX, PASS_SOUGHT_PER_SECOND } from './limits.ts'

/** What of a relay's node its passing on uses. */
export interface PassingNode {
  readonly identity: Pick<Identity, 'name' | 'signer'>
  readonly clock: Clock
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
}

/** What became of a bundle that was passed on. */
export interface Passed {
  readonly code: Code | null
  readonly verdict: Verdict
}

/**
 * Passes bundles for inboxes on, to pages and from them. Whoever gave one is told what its host has
 * decided, not that the relay has it: what a relay loses is sent again by its sender.
 */
export class Passing implements HostPart {
  readonly counts: PassedBundles = { accepted: 0, refused: 0, undecided: 0 }
  readonly #node: PassingNode
  readonly #carried: CarriedTopics
  readonly #isPage: (peer: Peer) => boolean
  /** Names that a page may have looked for. */
  readonly #budgets = new Map<Peer, Budget>()

  constructor(node: PassingNode, carried: CarriedTopics, isPage: (peer: Peer) => boolean) {
    this.#node = node
    this.#carried = carried
    this.#isPage = isPage
  }

  gone(peer: Peer): void {
    this.#budgets.delete(peer)
  }

  /** Whether a bundle for this inbox, from this neighbour, is passed on instead of taken in. */
  concerns(topic: Name, from: Peer): boolean {
    if (this.#carried.isCarried(topic)) return true
    return this.#isPage(from) && this.#node.topics.opened(topic) === undefined
  }

  /** Passes a bundle on; resolves to what its host has decided. Never rejects for its bytes. */
  async pass(bytes: Uint8Array, from: Peer): Promise<Passed> {
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
      return decision
    }
    try {
      const code = await this.#deliver(bundle, from)
      if (code === null) this.counts.accepted += 1
      else if (code === undefined) this.counts.undecided += 1
      else this.counts.refused += 1
      // Its word is no reason to blame whoever gave us what we have checked.
      if (code === null) return { code: null, verdict: 'accept' }
      return { code: code !== undefined && isCode(code) ? code : 'not-hosted', verdict: 'ignore' }
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

  async #isFound(topic: Name, from: Peer, until: number): Promise<boolean> {
    const { clock, handover, neighbours } = this.#node
    const now = clock.now()
    let budget = this.#budgets.get(from)
    if (budget === undefined) {
      budget = new Budget(PASS_SOUGHT_PER_SECOND, now)
      this.#budgets.set(from, budget)
    }
    if (!neighbours.isSought(topic) && !budget.take(1, now)) return false
    try {
      await handover.route(topic, until)
      return true
    } catch (cause) {
      if (cause instanceof AgentError && cause.code === 'unreachable') return false
      throw cause
    }
  }
}
