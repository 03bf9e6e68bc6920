import {
  generateKeyPair,
  generateKeyPairFromSeed,
  privateKeyFromProtobuf,
} from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'

/** A raw Ed25519 seed (RFC 8032, section 5.1.5). */
const SEED_BYTES = 32

/**
 * The key that this side proves to its neighbours: an Ed25519 seed of 32 bytes, or libp2p's
 * protobuf form; a new one if there is none. It is a key of its own, never a name's key: it says
 * who carries bytes. Throws a RangeError for other keys.
 */
export async function openPeerKey(bytes: Uint8Array | undefined): Promise<PrivateKey> {
  if (bytes === undefined) return generateKeyPair('Ed25519')
  if (bytes.length === SEED_BYTES) return generateKeyPairFromSeed('Ed25519', bytes)
  const key = privateKeyFromProtobuf(bytes)
  if (key.type === 'Ed25519') return key
  throw new RangeError(`Cannot use a libp2p key of type ${key.type}: only Ed25519 is supported`)
}
