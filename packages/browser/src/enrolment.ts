export { parseInvitation } from '@ixj/agent/invitations'
export * from './enrol.ts'
