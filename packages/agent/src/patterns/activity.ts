import { APPROVE_TYPE, readAsked, type AskedApproval } from '../approvals/asked-approval.ts'
import type { GatheringContext } from '../approvals/gathering.ts'
import type { Bundle } from '../bundles/bundle.ts'
import { correlationOf, type MessagePart } from '../bundles/message.ts'
import type { Core } from '../host/core.ts'
import type { Identity } from '../host/identity.ts'
import { QUEUE_MAX, REQUESTS_MAX } from '../limits.ts'
import type { Accepted } from '../pipeline/context.ts'
import type { Turn } from '../pipeline/order.ts'
import { Queue } from '../queue.ts'
import { Answering, ignoreUnreachable } from './answering.ts'
import { askOne } from './ask.ts'
import type { Lane } from './lane-queue.ts'
import { readMessage, type Message } from './message.ts'
import { OFFER_TYPE, readOffer, type Offer } from './naming.ts'
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
  readonly requests = new Queue<IncomingRequest>(REQUESTS_MAX)
  readonly offers = new Queue<Offer>(REQUESTS_MAX)
  readonly approvals = new Queue<AskedApproval>(REQUESTS_MAX)
  /** Groups and gatherings that are open. */
  readonly opened = new Set<AsyncDisposable>()
  readonly #core: Core
  readonly #identity: Identity

  constructor(parts: { readonly core: Core; readonly identity: Identity; readonly epoch: number }) {
    this.#core = parts.core
    this.#identity = parts.identity
    this.sender = new Sender(parts, (...asking) => this.#askApproval(...asking))
    this.answering = new Answering(this.sender, parts.core.clock)
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
      if (header.action === 'answer') {
        const isAsked = this.pending.waits(header, part, this.#core.clock.now())
        if (isAsked) this.pending.take(header, part, message)
      } else if (message !== undefined) {
        this.#take(accepted, part, message)
      }
    }
  }

  /** Leaves every group, and sends what waits. */
  async close(): Promise<void> {
    for (const opened of this.opened) await opened[Symbol.asyncDispose]()
    await this.sender.close()
  }

  /** Ends every reader; what waits can still be read. */
  end(): void {
    this.messages.close()
    this.requests.close()
    this.offers.close()
    this.approvals.close()
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

  #take(accepted: Accepted, part: MessagePart, message: Message): void {
    if (accepted.bundle.header.action === 'publish') {
      this.messages.push(message)
      return
    }
    const request = this.answering.request(accepted, part, message)
    if (message.contentType === OFFER_TYPE) void this.#takeOffer(request)
    else if (message.contentType === APPROVE_TYPE) void this.#takeAsked(request, accepted)
    else this.requests.push(request)
  }

  async #takeOffer(request: IncomingRequest): Promise<void> {
    const offer = await readOffer(request, this.#identity, this.#core)
    if (typeof offer === 'string') await ignoreUnreachable(request.refuse(offer))
    else this.offers.push(offer)
  }

  async #takeAsked(request: IncomingRequest, { bundle }: Accepted): Promise<void> {
    const context = { identity: this.#identity, core: this.#core }
    const asked = readAsked(request, bundle.header.proof, context)
    if (typeof asked === 'string') await ignoreUnreachable(request.refuse(asked))
    else this.approvals.push(asked)
  }
}
