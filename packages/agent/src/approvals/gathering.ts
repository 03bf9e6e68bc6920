import type { Name } from '@ixj/names'
import {
  CHAIN_LINKS_MAX,
  checkName,
  equalBytes,
  toHex,
  TrustError,
  type ApplicationValue,
  type ApprovalsNeeded,
  type SignedStatement,
} from '@ixj/trust'
import { AgentError } from '../agent-error.ts'
import { decodeApproval, termsOf, type Approval } from '../bundles/approval.ts'
import { encodeMessages, type MessagePart } from '../bundles/message.ts'
import type { Core } from '../host/core.ts'
import { inOrder, provingBindings, provingStatements, type Identity } from '../host/identity.ts'
import { APPROVAL_MS_MAX, APPROVAL_SENDING_MS } from '../limits.ts'
import { rootsOf } from '../neighbours/proof-book.ts'
import { APPROVAL_TYPE } from '../patterns/control-types.ts'
import type { Lane } from '../patterns/lane-queue.ts'
import type { Reply } from '../patterns/pending.ts'
import { Refusal } from '../pipeline/verdicts.ts'
import { encodeWanted } from './asked-approval.ts'
import type { Gathered } from './gathered.ts'
import { checkApprovals, checkSubject, type Subject } from './usable-approval.ts'

/** What gathering needs of the agent. */
export interface GatheringContext {
  readonly core: Core
  readonly identity: Identity
  /** Asks one name for its approval. */
  ask(
    to: Name,
    body: ApplicationValue,
    how: { readonly lane: Lane; readonly lifespanMs: number; readonly signal: AbortSignal },
  ): Promise<Reply>
}

interface Given {
  readonly approval: Approval
  readonly bindings: readonly SignedStatement[]
}

/**
 * Asks all the names that a grant lists but the sender, at once, and takes the first approvals that
 * are enough. Waits no longer than the message's lifespan, less some time to send it.
 * @throws AgentError `unapproved` with the names that are missing and what came of each; the
 * signal's reason
 */
export async function gatherApprovals(
  message: { readonly lane: Lane; readonly part: MessagePart; readonly needed: ApprovalsNeeded },
  context: GatheringContext,
  signal: AbortSignal | undefined,
): Promise<Gathered> {
  const { lane, part } = message
  const { clock } = context.core
  const began = clock.now()
  const round = new Round(message, context)
  const sendingMs = Math.min(APPROVAL_SENDING_MS, Math.ceil(lane.lifespanMs / 10))
  const lifespanMs = Math.max(1, Math.min(lane.lifespanMs - sendingMs, APPROVAL_MS_MAX))
  const given = await round.run(lifespanMs, signal)
  const ends = given.map(({ approval }) => approval.notAfter)
  const left = Math.min(began + lane.lifespanMs, ...ends) - clock.now()
  if (left < 1) throw round.missing(`the lifespan of ${toHex(part.id)} is over`)
  return { ...(await proveAll(lane, given, context)), lifespanMs: left }
}

/** One message's question to its approvers. */
class Round {
  readonly #lane: Lane
  readonly #needed: ApprovalsNeeded
  readonly #context: GatheringContext
  readonly #subject: Subject
  readonly #body: ApplicationValue
  readonly #given = new Map<Name, Given>()
  /** What came of those who did not approve. */
  readonly #reasons = new Map<Name, string>()

