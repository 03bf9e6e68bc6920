import type { Name } from '@ixj/names'
import {
  sha256 as plainSha256,
  type StatementStore,
  type GenerateKey,
  type NameChain,
  type PublishedKey,
  type Random,
  type Sha256,
  type SignedStatement,
  type Verifier,
} from '@ixj/trust'
import type { Clock } from '../clock.ts'
import type { Deliver } from '../deliver/deliver.ts'
import { openDeliver } from '../deliver/open-deliver.ts'
import { ENDED_STATEMENTS_KEPT_MS, RECHECK_MS, SWEEP_MS } from '../limits.ts'
import { AgentError } from '../agent-error.ts'
import { SealQueue } from '../bundles/seal-queue.ts'
import { Neighbours } from '../neighbours/neighbours.ts'
import type { NeighbourEvent } from '../neighbours/neighbours-context.ts'
import type { OpenTopic } from '../neighbours/open-topic.ts'
import type { FollowedNames } from '../neighbours/followed-names.ts'
import type { ProofBook } from '../neighbours/proof-book.ts'
import type { KnownProof } from '../neighbours/proof-shelf.ts'
import { Renewal } from '../neighbours/renewal.ts'
import type { ZoneKeyBook } from '../neighbours/zone-keys.ts'
import { ClockOffsets } from '../pipeline/clock-offset.ts'
import { plainDecision, type Decision } from '../pipeline/decision.ts'
import { ruleTable } from '../pipeline/policy.ts'
import { Presence } from '../presence/presence.ts'
import { Revoked } from '../revoked/revoked.ts'
import { GroupSealing } from '../sealing/group-sealing.ts'
import { Keeper } from '../sync/keeper.ts'
import { Sync } from '../sync/sync.ts'
import { syncContext } from '../sync/sync-context.ts'
import { TaskGate } from '../tasks/task-gate.ts'
import type { TrustState } from '../revoked/trust-state.ts'
import { Relaying } from '../relay/relaying.ts'
import type { Shared } from '../state/open-shared.ts'
import type { Peer, Transport } from '../transport.ts'
import { AuditTrail } from './audit-trail.ts'
import type { Books } from './books.ts'
import { DecisionLog } from './decision-log.ts'
import { Handover } from './handover.ts'
import { helloProof } from './hello-proof.ts'
import type { Identity } from './identity.ts'
import type { HostOptions } from './host-options.ts'
import type { HostPart } from './host-part.ts'
import { Intake } from './intake.ts'
import { IssuedNames } from './issued-names.ts'
import { neighbourDecision } from './neighbour-decision.ts'
import { keepOwn, pinOwn, type PinnedStatements } from './own-statements.ts'
import { Reception } from './reception.ts'
import { closeTopic, openTopic, reviewTopics } from './opening-topics.ts'
import { Topics, type Sink } from './topics.ts'

/** What the parts of a host share: its tables, and the ways in and out. */
export class Core {
  readonly identity: Identity
  readonly chain: NameChain
  readonly clock: Clock
  readonly random: Random
  readonly verifier: Verifier
  readonly hash: Sha256
  /** Whether newer records of the DNS take a key back. */
  readonly isOutvoted = (key: PublishedKey): boolean => this.#zoneKeys.isOutvoted(key)
  readonly generateKey: GenerateKey
  readonly sealer: HostOptions['sealer']
  readonly trust: TrustState
  readonly revoked: Revoked
  readonly store: HostOptions['store']
  readonly transport: Transport
  readonly statements: StatementStore
  readonly seals: SealQueue
  readonly proofs: ProofBook
  readonly followed: FollowedNames
  readonly topics = new Topics()
  readonly presence: Presence
  /** How far the clocks of others stand behind ours. */
  readonly offsets: ClockOffsets
  /** What keeps shared state; undefined in a page that shares none. */
  readonly shared: Shared | undefined
  readonly secrets: GroupSealing
  readonly neighbours: Neighbours
  readonly handover: Handover
  readonly deliver: Deliver
  readonly intake: Intake
  readonly audit: AuditTrail
  readonly issuedNames: IssuedNames
  readonly sync: Sync
  readonly keeper: Keeper
  readonly #renewal: Renewal
  readonly #zoneKeys: ZoneKeyBook
  readonly relaying: Relaying
  /** What was decided so far. */
  readonly log = new DecisionLog()
  /** Where the transport hands in what arrives. */
  readonly reception: Reception
  readonly #parts: HostPart[] = []
  /** The tasks that agents here have received. */
  readonly tasks = this.add(new TaskGate(this.topics))
  #cancelSweep: () => void
  #cancelRecheck: (() => void) | undefined
  #closed = false

