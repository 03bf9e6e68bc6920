import { childName, isReservedPool, parseName, type Name } from '@ixj/names'
import { checkSender, SKEW_MS, toHex, utf8Bytes, utf8Text, type SignedStatement } from '@ixj/trust'
import { AgentError } from '../agent-error.ts'
import type { DeliverCounts } from '../deliver/counts.ts'
import { rootsOf } from '../neighbours/proof-book.ts'
import { inboxOf } from '../neighbours/open-topic.ts'
import { Agent } from '../patterns/agent.ts'
import type { ChildName, SpawnOptions } from '../patterns/births.ts'
import { OFFER_TYPE } from '../patterns/control-types.ts'
import type { Decision } from '../pipeline/decision.ts'
import type { KeptEvidence } from '../sync/keeper.ts'
import type { Queue } from '../queue.ts'
import type { PassedBundles } from '../relay/passing.ts'
import type { Core } from './core.ts'
import type { HostAbilities } from './host-abilities.ts'
import type { HostOptions } from './host-options.ts'
import { openCore } from './open-core.ts'
import {
  boundUntil,
  grantHost,
  heldHostGrant,
  provingStatements,
  speakGrants,
  type Identity,
} from './identity.ts'
import { findTaskRecords } from '../tasks/task-records.ts'
import type { HostLoad } from './host-load.ts'
import { openPapers } from './papers.ts'
import type { Pool, PoolOptions } from './pool.ts'
import { Residence, type House } from './residence.ts'
import { publishStatuses } from '../revoked/published-statuses.ts'

/** A node without its I/O: it runs agents over whatever transport, clock and store it is given. */
export class Host implements AsyncDisposable {
  readonly name: Name
  readonly #core: Core
  readonly #abilities: HostAbilities
  readonly #house: House
  #self: Agent | undefined
  #pool: Pool | undefined
  #passingEpoch = 0

