export * from './relay/limits.ts'
export { type Cut, CUT_REASONS, type CutReason, cutOf } from './relay/cut.ts'
export {
  answerChallenge,
  type Challenge,
  decodeChallenge,
  encodeChallenge,
  isPagePeer,
  type LoggedIn,
  type LoginCode,
  LoginError,
  type LoginIdentity,
  type PageLogin,
  pagePeer,
  relayPeer,
  takeLogin,
} from './relay/login.ts'
export { CARRY_PROTOCOL, decodeCarry, encodeCarry } from './relay/carry-frames.ts'
export type { PassedBundles } from './relay/passing.ts'
export { decodeSocketFrame, encodeSocketFrame, type SocketFrame } from './relay/socket-frames.ts'
export type { GossipCounts } from './gossip/gossip.ts'
export type { SocketPort } from './relay/socket-link.ts'
export {
  type SocketSession,
  SocketTransport,
  type SocketTransportOptions,
} from './relay/socket-transport.ts'
