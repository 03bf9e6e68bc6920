import {
  describeAuthority,
  describeFoundGrants,
  describeFreshness,
  describeKey,
  describeNameChain,
  findGrantsAbove,
  NOT_REACHED,
  TrustError,
  type Answer,
  type Explanation,
} from '@ixj/trust'
import { TransportError, type Verdict } from '../transport.ts'
import type { Trace } from './context.ts'
import { REMEDIES } from './remedies.ts'
import { Refusal, VERDICTS, type Code } from './verdicts.ts'

/** What a node decided about something that came in, and why. */
export interface Decision {
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
  /** Made when it is asked for. */
  explain(): Explanation
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
    explain: () => explainTrace(trace, at, cause),
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
  return {
    at: facts.at,
    about,
    verdict: code === null ? 'accept' : VERDICTS[code],
    code,
    id: null,
    messageIds: () => [],
    explain: () => ({
      ...outcome(cause),
      action: facts.action,
      topic: facts.topic,
      sender: facts.sender,
      onBehalfOf: null,
      name: NOT_REACHED,
      key: NOT_REACHED,
      authority: NOT_REACHED,
      policy: NOT_REACHED,
      ...(cause === undefined ? {} : failing(code, { nameHeld: false, found: [] })),
      notes: [],
    }),
  }
}

function explainTrace(trace: Trace, at: number, cause: unknown): Explanation {
  const header = trace.bundle?.header
  const reached: Pick<Explanation, 'name' | 'key' | 'authority' | 'policy'> = {
    name: trace.chain === undefined ? NOT_REACHED : yes(describeNameChain(trace.chain, at)),
    key:
      trace.signed === undefined || trace.chain === undefined
        ? NOT_REACHED
        : yes(describeKey(trace.chain)),
    authority: trace.basis === undefined ? NOT_REACHED : yes(authorityLines(trace, at)),
    policy:
      trace.decision === undefined
        ? NOT_REACHED
        : { state: trace.decision.permit ? 'yes' : 'no', lines: [trace.decision.rule] },
  }
  const nameHeld = trace.chain !== undefined
  return {
    ...outcome(cause),
    action: header?.action ?? 'unreadable',
    topic: header?.topic ?? 'unreadable',
    sender: header?.sender ?? 'unreadable',
    onBehalfOf: trace.onBehalfOf ?? null,
    ...reached,
    ...(cause === undefined
      ? {}
      : failing(codeOf(cause), { nameHeld, found: foundLines(trace, at) })),
    notes: trace.freshness === undefined ? [] : describeFreshness(trace.freshness, at),
  }
}

function authorityLines(trace: Trace, at: number): readonly string[] {
  switch (trace.basis) {
    case 'owner':
      return ['owner of the topic']
    case 'answer':
      return ['answers a request that was made of it']
    case 'grant':
      return trace.authority === undefined
        ? []
        : [...describeAuthority(trace.authority, at), ...approvalLines(trace)]
    default:
      return ['none: the policy decides about named senders on an inbox']
  }
}

/** As much of the chain of grants as was at hand, for a refusal of it. */
function foundLines({ bundle, grants = [] }: Trace, at: number): readonly string[] {
  const leaf = bundle?.header.authority ?? null
  return leaf === null ? [] : describeFoundGrants(findGrantsAbove(leaf, grants), at)
}

function approvalLines({ approvers = [] }: Trace): readonly string[] {
  return approvers.length === 0 ? [] : [`approved by ${approvers.join(', ')}`]
}

function outcome(cause: unknown): Pick<Explanation, 'outcome' | 'code' | 'message' | 'remedy'> {
  if (cause === undefined) return { outcome: 'accepted', code: null, message: null, remedy: null }
  const code = codeOf(cause)
  const verdict = VERDICTS[code] === 'reject' ? 'rejected' : 'ignored'
  return { outcome: verdict, code, message: messageOf(cause), remedy: REMEDIES[code] }
}

/** Which of the four questions a code answers with no; the others stay as they were found. */
function failing(
  code: Code | null,
  { nameHeld, found }: { readonly nameHeld: boolean; readonly found: readonly string[] },
): Partial<Explanation> {
  // The tree tells the reason once, at its head.
  const no: Answer = { state: 'no', lines: ['see the reason above'] }
  const noAuthority: Answer = { ...no, lines: [...no.lines, ...found] }
  switch (code) {
    case 'no-anchor':
    case 'anchor-limits':
    case 'cross-limits':
    case 'no-chain':
    case 'not-below':
    case 'depth-exceeded':
    case 'uses':
    case 'revoked':
    case 'stale':
    case 'no-status':
    case 'expired':
    case 'not-yet-valid':
    case 'missing-statement':
    case 'proof-missing':
      // The same codes say it of the name's chain and, when that held, of the chain of grants.
      return nameHeld ? { authority: noAuthority } : { name: no }
    case 'bad-signature':
    case 'bad-digest':
    case 'bad-key':
      return { key: no }
    case 'wider-than-parent':
    case 'outside-slice':
    case 'broken-chain':
    case 'wrong-subject':
    case 'not-granted':
    case 'condition':
    case 'unknown-condition':
    case 'unapproved':
    case 'wrong-approval':
    case 'approval-used':
    case 'not-asked':
    case 'ambiguous-authority':
      return { authority: noAuthority }
    default:
      return {}
  }
}

function yes(lines: readonly string[]): Answer {
  return { state: 'yes', lines }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : 'what was thrown is no error'
}
