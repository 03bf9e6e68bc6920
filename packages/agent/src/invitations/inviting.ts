import { equalBytes, fromHex, type Sha256, TrustError, type Verifier } from '@ixj/trust'
import { AgentError } from '../agent-error.ts'
import { holds } from '../bundles/signed-body.ts'
import type { Clock } from '../clock.ts'
import type { ChildName } from '../patterns/births.ts'
import { makeAnswer, type Stated, type Verdict } from './answer.ts'
import { type Claim, claimDigestOf, readClaim } from './claim.ts'
import { type Invitation, invitationIdOf } from './invitation.ts'
import type { InvitationCode } from './invitation-error.ts'

/** What became of a claim. */
export interface Answered {
  /** What goes back to who made it. */
  readonly bytes: Uint8Array
  /** Why nothing was bound; null: the name was. */
  readonly code: InvitationCode | null
  /** The key that was bound, 32 bytes; null: none was. */
  readonly key: Uint8Array | null
  /** For `not-issued`: what went wrong. */
  readonly cause?: Error
}

/** How an inviter binds and checks. */
export interface InvitingContext {
  readonly clock: Clock
  readonly verifier: Verifier
  readonly hash: Sha256
  /** States who the child is, and what it may do, from the root as it is now. @throws TrustError, AgentError */
  readonly issue: (child: ChildName) => Promise<Stated>
}

/**
 * The inviter's side of one invitation: it binds one key, once, to one name, until its time is over.
 * It is in memory alone: whoever ends the process takes the invitation back.
 */
export class Inviting {
  readonly invitation: Invitation
  readonly #context: InvitingContext
  #bound: Bound | undefined
  #turn: Promise<unknown> = Promise.resolve()

  constructor(invitation: Invitation, context: InvitingContext) {
    this.invitation = invitation
    this.#context = context
  }

  /** Whether a key was bound. */
  get isUsed(): boolean {
    return this.#bound !== undefined
  }

  /** Whether nothing can come of it any more. */
  get isVoid(): boolean {
    return this.#isEnded()
  }

  /**
   * Answers a claim, whoever brought it. The same key again gets the same statements, since the
   * answer, or the claim that it was to, may have been lost. A claim that was not made with the
   * secret changes nothing, however many come: nobody guesses 256 bits, and who may bring claims
   * here may not end the invitation with them. Never throws for what a claim says.
   */
  async answer(claim: Uint8Array): Promise<Answered> {
    // One after the other: of two at the same time, one is bound.
    const answering = this.#turn.then(() => this.#answer(claim))
    this.#turn = answering.catch(() => undefined)
    return await answering
  }

  async #answer(bytes: Uint8Array): Promise<Answered> {
    const digest = claimDigestOf(bytes, this.#context.hash)
    const say = (verdict: Verdict) => makeAnswer(this.invitation, digest, verdict)
    const refuse = (code: InvitationCode, cause?: Error): Answered => ({
      bytes: say({ refused: code }),
      code,
      key: null,
      ...(cause === undefined ? {} : { cause }),
    })
    if (this.#isEnded()) return refuse('ended')
    const claim = this.#read(bytes)
    if (claim === undefined || !claim.isGenuine) return refuse('wrong-secret')
    const { signer, signerKey } = claim.signed
    if (this.#bound !== undefined && !isFor(claim, this.#bound)) return refuse('used')
    if (signer !== this.invitation.name) return refuse('wrong-name')
    if (!(await holds(claim.signed, this.#context.verifier))) return refuse('wrong-key')
    try {
      const child = { name: signer, key: signerKey, encryptionKey: claim.encryptionKey }
      const stated = this.#bound?.stated ?? (await this.#context.issue(child))
      const answered = { bytes: say(stated), code: null, key: signerKey }
      this.#bound ??= { key: signerKey, encryptionKey: claim.encryptionKey, stated }
      return answered
    } catch (cause) {
      if (!(cause instanceof TrustError || cause instanceof AgentError)) throw cause
      return refuse('not-issued', cause)
    }
  }

  /** Undefined for what is no claim to this invitation. */
  #read(bytes: Uint8Array): Claim | undefined {
    try {
      const claim = readClaim(bytes, this.invitation)
      return equalBytes(claim.id, fromHex(invitationIdOf(this.invitation))) ? claim : undefined
    } catch (cause) {
      if (cause instanceof TrustError) return undefined
      throw cause
    }
  }

  #isEnded(): boolean {
    return this.#context.clock.now() > this.invitation.notAfter
  }
}

/** What an invitation was used for. */
interface Bound {
  readonly key: Uint8Array
  readonly encryptionKey: Uint8Array | null
  readonly stated: Stated
}

/** Whether a claim is for the keys that were bound. */
function isFor(claim: Claim, { key, encryptionKey }: Bound): boolean {
  const claimed = claim.encryptionKey
  const isSealedAlike =
    claimed === null || encryptionKey === null
      ? claimed === encryptionKey
      : equalBytes(claimed, encryptionKey)
  return isSealedAlike && equalBytes(claim.signed.signerKey, key)
}
