export * from './web-crypto-dnssec.ts'
export * from './web-crypto-keys.ts'
