export * from './web-crypto-dnssec.ts'
export { openZoneProofs, type ZoneProofOptions } from './zone-proofs.ts'
