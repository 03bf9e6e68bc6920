import { getPublicKey, hashes, sign } from '@noble/ed25519'
import { sha512 } from '@noble/hashes/sha2.js'
import { toBase64url } from '../bytes.ts'
import { SEED_BYTES } from '../limits.ts'
import { TrustError } from '../trust-error.ts'
import { plainVerifier } from './plain-verifier.ts'
import type { Signer, Verifier } from './ports.ts'

// The library asks its user for SHA-512; without one, only its WebCrypto functions work.
hashes.sha512 = sha512

/** {@link plainVerifier} with the library's SHA-512: it answers at once. */
export const nobleVerifier: Verifier = plainVerifier(sha512)

/**
 * Signs in plain JavaScript with the key of a 32-byte seed; copies the seed.
 * @throws TrustError `bad-key` for a seed of another length
 */
export function nobleSigner(seed: Uint8Array): Signer {
  return new NobleSigner(seed)
}

class NobleSigner implements Signer {
  readonly publicKey: Uint8Array
  // A private field: no console, JSON or structured clone shows it.
  readonly #seed: Uint8Array

  constructor(seed: Uint8Array) {
    if (seed.length !== SEED_BYTES) {
      const size = `${seed.length} bytes, must be ${SEED_BYTES}`
      throw new TrustError('bad-key', `Cannot make a key from seed: ${size}`)
    }
    this.#seed = Uint8Array.from(seed)
    this.publicKey = getPublicKey(this.#seed)
  }

  sign(data: Uint8Array): Uint8Array {
    return sign(data, this.#seed)
  }

  toJSON(): { readonly publicKey: string } {
    return { publicKey: toBase64url(this.publicKey) }
  }
}
