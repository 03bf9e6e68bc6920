import { Point } from '@noble/ed25519'
import { concatBytes, equalBytes } from '../bytes.ts'
import type { Verifier } from './ports.ts'
import { strictPrecheck } from './strict.ts'

/**
 * Checks signatures in plain JavaScript, for runtimes without a native Ed25519: some 400 a second.
 * SHA-512 is the caller's: pages have one in WebCrypto, which answers later.
 * The equation is ours over the library's points, because the library's own `verify` multiplies it
 * by the cofactor 8 and so accepts what `node:crypto` and WebCrypto refuse.
 */
export function plainVerifier(
  sha512: (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>,
): Verifier {
  return {
    verify(publicKey, data, signature) {
      if (!strictPrecheck(publicKey, signature)) return false
      // Copies, since the caller may use its buffers again while the digest is being made.
      const [key, r, s] = [publicKey, signature.subarray(0, 32), signature.subarray(32)].map(
        (bytes) => Uint8Array.from(bytes),
      ) as [Uint8Array, Uint8Array, Uint8Array]
      const digest = sha512(concatBytes(r, key, data))
      if (digest instanceof Uint8Array) return holds(key, { r, s, digest })
      return digest.then((made) => holds(key, { r, s, digest: made }))
    },
  }
}

function holds(
  key: Uint8Array,
  of: { readonly r: Uint8Array; readonly s: Uint8Array; readonly digest: Uint8Array },
): boolean {
  let a: Point
  try {
    a = Point.fromBytes(key)
  } catch {
    // Not a point of the curve, so no signature holds under it.
    return false
  }
  // RFC 8032 section 5.1.7, step 3, without the cofactor: R = [S]B - [k]A, compared as bytes.
  const k = littleEndian(of.digest) % Point.CURVE().n
  const expected = Point.BASE.multiply(littleEndian(of.s), false).subtract(a.multiply(k, false))
  return equalBytes(expected.toBytes(), of.r)
}

function littleEndian(bytes: Uint8Array): bigint {
  let number = 0n
  for (let index = bytes.length - 1; index >= 0; index--) {
    number = (number << 8n) | BigInt(bytes[index]!)
  }
  return number
}
