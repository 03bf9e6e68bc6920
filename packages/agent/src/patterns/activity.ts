import type { Name } from '@ixj/names'
import { AgentError } from '../agent-error.ts'
import type { AskedApproval } from '../approvals/asked-approval.ts'
import type { GatheringContext } from '../approvals/gathering.ts'
import type { Bundle } from '../bundles/bundle.ts'
import type { Header } from '../bundles/header.ts'
import { correlationOf, type MessagePart } from '../bundles/message.ts'
import type { Core } from '../host/core.ts'
import type { Identity } from '../host/identity.ts'
import { QUEUE_MAX, REQUESTS_MAX } from '../limits.ts'
import type { KnownProof } from '../neighbours/proof-shelf.ts'
import type { Accepted, TaskBook } from '../pipeline/context.ts'
import type { Turn } from '../pipeline/order.ts'
import type { TaskTurn } from '../pipeline/task-turn.ts'
import { Queue } from '../queue.ts'
import { HandingOut } from '../tasks/handing-out.ts'
import type { ReceivedTasks } from '../tasks/received-tasks.ts'
import { taskOf, type Task } from '../tasks/task.ts'
import type { TaskRecords } from '../tasks/task-records.ts'
import { unmadeBook } from '../tasks/unmade-book.ts'
import { Answering, ignoreUnreachable } from './answering.ts'
import { askOne } from './ask.ts'
import type { AskingAbilities } from './asking-abilities.ts'
import { ACKNOWLEDGEMENT_TYPE, APPROVE_TYPE, OFFER_TYPE } from './control-types.ts'
import type { Lane } from './lane-queue.ts'
import { readMessage, type Message } from './message.ts'
import type { Offer } from './naming.ts'
import { Pending, type Reply } from './pending.ts'
import { Readers } from './readers.ts'
import type { IncomingRequest } from './request.ts'
import { Sender } from './sender.ts'

/**
 * What an agent has that speaks or hears: its way out, what it waits for, and what waits for its
 * readers. An idle agent has none of it.
 */
export class Activity {
  readonly sender: Sender
  readonly pending = new Pending()
  readonly answering: Answering
  readonly messages = new Readers<Message>(QUEUE_MAX)
  readonly requests = new HandingOut<IncomingRequest>(REQUESTS_MAX, (request) =>
    this.answering.tellOverloaded(request),
  )
  readonly tasks = new HandingOut<Task>(QUEUE_MAX)
  readonly offers = new Queue<Offer>(REQUESTS_MAX)
  readonly approvals = new Queue<AskedApproval>(REQUESTS_MAX)
  /** Groups and gatherings that are open. */
  readonly opened = new Set<AsyncDisposable>()
  readonly #core: Core
  readonly #identity: Identity
  readonly #records: TaskRecords | null
  readonly #abilities: AskingAbilities
  #received: ReceivedTasks | undefined
  #isEnded = false

  constructor(parts: {
    readonly core: Core
    readonly identity: Identity
    readonly epoch: number
    readonly taskRecords: TaskRecords | null
    readonly proofs: Map<string, KnownProof>
    readonly abilities: AskingAbilities
  }) {
    this.#abilities = parts.abilities
    this.#records = parts.taskRecords
    this.#core = parts.core
    this.#identity = parts.identity
    const { core, identity } = parts
    const ask: GatheringContext['ask'] = (...asking) => this.#askApproval(...asking)
    this.sender = new Sender(parts, async (message, signal) => {
      const { gatherApprovals } = await parts.abilities.approvals()
      return await gatherApprovals(message, { core, identity, ask }, signal)
    })
    this.answering = new Answering(this.sender, parts.identity.name, parts.core)
  }

  /** The agent's book of tasks; made when it is needed, since few agents are sent any. */
  get received(): TaskBook {
    return this.#received ?? unmadeBook(() => this.#book())
  }

