import { AgentError, type Clock, type IncomingRequest } from '@ixj/agent'
import {
  INVITATION_MS_MAX,
  INVITATION_TYPE,
  type InviterMessage,
  readInviterMessage,
} from '@ixj/agent/invitations'
import type { Name } from '@ixj/names'
import { nodeSha256 } from '@ixj/node'
import { toHex, TrustError } from '@ixj/trust'
import {
  CLAIM_WAIT_MS,
  CLAIMS_PER_INVITATION_MAX,
  INVITATIONS_MAX,
  INVITATIONS_PER_INVITER_MAX,
  INVITER_WAIT_MS,
} from '../limits.ts'

/** What became of a claim that a page brought. */
export type ClaimOutcome =
  | { readonly kind: 'answered'; readonly bytes: Uint8Array }
  /** No such invitation: it ended, was closed, was tried too often, or never was. */
  | { readonly kind: 'absent' }
  /** Another claim is being looked at. */
  | { readonly kind: 'busy' }
  /** The inviter said nothing in time. */
  | { readonly kind: 'unanswered' }

/** What was done with invitations since the relay was opened. */
export interface InvitationCounts {
  /** Invitations that inviters opened. */
  opened: number
  /** Requests of inviters that were refused. */
  refused: number
  claims: number
  /** Claims by what became of them. */
  answered: number
  absent: number
  busy: number
  unanswered: number
}

/** A claim on its way. */
interface Pending {
  readonly digest: string
  readonly claim: Uint8Array
  readonly done: (outcome: ClaimOutcome) => void
  readonly outcome: Promise<ClaimOutcome>
  isHandedOver: boolean
}

/** An inviter that waits for the next claim. */
interface Waiting {
  readonly request: IncomingRequest
  readonly cancel: () => void
}

interface Entry {
  readonly inviter: Name
  readonly notAfter: number
  claims: number
  waiting: Waiting | undefined
  pending: Pending | undefined
  /** The digest of the last claim: its answer may come when its page has stopped waiting. */
  claimed: string | undefined
  /** The last answer, for a page that did not hear it. */
  answered: { readonly digest: string; readonly bytes: Uint8Array } | undefined
}

/**
 * Invitations that inviters have open here: claims of pages go to them, and their answers back. All
 * that a relay sees of one is its id, what a page claims, and what is stated of it; codes made with a
 * secret that it never sees stand over both, so it can pass on or be silent.
 */
export class WaitingInvitations implements Disposable {
  readonly counts: InvitationCounts = {
    opened: 0,
    refused: 0,
    claims: 0,
    answered: 0,
    absent: 0,
    busy: 0,
    unanswered: 0,
  }
  readonly #clock: Clock
  readonly #entries = new Map<string, Entry>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Invitations that are open. */
  get size(): number {
    return this.#entries.size
  }

  /** Does what an inviter asks; whether it may ask anything, the node's policy has decided. */
  async handle(request: IncomingRequest): Promise<void> {
    try {
      if (request.contentType !== INVITATION_TYPE) {
        return await this.#refuse(request, 'unsupported')
      }
      const message = readInviterMessage(request.body)
      await this.#follow(request, message)
    } catch (cause) {
      if (cause instanceof TrustError) return await this.#refuse(request, cause.code)
      // The inviter has gone.
      if (!(cause instanceof AgentError)) throw cause
    }
  }

  /** A page's claim; resolves when the inviter has answered, or does not. */
  async claim(id: string, claim: Uint8Array): Promise<ClaimOutcome> {
    this.counts.claims++
    const outcome = await this.#claim(id, claim)
    this.counts[outcome.kind]++
    return outcome
  }

  /** Ends what waits. */
  [Symbol.dispose](): void {
    for (const entry of this.#entries.values()) end(entry)
    this.#entries.clear()
  }

  async #follow(request: IncomingRequest, message: InviterMessage): Promise<void> {
    this.#sweep()
    const id = toHex(message.id)
    const entry = this.#entries.get(id)
    if (entry !== undefined && entry.inviter !== request.sender) {
      return await this.#refuse(request, 'taken')
    }
    switch (message.kind) {
      case 'open':
      case 'wait':
        return await this.#wait(request, id, message)
      case 'answer': {
        const digest = toHex(message.claimDigest)
        if (entry?.claimed !== digest) return await this.#refuse(request, 'absent')
        entry.answered = { digest, bytes: message.bytes }
        entry.pending?.done({ kind: 'answered', bytes: message.bytes })
        return await request.reply(null)
      }
      case 'close':
        if (entry !== undefined) end(entry)
        this.#entries.delete(id)
        return await request.reply(null)
    }
  }

