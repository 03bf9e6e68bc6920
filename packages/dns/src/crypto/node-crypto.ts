import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto'
import { strictPrecheck } from '@ixj/trust'
import type { DnssecAlgorithm, DnssecCrypto } from '../proof/crypto.ts'
import { jwkOf } from '../proof/dnssec/public-key.ts'

/**
 * Imported keys that are kept, the longest unused go first: importing costs as much as checking.
 * Some 1 KB each.
 */
export const DNSSEC_KEYS_MAX = 256

/** The cryptography of DNSSEC over `node:crypto`; answers at once. */
export function nodeDnssecCrypto(options: { readonly keysMax?: number } = {}): DnssecCrypto {
  return new NodeDnssecCrypto(options.keysMax ?? DNSSEC_KEYS_MAX)
}

class NodeDnssecCrypto implements DnssecCrypto {
  // In the order of their last use, the oldest first.
  readonly #keys = new Map<string, KeyObject>()
  readonly #keysMax: number

  constructor(keysMax: number) {
    this.#keysMax = keysMax
  }

  verify(
    algorithm: DnssecAlgorithm,
    publicKey: Uint8Array,
    data: Uint8Array,
    signature: Uint8Array,
  ): boolean {
    // Runtimes disagree on keys of small order; this makes them agree.
    if (algorithm === 15 && !strictPrecheck(publicKey, signature)) return false
    const name = `${algorithm} ${Buffer.from(publicKey).toString('base64')}`
    const known = this.#keys.get(name)
    const key = known ?? importKey(algorithm, publicKey)
    if (key === undefined) return false
    const holds =
      algorithm === 15
        ? verify(null, data, key, signature)
        : // RFC 6605 section 4: r and s side by side, not in DER.
          verify('sha256', data, { key, dsaEncoding: 'ieee-p1363' }, signature)
    // Only a signature that held earns its key a place: junk cannot push out the keys in use.
    if (holds || known !== undefined) this.#keep(name, key)
    return holds
  }

  digest(algorithm: 'sha1' | 'sha256' | 'sha384', data: Uint8Array): Uint8Array {
    return createHash(algorithm).update(data).digest()
  }

  #keep(name: string, key: KeyObject): void {
    this.#keys.delete(name)
    this.#keys.set(name, key)
    if (this.#keys.size <= this.#keysMax) return
    const [oldest] = this.#keys.keys()
    if (oldest !== undefined) this.#keys.delete(oldest)
  }
}

function importKey(algorithm: DnssecAlgorithm, publicKey: Uint8Array): KeyObject | undefined {
  const jwk = jwkOf(algorithm, publicKey)
  if (jwk === undefined) return undefined
  try {
    return createPublicKey({ key: { ...jwk }, format: 'jwk' })
  } catch {
    // Not a point of the curve, so no signature holds under it.
    return undefined
  }
}
