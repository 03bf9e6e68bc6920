export * from './invitations/limits.ts'
export { type InvitationCode, InvitationError } from './invitations/invitation-error.ts'
export {
  formatInvitation,
  type Invitation,
  invitationIdOf,
  makeInvitation,
  parseInvitation,
} from './invitations/invitation.ts'
export { claimDigestOf, makeClaim } from './invitations/claim.ts'
export { readAnswer, type RootKey, type Stated } from './invitations/answer.ts'
export { type Answered, Inviting } from './invitations/inviting.ts'
export {
  formatInviterMessage,
  INVITATION_TYPE,
  type InviterMessage,
  readInviterMessage,
} from './invitations/inviter-message.ts'
