import type { Name } from '@ixj/names'
import { AgentError } from '../agent-error.ts'
import type { Bundle } from '../bundles/bundle.ts'
import { LIFESPAN_MS_MAX } from '../bundles/header.ts'
import { correlationOf, type MessagePart } from '../bundles/message.ts'
import type { Clock } from '../clock.ts'
import { ANSWERS_UNTOLD_MAX, REFUSAL_TOLD_MS, REQUESTS_MAX } from '../limits.ts'
import type { Accepted } from '../pipeline/context.ts'
import type { Decision } from '../pipeline/decision.ts'
import { Refusal, type Code } from '../pipeline/verdicts.ts'
import { ACKNOWLEDGEMENT_TYPE } from './control-types.ts'
import type { TaskTurn } from '../pipeline/task-turn.ts'
import { messageFields, type Body, type Message } from './message.ts'
import { FAILURE_TYPE, REFUSAL_TYPE } from './pending.ts'
import type { IncomingRequest } from './request.ts'
import type { Sender } from './sender.ts'

/** What an answer is made of. */
interface Answer {
  readonly body: Body
  readonly correlation: Uint8Array
  /** ms since the Unix epoch: nobody waits for it afterwards. */
  readonly until: number
  readonly contentType: string | undefined
  readonly signal: AbortSignal | undefined
  /** Default: event. */
  readonly class?: 'event' | 'task'
  /** Whether the question was sealed: its answer may repeat it. */
  readonly isSealed?: boolean
}

/** What answering needs of an agent's node. */
interface AnsweringNode {
  readonly clock: Clock
  plain(about: 'delivery', action: string, topic: string, sender: string, cause: unknown): Decision
  record(decision: Decision): void
}

/** One agent's answers to what it was asked; the request authorises each, for as long as it lives. */
export class Answering {
  readonly #sender: Sender
  readonly #name: Name
  readonly #node: AnsweringNode
  readonly #correlations = new WeakMap<IncomingRequest, Uint8Array>()
  /** Answers on their way for which nobody here waits. */
  #untold = 0

  constructor(sender: Sender, name: Name, node: AnsweringNode) {
    this.#sender = sender
    this.#name = name
    this.#node = node
  }

  /** What a handler is given for a message that asks something. */
  request(
    accepted: Accepted,
    part: MessagePart,
    { message, task }: { readonly message: Message; readonly task: TaskTurn | undefined },
  ): IncomingRequest {
    const correlation = correlationOf(accepted.bundle.id, part.id)
    let answered = false
    const answer = async (body: Body, contentType?: string, signal?: AbortSignal) => {
      if (answered) throw new AgentError('argument', 'Cannot answer a request twice')
      answered = true
      const { expiresAt: until, class: answeredClass } = message
      // What asks for a task is answered by one: the answer is worth as much.
      const of = answeredClass === 'task' ? 'task' : 'event'
      const isSealed = message.sealed
      const sent = { body, correlation, until, contentType, signal, class: of, isSealed } as const
      await this.send(message.sender, sent)
      await task?.done()
    }
    const request: IncomingRequest = {
      ...messageFields(message),
      attempt: task?.attempt ?? 1,
      reply: (body, options = {}) => answer(body, options.contentType, options.signal),
      refuse: (code, reason = 'the request was refused') => answer([code, reason], REFUSAL_TYPE),
      fail: (reason) => answer(reason, FAILURE_TYPE),
    }
    this.#sender.lanes.handled.add(request)
    this.#correlations.set(request, correlation)
    return request
  }

  /** Tells who asked that the receiver refused it. */
  tellRefused(bundle: Bundle, messages: readonly MessagePart[], code: Code): void {
    const { header } = bundle
    const until = header.sentAt + header.lifespanMs
    for (const part of messages) {
      const body = [code, 'the receiver refused the request']
      this.#tellNo(header.sender, { body, until, correlation: correlationOf(bundle.id, part.id) })
    }
  }

  /** Tells who asked that too much waits for the handler. */
  tellOverloaded(request: IncomingRequest): void {
    const correlation = this.#correlations.get(request)
    if (correlation === undefined) throw new Error('It is no request of this agent')
    const body = ['overloaded', `${REQUESTS_MAX} requests wait for the handler`]
    this.#tellNo(request.sender, { body, until: request.expiresAt, correlation })
  }

  /** Tells the sender of a task that it was received and is stored; resolves when that is on its way, or given up. */
  acknowledge(to: Name, correlation: Uint8Array, until: number): Promise<void> {
    const contentType = ACKNOWLEDGEMENT_TYPE
    return this.#tell(to, { body: null, correlation, until, contentType, signal: undefined })
  }

  /** Who asks and cannot be reached must not have its refusals wait here for as long as it says. */
  #tellNo(to: Name, no: Pick<Answer, 'body' | 'correlation' | 'until'>): void {
    const until = Math.min(no.until, this.#node.clock.now() + REFUSAL_TOLD_MS)
    void this.#tell(to, { ...no, until, contentType: REFUSAL_TYPE, signal: undefined })
  }

  /** What nobody here waits for; when there is too much of it, it is left out and that is told. */
  async #tell(to: Name, answer: Answer): Promise<void> {
    if (this.#untold >= ANSWERS_UNTOLD_MAX) {
      const limit = `${ANSWERS_UNTOLD_MAX} answers wait for their askers`
      this.#failed(to, new Refusal('table-full', `Cannot answer ${to}: ${limit}`))
      return
    }
    this.#untold += 1
    try {
      await ignoreUnreachable(this.send(to, answer))
    } catch (cause) {
      // A signer or a store failed: whoever asked must not end the node by that.
      this.#failed(to, cause)
    } finally {
      this.#untold -= 1
    }
  }

  #failed(to: Name, cause: unknown): void {
    this.#node.record(this.#node.plain('delivery', 'answer', to, this.#name, cause))
  }

  /** Sends an answer to the asker's inbox. @throws AgentError `unreachable`, `not-handed-over`, `closed` */
  async send(to: Name, answer: Answer): Promise<void> {
    const { body, correlation, contentType, signal } = answer
    const remaining = lifespanFor(answer.until - this.#node.clock.now())
    const messageClass = answer.class ?? 'event'
    const left = Math.min(LIFESPAN_MS_MAX[messageClass], Math.max(1, remaining))
    const lane = this.#sender.lanes.of(
      { of: 'inbox', topic: to, action: 'answer' },
      {
        lifespanMs: left,
        class: messageClass,
        ...(answer.isSealed === true ? { seal: 'possible' } : {}),
      },
    )
    const part = this.#sender.part(body, {
      correlation,
      ...(contentType === undefined ? {} : { contentType }),
    })
    await this.#sender.send(lane, part, signal === undefined ? {} : { signal })
  }
}

/** Where more is left than this, a second of it matters little. */
const LONG_MS = 10_000

/** What is left, in whole seconds where it is long: answers of one moment share a bundle. */
function lifespanFor(leftMs: number): number {
  return leftMs < LONG_MS ? leftMs : Math.floor(leftMs / 1_000) * 1_000
}

/** An answer that nobody can be told is lost for its asker, who sees its own lifespan end. */
export async function ignoreUnreachable(sending: Promise<void>): Promise<void> {
  try {
    await sending
  } catch (cause) {
    if (!(cause instanceof AgentError)) throw cause
  }
}