  /**
   * A topic was opened: what an earlier run has left of its tasks is handed out again.
   * @throws AgentError `unreachable`
   */
  async resume(topic: Name): Promise<void> {
    const isKept = this.#received !== undefined || this.#records?.received.isEmpty === false
    if (this.#records === null || !isKept) return
    const book = await this.#book()
    book.resume(topic)
  }

  /** Whether any answer of this sender is waited for. */
  awaits(header: Header): boolean {
    const isAwaited = this.pending.awaits(header, this.#core.clock.now())
    return isAwaited || this.sender.tasks?.awaits(header) === true
  }

  /** Whether this answer, or acknowledgement, is waited for. */
  asked(header: Header, part: MessagePart): boolean {
    return this.#isAnswered(header, part) || this.sender.tasks?.waits(header, part) === true
  }

  /** Sends a request on a lane, and waits for the reply of the name whose inbox it is. */
  async ask(
    lane: Lane,
    part: MessagePart,
    wait: { readonly until: number; readonly signal: AbortSignal | undefined },
  ): Promise<Reply> {
    const { until, signal } = wait
    return await askOne(
      (asked) => {
        const sealed = (bundle: Bundle) => asked(correlationOf(bundle.id, part.id))
        return this.sender.send(lane, part, {
          sealed,
          ...(signal === undefined ? {} : { signal }),
        })
      },
      { to: lane.topic, until, signal },
      { clock: this.#core.clock, pending: this.pending },
    )
  }

  /** Takes in what came to the agent's inbox. */
  deliver(accepted: Accepted, turn: Turn): void {
    const { header } = accepted.bundle
    for (const part of accepted.messages) {
      const message = readMessage(this.#core, accepted, part, turn)
      if (header.action === 'answer') this.#takeAnswer(header, part, message)
      else if (message !== undefined) this.#take(accepted, part, message, turn)
      // An answer is done when it has come, and what cannot be read is never handed out.
      if (header.action === 'answer' || message === undefined) turn.task?.end()
    }
  }

  /** A message of class `task` for the handler. */
  takeTask(message: Message, turn: TaskTurn): void {
    this.tasks.push(taskOf(message, turn), turn)
  }

  /** A message that asks something. */
  takeRequest(accepted: Accepted, part: MessagePart, message: Message, { task }: Turn): void {
    this.requests.push(this.answering.request(accepted, part, { message, task }), task)
  }

  /** Leaves every group, and sends what waits. */
  async close(): Promise<void> {
    for (const opened of this.opened) await opened[Symbol.asyncDispose]()
    await this.sender.close()
  }

  /**
   * Hands out nothing more, and ends every reader; what waits can still be read. Resolves when what is
   * kept of tasks is stored: who is opened again reads it.
   */
  end(): Promise<void> | undefined {
    this.#isEnded = true
    const stored = this.#received?.close()
    this.messages.close()
    this.requests.close()
    this.tasks.close()
    this.offers.close()
    this.approvals.close()
    return stored
  }

  /** Asks a name to approve what will be sent on a lane. */
  async #askApproval(...[to, body, how]: Parameters<GatheringContext['ask']>): Promise<Reply> {
    const { lane, lifespanMs, signal } = how
    if (lane.grant === null) throw new Error('Nothing asks for approvals')
    const asking = this.sender.lanes.asking(to, { lifespanMs, beside: lane.grant })
    const part = this.sender.part(body, { contentType: APPROVE_TYPE })
    const until = this.#core.clock.now() + lifespanMs
    return await this.ask(asking, part, { until, signal })
  }

  async #book(): Promise<ReceivedTasks> {
    if (this.#received !== undefined) return this.#received
    const { ReceivedTasks, openStoredRecords } = await this.#abilities.tasks()
    const records = await openStoredRecords(this.#records?.received ?? null)
    // Others may have waited for the same.
    if (this.#received !== undefined) return this.#received
    const book = new ReceivedTasks({
      core: this.#core,
      records,
      acknowledge: (to, correlation, until) => this.answering.acknowledge(to, correlation, until),
    })
    this.#received = book
    if (this.#isEnded) void book.close()
    return book
  }

  #takeAnswer(header: Header, part: MessagePart, message: Message | undefined): void {
    const { tasks } = this.sender
    if (this.#isAnswered(header, part)) this.pending.take(header, part, message)
    // An answer tells as well that the task has arrived.
    if (tasks?.waits(header, part) === true) tasks.take(header, part)
  }

  /** Whether this answers a request that waits for it; an acknowledgement is no answer. */
  #isAnswered(header: Header, part: MessagePart): boolean {
    if (part.contentType === ACKNOWLEDGEMENT_TYPE) return false
    return this.pending.waits(header, part, this.#core.clock.now())
  }

  #take(accepted: Accepted, part: MessagePart, message: Message, turn: Turn): void {
    const { task } = turn
    if (accepted.bundle.header.action === 'publish') {
      if (task === undefined) this.messages.push(message)
      else this.takeTask(message, task)
      return
    }
    const { contentType } = message
    const isControl = contentType === OFFER_TYPE || contentType === APPROVE_TYPE
    if (!isControl) return this.takeRequest(accepted, part, message, turn)
    const request = this.answering.request(accepted, part, { message, task })
    if (contentType === OFFER_TYPE) void this.#takeOffer(request)
    else void this.#takeAsked(request, accepted)
  }

  /** What reads a request; where a page cannot download it, whoever asked is told, and who watches. */
  async #able<Ability>(
    request: IncomingRequest,
    loading: Promise<Ability>,
  ): Promise<Ability | undefined> {
    try {
      return await loading
    } catch (cause) {
      if (!(cause instanceof AgentError)) throw cause
      const { sender } = request
      this.#core.record(this.#core.plain('delivery', 'read', this.#identity.name, sender, cause))
      await ignoreUnreachable(request.refuse('own-fault'))
      return undefined
    }
  }

  async #takeOffer(request: IncomingRequest): Promise<void> {
    const births = await this.#able(request, this.#abilities.births())
    if (births === undefined) return
    const offer = await births.readOffer(request, this.#identity, this.#core)
    if (typeof offer === 'string') await ignoreUnreachable(request.refuse(offer))
    else this.offers.push(offer)
  }

  async #takeAsked(request: IncomingRequest, { bundle }: Accepted): Promise<void> {
    const context = { identity: this.#identity, core: this.#core }
    const approvals = await this.#able(request, this.#abilities.approvals())
    if (approvals === undefined) return
    const asked = approvals.readAsked(request, bundle.header.proof, context)
    if (typeof asked === 'string') await ignoreUnreachable(request.refuse(asked))
    else this.approvals.push(asked)
  }
}
