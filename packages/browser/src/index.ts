export * from './web-crypto-keys.ts'
