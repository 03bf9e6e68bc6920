export * from './noble-keys.ts'
export * from './ports.ts'
export { checkPublicKey, strictPrecheck } from './strict.ts'
