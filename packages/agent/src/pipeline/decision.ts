import { TrustError } from '@ixj/trust'
import { TransportError, type Verdict } from '../transport.ts'
import type { Trace } from './context.ts'
import type { Explicable } from './grounds.ts'
import { Refusal, VERDICTS, type Code } from './verdicts.ts'

/** What a node decided about something that came in, and why. */
export interface Decision extends Explicable {
  /** ms since the Unix epoch. */
  readonly at: number
  readonly about:
    | 'bundle'
    /** A bundle of this node's own that was handed over and is given up. */
    | 'delivery'
    | 'presence'
    | 'hello'
    | 'right'
    | 'subscription'
    | 'audit'
    | 'status'
    | 'state'
    | 'sync'
    | 'history'
    /** A task of this node's own, or one that an agent here was given. */
    | 'task'
  readonly verdict: Verdict
  /** Null: accepted. */
  readonly code: Code | null
  /** Id of the bundle in hex, where one was read. */
  readonly id: string | null
  /** Ids of the bundle's messages, 16 bytes each, where they were read. */
  messageIds(): readonly Uint8Array[]
}

/** The code of what a check threw; anything without a code is a fault of ours. */
export function codeOf(cause: unknown): Code {
  if (cause instanceof Refusal || cause instanceof TrustError) return cause.code
  if (cause instanceof TransportError) return 'transport'
  return 'own-fault'
}

/** The decision about a bundle, from what was found on its way and from what stopped it. */
export function bundleDecision(trace: Trace, at: number, cause?: unknown): Decision {
  const code = cause === undefined ? null : codeOf(cause)
  return {
    at,
    about: 'bundle',
    verdict: code === null ? 'accept' : VERDICTS[code],
    code,
    id: trace.bundle?.idText ?? null,
    messageIds: () => trace.messages?.map((part) => part.id) ?? [],
    grounds: () => ({ of: 'bundle', trace, at, cause }),
  }
}

/** A decision about something that is no bundle: what was tried, by whom, and what stopped it. */
export function plainDecision(
  about: Exclude<Decision['about'], 'bundle'>,
  facts: {
    readonly action: string
    readonly topic: string
    readonly sender: string
    readonly at: number
  },
  cause?: unknown,
): Decision {
  const code = cause === undefined ? null : codeOf(cause)
  const { at, action, topic, sender } = facts
  return {
    at,
    about,
    verdict: code === null ? 'accept' : VERDICTS[code],
    code,
    id: null,
    messageIds: () => [],
    grounds: () => ({ of: 'other', action, topic, sender, cause }),
  }
}