  constructor(
    message: { readonly lane: Lane; readonly part: MessagePart; readonly needed: ApprovalsNeeded },
    context: GatheringContext,
  ) {
    const { lane, part, needed } = message
    const { identity, core } = context
    const { topic, grant } = lane
    if (grant === null || lane.action === 'answer') throw new Error('Nothing asks for approvals')
    const messagesBytes = encodeMessages([part])
    this.#lane = lane
    this.#needed = needed
    this.#context = context
    this.#subject = {
      topic,
      sender: identity.name,
      key: identity.signer.publicKey,
      authority: grant.id,
      messageId: part.id,
      digest: core.hash(messagesBytes),
      terms: termsOf(lane, core.hash),
    }
    const wanted = { ...lane, action: lane.action, authority: grant.id, messagesBytes }
    this.#body = encodeWanted(wanted)
  }

  async run(lifespanMs: number, signal: AbortSignal | undefined): Promise<readonly Given[]> {
    const { count, names } = this.#needed
    const { name: own } = this.#context.identity
    if (names.includes(own)) this.#reasons.set(own, 'is the sender')
    const approvers = names.filter((name) => name !== own)
    if (approvers.length < count) throw this.missing('nobody approves what they send')
    const ended = new AbortController()
    const stop = signal === undefined ? ended.signal : AbortSignal.any([ended.signal, signal])
    let open = approvers.length
    await new Promise<void>((resolve) => {
      for (const name of approvers) {
        void this.#askOne(name, { lifespanMs, signal: stop }, () => {
          open -= 1
          // Enough, or never enough any more.
          if (this.#given.size >= count || this.#given.size + open < count) resolve()
        })
      }
    })
    ended.abort()
    signal?.throwIfAborted()
    if (this.#given.size < count) throw this.missing('they were asked')
    return [...this.#given.values()].slice(0, count)
  }

  /** Who is missing, and what came of each. */
  missing(why: string): AgentError {
    const { count, names } = this.#needed
    const missing = names.filter((name) => !this.#given.has(name))
    const told = missing.map((name) => `${name} (${this.#reasons.get(name) ?? 'is silent'})`)
    return new AgentError(
      'unapproved',
      `Cannot ${this.#lane.action} on ${this.#lane.topic}: ${this.#given.size} of ${count} approvals, ${why}; missing: ${told.join(', ')}`,
      { missing },
    )
  }

  async #askOne(
    name: Name,
    wait: { readonly lifespanMs: number; readonly signal: AbortSignal },
    done: () => void,
  ): Promise<void> {
    try {
      const reply = await this.#context.ask(name, this.#body, { lane: this.#lane, ...wait })
      if (reply.status === 'replied') this.#given.set(name, await this.#read(name, reply))
      else if (reply.status === 'refused') this.#reasons.set(name, `${reply.code}: ${reply.reason}`)
      else this.#reasons.set(name, `failed: ${reply.reason}`)
    } catch (cause) {
      // Whatever came of one who was asked, the others may be enough.
      this.#reasons.set(name, reasonOfFailure(cause))
    }
    done()
  }

  /** An approval is looked at before it is sent: receivers would only say that it is wrong. */
  async #read(name: Name, reply: Reply & { readonly status: 'replied' }): Promise<Given> {
    const { body, contentType, senderKey } = reply.message
    if (contentType !== APPROVAL_TYPE || !(body instanceof Uint8Array)) {
      throw new Refusal('form', `Cannot read the approval of ${name}: it is none`)
    }
    const approval = decodeApproval(body)
    const { signer, signerKey } = approval.signed
    if (signer !== name || !equalBytes(signerKey, senderKey)) {
      throw new Refusal('wrong-approval', `Cannot use the approval of ${name}: it is by ${signer}`)
    }
    checkSubject([approval], this.#subject)
    const { proofs, trust, clock, hash, verifier } = this.#context.core
    const material = proofs.material(toHex(reply.proof)) ?? { bindings: [], grants: [] }
    const now = clock.now()
    await checkApprovals([approval], {
      hash,
      verifier,
      now,
      chain: (approver, key) =>
        checkName(
          { name: approver, key, use: 'sign', purpose: 'send' },
          { ...material, anchors: trust.anchors, now },
        ),
    })
    const bindings = provingBindings(material.bindings, { name, key: signerKey })
    if (bindings.length > CHAIN_LINKS_MAX) {
      const size = `${bindings.length} bindings, limit ${CHAIN_LINKS_MAX}`
      throw new TrustError('cost-cap', `Cannot prove the name of ${name}: ${size}`)
    }
    return { approval, bindings }
  }
}

/** The sender's proof and the approvers', in one. */
async function proveAll(
  lane: Lane,
  given: readonly Given[],
  { core, identity }: GatheringContext,
): Promise<Pick<Gathered, 'approvals' | 'proof' | 'release'>> {
  const leaves = lane.grant === null ? [] : [lane.grant]
  const theirs = await core.keepStatements(given.flatMap(({ bindings }) => bindings))
  const statements = inOrder([...provingStatements(identity, leaves), ...theirs])
  const approvals = given.map(({ approval }) => approval)
  const approvers = approvals.map(({ signed: { signer, signerKey } }) => ({
    name: signer,
    signer: { publicKey: signerKey },
  }))
  // Keys of approvers that stand in the DNS are proved by records that have to be had first.
  const release = await core.followed.follow(rootsOf(statements, identity, ...approvers))
  return { approvals, proof: core.proofs.compose(statements, identity, ...approvers), release }
}

function reasonOfFailure(cause: unknown): string {
  if (cause instanceof AgentError || cause instanceof TrustError || cause instanceof Refusal) {
    return cause.code === 'no-answer' ? 'is silent' : cause.code
  }
  return cause instanceof Error ? cause.message : 'failed'
}
