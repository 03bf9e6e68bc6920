// For tests of packages that stand below @ixj/node and may not list it.
export { nodeSha256, nodeSigner, openNodeVerifier } from '@ixj/node'
