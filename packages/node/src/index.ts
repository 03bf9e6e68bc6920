export {
  generateNodeKey,
  nodeRandom,
  nodeSha256,
  nodeSigner,
  openNodeVerifier,
  VERIFIER_KEYS_MAX,
} from './node-keys.ts'
