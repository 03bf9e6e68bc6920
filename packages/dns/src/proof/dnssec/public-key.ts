import { equalBytes, toBase64url } from '@ixj/trust'
import type { DnssecAlgorithm } from '../crypto.ts'

/** A public key as runtimes import it (RFC 7517, RFC 7518 section 6, RFC 8037 section 2). */
export type PublicJwk =
  | { readonly kty: 'RSA'; readonly n: string; readonly e: string }
  | { readonly kty: 'EC'; readonly crv: 'P-256'; readonly x: string; readonly y: string }
  | { readonly kty: 'OKP'; readonly crv: 'Ed25519'; readonly x: string }

/**
 * Bits of an RSA modulus that are checked: fewer are broken (RFC 5702 section 2.1 begins at 512),
 * more is above what RFC 3110 section 2 allows, and a check of 4,096 takes some 0.1 ms.
 */
export const RSA_BITS_MIN = 1_024
/** See {@link RSA_BITS_MIN}. */
export const RSA_BITS_MAX = 4_096
/**
 * Bits of an RSA exponent: 65,537 is usual, and 2^32 + 1 is the largest that zones have. The time
 * of a check grows with these bits, so a long exponent is an attack on validators.
 */
export const RSA_EXPONENT_BITS_MAX = 33

const P256_BYTES = 64
const ED25519_BYTES = 32

/** The key of a DNSKEY record; undefined if its bytes are no key that we would use. */
export function jwkOf(algorithm: DnssecAlgorithm, publicKey: Uint8Array): PublicJwk | undefined {
  if (algorithm === 8) return rsaJwkOf(publicKey)
  if (algorithm === 13) {
    // RFC 6605 section 4: x and y, without the byte that says so.
    if (publicKey.length !== P256_BYTES) return undefined
    const x = toBase64url(publicKey.subarray(0, 32))
    return { kty: 'EC', crv: 'P-256', x, y: toBase64url(publicKey.subarray(32)) }
  }
  // RFC 8080 section 3.
  if (publicKey.length !== ED25519_BYTES) return undefined
  return { kty: 'OKP', crv: 'Ed25519', x: toBase64url(publicKey) }
}

/** RFC 3110 section 2: the exponent's length in one byte or in three, the exponent, the modulus. */
function rsaJwkOf(publicKey: Uint8Array): PublicJwk | undefined {
  const short = publicKey[0]
  if (short === undefined) return undefined
  const long = short === 0
  const at = long ? 3 : 1
  const length = long ? ((publicKey[1] ?? 0) << 8) | (publicKey[2] ?? 0) : short
  // One key has one form, or a tag would not tell keys apart.
  if (long && length < 256) return undefined
  const exponent = publicKey.subarray(at, at + length)
  const modulus = publicKey.subarray(at + length)
  const bits = bitsOf(modulus)
  if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX) return undefined
  if (exponent.length !== length || bitsOf(exponent) > RSA_EXPONENT_BITS_MAX) return undefined
  // Even exponents and 1 make no RSA.
  if (exponent.at(-1)! % 2 === 0 || equalBytes(exponent, ONE)) return undefined
  return { kty: 'RSA', n: toBase64url(modulus), e: toBase64url(exponent) }
}

const ONE = Uint8Array.of(1)

/** Bits of a number without leading zero bytes, which RFC 3110 forbids; no bits with them. */
function bitsOf(number: Uint8Array): number {
  const first = number[0] ?? 0
  return first === 0 ? 0 : number.length * 8 - (Math.clz32(first) - 24)
}
