import { isReservedPool, parseName, type Name } from '@ixj/names'
import type { Grant, SignedStatement } from '@ixj/trust'
import { AgentError } from '../agent-error.ts'
import type { AskedApproval } from '../approvals/asked-approval.ts'
import type { Bundle } from '../bundles/bundle.ts'
import type { Combiner, CombineOptions } from '../combine/combiner.ts'
import type { Header } from '../bundles/header.ts'
import type { MessagePart } from '../bundles/message.ts'
import type { Core } from '../host/core.ts'
import { grantsOf, type Identity } from '../host/identity.ts'
import type { Papers } from '../host/papers.ts'
import type { Sink } from '../host/topics.ts'
import type { OpenTopic } from '../neighbours/open-topic.ts'
import type { KnownProof } from '../neighbours/proof-shelf.ts'
import type { Accepted } from '../pipeline/context.ts'
import type { Turn } from '../pipeline/order.ts'
import type { Code } from '../pipeline/verdicts.ts'
import type { Queue } from '../queue.ts'
import type { TaskBook } from '../pipeline/context.ts'
import type { Task } from '../tasks/task.ts'
import type { TaskRecords } from '../tasks/task-records.ts'
import { Activity } from './activity.ts'
import type { AgentAbilities } from './agent-abilities.ts'
import type { BirthOptions, Born } from './births.ts'
import type { Gather, GatherOptions } from './gather.ts'
import { Group, type JoinOptions } from './group.ts'
import { readOptions, rememberedMessages, type MessagesOptions } from './history-messages.ts'
import type { Body, ManyReceipt, Message, Receipt, TaskReceipt } from './message.ts'
import type { Offer } from './naming.ts'
import type { MemberParts } from './parts.ts'
import { rejected } from './rejected.ts'
import type { IncomingRequest } from './request.ts'
import { requestLifespanMs, type SendOptions } from './send-options.ts'

/** How an agent's own parts are opened; see {@link openAgent}. */
export interface AgentParts {
  readonly core: Core
  readonly papers: Papers
  readonly inbox: OpenTopic
  readonly epoch: number
  /** What is kept of its tasks between runs; null: its key goes with it. */
  readonly taskRecords: TaskRecords | null
  readonly abilities: AgentAbilities
  /** Opens children of this agent on the same node; children use the node's inbox. */
  bear(born: Born): Promise<readonly Agent[]>
  /** The agent was closed. */
  closed?(agent: Agent): void
}

/** A named entity that is open on a node: it sends, asks, answers, joins groups and spawns others. */
export class Agent implements AsyncDisposable {
  readonly #parts: AgentParts
  readonly #sink: InboxSink
  #closed = false

  /** Use `openAgent` of a node. */
  constructor(parts: AgentParts) {
    this.#parts = parts
    this.#sink = new InboxSink(parts)
  }

  /** Its name. */
  get name(): Name {
    return this.#parts.papers.name
  }

  /** Who this agent is, for whoever issues statements to it or keeps it on disk. */
  get identity(): Identity {
    return this.#parts.papers.identity
  }

  /** What this agent may do: the grants that are for its name and key. */
  get grants(): readonly SignedStatement<Grant>[] {
    return grantsOf(this.identity)
  }

  /** Opens the inbox. Called once, by the node. */
  async openInbox(): Promise<this> {
    const { core, inbox, taskRecords } = this.#parts
    await core.open(inbox, this.#sink)
    // What an earlier run has left.
    try {
      if (taskRecords?.received.isEmpty === false) await this.#active.resume(inbox.topic)
      if (taskRecords?.sent.isEmpty === false) await this.#active.sender.resumeTasks()
    } catch (cause) {
      await this[Symbol.asyncDispose]()
      throw cause
    }
    return this
  }

  /**
   * Sends one message to a name's inbox (1×1). One of class `task` is stored, and sent again until it
   * is acknowledged or its lifespan ends, after a restart too.
   * @throws AgentError `unreachable`, `not-handed-over`, `argument`, `closed`, `backpressure`
   * @throws TrustError `ambiguous-authority`, `too-large`; NameError
   */
  send(
    to: string,
    body: Body,
    options: SendOptions & { readonly class: 'task' },
  ): Promise<TaskReceipt>
  send(to: string, body: Body, options?: SendOptions): Promise<Receipt>
  send(to: string, body: Body, options: SendOptions = {}): Promise<Receipt> {
    // One promise a message: it is made where the message waits.
    try {
      const { sender } = this.#active
      const topic = sender.lanes.topic(to)
      const lane = sender.lanes.of({ of: 'inbox', topic, action: 'publish' }, options)
      return sender.receipt(lane, sender.part(body, options), options)
    } catch (cause) {
      return rejected(cause)
    }
  }

  /**
   * Sends several messages to a name's inbox, in their order: as {@link send}, at the cost of few.
   * All or none begin; where one cannot be handed over, others may have been. At most 4,096, and
   * 16 MiB, at once.
   * @throws as {@link send}
   */
  async sendMany(
    to: string,
    bodies: readonly Body[],
    options: SendOptions = {},
  ): Promise<ManyReceipt> {
    const { sender } = this.#active
    const topic = sender.lanes.topic(to)
    const lane = sender.lanes.of({ of: 'inbox', topic, action: 'publish' }, options)
    return await sender.receipts(lane, bodies, options)
  }

  /**
   * Asks a name and waits for its answer (1×1), at most the lifespan (default 30 s).
   * @throws AgentError `refused` with `remoteCode`, `failed`, `no-answer`, `unreachable`
   */
  async request(to: string, body: Body, options: SendOptions = {}): Promise<Message> {
    const { core } = this.#parts
    const name = parseName(to)
    const lifespanMs = options.lifespanMs ?? requestLifespanMs(options.class)
    const lane = this.#active.sender.lanes.of(
      { of: 'inbox', topic: name, action: 'request' },
      { ...options, lifespanMs },
    )
    const part = this.#active.sender.part(body, options)
    const until = core.clock.now() + lifespanMs
    const reply = await this.#active.ask(lane, part, { until, signal: options.signal })
    switch (reply.status) {
      case 'replied':
        return reply.message
      case 'refused': {
        const remoteCode = reply.code
        throw new AgentError(
          'refused',
          `${to} refused the request: ${remoteCode}, ${reply.reason}`,
          { remoteCode },
        )
      }
      case 'failed':
        throw new AgentError('failed', `${to} failed at the request: ${reply.reason}`)
    }
  }