  /** Use `openHost`. */
  constructor(core: Core, abilities: HostAbilities) {
    this.#core = core
    this.#abilities = abilities
    this.name = core.identity.name
    const nextEpoch = () => this.#nextPassingEpoch(core.clock.now())
    const house: House = {
      core,
      abilities,
      agents: new Map(),
      nextEpoch,
      openNursery: async (parent) => {
        const { Nursery } = await abilities.births()
        return new Nursery(parent, house)
      },
    }
    this.#house = house
    core.add({ sweep: (now) => this.#closeEnded(now) })
  }

  /** Opens the node's own inbox: it is an agent of its own name. Called once, by `openHost`. */
  async openSelf(authorities: readonly Identity[] = []): Promise<this> {
    const { identity, clock, revoked } = this.#core
    await revoked.open()
    for (const authority of [...authorities, identity]) {
      await publishStatuses(authority, this.#core)
    }
    const proof = this.#core.proofs.compose(provingStatements(identity, []), identity)
    const own = {
      papers: openPapers(identity, null),
      inbox: inboxOf(identity.name, { carrier: identity.name, host: null, proof }),
      epoch: await this.#nextEpoch(identity, clock.now()),
      taskRecords: await findTaskRecords(this.#core.store, identity),
    }
    this.#self = await new Agent(new Residence(this.#house, own, () => {})).openInbox()
    return this
  }

  /** The node as an agent of its own name. */
  get self(): Agent {
    if (this.#self === undefined)
      throw new AgentError('closed', `Cannot use ${this.name}: it is not open`)
    return this.#self
  }

  /** Decisions so far, by code; `accepted` counts those that passed. */
  get counts(): ReadonlyMap<Decision['code'] | 'accepted', number> {
    return this.#core.log.counts
  }

  /** What became of bundles that were handed to hosts of inboxes on direct streams. */
  get deliveries(): Readonly<DeliverCounts> {
    return this.#core.deliver.counts
  }

  /** What became of bundles that a relay passed on for pages; undefined where no page can come in. */
  get passed(): Readonly<PassedBundles> | undefined {
    return this.#core.relaying.passing?.counts
  }

  /** What waits here, what was refused for want of room, and what became of tasks. */
  get load(): HostLoad {
    const { intake, tasks } = this.#core
    return { waiting: intake.load.waiting, shed: intake.load.shed, tasks: tasks.counts }
  }

  /**
   * What is known against keys that signed two bundles for one place of a stream, over restarts: both
   * bundles, as far as they were kept.
   */
  get evidence(): readonly KeptEvidence[] {
    return this.#core.keeper.evidenceOf(this.#core.intake.evidence)
  }

  /** Nodes that are connected and proved their names. */
  get neighbours(): readonly Name[] {
    return this.#core.neighbours.all().map((neighbour) => neighbour.greeted.name)
  }

  /** Every decision from now on; `explanationOf` says why. A slow reader loses the oldest. */
  decisions(
    options: { readonly queueMax?: number; readonly signal?: AbortSignal } = {},
  ): Queue<Decision> {
    return this.#core.log.decisions(options)
  }

  /**
   * Opens an agent on this node: its key lets the node receive for it, and its inbox is open.
   * @throws TrustError if its chain does not hold here; AgentError `open-already`
   */
  async openAgent(identity: Identity): Promise<Agent> {
    if (isReservedPool(identity.name)) {
      throw new AgentError('argument', `Cannot open ${identity.name}: use the pool of its node`)
    }
    return await this.#openAgent(identity, 'own')
  }

  /**
   * Opens this node's pool: one key, bound once, for agents without end. A node has one at a time.
   * @throws AgentError `open-already`, `argument`; TrustError as {@link Pool.open}
   */
  async openPool(options: PoolOptions): Promise<Pool> {
    if (this.#pool?.isOpen === true) {
      throw new AgentError('open-already', `Cannot open ${this.#pool.name} again: it is open`)
    }
    const { Pool } = await this.#abilities.births()
    this.#pool = await Pool.open(this.#house, options)
    return this.#pool
  }

  /**
   * Keeps statements and the proof over them, bindings before what they issued, so that neighbours
   * who meet the proof's id can fetch it here. Gives the id, 32 bytes.
   * @throws TrustError `bad-signature`, `cost-cap`, `form`
   */
  async keepProof(statements: readonly SignedStatement[]): Promise<Uint8Array> {
    return this.#core.proofs.compose(await this.#core.keepStatements(statements)).id
  }

  /**
   * States in the name of an identity of this node's home who a child elsewhere is, and what it may
   * do. It is given once the node's log has it. No status is published in that name: who binds
   * once and ends would leave all that it ever bound with a last status that lapses.
   * @throws as `issueTo`; AuditError `unwritable`, `closed`
   */
  async issueTo(
    parent: Identity,
    child: ChildName,
    options: SpawnOptions,
  ): Promise<readonly SignedStatement[]> {
    const { issueTo } = await this.#abilities.births()
    const { clock, random, hash, audit } = this.#core
    const issued = (_: Identity, statements: readonly SignedStatement[]) => audit.issued(statements)
    return await issueTo(parent, child, options, { clock, random, hash, issued })
  }

  /**
   * Makes a key here, asks `parent` for the name `label` under it, and opens the agent that it is.
   * @throws AgentError `refused`, `no-answer`, `unreachable`, `failed`
   */
  async askName(
    parent: string,
    label: string,
    options: { readonly lifespanMs?: number; readonly signal?: AbortSignal } = {},
  ): Promise<Agent> {
    const { makeOffer, readBound } = await this.#abilities.births()
    const signer = await this.#core.generateKey()
    const name = childName(parseName(parent), label)
    const offer = await makeOffer({ name, node: this.name, signer }, this.#core)
    const answer = await this.self.request(parent, offer, { ...options, contentType: OFFER_TYPE })
    const identity = readBound(answer, { name, signer }, this.#core.hash)
    return await this.#openAgent(identity, 'node')
  }

  /**
   * Takes in a revocation, status or successor with what proves it, as `ixj revoke` writes it into a
   * home, and tells it to all; whether it is new.
   * @throws TrustError if it is not by right here, or cannot be read
   */
  async takeNotice(bytes: Uint8Array): Promise<boolean> {
    return (await this.#core.revoked.take(bytes, null)).kind !== 'known'
  }

  /**
   * Rises whenever something changes on which a decision that was kept may rest: anchors,
   * revocations, what a status says.
   */
  get generation(): number {
    return this.#core.trust.generation
  }

  /** Closes every agent, then the transport. Closing twice is fine. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool?.[Symbol.asyncDispose]()
    for (const agent of this.#house.agents.keys()) await agent[Symbol.asyncDispose]()
    await this.#self?.[Symbol.asyncDispose]()
    await this.#core.dispose()
  }

  async #openAgent(given: Identity, inboxOn: 'own' | 'node'): Promise<Agent> {
    const core = this.#core
    const held: (() => void)[] = []
    const release = () => {
      for (const end of held.splice(0)) end()
    }
    try {
      const own = await core.pinStatements(given.statements)
      held.push(own.unpin)
      const identity = { ...given, statements: own.statements }
      held.push(await core.followed.follow(rootsOf(identity.statements, identity)))
      this.#checkOwnChain(identity)
      return await this.#openHeld(identity, inboxOn, { held, release })
    } catch (cause) {
      release()
      throw cause
    }
  }

  /** Opens an agent; whatever is `held` for it is released when it closes. */
  async #openHeld(
    identity: Identity,
    inboxOn: 'own' | 'node',
    { held, release }: { readonly held: (() => void)[]; readonly release: () => void },
  ): Promise<Agent> {
    const core = this.#core
    const { clock, random, hash } = core
    const nodeKey = core.identity.signer.publicKey
    // Who speaks for a name has no key of it, and cannot let itself receive for it.
    const isSpoken = speakGrants(identity).length > 0
    const issued: typeof core.issued = (issuer, statements) => core.issued(issuer, statements)
    const host = isSpoken
      ? heldHostGrant(identity, { subject: this.name, subjectKey: nodeKey })
      : await grantHost(
          identity,
          { topic: identity.name, node: this.name, nodeKey },
          { now: clock.now(), random, hash, issued },
        )
    const hosted = await core.pinStatements([host])
    held.push(hosted.unpin)
    const proving = isSpoken
      ? provingStatements(identity, [host])
      : [...provingStatements(identity, []), host]
    const proof = core.proofs.compose(proving, identity)
    const carrier = inboxOn === 'own' ? identity.name : this.name
    const own = {
      papers: openPapers(identity, host),
      inbox: inboxOf(identity.name, { carrier, host, proof }),
      epoch:
        inboxOn === 'own'
          ? await this.#nextEpoch(identity, clock.now())
          : this.#nextPassingEpoch(clock.now()),
      taskRecords: inboxOn === 'own' ? await findTaskRecords(core.store, identity) : null,
    }
    const until = boundUntil(identity)
    const residence = new Residence(this.#house, own, () => {
      release()
      void core.issuedNames.ceased(identity.name)
      // A name that was asked for is taken back by its own key.
      const { name, signer } = identity
      const closed = { name, key: signer.publicKey, until }
      if (inboxOn === 'node') core.issuedNames.closed(closed, () => identity)
    })
    const agent = await new Agent(residence).openInbox()
    this.#house.agents.set(agent, inboxOn === 'node' ? until : Infinity)
    return agent
  }

  /** Short-lived agents whose bindings have ended can do nothing any more. */
  #closeEnded(now: number): void {
    for (const [agent, until] of this.#house.agents) {
      if (until + SKEW_MS < now) void this.#closeAgent(agent)
    }
  }

  async #closeAgent(agent: Agent): Promise<void> {
    try {
      await agent[Symbol.asyncDispose]()
    } catch (cause) {
      // Nobody called for it who could be told.
      this.#core.record(this.#core.plain('right', 'close', agent.name, this.name, cause))
    }
  }

  /** An agent whose chain does not even hold at home would be refused everywhere. */
  #checkOwnChain(identity: Identity): void {
    const { proofs, trust, clock } = this.#core
    const known = proofs.compose(provingStatements(identity, []), identity)
    checkSender(
      { name: identity.name, key: identity.signer.publicKey, purpose: 'send' },
      { ...proofs.materialOf(known), anchors: trust.anchors, now: clock.now() },
    )
  }

  /** A sub-agent's key is new with it: its epochs need only grow while this host is open. */
  #nextPassingEpoch(now: number): number {
    this.#passingEpoch = Math.max(now, this.#passingEpoch + 1)
    return this.#passingEpoch
  }

  /** max(now, stored + 1), stored before it is used: a restart in the past repeats nothing. */
  async #nextEpoch(identity: Identity, now: number): Promise<number> {
    const { store } = this.#core
    const key = `epoch/${identity.name}/${toHex(identity.signer.publicKey)}`
    const stored = await store.get(key)
    const last = stored === undefined ? 0 : Number(utf8Text(stored))
    if (!Number.isSafeInteger(last))
      throw new Error(`The stored epoch of ${identity.name} is no number`)
    const epoch = Math.max(now, last + 1)
    await store.set(key, utf8Bytes(String(epoch)))
    return epoch
  }
}

/**
 * Opens a node over a transport, without making connections. `abilities` says where it has from what
 * most nodes never do.
 * @throws TrustError if the node's own chain does not hold against its own anchors
 */
export async function openHostWith(options: HostOptions, abilities: HostAbilities): Promise<Host> {
  const core = await openCore(options, abilities)
  return await new Host(core, abilities).openSelf(options.authorities ?? [])
}