  async #wait(
    request: IncomingRequest,
    id: string,
    { kind, notAfter }: InviterMessage & { readonly kind: 'open' | 'wait' },
  ): Promise<void> {
    const entry = this.#entries.get(id) ?? this.#open(request.sender, id, notAfter)
    if (typeof entry === 'string') return await this.#refuse(request, entry)
    if (kind === 'open') return await request.reply(null)
    entry.waiting?.cancel()
    entry.waiting = undefined
    const { pending } = entry
    if (pending !== undefined && !pending.isHandedOver) {
      pending.isHandedOver = true
      return await request.reply(pending.claim)
    }
    const cancel = this.#clock.at(this.#clock.now() + INVITER_WAIT_MS, () => {
      entry.waiting = undefined
      void replyTo(request, null)
    })
    entry.waiting = { request, cancel }
  }

  #open(inviter: Name, id: string, notAfter: number): Entry | 'form' | 'table-full' {
    const left = notAfter - this.#clock.now()
    if (left <= 0 || left > INVITATION_MS_MAX) return 'form'
    const own = [...this.#entries.values()].filter((entry) => entry.inviter === inviter).length
    if (this.#entries.size >= INVITATIONS_MAX || own >= INVITATIONS_PER_INVITER_MAX) {
      return 'table-full'
    }
    const entry: Entry = {
      inviter,
      notAfter,
      claims: 0,
      waiting: undefined,
      pending: undefined,
      claimed: undefined,
      answered: undefined,
    }
    this.#entries.set(id, entry)
    this.counts.opened++
    return entry
  }

  async #claim(id: string, claim: Uint8Array): Promise<ClaimOutcome> {
    this.#sweep()
    const entry = this.#entries.get(id)
    if (entry === undefined) return { kind: 'absent' }
    const digest = toHex(nodeSha256(claim))
    if (entry.answered?.digest === digest) return { kind: 'answered', bytes: entry.answered.bytes }
    if (entry.pending?.digest === digest) return await entry.pending.outcome
    if (entry.pending !== undefined) return { kind: 'busy' }
    entry.claims += 1
    if (entry.claims > CLAIMS_PER_INVITATION_MAX) return { kind: 'absent' }
    const { promise, resolve } = Promise.withResolvers<ClaimOutcome>()
    const cancel = this.#clock.at(this.#clock.now() + CLAIM_WAIT_MS, () =>
      resolve({ kind: 'unanswered' }),
    )
    entry.claimed = digest
    entry.pending = { digest, claim, done: resolve, outcome: promise, isHandedOver: false }
    this.#handOver(entry, entry.pending)
    try {
      return await promise
    } finally {
      cancel()
      entry.pending = undefined
    }
  }

  #handOver(entry: Entry, pending: Pending): void {
    const { waiting } = entry
    if (waiting === undefined) return
    entry.waiting = undefined
    waiting.cancel()
    pending.isHandedOver = true
    void this.#send(pending, waiting.request)
  }

  /** If that inviter has gone, the next request of its own gets the claim. */
  async #send(pending: Pending, request: IncomingRequest): Promise<void> {
    pending.isHandedOver = await replyTo(request, pending.claim)
  }

  async #refuse(request: IncomingRequest, code: string): Promise<void> {
    this.counts.refused++
    await request.refuse(code)
  }

  /** Bounded by {@link INVITATIONS_MAX}. */
  #sweep(): void {
    const now = this.#clock.now()
    for (const [id, entry] of this.#entries) {
      if (entry.notAfter >= now) continue
      end(entry)
      this.#entries.delete(id)
    }
  }
}

function end(entry: Entry): void {
  entry.waiting?.cancel()
  entry.pending?.done({ kind: 'absent' })
}

/** Whether the answer went out; a request that has ended takes none. */
async function replyTo(request: IncomingRequest, body: Uint8Array | null): Promise<boolean> {
  try {
    await request.reply(body)
    return true
  } catch (cause) {
    if (cause instanceof AgentError) return false
    throw cause
  }
}
