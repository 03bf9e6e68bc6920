import {
  approvalsNeeded,
  encodeApplication,
  utf8Bytes,
  type ApplicationValue,
  type Grant,
  type SignedStatement,
} from '@ixj/trust'
import { AgentError } from '../agent-error.ts'
import { MESSAGE_ID_BYTES, packMessage, type MessagePart } from '../bundles/message.ts'
import { packBodies } from '../bundles/plain-messages.ts'
import type { Core } from '../host/core.ts'
import type { Identity } from '../host/identity.ts'
import { CONTENT_TYPE_BYTES_MAX } from '../limits.ts'
import type { KnownProof } from '../neighbours/proof-shelf.ts'
import { Budget } from '../pipeline/rate.ts'
import type { Acknowledgements } from '../tasks/acknowledgements.ts'
import type { SendingTask, SentTasks, TaskHandover } from '../tasks/sent-tasks.ts'
import type { KeptTasks, TaskRecords } from '../tasks/task-records.ts'
import type { AskingAbilities, Gathering } from './asking-abilities.ts'
import { BundleMaker } from './bundle-maker.ts'
import type { ManyReceipt, Receipt } from './message.ts'
import { handOver } from './hand-over.ts'
import { Lanes, perSecondOf } from './lanes.ts'
import { rejected } from './rejected.ts'
import type { Sending } from './sending.ts'
import { isSealedToGroup, keyOf } from './lane-key.ts'
import { BODY_BYTES_MAX, LaneQueue, PACK_BYTES_MAX, type Lane, type Waiting } from './lane-queue.ts'
import { Publisher } from './publisher.ts'

/**
 * One agent's way out: it numbers streams, has messages approved where their grant asks for that,
 * gathers them into bundles while one is on its way, signs and hands over.
 */
export class Sender {
  readonly lanes: Lanes
  readonly #records: KeptTasks | null
  #tasks: SentTasks | undefined
  readonly #core: Core
  readonly #identity: Identity
  readonly #maker: BundleMaker
  readonly #publisher: Publisher
  readonly #lanes = new Map<string, LaneQueue>()
  /** Of grants with a limit. */
  readonly #budgets = new Map<string, Budget>()
  #isClosed = false
  /** Aborted when it closes; made when somebody waits for that, since most agents of a pool never do. */
  #closing: AbortController | undefined
  readonly #gather: Gathering
  readonly #abilities: Pick<AskingAbilities, 'tasks'>

  /** `gather` asks for the approvals that a grant wants, and waits for what comes of it. */
  constructor(
    parts: {
      readonly core: Core
      readonly identity: Identity
      readonly epoch: number
      readonly taskRecords: TaskRecords | null
      readonly proofs: Map<string, KnownProof>
      readonly abilities: Pick<AskingAbilities, 'tasks'>
    },
    gather: Gathering,
  ) {
    this.#core = parts.core
    this.#identity = parts.identity
    this.#maker = new BundleMaker(parts)
    this.#publisher = new Publisher(parts.core, parts.identity, this.#maker)
    this.lanes = new Lanes(parts.core, parts.identity)
    this.#records = parts.taskRecords?.sent ?? null
    this.#gather = gather
    this.#abilities = parts.abilities
  }

  /** The tasks that wait for acknowledgements; undefined until one is sent, since few agents send any. */
  get tasks(): SentTasks | undefined {
    return this.#tasks
  }

