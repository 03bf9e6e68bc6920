import { getPublicKey, hashes, Point, sign } from '@noble/ed25519'
import { sha512 } from '@noble/hashes/sha2.js'
import { concatBytes, equalBytes, toBase64url } from '../bytes.ts'
import { SEED_BYTES } from '../limits.ts'
import { TrustError } from '../trust-error.ts'
import type { Signer, Verifier } from './ports.ts'
import { strictPrecheck } from './strict.ts'

// The library asks its user for SHA-512; without one, only its WebCrypto functions work.
hashes.sha512 = sha512

/**
 * Checks signatures in plain JavaScript, for runtimes without a native Ed25519: some 400 a second.
 * The equation is ours over the library's points, because the library's own `verify` multiplies it
 * by the cofactor 8 and so accepts what `node:crypto` and WebCrypto refuse.
 */
export const nobleVerifier: Verifier = {
  verify(publicKey, data, signature) {
    if (!strictPrecheck(publicKey, signature)) return false
    const r = signature.subarray(0, 32)
    const s = littleEndian(signature.subarray(32))
    let a: Point
    try {
      a = Point.fromBytes(publicKey)
    } catch {
      // Not a point of the curve, so no signature holds under it.
      return false
    }
    // RFC 8032 section 5.1.7, step 3, without the cofactor: R = [S]B - [k]A, compared as bytes.
    const k = littleEndian(sha512(concatBytes(r, publicKey, data))) % Point.CURVE().n
    const expected = Point.BASE.multiply(s, false).subtract(a.multiply(k, false))
    return equalBytes(expected.toBytes(), r)
  },
}

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

function littleEndian(bytes: Uint8Array): bigint {
  let number = 0n
  for (let index = bytes.length - 1; index >= 0; index--) {
    number = (number << 8n) | BigInt(bytes[index]!)
  }
  return number
}