  constructor(options: HostOptions, proof: KnownProof, chain: NameChain, books: Books) {
    const { statements, proofs, zoneKeys, followed, trust, usedApprovals } = books
    this.identity = options.identity
    this.chain = chain
    this.clock = options.clock
    this.random = options.random
    this.verifier = options.verifier
    this.hash = options.hash ?? plainSha256
    this.generateKey = options.generateKey
    this.sealer = options.sealer
    this.trust = trust
    this.#zoneKeys = zoneKeys
    this.store = options.store
    this.transport = options.transport
    this.statements = statements
    this.seals = new SealQueue(this.hash)
    this.proofs = proofs
    this.followed = followed
    this.offsets = new ClockOffsets(options.identity.name)
    const { transport, clock, random, verifier, identity } = options
    const neighbour = (peer: Peer | null) => this.neighbours.get(peer)
    const { isOutvoted } = this
    this.neighbours = new Neighbours({
      transport,
      clock,
      hash: this.hash,
      hello: {
        name: identity.name,
        signer: identity.signer,
        clock,
        random,
        verifier,
        trust,
        organisation: chain.organisation,
        notices: books.notices,
        proof: () => helloProof(proof, books),
        standpoint: () => proofs.standpoint,
        zoneKeys,
        hash: this.hash,
        proved: (peer) => transport.proved?.(peer),
        measured: (node, trip) => this.offsets.measure(node, trip),
        keep: (envelope, owner) => this.#keep(envelope, owner),
      },
      proofs,
      trust,
      greeted: (from) => this.revoked.greet(from),
      told: (from, frame) => this.reception.told(from, frame),
      open: this.topics.shown,
      sought: options.sought ?? (() => {}),
      forgone: options.forgone ?? (() => {}),
      keep: (envelope, owner) => this.#keep(envelope, owner),
      report: (event) => this.#report(event),
    })
    this.presence = new Presence({
      told: (topic, change) => this.shared?.states.changed(topic, change),
      measured: (node, trip) => this.offsets.measure(node, trip),
      node: { name: identity.name, signer: identity.signer, proof: () => proofs.current(proof) },
      clock,
      random,
      verifier,
      trust,
      organisation: chain.organisation,
      proofs,
      transport,
      neighbour,
      isOutvoted,
      changed: () => this.handover.changed(),
      heads: (topic) => books.history.ownHeads(topic),
      heard: (topic, heads) => this.sync.heard(topic, heads),
      unsent: (topic, cause) =>
        this.record(this.plain('presence', 'announce', topic, identity.name, cause)),
    })
    this.handover = new Handover({
      clock,
      transport,
      neighbours: this.neighbours,
      hasOthers: (topic) => this.presence.hasOthers(topic),
      node: identity.name,
      hash: this.hash,
      here: (topic) => this.topics.hostedAs(topic),
      deliver: () => this.deliver,
    })
    this.deliver = this.add(openDeliver(this))
    this.audit = new AuditTrail(options.audit, this)
    this.shared = books.openShared?.(this)
    this.secrets = this.add(new GroupSealing(this, books))
    this.intake = new Intake({
      node: identity.name,
      ownOrganisation: chain.organisation,
      clock,
      verifier,
      hash: this.hash,
      trust,
      policy: options.policy ?? ruleTable(),
      topics: this.topics,
      proofs,
      statements,
      usedApprovals,
      offsets: this.offsets,
      states: this.shared?.states,
      secrets: this.secrets,
      hostOf: ({ topic, sender, key }) => this.presence.hostOf(topic, sender, key),
      tasks: this.tasks,
      neighbour,
      isOutvoted,
      audit: this.audit,
      journal: books.journal,
      missed: (topic) => this.sync.soon(topic),
      keeper: () => this.keeper,
      record: (decision) => this.record(decision),
    })
    this.intake.restore(books.taken, books.history.evidence)
    this.revoked = new Revoked({
      clock,
      random,
      hash: this.hash,
      transport,
      ...books,
      organisation: chain.organisation,
      certified: proofs.certified,
      neighbours: () => this.neighbours.all(),
      neighbour,
      changed: () => this.#trustChanged(),
      succeeded: (signed) => options.succeeded?.(signed),
      told: (signed) => this.audit.told(signed),
      failed: (about, from, cause) => {
        const sender = from === null ? identity.name : this.nameOf(from)
        this.record(this.plain('status', 'tell', about, sender, cause))
      },
    })
    this.issuedNames = new IssuedNames(this.revoked, {
      clock,
      random,
      hash: this.hash,
      failed: (name, cause) => this.record(this.plain('status', 'revoke', name, name, cause)),
    })
    this.#renewal = new Renewal({
      ...books,
      neighbours: this.neighbours,
      shown: this.topics.shown,
      own: proof,
      failed: (cause) =>
        this.record(this.plain('right', 'renew', identity.name, identity.name, cause)),
    })
    this.#cancelSweep = clock.at(clock.now() + SWEEP_MS, () => this.#sweep())
    this.sync = this.add(new Sync(syncContext(this, books.history, books)))
    this.keeper = new Keeper(this, books.history)
    this.relaying = new Relaying(this, books.carrying)
    this.reception = new Reception(this, { parts: this.#parts, ability: books })
    transport.attach(this.reception)
  }

  /** Adds what lives as long as this node; before any connection is made. */
  add<Part extends HostPart>(part: Part): Part {
    this.#parts.push(part)
    return part
  }

  /** Whether this name and key read the inbox, here or on a node that has shown so. */
  isInboxOf(topic: Name, holder: { readonly name: Name; readonly key: Uint8Array }): boolean {
    return this.topics.isInboxOf(topic, holder) || this.neighbours.isInboxOf(topic, holder)
  }

  /** Keys that DNS publishes for a name, as far as this node has proved them. */
  publishedKeys(name: Name): readonly PublishedKey[] {
    return this.#zoneKeys.newest(name)?.keys ?? []
  }

  /** Opens a topic for one agent. @throws AgentError `mixed-topic`, `open-already`, `closed` */
  async open(topic: OpenTopic, sink: Sink): Promise<void> {
    if (this.#closed) {
      throw new AgentError('closed', `Cannot open ${topic.topic}: the node is closed`)
    }
    await openTopic(topic, sink, this)
    for (const part of this.#parts) part.opened?.(topic)
  }

  /** Closes a topic for one agent. */
  async close(topic: OpenTopic, sink: Sink): Promise<void> {
    if (this.topics.sinks(topic.topic).length === 1) this.intake.flush(topic.topic)
    await closeTopic(topic, sink, this)
    for (const part of this.#parts) part.closed?.(topic.topic)
  }

  /** Records statements that an agent here issued, before anybody else hears of them. */
  issued(issuer: Identity, statements: readonly SignedStatement[]): Promise<void> {
    if (!this.#closed) this.issuedNames.issued(issuer, statements)
    return this.audit.issued(statements)
  }

  /** Keeps statements, each signature checked once, under no neighbour's quota. */
  async keepStatements(given: readonly SignedStatement[]): Promise<readonly SignedStatement[]> {
    return await keepOwn(given, this)
  }

  /**
   * Holds statements of an agent of this node until `unpin`, each signature checked once.
   * @throws TrustError `bad-signature`
   */
  async pinStatements(statements: readonly SignedStatement[]): Promise<PinnedStatements> {
    return await pinOwn(statements, this)
  }

  /** Counts a decision and tells it to whoever listens. */
  record(decision: Decision): void {
    this.log.record(decision)
  }

  /** Ends the host: nothing is taken in or handed over any more. */
  async dispose(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#cancelSweep()
    this.reception.close()
    for (const part of this.#parts) await part.close?.()
    this.presence.close()
    this.intake.close()
    this.#cancelRecheck?.()
    await this.issuedNames.close()
    await this.revoked.close()
    this.audit.close()
    await this.transport[Symbol.asyncDispose]()
    this.log.close()
  }

  /** Connections and rights are looked at again, once for all that changes in a moment. */
  #trustChanged(): void {
    if (this.#closed || this.#cancelRecheck !== undefined) return
    this.#cancelRecheck = this.clock.at(this.clock.now() + RECHECK_MS, () => {
      this.#cancelRecheck = undefined
      this.neighbours.recheck()
      reviewTopics(this)
    })
  }

  /** The name that a neighbour proved; its peer where it has not. */
  nameOf(peer: Peer): string {
    return this.neighbours.get(peer)?.greeted.name ?? peer
  }

  /** A decision that is not about a bundle, as of now. */
  plain(
    about: Exclude<Decision['about'], 'bundle'>,
    action: string,
    topic: string,
    sender: string,
    cause?: unknown,
  ): Decision {
    return plainDecision(about, { action, topic, sender, at: this.clock.now() }, cause)
  }

  async #keep(envelope: Uint8Array, owner: Peer): Promise<SignedStatement> {
    const { verifier, hash } = this
    const signed = await this.statements.add(envelope, { owner, verifier, hash })
    // A check takes time. What a neighbour told goes with it, so nothing may come after it.
    if (!this.neighbours.has(owner)) this.statements.release(owner)
    return signed
  }

  #report(event: NeighbourEvent): void {
    const decision = neighbourDecision(event, {
      own: this.identity.name,
      at: this.clock.now(),
      nameOf: (peer) => this.nameOf(peer),
    })
    if (decision !== undefined) this.record(decision)
    if (event.kind === 'gone' && event.greeted !== undefined) this.presence.gone(event.greeted.name)
    if (event.kind === 'admitted') this.#admitted(event.peer)
    if (event.kind === 'route')
      for (const part of this.#parts) part.routed?.(event.topic, event.peer)
    if (event.kind === 'gone' || event.kind === 'route') this.handover.changed()
  }

  #admitted(peer: Peer): void {
    const neighbour = this.neighbours.get(peer)
    if (neighbour === undefined) return
    for (const part of this.#parts) part.admitted?.(neighbour)
  }

  #sweep(): void {
    const now = this.clock.now()
    for (const part of this.#parts) part.sweep?.(now)
    this.intake.sweep(now)
    this.neighbours.sweep(now)
    this.revoked.sweep(now)
    this.presence.sweep(now)
    this.statements.sweep(now - ENDED_STATEMENTS_KEPT_MS)
    this.proofs.sweep(now)
    void this.#renewal.sweep(now)
    this.#cancelSweep = this.clock.at(now + SWEEP_MS, () => this.#sweep())
  }
}
