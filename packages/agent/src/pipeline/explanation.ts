import {
  describeAuthority,
  describeFoundGrants,
  describeFreshness,
  describeKey,
  describeNameChain,
  findGrantsAbove,
  NOT_REACHED,
  type Answer,
  type Explanation,
} from '@ixj/trust'
import type { Trace } from './context.ts'
import { codeOf } from './decision.ts'
import type { Grounds } from './grounds.ts'
import { REMEDIES } from './remedies.ts'
import { VERDICTS, type Code } from './verdicts.ts'

/** Why what is no bundle was decided as it was. */
export function explainOther({
  action,
  topic,
  sender,
  cause,
}: Extract<Grounds, { readonly of: 'other' }>): Explanation {
  return {
    ...outcome(cause),
    action,
    topic,
    sender,
    onBehalfOf: null,
    name: NOT_REACHED,
    key: NOT_REACHED,
    authority: NOT_REACHED,
    policy: NOT_REACHED,
    ...(cause === undefined ? {} : failing(codeOf(cause), { nameHeld: false, found: [] })),
    notes: [],
  }
}

/** Why a bundle was decided about as it was, as far as it came. */
export function explainTrace(trace: Trace, at: number, cause: unknown): Explanation {
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