  /** Requests to this agent's inbox, and of groups that it joined and may answer in. One reader. */
  requests(options: { readonly signal?: AbortSignal } = {}): AsyncIterable<IncomingRequest> {
    return this.#active.requests.read(options.signal)
  }

  /**
   * Messages of class `task` to this agent's inbox, and of groups that it joined. One reader. Each is
   * handed out until it is `done`: again when its handler has failed, and when the agent is opened
   * the next time.
   */
  tasks(options: { readonly signal?: AbortSignal } = {}): AsyncIterable<Task> {
    return this.#active.tasks.read(options.signal)
  }

  /** Sub-agents elsewhere that ask this agent for their names. One reader. */
  offers(options: { readonly signal?: AbortSignal } = {}): AsyncIterable<Offer> {
    return this.#active.offers.until(options.signal)
  }

  /**
   * Messages of others that wait for this agent's approval, each with what will be sent. One reader;
   * what nobody reads or answers ends by its own lifespan.
   */
  approvals(options: { readonly signal?: AbortSignal } = {}): AsyncIterable<AskedApproval> {
    return this.#active.approvals.until(options.signal)
  }

  /**
   * Messages to this agent's inbox. Each reader gets all from its call on; the first also what came
   * before. A slow reader loses the oldest and sees how many in `lost`. With `history`, what this
   * node keeps of the inbox comes first, marked `historical`: the last n, or all since a time in ms.
   * @throws AgentError `argument`
   */
  messages(options: MessagesOptions = {}): Queue<Message> {
    const reading = { parts: this.#parts, sink: this.#sink }
    return this.#active.messages.open(readOptions(this.name, options, reading))
  }

  /**
   * Joins a group (N×N). Needs a `subscribe` grant on the topic, or to be its owner; to join it
   * `sealed`, an encryption key, too. With `quiet` it reads and is not announced.
   * @throws AgentError `no-authority`, `mixed-topic`, `open-already`, `unsealable`, `unreachable`
   */
  async join(topic: string, options: JoinOptions = {}): Promise<Group> {
    options.signal?.throwIfAborted()
    const { sealed: isSealed = false, spoken: isSpoken = false } = options
    if (isSealed) checkSealable(topic, this.#parts)
    if (isReservedPool(this.name)) throw refusedToPool(`join ${topic}`)
    const { sender, pending, opened } = this.#active
    const group = new Group(parseName(topic), {
      ...(await this.#member()),
      sender,
      pending,
      active: this.#active,
      isSealed,
      isSpoken,
      abilities: this.#parts.abilities,
      closed: (closing) => void opened.delete(closing),
    })
    await group.open(options.quiet === true)
    opened.add(group)
    return group
  }

  /**
   * Opens an inbox that many write to (N×1) and reads it in batches. Needs a `host` grant on the
   * topic that may be delegated to the node, or to be the topic's owner.
   * @throws AgentError `mixed-topic`, `open-already`; TrustError `not-granted`
   */
  async gather(topic: string, options: GatherOptions = {}): Promise<Gather> {
    if (isReservedPool(this.name)) throw refusedToPool(`gather on ${topic}`)
    const active = this.#active
    const { opened } = active
    const { Gather } = await this.#parts.abilities.gathering()
    const gather = new Gather(parseName(topic), options, {
      ...(await this.#member()),
      active,
      closed: (closing) => void opened.delete(closing),
    })
    await gather.open()
    opened.add(gather)
    return gather
  }

  /**
   * Receives an inbox that many write to (N×1) in the place of its reader, and passes up one message
   * for each window: their value, and what it is of. Needs a `host` grant on the topic that may be
   * delegated to the node, and a `publish` grant on `combined.` and the topic.
   * @throws AgentError `argument`, `mixed-topic`, `open-already`; TrustError `not-granted`
   */
  async combine(topic: string, options: CombineOptions): Promise<Combiner> {
    const { opened } = this.#active
    const { Combiner } = await this.#parts.abilities.gathering()
    const combiner = new Combiner(parseName(topic), options, {
      ...(await this.#member()),
      send: (to, body, sending) => this.send(to, body, sending),
      closed: (closing) => void opened.delete(closing),
    })
    await combiner.open()
    opened.add(combiner)
    return combiner
  }

  /**
   * Makes a sub-agent on this node: a new key, its binding and its grants, without asking anybody.
   * Made for a request, it gets only grants on behalf of whom the request acts. It closes by itself
   * when its binding has ended.
   * @throws AgentError `mixed-behalf`; TrustError `uses`, `depth-exceeded`, `wider-than-parent`, `ambiguous-authority`
   */
  async spawn(label: string, options: BirthOptions): Promise<Agent> {
    const [child] = await this.spawnMany([label], options)
    return child!
  }

  /**
   * Makes several at once, 256 by one signature. Costs some 0.15 ms for each, during which
   * the node does nothing else.
   * @throws as {@link spawn}; AgentError `open-already` if two have one label, or one is open
   */
  async spawnMany(labels: readonly string[], options: BirthOptions): Promise<readonly Agent[]> {
    const { core, abilities } = this.#parts
    const { bear } = await abilities.births()
    const { handled } = this.#active.sender.lanes
    const behalf = options.for === undefined ? undefined : handled.behalfOf(options.for)
    const children = []
    for (const label of labels) {
      const signer = await core.generateKey()
      const opening = options.sealable === true ? await core.sealer?.generateKey() : undefined
      children.push({ label, signer, opening })
    }
    const wishes = behalf === undefined ? options : { ...options, behalf }
    return await this.#parts.bear(await bear(this.identity, children, wishes, core))
  }

  /** Leaves every group, closes every inbox, sends what waits. Closing twice is fine. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    const active = this.#sink.activity
    await active?.close()
    await this.#parts.core.close(this.#parts.inbox, this.#sink)
    await active?.end()
    this.#parts.closed?.(this)
  }

  get #active(): Activity {
    const { activity } = this.#sink
    if (activity !== undefined || !this.#closed) return this.#sink.active
    // It was idle when it closed: its verbs say so.
    const { active } = this.#sink
    void active.close()
    void active.end()
    return active
  }

  async #member(): Promise<MemberParts> {
    const { core, papers } = this.#parts
    return { core, identity: papers.identity, hostGrant: await papers.hostGrant() }
  }
}

/** Members are told apart by their keys, and the agents of a pool have one; hosts by their grants. */
function refusedToPool(what: string): AgentError {
  return new AgentError('argument', `Cannot ${what}: agents of a pool only send, ask and answer`)
}

/** @throws AgentError `unsealable` */
function checkSealable(topic: string, { core, papers }: AgentParts): void {
  if (core.sealer !== undefined && papers.opening !== undefined) return
  const reason =
    core.sealer === undefined ? 'this node has no sealer' : `${papers.name} has no encryption key`
  throw new AgentError('unsealable', `Cannot join ${topic} sealed: ${reason}`)
}

const TAKES = ['publish', 'request', 'answer'] as const

/** An agent's inbox: what comes to it has the agent begin to be active. */
class InboxSink implements Sink {
  /** Undefined while the agent is idle. */
  activity: Activity | undefined
  readonly #parts: AgentParts

  constructor(parts: AgentParts) {
    this.#parts = parts
  }

  get active(): Activity {
    const { core, papers, epoch, taskRecords, abilities } = this.#parts
    const { identity } = papers
    const proofs = papers.proofs ?? new Map<string, KnownProof>()
    const own = { core, identity, epoch, taskRecords, proofs, abilities }
    return (this.activity ??= new Activity(own))
  }

  get tasks(): TaskBook {
    return this.active.received
  }

  get agent(): Name {
    return this.#parts.papers.name
  }

  get key(): Uint8Array {
    return this.#parts.papers.signer.publicKey
  }

  get opening(): Sink['opening'] {
    return this.#parts.papers.opening
  }

  get takes(): Sink['takes'] {
    return TAKES
  }

  deliver(accepted: Accepted, turn: Turn): void {
    this.active.deliver(accepted, turn)
  }

  remember(accepted: Accepted): void {
    for (const message of rememberedMessages(this.#parts.core, accepted)) {
      this.active.messages.remember(message)
    }
  }

  awaits(header: Header): boolean {
    return this.activity?.awaits(header) ?? false
  }

  asked(header: Header, part: MessagePart): boolean {
    return this.activity?.asked(header, part) ?? false
  }

  refused(bundle: Bundle, messages: readonly MessagePart[], code: Code): void {
    this.active.answering.tellRefused(bundle, messages, code)
  }
}
