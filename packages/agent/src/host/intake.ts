import type { Name } from '@ixj/names'
import {
  SKEW_MS,
  toHex,
  VerifiedTrees,
  type PublishedKey,
  type Sha256,
  type StatementStore,
  type Verifier,
} from '@ixj/trust'
import type { UsedApprovals } from '../approvals/used-approvals.ts'
import { decodeBundle, type Bundle } from '../bundles/bundle.ts'
import type { Header } from '../bundles/header.ts'
import type { BundleKeeper } from '../history/bundle-keeper.ts'
import type { Origin } from '../history/history-rows.ts'
import type { Clock } from '../clock.ts'
import { STRANGER_CHECKS_PER_SECOND } from '../limits.ts'
import type { Exchange } from '../neighbours/exchange.ts'
import type { ProofBook } from '../neighbours/proof-book.ts'
import { asOf, contextOf } from '../pipeline/as-of.ts'
import { judgeCarried } from '../pipeline/carried.ts'
import { ChainCache } from '../pipeline/chain-cache.ts'
import type { ClockOffsets } from '../pipeline/clock-offset.ts'
import { bundleDecision, codeOf, type Decision } from '../pipeline/decision.ts'
import { KeptFreshness } from '../pipeline/kept-freshness.ts'
import { GrantBudgets } from '../pipeline/grant-budgets.ts'
import { Order } from '../pipeline/order.ts'
import { hasEnded, judge } from '../pipeline/pipeline.ts'
import { judgeHistorical } from '../pipeline/historical.ts'
import type { Accepted, Carrier, PipelineContext, Trace } from '../pipeline/context.ts'
import type { Policy } from '../pipeline/policy.ts'
import { Budget } from '../pipeline/rate.ts'
import { ReplayTable, type Evidence, type Place } from '../pipeline/replay.ts'
import { NO_JOURNAL, type ReplayJournal } from '../pipeline/replay-journal.ts'
import { StateTable } from '../pipeline/state-table.ts'
import { NO_TASKS, type TaskGate } from '../tasks/task-gate.ts'
import type { TrustState } from '../revoked/trust-state.ts'
import { Refusal } from '../pipeline/verdicts.ts'
import type { Opening } from '../sealing/opened-messages.ts'
import type { SharedStates } from '../state/shared-states.ts'
import type { Peer } from '../transport.ts'
import type { AuditTrail } from './audit-trail.ts'
import { IntakeLoad } from './intake-load.ts'
import type { Topics } from './topics.ts'
import { UsedStatements } from './used-statements.ts'

/** What a node's intake of bundles needs of it. */
export interface IntakeOptions {
  readonly node: Name
  readonly ownOrganisation: Name
  readonly clock: Clock
  readonly verifier: Verifier
  readonly hash: Sha256
  readonly trust: TrustState
  readonly policy: Policy
  readonly topics: Topics
  readonly proofs: ProofBook
  readonly statements: StatementStore
  readonly usedApprovals: UsedApprovals
  readonly offsets: ClockOffsets
  readonly states: SharedStates | undefined
  readonly secrets: Opening['secrets']
  /** The node that is known to host a group's member of this name and key. */
  hostOf(header: Header): Name | undefined
  readonly tasks: TaskGate
  neighbour(peer: Peer | null): Exchange | undefined
  /** Whether newer records of the DNS take a key back. */
  isOutvoted(key: PublishedKey): boolean
  readonly audit: AuditTrail
  readonly journal: ReplayJournal
  /** Where bundles are kept; there when the first comes. */
  keeper(): BundleKeeper
  /** A topic has a gap. */
  missed(topic: Name): void
  record(decision: Decision): void
}

/** What became of a bundle that was missed and asked for. */
export interface Repaired {
  readonly decision: Decision
  /** Its proof does not hold any more: whether it counts is a keeper's word. */
  readonly hasLapsed: boolean
}

/** Takes in bundles: the pipeline's verdict, then delivery in the order of their streams. */
export class Intake {
  readonly #options: IntakeOptions
  /** What its pipeline reads and asks. */
  readonly context: PipelineContext
  readonly #order: Order
  readonly #used: UsedStatements
  /** What waits for its verdict. */
  readonly load = new IntakeLoad()

