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
  /** No such invitation: it ended, was used or closed, or never was. */
  | { readonly kind: 'absent' }
  /** Too many claims to it wait. */
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
  waiting: Waiting | undefined
  /** By the digest of the claim, in the order in which they came. */
  readonly pending: Map<string, Pending>
  /** The digest of the last claim that the inviter has: its page may have stopped waiting. */
  claimed: string | undefined
  /** The last answer, for a page that did not hear it. */
  answered: { readonly digest: string; readonly bytes: Uint8Array } | undefined
  /** The inviter has ended it; what is kept is the last answer. */
  isClosed: boolean
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
        entry.pending.get(digest)?.done({ kind: 'answered', bytes: message.bytes })
        return await request.reply(null)
      }
      case 'close':
        if (entry !== undefined) this.#close(entry, id)
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
    if (entry.isClosed) return await this.#refuse(request, 'absent')
    if (kind === 'open') return await request.reply(null)
    entry.waiting?.cancel()
    entry.waiting = undefined
    const cancel = this.#clock.at(this.#clock.now() + INVITER_WAIT_MS, () => {
      entry.waiting = undefined
      void replyTo(request, null)
    })
    entry.waiting = { request, cancel }
    this.#handOver(entry)
  }

  #open(inviter: Name, id: string, notAfter: number): Entry | 'form' | 'table-full' {
    const left = notAfter - this.#clock.now()
    if (left <= 0 || left > INVITATION_MS_MAX) return 'form'
    const own = [...this.#entries].filter(([, entry]) => entry.inviter === inviter)
    const [oldest] = own.find(([, entry]) => entry.isClosed) ?? []
    if (own.length >= INVITATIONS_PER_INVITER_MAX && oldest !== undefined) {
      this.#entries.delete(oldest)
    } else if (this.#entries.size >= INVITATIONS_MAX || own.length >= INVITATIONS_PER_INVITER_MAX) {
      return 'table-full'
    }
    const entry: Entry = {
      inviter,
      notAfter,
      waiting: undefined,
      pending: new Map(),
      claimed: undefined,
      answered: undefined,
      isClosed: false,
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
    if (entry.isClosed) return { kind: 'absent' }
    const same = entry.pending.get(digest)
    if (same !== undefined) return await same.outcome
    if (entry.pending.size >= CLAIMS_PER_INVITATION_MAX) return { kind: 'busy' }
    const { promise, resolve } = Promise.withResolvers<ClaimOutcome>()
    const cancel = this.#clock.at(this.#clock.now() + CLAIM_WAIT_MS, () =>
      resolve({ kind: 'unanswered' }),
    )
    const pending = { claim, done: resolve, outcome: promise, isHandedOver: false }
    entry.pending.set(digest, pending)
    this.#handOver(entry)
    try {
      return await promise
    } finally {
      cancel()
      entry.pending.delete(digest)
    }
  }

  /** The oldest claim that the inviter does not have, where it waits for one. */
  #handOver(entry: Entry): void {
    const { waiting } = entry
    const next = [...entry.pending].find(([, pending]) => !pending.isHandedOver)
    if (waiting === undefined || next === undefined) return
    const [digest, pending] = next
    entry.waiting = undefined
    waiting.cancel()
    entry.claimed = digest
    pending.isHandedOver = true
    void this.#send(pending, waiting.request)
  }

  /** What was answered last is kept: its page may not have heard it. */
  #close(entry: Entry, id: string): void {
    end(entry)
    entry.isClosed = true
    if (entry.answered === undefined) this.#entries.delete(id)
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
  for (const pending of entry.pending.values()) pending.done({ kind: 'absent' })
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