  /** Goes on with the tasks that an earlier run has left. @throws AgentError `unreachable` */
  async resumeTasks(): Promise<void> {
    await (await this.#openTasks()).resume()
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
    if (this.#isClosed) throw this.#closedError()
    this.#checkRate(lane.grant, parts.length)
    const sent = Promise.withResolvers<Receipt>()
    const { resolve, reject } = sent
    const common = { sealed: undefined, gathered: undefined, until: Infinity, resolve, reject }
    const waiting = parts.map((part) => ({ id: part.id, messages: packMessage(part), ...common }))
    void this.#publisher.publish(lane, waiting)
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
    const closing = this.#untilClosed()
    const ended = AbortSignal.any([options.signal ?? closing, closing])
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
    if (this.#isFull(lane)) return this.#fullReceipt(lane, part, options)
    // Most messages: nothing is counted, approved or stored first, so nothing else is awaited.
    try {
      this.#checkOpen(options.signal)
    } catch (cause) {
      return rejected(cause)
    }
    return this.#queue(lane).add(packed(part), options)
  }

  /**
   * Sends several bodies of one lane in their order, packed into as few bundles as they need. Where
   * there is no room for all of them, or one is too large, none is sent.
   * @throws as {@link send}; TrustError `too-large`, and what no body can be
   */
  async receipts(
    lane: Lane,
    bodies: readonly ApplicationValue[],
    options: Sending & { readonly contentType?: string },
  ): Promise<ManyReceipt> {
    if (options.contentType !== undefined || this.#isFull(lane)) {
      const parts = bodies.map((body) => this.part(body, options))
      const all = await Promise.all(parts.map((part) => this.receipt(lane, part, options)))
      return { ids: all.map(({ id }) => id), peers: fewest(all) }
    }
    this.#checkOpen(options.signal)
    const queue = this.#queue(lane)
    if (bodies.length > 0 && !queue.hasRoom(bodies.length - 1, 0)) throw queue.fullError()
    const { messagesMax } = lane
    const { random } = this.#core
    const limits = { random, messagesMax, bytesMax: PACK_BYTES_MAX, bodyBytesMax: BODY_BYTES_MAX }
    const { packs, ids } = packBodies(bodies, limits)
    const bytesBeforeLast = packs.slice(0, -1).reduce((sum, { bytes }) => sum + bytes.length, 0)
    if (packs.length > 0 && !queue.hasRoom(0, bytesBeforeLast)) throw queue.fullError()
    const id = ids.subarray(0, MESSAGE_ID_BYTES)
    const all = await Promise.all(packs.map((messages) => queue.add({ id, messages }, options)))
    return manyReceipt(ids, fewest(all))
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
    this.#isClosed = true
    this.#closing?.abort(this.#closedError())
    this.#core.shared?.sheaves.flush()
    await this.#publisher.idle()
    this.#tasks?.close()
  }

  async #put(lane: Lane, part: MessagePart, sending: Sending): Promise<number> {
    if (lane.class === 'task') return await this.#sendTask(lane, part, sending)
    return (await this.#queue(lane).add(packed(part), sending)).peers
  }

  /** A task is sealed and stored at once, whether or not anybody is there to take it. */
  async #sendTask(lane: Lane, part: MessagePart, sending: Sending): Promise<number> {
    const { addressees = [{ name: lane.topic, key: null }], gathered, signal } = sending
    const tasks = this.#tasks ?? (await this.#openTasks())
    this.#checkOpen(signal)
    tasks.checkRoom(addressees)
    const stream = this.#publisher.stream(lane)
    const kept = Promise.withResolvers<SendingTask>()
    void stream.turns.take(lane.priority, async () => {
      try {
        const taken = [{ messages: packMessage(part), gathered }]
        const { bundle, proof } = await this.#maker.make(lane, stream.next, taken)
        sending.sealed?.(bundle)
        const to = { of: lane.of, addressees, messageId: part.id }
        // Its place stays spent if it cannot be stored: tasks come in no order.
        stream.next += 1
        // The next one is sealed meanwhile: what is stored together shares a write.
        kept.resolve(tasks.keep(bundle, proof, to))
      } catch (cause) {
        kept.reject(cause)
      }
    })
    const task = await kept.promise
    sending.kept?.(task.acknowledgements)
    return await task.handed(signal)
  }

  async #openTasks(): Promise<SentTasks> {
    const { SentTasks, openStoredRecords } = await this.#abilities.tasks()
    const records = await openStoredRecords(this.#records)
    this.#checkOpen()
    return (this.#tasks ??= new SentTasks({
      core: this.#core,
      records,
      hand: (task) => this.#handTask(task),
    }))
  }

  /** What nobody was handed yet, others do not find in the history either. */
  async #handTask({ of, bundle, proof, isNew }: TaskHandover): Promise<number> {
    const { topic } = bundle.header
    let stored: Promise<void> | undefined
    const isSeen = () => {
      if (isNew) stored ??= this.#publisher.keep(bundle)
    }
    const peers = await handOver(
      { of, topic, class: 'task' },
      { bundle, proof, isSeen },
      this.#core,
    )
    await stored
    return peers
  }

  /** Whether something is counted, approved, stored or waited for before a message goes. */
  #isFull(lane: Lane): boolean {
    const hasConditions = (lane.grant?.statement.conditions.length ?? 0) > 0
    return lane.class === 'task' || hasConditions || isSealedToGroup(lane)
  }

  #checkOpen(signal?: AbortSignal): void {
    if (this.#isClosed) throw this.#closedError()
    signal?.throwIfAborted()
  }

  #untilClosed(): AbortSignal {
    this.#closing ??= new AbortController()
    const { signal } = this.#closing
    if (this.#isClosed && !signal.aborted) this.#closing.abort(this.#closedError())
    return signal
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
      closing: () => this.#untilClosed(),
      publish: async (taken, landed) => {
        const way = { isDirect: false, landed, isHurried: () => this.#isClosed }
        await this.#publisher.publish(lane, taken, way)
        return way.isDirect
      },
      idle: () => void this.#lanes.delete(key),
    })
    this.#lanes.set(key, queue)
    return queue
  }
}

function packed(part: MessagePart): Pick<Waiting, 'id' | 'messages'> {
  return { id: part.id, messages: packMessage(part) }
}

function fewest(receipts: readonly Receipt[]): number {
  return receipts.length === 0 ? 0 : Math.min(...receipts.map(({ peers }) => peers))
}

/** Ids are looked at by few: they are cut out when they are asked for. */
function manyReceipt(ids: Uint8Array, peers: number): ManyReceipt {
  const count = ids.length / MESSAGE_ID_BYTES
  return {
    peers,
    get ids() {
      return Array.from({ length: count }, (_, index) =>
        ids.slice(index * MESSAGE_ID_BYTES, (index + 1) * MESSAGE_ID_BYTES),
      )
    },
  }
}