  constructor(options: IntakeOptions) {
    this.#options = options
    this.#order = new Order(options.clock)
    this.#used = new UsedStatements(options)
    const { node, ownOrganisation, clock, verifier, hash, trust, policy, topics } = options
    const { usedApprovals, tasks } = options
    const grantBudgets = new GrantBudgets()
    const ownStrangers = new Budget(STRANGER_CHECKS_PER_SECOND, clock.now())
    this.context = {
      node,
      ownOrganisation,
      clock,
      verifier,
      hash,
      trust,
      policy,
      generation: () => trust.generation,
      replay: new ReplayTable((stream) => this.#order.end(stream)),
      journal: options.journal,
      states: new StateTable(),
      offsets: options.offsets,
      hostOf: (header) => options.hostOf(header),
      usedApprovals,
      freshness: new KeptFreshness(),
      trees: new VerifiedTrees('bundle-tree'),
      tasks,
      chains: new ChainCache(
        (key) => options.isOutvoted(key),
        () => trust.generation,
      ),
      carries: (idText) => options.keeper().carries(idText),
      enter: (bundle, carrier) => this.#enter(bundle, carrier),
      opened: (topic) => topics.opened(topic),
      takes: (topic, action) => topics.sinks(topic).some((sink) => sink.takes.includes(action)),
      material: (bundle, carrier) => this.#material(bundle, carrier),
      opening: (topic) => ({
        get keys() {
          return topics.openingKeys(topic)
        },
        secrets: options.secrets,
        hash,
      }),
      strangers: (from) => options.neighbour(from)?.strangers ?? ownStrangers,
      grantBudget: (grantId, perSecond) => grantBudgets.of(grantId, perSecond),
      checkWritable: (header) => options.audit.checkWritable(header),
      awaits: (header) => topics.sinks(header.topic).some((sink) => sink.awaits(header)),
      asked: (header, part) => topics.sinks(header.topic).some((sink) => sink.asked(header, part)),
    }
  }

  /** Bundles that the replay table remembers. */
  get placesTaken(): number {
    return this.context.replay.size
  }

  /** What is known against keys that signed two bundles for one place. */
  get evidence(): ReplayTable['evidence'] {
    return this.context.replay.evidence
  }

  /** What was taken, and whose keys were caught, before this node was opened; called once, first. */
  restore(places: readonly Place[], convicted: readonly Evidence[]): void {
    const { replay } = this.context
    for (const evidence of convicted) replay.convict(evidence)
    for (const place of places) replay.restore(place)
  }

  /**
   * Decides about a bundle that was missed and asked for: delivered while it lives, and kept as
   * history afterwards. `vouched` is when a keeper of history had it, if one says so. Never throws.
   */
  async repair(
    bytes: Uint8Array,
    carrier: Carrier,
    vouched: (bundle: Bundle, carrier: Carrier) => Promise<number | null>,
  ): Promise<Repaired> {
    const repaired = { ...carrier, isRepaired: true }
    const { header } = decodeBundle(bytes, this.context.hash)
    if (!hasEnded(header, repaired, this.context)) {
      const decision = await this.take(bytes, repaired)
      const { code } = decision
      if (code !== 'lifespan' && code !== 'expired') return { decision, hasLapsed: false }
    }
    return await this.#decideHistorical(bytes, repaired, vouched)
  }

  async #decideHistorical(
    bytes: Uint8Array,
    carrier: Carrier,
    vouched: (bundle: Bundle, carrier: Carrier) => Promise<number | null>,
  ): Promise<Repaired> {
    const now = this.context.clock.now()
    let trace: Trace = {}
    let origin: Origin = 'historical'
    let hasLapsed = false
    try {
      let accepted: Accepted
      try {
        accepted = await judgeHistorical(bytes, carrier, this.context, trace)
      } catch (cause) {
        hasLapsed = codeOf(cause) === 'expired'
        const at = hasLapsed && trace.bundle ? await vouched(trace.bundle, carrier) : null
        if (at === null) throw cause
        // "If its proof has lapsed too, it is believed only if a `keep` holder attests."
        trace = {}
        origin = 'attested'
        accepted = await judgeHistorical(bytes, carrier, asOf(at, this.context), trace)
      }
      this.#used.keep(accepted)
      const decision = bundleDecision(trace, now)
      const safe = this.#options.audit.accepted(trace, carrier.from, decision)
      if (safe !== undefined) await safe
      this.#options.record(decision)
      this.#options.keeper().keep(accepted, origin)
      const { header } = accepted.bundle
      for (const sink of this.#options.topics.audience(header)) sink.remember?.(accepted)
      return { decision, hasLapsed }
    } catch (cause) {
      const decision = bundleDecision(trace, now, await this.#carried(trace, carrier, cause))
      this.#options.audit.refused(trace, carrier.from, decision)
      this.#options.record(decision)
      return { decision, hasLapsed }
    }
  }

  /** Decides about a bundle and delivers it if it is accepted. Never throws. */
  async take(bytes: Uint8Array, carrier: Carrier): Promise<Decision> {
    const trace: Trace = {}
    try {
      const accepted = await judge(bytes, carrier, contextOf(carrier, this.context), trace)
      this.#used.keep(accepted)
      const decision = bundleDecision(trace, this.context.clock.now())
      // Nothing is awaited where nothing has to be: bundles keep the order in which they passed.
      const safe = this.#options.audit.accepted(trace, carrier.from, decision)
      if (safe !== undefined) await safe
      this.#options.record(decision)
      if (carrier.again === undefined) this.#options.keeper().keep(accepted, 'live')
      if (accepted.bundle.header.class === 'task') this.#deliverTask(accepted)
      else this.#deliver(accepted)
      return decision
    } catch (cause) {
      const refusal = await this.#carried(trace, carrier, cause)
      const decision = bundleDecision(trace, this.context.clock.now(), refusal)
      this.#options.audit.refused(trace, carrier.from, decision)
      this.#options.record(decision)
      const { bundle, takers = [] } = trace
      if (bundle !== undefined) for (const sink of takers) sink.tasks?.release(bundle)
      this.#afterRefusal(trace, decision)
      return decision
    } finally {
      trace.leave?.()
    }
  }

  /** A topic is about to close: what waits for its turn is delivered, for it was taken. */
  flush(topic: Name): void {
    this.#order.flush(`${topic}|`)
  }

  /**
   * Checks a bundle as if it came on its own topic now, and does nothing else: it is delivered to
   * nobody, and no table is written, so that it may have come here before. One with approvals is
   * not checked: they would be used by it.
   * @throws Refusal, TrustError
   */
  async examine(bytes: Uint8Array, from: Peer): Promise<Accepted> {
    const { header } = decodeBundle(bytes, this.#options.hash)
    if (header.approvals.length > 0) {
      throw new Refusal('unsupported', 'Cannot examine a bundle that bears approvals')
    }
    const aside: PipelineContext = {
      ...this.context,
      replay: new ReplayTable(),
      journal: NO_JOURNAL,
      states: new StateTable(),
      tasks: NO_TASKS,
      grantBudget: (_grantId, perSecond) => new Budget(perSecond, 0),
    }
    const trace: Trace = {}
    try {
      // It was asked for: its arrival says nothing of its sender's clock.
      return await judge(bytes, { topic: header.topic, from, isRepaired: true }, aside, trace)
    } finally {
      trace.leave?.()
    }
  }

  /** Forgets what has ended. */
  sweep(now: number): void {
    this.context.replay.sweep(now)
    this.context.chains.sweep(now)
    this.context.offsets.sweep(now)
    this.context.states.sweep(now, SKEW_MS)
    this.context.usedApprovals.sweep(now)
    this.#order.sweep(now)
  }

  /** Drops what waits for its turn. */
  close(): void {
    this.#order.close()
  }

  async #material(bundle: Bundle, { from, isRepaired }: Carrier) {
    const id = bundle.header.proof
    const idText = toHex(id)
    const known = this.#options.proofs.material(idText)
    // Those that wait for it came before.
    if (known !== undefined && !this.#options.proofs.isAwaited(idText)) return known
    await this.#options.neighbour(from)?.waitForProof(id, {
      bytes: bundle.bytes.length,
      isHereAlone: isRepaired === true,
    })
    const found = this.#options.proofs.material(idText)
    if (found === undefined) throw new Refusal('proof-missing', `Cannot complete proof ${idText}`)
    return found
  }

  #enter({ header, bytes }: Bundle, { from, isRepaired }: Carrier): () => void {
    // What was asked for can be asked for again.
    const kind = isRepaired === true ? 'control' : header.class
    return this.load.enter({ kind, priority: header.priority, bytes: bytes.length, from })
  }

