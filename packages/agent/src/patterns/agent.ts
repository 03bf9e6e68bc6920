import { parseName, type Name } from '@ixj/names'
import { type Grant, type SignedStatement } from '@ixj/trust'
import { AgentError } from '../agent-error.ts'
import { APPROVE_TYPE, readAsked, type AskedApproval } from '../approvals/asked-approval.ts'
import type { GatheringContext } from '../approvals/gathering.ts'
import type { Bundle } from '../bundles/bundle.ts'
import type { Header } from '../bundles/header.ts'
import { correlationOf, type MessagePart } from '../bundles/message.ts'
import { grantsOf, type Identity } from '../host/identity.ts'
import { QUEUE_MAX, REQUEST_LIFESPAN_MS, REQUESTS_MAX } from '../limits.ts'
import type { OpenTopic } from '../neighbours/open-topic.ts'
import type { Turn } from '../pipeline/order.ts'
import type { Accepted } from '../pipeline/context.ts'
import type { Code } from '../pipeline/verdicts.ts'
import { Queue } from '../queue.ts'
import { Answering, ignoreUnreachable } from './answering.ts'
import { askOne } from './ask.ts'
import { Gather, type GatherOptions } from './gather.ts'
import { Group } from './group.ts'
import { readMessage, type Body, type Message, type Receipt } from './message.ts'
import type { SendOptions } from './send-options.ts'
import { OFFER_TYPE, readOffer, spawnIdentity, type Offer, type SpawnOptions } from './naming.ts'
import type { Lane } from './lane-queue.ts'
import { Pending, type Reply } from './pending.ts'
import type { MemberParts } from './parts.ts'
import { Readers } from './readers.ts'
import type { IncomingRequest } from './request.ts'
import { Sender } from './sender.ts'

/** How an agent's own parts are opened; see {@link openAgent}. */
export interface AgentParts extends MemberParts {
  readonly inbox: OpenTopic
  readonly epoch: number
  /** Opens a child of this agent on the same node; children use the node's inbox. */
  open(child: Identity): Promise<Agent>
  /** The agent was closed. */
  closed?(): void
}

/** A named entity that is open on a node: it sends, asks, answers, joins groups and spawns others. */
export class Agent implements AsyncDisposable {
  readonly name: Name
  readonly #parts: AgentParts
  readonly #sender: Sender
  readonly #pending = new Pending()
  readonly #answering: Answering
  readonly #messages = new Readers<Message>(QUEUE_MAX)
  readonly #requests = new Queue<IncomingRequest>(REQUESTS_MAX)
  readonly #offers = new Queue<Offer>(REQUESTS_MAX)
  readonly #approvals = new Queue<AskedApproval>(REQUESTS_MAX)
  readonly #opened = new Set<AsyncDisposable>()
  readonly #sink
  #closed = false

