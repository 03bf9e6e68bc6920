import {
  approvalsNeeded,
  encodeApplication,
  equalBytes,
  sortedSet,
  utf8Bytes,
  type ApplicationValue,
  type Grant,
  type SignedStatement,
} from '@ixj/trust'
import { AgentError } from '../agent-error.ts'
import type { Bundle } from '../bundles/bundle.ts'
import { encodeMessages, MESSAGE_ID_BYTES, type MessagePart } from '../bundles/message.ts'
import type { Core } from '../host/core.ts'
import type { InboxLoad } from '../host/handover.ts'
import { grantsOf, provingStatements, type Identity } from '../host/identity.ts'
import { CONTENT_TYPE_BYTES_MAX } from '../limits.ts'
import { sealMessages } from '../sealing/sealed-messages.ts'
import type { KnownProof } from '../neighbours/proof-shelf.ts'
import { Budget } from '../pipeline/rate.ts'
import type { Acknowledgements } from '../tasks/acknowledgements.ts'
import { SentTasks, type SendingTask, type TaskHandover } from '../tasks/sent-tasks.ts'
import type { StoredRecords } from '../tasks/stored-records.ts'
import { passingRecords, type TaskRecords } from '../tasks/task-records.ts'
import type { Gathering } from './asking-abilities.ts'
import type { Receipt } from './message.ts'
import { lifespanLeft, rejectEnded, type Taken } from './ended-messages.ts'
import { handOver } from './hand-over.ts'
import { Lanes, perSecondOf } from './lanes.ts'
import { rejected } from './rejected.ts'
import type { Sending } from './sending.ts'
import { isSealedToGroup, keyOf } from './lane-key.ts'
import { BODY_BYTES_MAX, LaneQueue, type Lane, type Waiting } from './lane-queue.ts'
import { Turns } from './turns.ts'

/** How a bundle went. */
type Way = NonNullable<InboxLoad['way']>

interface Stream {
  next: number
  /** One bundle after the other, those of higher priority first. */
  readonly turns: Turns
}

/**
 * One agent's way out: it numbers streams, has messages approved where their grant asks for that,
 * gathers them into bundles while one is on its way, signs and hands over.
 */
export class Sender {
  readonly lanes: Lanes
  readonly #records: StoredRecords | null
  #tasks: SentTasks | undefined
  readonly #core: Core
  readonly #identity: Identity
  readonly #epoch: number
  readonly #streams = new Map<string, Stream>()
  readonly #lanes = new Map<string, LaneQueue>()
  readonly #proofs: Map<string, KnownProof>
  /** Of grants with a limit. */
  readonly #budgets = new Map<string, Budget>()
  readonly #closing = new AbortController()
  /** Messages whose bundles were handed over, and are being stored. */
  readonly #settling = new Set<Promise<void>>()
  readonly #gather: Gathering

  /** `gather` asks for the approvals that a grant wants, and waits for what comes of it. */
  constructor(
    parts: {
      readonly core: Core
      readonly identity: Identity
      readonly epoch: number
      readonly taskRecords: TaskRecords | null
      readonly proofs: Map<string, KnownProof>
    },
    gather: Gathering,
  ) {
    this.#core = parts.core
    this.#identity = parts.identity
    this.#epoch = parts.epoch
    this.#proofs = parts.proofs
    this.lanes = new Lanes(parts.core, parts.identity)
    this.#records = parts.taskRecords?.sent ?? null
    this.#gather = gather
  }

