import { REQUEST_LIFESPAN_MS, TASK_LIFESPAN_MS } from '../limits.ts'
import type { MessageClass } from '../bundles/header.ts'
import type { IncomingRequest } from './request.ts'

/** Options of every verb that sends. */
export interface SendOptions {
  /** The grant to act under, by id; needed where several fit. */
  readonly under?: Uint8Array
  /**
   * The request that this is done for, as it came from `requests()`: only authority on behalf of
   * whom the request acts is used, else the verb throws AgentError `mixed-behalf`.
   */
  readonly for?: IncomingRequest
  /** Default event, or what the verb says. */
  readonly class?: MessageClass
  /** Default by class; see LIFESPAN_MS_MAX. */
  readonly lifespanMs?: number
  /** 0 to 3, default 1. */
  readonly priority?: number
  readonly contentType?: string
  /**
   * Whether only the recipient, or the members of the group, can read the bodies. Default: sealed to
   * other organisations where the recipient has an encryption key, and to a group that was joined
   * `sealed`. True: never sent unless there is a key, or a secret of the group (AgentError
   * `unsealable`). Names, sizes and times stay visible.
   */
  readonly seal?: boolean
  /** Ends the wait; what was handed over stays so. */
  readonly signal?: AbortSignal
}

/** How long a question is waited for where nothing is said: of class task as long as that lives. */
export function requestLifespanMs(messageClass: MessageClass | undefined): number {
  return messageClass === 'task' ? TASK_LIFESPAN_MS : REQUEST_LIFESPAN_MS
}
