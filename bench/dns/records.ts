import { parseDnsName, type TsigKey, writeKeyRecord } from '@ixj/dns'
import type { Name } from '@ixj/names'
import { nodeRandom, nodeSigner } from '@ixj/node/home'

/** The zone that is measured. */
export const ZONE = 'bench.example'
/** The name of the key that signs updates. */
export const KEY_LABEL = 'bench.update'

const signer = nodeSigner(nodeRandom(32))

/** A key record as agents have it; with everything that one may say. */
export function keyData(more?: { readonly hosts: readonly Name[] }): Uint8Array {
  return writeKeyRecord({
    key: signer.publicKey,
    uses: 'both',
    depth: 2,
    strict: false,
    notBefore: 0,
    encryptionKey: more === undefined ? null : nodeRandom(32),
    next: more === undefined ? null : nodeRandom(32),
    hosts: more?.hosts ?? [],
  })
}

/** A fresh secret for updates. */
export function newKey(secret: Uint8Array = nodeRandom(32)): TsigKey {
  return { name: parseDnsName(KEY_LABEL), algorithm: 'hmac-sha256', secret }
}