  /** What only its secret is missing for is kept for others; why it is not, where something else is wrong. */
  async #carried(trace: Trace, carrier: Carrier, cause: unknown): Promise<unknown> {
    const { bundle } = trace
    const isMissing = codeOf(cause) === 'secret-missing' && carrier.again === undefined
    if (bundle === undefined || !isMissing) return cause
    try {
      const carried = await judgeCarried(bundle, carrier, this.context, trace)
      this.#used.keep(carried)
      this.#options.keeper().carry(carried)
      return cause
    } catch (failure) {
      return failure
    }
  }

  #deliver(accepted: Accepted): void {
    const { header } = accepted.bundle
    if (header.class === 'state') this.#options.states?.take(accepted)
    const { topics } = this.#options
    // A combiner gets a part of each stream, in the midst of it, and its value has no order.
    if (header.class === 'event' && topics.hostedAs(header.topic) !== 'combiner') {
      this.#inOrder(accepted, ({ gap, late }, untold) => {
        for (const sink of gap === 0 ? [] : topics.followers(header)) untold.owe(sink, gap)
        for (const sink of topics.audience(header)) {
          sink.deliver(accepted, { gap: untold.take(sink), late })
        }
      })
    } else {
      for (const sink of topics.audience(header)) sink.deliver(accepted, { gap: 0, late: false })
    }
  }

  /** In no order: what has to be stored first comes when that is done. */
  #deliverTask(accepted: Accepted): void {
    const { bundle, clock, takers = [] } = accepted
    const { sentAt, lifespanMs } = bundle.header
    const now = this.#options.clock.now()
    const endsAt = sentAt + lifespanMs + this.context.offsets.rangeAt(clock, sentAt, now).high
    for (const sink of takers) {
      const stored = sink.tasks?.take(accepted, endsAt, (turn) => sink.deliver(accepted, turn))
      stored?.catch((cause: unknown) => this.#options.record(unstored(accepted, now, cause)))
    }
  }

  #inOrder({ bundle, place }: Accepted, run: Parameters<Order['push']>[3]): void {
    const openedAt = this.#options.topics.openedAt(bundle.header.topic)
    const whole = openedAt !== undefined && bundle.header.epoch >= openedAt
    const options = { whole, until: place.forgetAt, bytes: bundle.bytes.length }
    if (this.#order.push(place.stream, place, options, run) === 'waits') {
      this.#options.missed(bundle.header.topic)
    }
  }

  /** What a refused bundle still changes: its place is filled, and its sender may be told. */
  #afterRefusal(trace: Trace, { code }: Decision): void {
    const { bundle, place, messages, signed } = trace
    if (bundle?.header.class === 'task' && code === 'duplicate') this.#options.tasks.copy(bundle)
    if (bundle === undefined || place === undefined || signed === undefined || code === null) return
    if (code === 'equivocation') {
      const evidence = this.context.replay.evidenceOf(place.key)
      if (evidence?.ids[1] === bundle.idText)
        void this.#options.keeper().convict(evidence, bundle.bytes)
    }
    const copy = code === 'duplicate' || code === 'equivocation' || code === 'equivocator'
    // What is carried may be opened yet, and has its place then.
    if (copy || code === 'secret-missing') return
    if (bundle.header.class === 'event') this.#order.fill(place.stream, place)
    if (bundle.header.action !== 'request' || messages === undefined) return
    if (this.context.opened(bundle.header.topic) !== 'inbox') return
    for (const sink of this.#options.topics.sinks(bundle.header.topic)) {
      sink.refused(bundle, messages, code)
    }
  }
}

/** A task that was accepted and could not be stored: its sender hears nothing and sends it again. */
function unstored(accepted: Accepted, at: number, cause: unknown): Decision {
  const message = 'Cannot take the task: the store failed'
  return bundleDecision(accepted, at, new Refusal('own-fault', message, { cause }))
}
