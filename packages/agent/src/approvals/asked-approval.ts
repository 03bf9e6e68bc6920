import type { Name, Pattern } from '@ixj/names'
import {
  approvalsNeeded,
  checkAuthority,
  decodeApplication,
  readArray,
  readBytes,
  readBytesUpTo,
  readInteger,
  readName,
  readOneOf,
  readOptional,
  readPattern,
  readSortedSet,
  toHex,
  TrustError,
  type ApplicationValue,
  type ApprovalsNeeded,
  type Authority,
  type Grant,
  type Value,
} from '@ixj/trust'
import { decodeApproval, signApproval, termsOf } from '../bundles/approval.ts'
import type { BundleAction, MessageClass } from '../bundles/header.ts'
import { decodeMessages } from '../bundles/message.ts'
import type { Core } from '../host/core.ts'
import type { Identity } from '../host/identity.ts'
import { APPROVAL_MS_MAX, AUDIENCE_MAX, MESSAGES_BYTES_MAX } from '../limits.ts'
import { APPROVAL_TYPE } from '../patterns/control-types.ts'
import type { Explicable } from '../pipeline/grounds.ts'
import { Refusal, type Code } from '../pipeline/verdicts.ts'
import type { IncomingRequest } from '../patterns/request.ts'

/** What is asked for, as it stands in the body of the request. */
export interface Wanted {
  readonly topic: Name
  readonly action: Exclude<BundleAction, 'answer'>
  readonly class: MessageClass
  readonly priority: number
  readonly audience: readonly Pattern[] | null
  /** Id of the grant that asks for approvals, 32 bytes. */
  readonly authority: Uint8Array
  /** The one message, encoded as it will be sent. */
  readonly messagesBytes: Uint8Array
}

/** Somebody wants to send one message, and its grant asks this agent to let it pass. */
export interface AskedApproval extends Explicable {
  /** Who will send it, as its signature on the request proved. */
  readonly sender: Name
  readonly onBehalfOf: Name
  readonly topic: Name
  readonly action: BundleAction
  readonly class: MessageClass
  readonly priority: number
  /** Who is to have it; null: all who receive the topic. */
  readonly audience: readonly Pattern[] | null
  /** What will be sent, byte for byte. */
  readonly body: ApplicationValue
  readonly contentType: string | null
  /** 16 bytes. */
  readonly messageId: Uint8Array
  /** Id of the grant, 32 bytes. */
  readonly authority: Uint8Array
  /** The grant itself, which held when it was asked. */
  readonly grant: Grant
  /** How many of whom the grant asks for. */
  readonly needed: ApprovalsNeeded
  /** By when the sender has to know, by its own clock. */
  readonly expiresAt: number
  /**
   * Lets it pass, once, for at most `lifetimeMs` (default and limit 5 min).
   * @throws TrustError `form` for another lifetime; AgentError `unreachable`, `argument` when told twice
   */
  approve(options?: { readonly lifetimeMs?: number }): Promise<void>
  /** Says no. @throws AgentError `unreachable`, `argument` when told twice */
  refuse(reason?: string): Promise<void>
}

/** The body of a request for an approval. */
export function encodeWanted(wanted: Wanted): ApplicationValue {
  const { topic, action, priority, audience, authority, messagesBytes } = wanted
  return [topic, action, wanted.class, priority, audience, authority, messagesBytes]
}

/**
 * Reads a request for an approval. The sender's name was proved by the request, its grant is proved
 * by the request's proof; a person is shown nothing that does not hold. The code where it does not.
 */
export function readAsked(
  request: IncomingRequest,
  proof: Uint8Array,
  by: { readonly identity: Identity; readonly core: Core },
): AskedApproval | Code {
  try {
    const wanted = readWanted(request.body)
    const message = decodeMessages(wanted.messagesBytes, 1)[0]!
    const { onBehalfOf, leaf } = authorityOf(request, wanted, { ...by, proof })
    const needed = approvalsNeeded(leaf.statement.conditions)
    if (needed?.names.includes(by.identity.name) !== true) return 'wrong-subject'
    return {
      ...wanted,
      sender: request.sender,
      onBehalfOf,
      body: decodeApplication(message.body),
      contentType: message.contentType,
      messageId: message.id,
      grant: leaf.statement,
      needed,
      expiresAt: request.expiresAt,
      approve: async ({ lifetimeMs = APPROVAL_MS_MAX } = {}) => {
        const asked = { ...wanted, sender: request.sender, messageId: message.id }
        const envelope = await sign(asked, lifetimeMs, by)
        // Nobody gets an approval of which the approver's own node has no record.
        await by.core.audit.approved(decodeApproval(envelope))
        await request.reply(envelope, { contentType: APPROVAL_TYPE })
      },
      refuse: (reason = 'the approver said no') => request.refuse('declined', reason),
      grounds: () => request.grounds(),
    }
  } catch (cause) {
    if (cause instanceof TrustError || cause instanceof Refusal) return cause.code
    throw cause
  }
}

async function sign(
  asked: Wanted & { readonly sender: Name; readonly messageId: Uint8Array },
  lifetimeMs: number,
  { identity, core }: { readonly identity: Identity; readonly core: Core },
): Promise<Uint8Array> {
  const { topic, sender, authority, messageId, messagesBytes } = asked
  const time = core.clock.now()
  const digest = core.hash(messagesBytes)
  const terms = termsOf(asked, core.hash)
  const notAfter = time + lifetimeMs
  return await signApproval(
    { topic, sender, authority, messageId, digest, terms, notAfter },
    { signer: identity.name, time, nonce: core.random(16) },
    identity.signer,
  )
}

/** The asker holds the grant, for this action on this topic. @throws TrustError, Refusal */
function authorityOf(
  { sender, senderKey }: IncomingRequest,
  wanted: Wanted,
  by: { readonly core: Core; readonly proof: Uint8Array },
): Authority {
  const { proofs, trust, clock } = by.core
  const material = proofs.material(toHex(by.proof))
  if (material === undefined) {
    throw new Refusal('proof-missing', `Cannot show what ${sender} may do: its proof is gone`)
  }
  const { authority: leaf, action, topic } = wanted
  // Who may be believed is for the receivers' anchors to say; who asks has to be a sender here.
  const question = { leaf, subject: sender, subjectKey: senderKey, action, topic } as const
  return checkAuthority(
    { ...question, purpose: 'send' },
    { ...material, anchors: trust.anchors, now: clock.now() },
  )
}

function readWanted(body: ApplicationValue): Wanted {
  // What a scanner let through as an application's body may hold maps and floats; no field does.
  const what = 'request for an approval'
  const fields = readArray(body as Value, what, 7)
  return {
    topic: readName(fields[0], `topic of ${what}`),
    action: readOneOf(fields[1], `action of ${what}`, ['publish', 'request']),
    class: readOneOf(fields[2], `class of ${what}`, ['state', 'event', 'task']),
    priority: readInteger(fields[3], `priority of ${what}`, { min: 0, max: 3 }),
    audience: readOptional(fields[4], `audience of ${what}`, (field, place) =>
      readSortedSet(field, place, {
        itemsMin: 1,
        itemsMax: AUDIENCE_MAX,
        item: readPattern,
      }),
    ),
    authority: readBytes(fields[5], `grant of ${what}`),
    messagesBytes: readBytesUpTo(fields[6], `message of ${what}`, MESSAGES_BYTES_MAX),
  }
}