  /** Use `openAgent` of a node. */
  constructor(parts: AgentParts) {
    this.#parts = parts
    this.name = parts.identity.name
    this.#sender = new Sender(parts, (...asking) => this.#askApproval(...asking))
    this.#answering = new Answering(this.#sender, parts.core.clock)
    this.#sink = {
      agent: this.name,
      key: parts.identity.signer.publicKey,
      opening: parts.identity.opening,
      takes: ['publish', 'request', 'answer'] as const,
      deliver: (accepted: Accepted, turn: Turn) => this.#deliver(accepted, turn),
      awaits: (header: Header) => this.#pending.awaits(header, parts.core.clock.now()),
      asked: (header: Header, part: MessagePart) =>
        this.#pending.waits(header, part, parts.core.clock.now()),
      refused: (bundle: Bundle, messages: readonly MessagePart[], code: Code) =>
        this.#answering.tellRefused(bundle, messages, code),
    }
  }

  /** Who this agent is, for whoever issues statements to it or keeps it on disk. */
  get identity(): Identity {
    return this.#parts.identity
  }

  /** What this agent may do: the grants that are for its name and key. */
  get grants(): readonly SignedStatement<Grant>[] {
    return grantsOf(this.#parts.identity)
  }

  /** Opens the inbox. Called once, by the node. */
  async openInbox(): Promise<this> {
    await this.#parts.core.open(this.#parts.inbox, this.#sink)
    return this
  }

  /**
   * Sends one message to a name's inbox (1×1).
   * @throws AgentError `unreachable`, `not-handed-over`, `argument`, `closed`, `backpressure`
   * @throws TrustError `ambiguous-authority`, `too-large`; NameError
   */
  async send(to: string, body: Body, options: SendOptions = {}): Promise<Receipt> {
    const topic = parseName(to)
    const lane = this.#sender.lanes.of({ of: 'inbox', topic, action: 'publish' }, options)
    const part = this.#sender.part(body, options)
    return { id: part.id, peers: await this.#sender.send(lane, part, options) }
  }

  /**
   * Asks a name and waits for its answer (1×1), at most the lifespan (default 30 s).
   * @throws AgentError `refused` with `remoteCode`, `failed`, `no-answer`, `unreachable`
   */
  async request(to: string, body: Body, options: SendOptions = {}): Promise<Message> {
    const { core } = this.#parts
    const name = parseName(to)
    const lifespanMs = options.lifespanMs ?? REQUEST_LIFESPAN_MS
    const lane = this.#sender.lanes.of(
      { of: 'inbox', topic: name, action: 'request' },
      { ...options, lifespanMs },
    )
    const part = this.#sender.part(body, options)
    const until = core.clock.now() + lifespanMs
    const reply = await this.#ask(lane, part, { until, signal: options.signal })
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
    return this.#requests.until(options.signal)
  }

  /** Sub-agents elsewhere that ask this agent for their names. One reader. */
  offers(options: { readonly signal?: AbortSignal } = {}): AsyncIterable<Offer> {
    return this.#offers.until(options.signal)
  }

  /**
   * Messages of others that wait for this agent's approval, each with what will be sent. One reader;
   * what nobody reads or answers ends by its own lifespan.
   */
  approvals(options: { readonly signal?: AbortSignal } = {}): AsyncIterable<AskedApproval> {
    return this.#approvals.until(options.signal)
  }

  /**
   * Messages to this agent's inbox. Each reader gets all from its call on; the first also what came
   * before. A slow reader loses the oldest and sees how many in `lost`.
   */
  messages(
    options: { readonly queueMax?: number; readonly signal?: AbortSignal } = {},
  ): Queue<Message> {
    return this.#messages.open(options)
  }

  /**
   * Joins a group (N×N). Needs a `subscribe` grant on the topic, or to be its owner.
   * @throws AgentError `no-authority`, `mixed-topic`, `open-already`
   */
  async join(topic: string, options: { readonly signal?: AbortSignal } = {}): Promise<Group> {
    options.signal?.throwIfAborted()
    const group = new Group(parseName(topic), {
      ...this.#parts,
      sender: this.#sender,
      pending: this.#pending,
      request: (accepted, part, message) => this.#answering.request(accepted, part, message),
      queueRequest: (request) => void this.#requests.push(request),
      closed: (closing) => void this.#opened.delete(closing),
    })
    await group.open()
    this.#opened.add(group)
    return group
  }

  /**
   * Opens an inbox that many write to (N×1) and reads it in batches. Needs a `host` grant on the
   * topic that may be delegated to the node, or to be the topic's owner.
   * @throws AgentError `mixed-topic`, `open-already`; TrustError `not-granted`
   */
  async gather(topic: string, options: GatherOptions = {}): Promise<Gather> {
    const gather = new Gather(parseName(topic), options, {
      ...this.#parts,
      closed: (closing) => void this.#opened.delete(closing),
    })
    await gather.open()
    this.#opened.add(gather)
    return gather
  }

  /**
   * Makes a sub-agent on this node: a new key, its binding and its grants, without asking anybody.
   * Made for a request, it gets only grants on behalf of whom the request acts.
   * @throws AgentError `mixed-behalf`; TrustError `uses`, `depth-exceeded`, `wider-than-parent`, `ambiguous-authority`
   */
  async spawn(
    label: string,
    options: SpawnOptions & { readonly for?: IncomingRequest },
  ): Promise<Agent> {
    const { core, identity } = this.#parts
    const behalf =
      options.for === undefined ? undefined : this.#sender.lanes.handled.behalfOf(options.for)
    const signer = await core.generateKey()
    const opening = options.sealable === true ? await core.sealer?.generateKey() : undefined
    const child = await spawnIdentity(
      identity,
      { label, signer, opening },
      behalf === undefined ? options : { ...options, behalf },
      core,
    )
    return this.#parts.open(child)
  }

  /** Leaves every group, closes every inbox, sends what waits. Closing twice is fine. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const opened of this.#opened) await opened[Symbol.asyncDispose]()
    await this.#sender.close()
    await this.#parts.core.close(this.#parts.inbox, this.#sink)
    this.#messages.close()
    this.#requests.close()
    this.#offers.close()
    this.#approvals.close()
    this.#parts.closed?.()
  }

  /** Sends a request on a lane, and waits for the reply of the name whose inbox it is. */
  async #ask(
    lane: Lane,
    part: MessagePart,
    wait: { readonly until: number; readonly signal: AbortSignal | undefined },
  ): Promise<Reply> {
    const { until, signal } = wait
    return await askOne(
      (asked) => {
        const sealed = (bundle: Bundle) => asked(correlationOf(bundle.id, part.id))
        return this.#sender.send(lane, part, {
          sealed,
          ...(signal === undefined ? {} : { signal }),
        })
      },
      { to: lane.topic, until, signal },
      { clock: this.#parts.core.clock, pending: this.#pending },
    )
  }

  /** Asks a name to approve what will be sent on a lane. */
  async #askApproval(...[to, body, how]: Parameters<GatheringContext['ask']>): Promise<Reply> {
    const { lane, lifespanMs, signal } = how
    if (lane.grant === null) throw new Error('Nothing asks for approvals')
    const asking = this.#sender.lanes.asking(to, { lifespanMs, beside: lane.grant })
    const part = this.#sender.part(body, { contentType: APPROVE_TYPE })
    const until = this.#parts.core.clock.now() + lifespanMs
    return await this.#ask(asking, part, { until, signal })
  }

  #deliver(accepted: Accepted, turn: Turn): void {
    const { header } = accepted.bundle
    for (const part of accepted.messages) {
      const message = readMessage(this.#parts.core, accepted, part, turn)
      if (header.action === 'answer') {
        if (this.#sink.asked(header, part)) this.#pending.take(header, part, message)
      } else if (message !== undefined) {
        this.#take(accepted, part, message)
      }
    }
  }

  #take(accepted: Accepted, part: MessagePart, message: Message): void {
    if (accepted.bundle.header.action === 'publish') {
      this.#messages.push(message)
      return
    }
    const request = this.#answering.request(accepted, part, message)
    if (message.contentType === OFFER_TYPE) void this.#takeOffer(request)
    else if (message.contentType === APPROVE_TYPE) void this.#takeAsked(request, accepted)
    else this.#requests.push(request)
  }

  async #takeOffer(request: IncomingRequest): Promise<void> {
    const { core, identity } = this.#parts
    const offer = await readOffer(request, identity, core)
    if (typeof offer === 'string') await ignoreUnreachable(request.refuse(offer))
    else this.#offers.push(offer)
  }

  async #takeAsked(request: IncomingRequest, { bundle }: Accepted): Promise<void> {
    const { core, identity } = this.#parts
    const asked = readAsked(request, bundle.header.proof, { identity, core })
    if (typeof asked === 'string') await ignoreUnreachable(request.refuse(asked))
    else this.#approvals.push(asked)
  }
}
