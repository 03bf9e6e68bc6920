/** Why an invitation came to nothing. */
export type InvitationCode =
  /** Its time is over. */
  | 'ended'
  /** Another key has used it. */
  | 'used'
  /** The claim is for another name than it. */
  | 'wrong-name'
  /** The claim was made, or changed, by somebody without the secret. */
  | 'wrong-secret'
  /** The claim is not signed by the key that it is for. */
  | 'wrong-key'
  /** The inviter could not bind the name. */
  | 'not-issued'
  /** The answer was made, or changed, by somebody without the secret. */
  | 'forged-answer'
  /** The answer is to another claim. */
  | 'other-claim'
  /** What the answer states does not lead from the invitation's anchor to the name and key. */
  | 'unproven'
  /** Nobody answered. */
  | 'unanswered'

/** An invitation came to nothing; `code` says why. */
export class InvitationError extends Error {
  override readonly name = 'InvitationError'
  readonly code: InvitationCode

  constructor(code: InvitationCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

const CODES: Readonly<Record<InvitationCode, string>> = {
  ended: 'its time is over',
  used: 'another key has used it',
  'wrong-name': 'it is for another name',
  'wrong-secret': 'the claim was not made with its secret',
  'wrong-key': 'the claim is not signed by the key that it is for',
  'not-issued': 'the inviter could not bind the name',
  'forged-answer': 'the answer was not made with its secret',
  'other-claim': 'the answer is to another claim',
  unproven: 'what was answered does not prove the name',
  unanswered: 'nobody answered',
}

/** Whether an answer's code is known here. */
export function isInvitationCode(code: string): code is InvitationCode {
  return Object.hasOwn(CODES, code)
}

/** The reason of a code, for people. */
export function invitationReason(code: InvitationCode): string {
  return CODES[code]
}
