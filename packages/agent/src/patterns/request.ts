import type { Body, Message } from './message.ts'

/**
 * A message that waits for an answer. One answer counts; the first call decides. Whatever else is
 * done for it is done with `{ for: request }`, so that nobody gets by asking what he may not do.
 */
export interface IncomingRequest extends Message {
  /**
   * 1; more for a request of class `task` that was handed out before and not answered: its handler
   * ended, or the process did. It is done with its answer.
   */
  readonly attempt: number
  /** Answers. @throws AgentError `unreachable`, `closed` */
  reply(
    body: Body,
    options?: { readonly contentType?: string; readonly signal?: AbortSignal },
  ): Promise<void>
  /** Says no, with a code that the asker's program can act on. */
  refuse(code: string, reason?: string): Promise<void>
  /** Says that the handler failed. */
  fail(reason: string): Promise<void>
}
