export {
  generateNodeKey,
  nodeRandom,
  nodeSha256,
  nodeSigner,
  openNodeVerifier,
  VERIFIER_KEYS_MAX,
} from './node-keys.ts'
export { ExplanationFile, type KeptExplanation } from './explanations/explanation-file.ts'
export * from './explanations/limits.ts'
export { systemClock } from './system-clock.ts'
export * from './home/limits.ts'
export { HomeError, type HomeCode } from './home/home-error.ts'
export { DNS_SETTINGS_DEFAULT, type DnsSettings, upstreamsOf } from './home/dns-file.ts'
export { type NodeDns, openNodeDns } from './dns/node-dns.ts'
export { anchorRecordsOf, rootRecordsOf, zonesOf } from './dns/zone-anchors.ts'
export { openHome, type Home } from './home/home.ts'
export {
  createZoneFolder,
  lockZoneChanges,
  readZoneSettings,
  zoneFor,
  zoneNames,
  type ZonePaths,
  zonePaths,
} from './home/home-zones.ts'
export { openHomeSecureNames } from './home/secure-names.ts'
export {
  formatNotice,
  noticeFiles,
  parseNotice,
  readNoticeFile,
  writeNotice,
} from './home/notice-folder.ts'
export type { ZoneSettings } from './home/zone-settings.ts'
export { auditFolder, auditNames, readLogStatements } from './home/home-audit.ts'
export { readEvidence } from './history/read-evidence.ts'
export { type LogFolder, lockWitness, openLogFolder, type ReadRecord } from './audit/read-log.ts'
export { findLogKeys, logOrigin, type LogTrust } from './audit/log-grant.ts'
export { formatCrossCertificates, parseCrossCertificates } from './home/cross-certificates-file.ts'
export { formatStatements, parseStatements, type StatementsFile } from './home/statements-file.ts'