  /** The tasks that wait for acknowledgements; made when it is asked for, since few agents send any. */
  get tasks(): SentTasks {
    this.#tasks ??= new SentTasks({
      core: this.#core,
      records: this.#records ?? passingRecords(),
      hand: (task) => this.#handTask(task),
    })
    return this.#tasks
  }

  /** Encodes a body as one message. @throws TrustError `too-large`, `encoding`; AgentError `argument` */
  part(
    body: ApplicationValue,
    options: { readonly contentType?: string; readonly correlation?: Uint8Array } = {},
  ): MessagePart {
    const { correlation = null, contentType = null } = options
    const typeBytes = contentType === null ? 0 : utf8Bytes(contentType).length
    if (typeBytes > CONTENT_TYPE_BYTES_MAX) {
      throw new AgentError(
        'argument',
        `Cannot send a content type of ${typeBytes} bytes: the limit is ${CONTENT_TYPE_BYTES_MAX}`,
      )
    }
    const encoded = encodeApplication(body, { bytesMax: BODY_BYTES_MAX - typeBytes })
    return { id: this.#core.random(MESSAGE_ID_BYTES), correlation, contentType, body: encoded }
  }

  /** A message whose body is encoded already. */
  encoded(body: Uint8Array, contentType: string): MessagePart {
    return { id: this.#core.random(MESSAGE_ID_BYTES), correlation: null, contentType, body }
  }

  /**
   * Sends messages of one lane in one bundle, in which they have to fit, after those of its stream
   * that are on their way; resolves to how many nodes were handed it. Nobody is asked to approve it.
   * @throws AgentError `closed`, `backpressure`, `not-handed-over`
   */
  async sendTogether(lane: Lane, parts: readonly MessagePart[]): Promise<number> {
    if (this.#closing.signal.aborted) throw this.#closedError()
    this.#checkRate(lane.grant, parts.length)
    const sent = Promise.withResolvers<Receipt>()
    const { resolve, reject } = sent
    const stream = this.#stream(lane)
    const common = { sealed: undefined, gathered: undefined, until: Infinity, resolve, reject }
    const taken = parts.map((part) => ({ part, ...common }))
    const run = () => this.#publish(lane, taken, { stream, way: undefined })
    void stream.turns.take(lane.priority, run)
    return (await sent.promise).peers
  }

  /**
   * Sends one message; resolves to how many nodes were handed it. `sealed` hears the bundle before
   * anybody else does. Aborted before a bundle is made of it, the message is never sent. Where its
   * grant asks for approvals, they are gathered first.
   * @throws AgentError `closed`, `backpressure`, `unreachable`, `not-handed-over`, `unapproved`; the
   * signal's reason
   */
  async send(lane: Lane, part: MessagePart, options: Sending = {}): Promise<number> {
    this.#checkOpen(options.signal)
    if (isSealedToGroup(lane)) await this.#core.secrets.ready(lane.topic, options.signal)
    this.#checkRate(lane.grant, 1)
    const needed = approvalsNeeded(lane.grant?.statement.conditions ?? [])
    if (needed === undefined) return await this.#put(lane, part, options)
    const { signal = this.#closing.signal } = options
    const ended = AbortSignal.any([signal, this.#closing.signal])
    const gathered = await this.#gather({ lane, part, needed }, ended)
    try {
      const cut = { ...lane, lifespanMs: gathered.lifespanMs }
      return await this.#put(cut, part, { ...options, gathered })
    } finally {
      gathered.release()
    }
  }

  /** Sends one message; what is told of it. @throws as {@link send} */
  receipt(lane: Lane, part: MessagePart, options: Sending = {}): Promise<Receipt> {
    const hasConditions = (lane.grant?.statement.conditions.length ?? 0) > 0
    const isFull = lane.class === 'task' || hasConditions || isSealedToGroup(lane)
    if (isFull) return this.#fullReceipt(lane, part, options)
    // Most messages: nothing is counted, approved or stored first, so nothing else is awaited.
    try {
      this.#checkOpen(options.signal)
    } catch (cause) {
      return rejected(cause)
    }
    return this.#queue(lane).add(part, options)
  }

  async #fullReceipt(lane: Lane, part: MessagePart, options: Sending): Promise<Receipt> {
    let acknowledged: Acknowledgements | undefined
    const kept = (made: Acknowledgements) => (acknowledged = made)
    const peers = await this.send(lane, part, { ...options, kept })
    return { id: part.id, peers, ...(acknowledged === undefined ? {} : { acknowledged }) }
  }

  /** Sends what waits and takes nothing more; what has no host to go to is given up. */
  async close(): Promise<void> {
    for (const queue of this.#lanes.values()) queue.flush()
    this.#closing.abort(this.#closedError())
    await Promise.all([...this.#streams.values()].map(({ turns }) => turns.idle()))
    await Promise.all(this.#settling)
    this.#tasks?.close()
  }

  async #put(lane: Lane, part: MessagePart, sending: Sending): Promise<number> {
    if (lane.class === 'task') return await this.#sendTask(lane, part, sending)
    return (await this.#queue(lane).add(part, sending)).peers
  }

  /** A task is sealed and stored at once, whether or not anybody is there to take it. */
  async #sendTask(lane: Lane, part: MessagePart, sending: Sending): Promise<number> {
    const { addressees = [{ name: lane.topic, key: null }], gathered, signal } = sending
    this.tasks.checkRoom(addressees)
    const stream = this.#stream(lane)
    const kept = Promise.withResolvers<SendingTask>()
    void stream.turns.take(lane.priority, async () => {
      try {
        const proof = gathered === undefined ? this.#proof(lane) : this.#current(gathered.proof)
        const bundle = await this.#seal(lane, stream.next, [{ part, gathered }], proof)
        sending.sealed?.(bundle)
        const to = { of: lane.of, addressees, messageId: part.id }
        // Its place stays spent if it cannot be stored: tasks come in no order.
        stream.next += 1
        // The next one is sealed meanwhile: what is stored together shares a write.
        kept.resolve(this.tasks.keep(bundle, proof, to))
      } catch (cause) {
        kept.reject(cause)
      }
    })
    const task = await kept.promise
    sending.kept?.(task.acknowledgements)
    return await task.handed(signal)
  }

  /** What nobody was handed yet, others do not find in the history either. */
  async #handTask({ of, bundle, proof, isNew }: TaskHandover): Promise<number> {
    const { topic, authority } = bundle.header
    let stored: Promise<void> | undefined
    const isSeen = () => {
      if (isNew) stored ??= this.#keep(authority, bundle)
    }
    const peers = await handOver(
      { of, topic, class: 'task' },
      { bundle, proof, isSeen },
      this.#core,
    )
    await stored
    return peers
  }

  #checkOpen(signal?: AbortSignal): void {
    if (this.#closing.signal.aborted) throw this.#closedError()
    signal?.throwIfAborted()
  }

  #closedError(): AgentError {
    return new AgentError('closed', `Cannot send: ${this.#identity.name} is closed`)
  }

  /** What every receiver would refuse is told to the one who sends it. */
  #checkRate(grant: SignedStatement<Grant> | null, count: number): void {
    const perSecond = perSecondOf(grant)
    if (grant === null || perSecond === undefined) return
    const now = this.#core.clock.now()
    const budget = this.#budgets.get(grant.idText) ?? new Budget(perSecond, now)
    this.#budgets.set(grant.idText, budget)
    if (budget.take(count, now)) return
    throw new AgentError(
      'backpressure',
      `Cannot send: its grant allows ${perSecond} messages a second`,
    )
  }

  #queue(lane: Lane): LaneQueue {
    const key = keyOf(lane)
    const known = this.#lanes.get(key)
    if (known !== undefined) return known
    const { clock, handover } = this.#core
    const queue: LaneQueue = new LaneQueue(lane, {
      clock,
      handover,
      closing: this.#closing.signal,
      publish: (taken, landed) => {
        const stream = this.#stream(lane)
        const way = { isDirect: false, landed }
        const run = () => this.#publish(lane, taken, { stream, way })
        return stream.turns.take(lane.priority, run).then(() => way.isDirect)
      },
      idle: () => void this.#lanes.delete(key),
    })
    this.#lanes.set(key, queue)
    return queue
  }

  async #publish(
    lane: Lane,
    all: readonly Waiting[],
    { stream, way }: { readonly stream: Stream; readonly way: Way | undefined },
  ): Promise<void> {
    const taken = rejectEnded(lane, all, this.#core.clock.now())
    if (taken.length === 0) return
    let stored: Promise<void> | undefined
    try {
      // What was approved is alone in its bundle.
      const gathered = taken[0]?.gathered
      const proof = gathered === undefined ? this.#proof(lane) : this.#current(gathered.proof)
      const bundle = await this.#seal(lane, stream.next, taken, proof)
      for (const waiting of taken) waiting.sealed?.(bundle)
      // Places that nobody saw are used again: a later reader would wait for them in vain.
      const isSeen = () => {
        if (stored !== undefined) return
        stream.next += taken.length
        stored = this.#keep(bundle.header.authority, bundle)
      }
      const peers = await handOver(lane, { bundle, proof, isSeen, way, isNew: true }, this.#core)
      // A group to which nobody came yet finds it in the history.
      if (lane.of === 'group') isSeen()
      if (peers === 0 && lane.of === 'inbox') {
        throw new AgentError('unreachable', `Cannot reach ${lane.topic}: its host has just gone`)
      }
      this.#settle(taken, peers, stored)
    } catch (cause) {
      for (const waiting of taken) waiting.reject(cause)
    }
  }

  /** Messages are done when their bundle is stored, too. The next bundle does not wait for that. */
  #settle(taken: readonly Waiting[], peers: number, stored: Promise<void> | undefined): void {
    const settling = (async () => {
      try {
        await stored
        for (const waiting of taken) waiting.resolve({ id: waiting.part.id, peers })
      } catch (cause) {
        for (const waiting of taken) waiting.reject(cause)
      }
    })()
    this.#settling.add(settling)
    void settling.finally(() => this.#settling.delete(settling))
  }

  /** Stored while it is on its way: nobody waits for one after the other. @throws AgentError `not-stored` */
  #keep(authority: Uint8Array | null, bundle: Bundle): Promise<void> {
    const { name } = this.#identity
    const grant = grantsOf(this.#identity).find(
      ({ id }) => authority !== null && equalBytes(id, authority),
    )
    const stored = this.#core.keeper.send(bundle, grant?.statement.onBehalfOf ?? name)
    stored.catch(() => 'whoever waits for the bundle is told, or was told what failed before')
    return stored
  }

  async #seal(
    lane: Lane,
    first: number,
    taken: readonly Taken[],
    proof: KnownProof,
  ): Promise<Bundle> {
    const { clock, seals } = this.#core
    const plain = encodeMessages(taken.map(({ part }) => part))
    const now = clock.now()
    const fields = {
      topic: lane.topic,
      sender: this.#identity.name,
      epoch: this.#epoch,
      class: lane.class,
      action: lane.action,
      first,
      count: taken.length,
      sentAt: now,
      lifespanMs: lifespanLeft(lane, taken, now),
      priority: lane.priority,
      authority: lane.grant?.id ?? null,
      proof: proof.id,
      audience: lane.audience,
      approvals: sortedSet(
        taken.flatMap((waiting) => waiting.gathered?.approvals ?? []),
        ({ signed }) => signed.signerKey,
      ),
    }
    const { encryption, messagesBytes } = await sealMessages(
      plain,
      { ...fields, key: this.#identity.signer.publicKey },
      { wish: lane, core: this.#core },
    )
    return await seals.seal({ ...fields, encryption }, messagesBytes, this.#identity.signer)
  }

  #proof({ grant, beside }: Lane): KnownProof {
    const key = `${grant?.idText ?? ''}|${beside?.idText ?? ''}`
    let proof = this.#proofs.get(key)
    if (proof === undefined) {
      const leaves = [grant, beside].filter((leaf) => leaf !== null)
      proof = this.#core.proofs.compose(provingStatements(this.#identity, leaves), this.#identity)
      this.#proofs.set(key, proof)
    }
    return this.#current(proof)
  }

  #current(proof: KnownProof): KnownProof {
    const current = this.#core.proofs.current(proof)
    this.#core.proofs.use(current)
    return current
  }

  #stream(lane: Lane): Stream {
    const key = `${lane.topic}|${lane.class}`
    let stream = this.#streams.get(key)
    if (stream === undefined) {
      stream = { next: 1, turns: new Turns() }
      this.#streams.set(key, stream)
    }
    return stream
  }
}
