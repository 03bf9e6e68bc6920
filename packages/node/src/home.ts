export {
  generateNodeKey,
  nodeRandom,
  nodeSha256,
  nodeSigner,
  openNodeVerifier,
  VERIFIER_KEYS_MAX,
} from './node-keys.ts'
export { systemClock } from './system-clock.ts'
export * from './home/limits.ts'
export { HomeError, type HomeCode } from './home/home-error.ts'
export { openHome, type Home } from './home/home.ts'
export { formatStatements, parseStatements, type StatementsFile } from './home/statements-file.ts'
