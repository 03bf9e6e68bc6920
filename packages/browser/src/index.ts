export { explanationOf } from '@ixj/agent'
export * from './audit/limits.ts'
export {
  openPageAuditLog,
  type PageAuditLog,
  type PageAuditOptions,
} from './audit/page-audit-log.ts'
export { type BrowserCode, BrowserError } from './browser-error.ts'
export { type BrowserNode, type BrowserNodeOptions, openBrowserNode } from './browser-node.ts'
export { type BrowserHome, type BrowserHomeOptions, openBrowserHome } from './home/browser-home.ts'
export * from './home/limits.ts'
export { pageClock } from './page-clock.ts'
export { pageRandom } from './page-random.ts'
export { type AcceptOptions, acceptInvitation } from './home/accept-invitation.ts'
export * from './web-crypto-keys.ts'
export { webCryptoSealer } from './web-crypto-sealer.ts'
export { type AskDns, DNS_ANSWER_MS, dnsOverHttps, relayDnsAddress } from './dns-over-https.ts'
export type { PageSocket, RelayState, WebSocketClass } from './relay-connection.ts'
export { RELAY_LOGIN_MS, RELAY_RETRY_MS, RELAY_RETRY_MS_MAX } from './relay-connection.ts'
export {
  openRelayTransport,
  PAGE_PROTOCOLS_DEFAULT,
  type RelayAddress,
  RelayTransport,
  type RelayTransportOptions,
} from './relay-transport.ts'
