import type { Name } from '@ixj/names'
import { AgentError } from '../agent-error.ts'
import type { Bundle } from '../bundles/bundle.ts'
import { LIFESPAN_MS_MAX } from '../bundles/header.ts'
import { correlationOf, type MessagePart } from '../bundles/message.ts'
import type { Clock } from '../clock.ts'
import type { Accepted } from '../pipeline/context.ts'
import type { Code } from '../pipeline/verdicts.ts'
import { ACKNOWLEDGEMENT_TYPE } from '../tasks/sent-tasks.ts'
import type { TaskTurn } from '../pipeline/task-turn.ts'
import type { Body, Message } from './message.ts'
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

/** One agent's answers to what it was asked; the request authorises each, for as long as it lives. */
export class Answering {
  readonly #sender: Sender
  readonly #clock: Clock

  constructor(sender: Sender, clock: Clock) {
    this.#sender = sender
    this.#clock = clock
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
      ...message,
      attempt: task?.attempt ?? 1,
      reply: (body, options = {}) => answer(body, options.contentType, options.signal),
      refuse: (code, reason = 'the request was refused') => answer([code, reason], REFUSAL_TYPE),
      fail: (reason) => answer(reason, FAILURE_TYPE),
    }
    this.#sender.lanes.handled.add(request)
    return request
  }

  /** Tells who asked that the receiver refused it. */
  tellRefused(bundle: Bundle, messages: readonly MessagePart[], code: Code): void {
    const { header } = bundle
    for (const part of messages) {
      const answer = {
        body: [code, 'the receiver refused the request'],
        correlation: correlationOf(bundle.id, part.id),
        until: header.sentAt + header.lifespanMs,
        contentType: REFUSAL_TYPE,
        signal: undefined,
      }
      void ignoreUnreachable(this.send(header.sender, answer))
    }
  }

  /** Tells the sender of a task that it was received and is stored. */
  acknowledge(to: Name, correlation: Uint8Array, until: number): void {
    const contentType = ACKNOWLEDGEMENT_TYPE
    const answer = { body: null, correlation, until, contentType, signal: undefined }
    void ignoreUnreachable(this.send(to, answer))
  }

  /** Sends an answer to the asker's inbox. @throws AgentError `unreachable`, `not-handed-over`, `closed` */
  async send(to: Name, answer: Answer): Promise<void> {
    const { body, correlation, contentType, signal } = answer
    const remaining = answer.until - this.#clock.now()
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

/** An answer that nobody can be told is lost for its asker, who sees its own lifespan end. */
export async function ignoreUnreachable(sending: Promise<void>): Promise<void> {
  try {
    await sending
  } catch (cause) {
    if (!(cause instanceof AgentError)) throw cause
  }
}
