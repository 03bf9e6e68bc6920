export * from './noble-keys.ts'
export * from './ports.ts'
export { checkPublicKey } from './strict.ts'
