import { type DnssecAlgorithm, type DnssecCrypto, jwkOf, type PublicJwk } from '@ixj/dns/proof'
import { toBase64url, type Verifier } from '@ixj/trust'
import { webCryptoVerifier } from './web-crypto-keys.ts'

/** Imported zone keys that are kept: a page looks at few zones, again and again. */
export const ZONE_KEYS_MAX = 64

const digests = { sha1: 'SHA-1', sha256: 'SHA-256', sha384: 'SHA-384' } as const
const rsa = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' } as const
const ecdsa = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

/** Where keys are kept and what checks Ed25519. */
export interface WebCryptoDnssecOptions {
  /** Default {@link ZONE_KEYS_MAX}. */
  readonly keysMax?: number
  /** Checks Ed25519; default: WebCrypto, which rejects where the runtime has none. */
  readonly ed25519?: Verifier
}

/** The cryptography of DNSSEC over WebCrypto, for proofs that are checked in a page. */
export function webCryptoDnssec(
  subtle: SubtleCrypto,
  options: WebCryptoDnssecOptions = {},
): DnssecCrypto {
  return new WebCryptoDnssec(subtle, options)
}

class WebCryptoDnssec implements DnssecCrypto {
  // In the order of their last use, the oldest first.
  readonly #keys = new Map<string, CryptoKey>()
  readonly #subtle: SubtleCrypto
  readonly #keysMax: number
  readonly #ed25519: Verifier

  constructor(subtle: SubtleCrypto, options: WebCryptoDnssecOptions) {
    this.#subtle = subtle
    this.#keysMax = options.keysMax ?? ZONE_KEYS_MAX
    this.#ed25519 = options.ed25519 ?? webCryptoVerifier(subtle, { keysMax: this.#keysMax })
  }

  async verify(
    algorithm: DnssecAlgorithm,
    publicKey: Uint8Array,
    data: Uint8Array,
    signature: Uint8Array,
  ): Promise<boolean> {
    if (algorithm === 15) return this.#ed25519.verify(publicKey, data, signature)
    // Copies, since the caller may use its buffers again while the key is being imported.
    const [dataCopy, signatureCopy] = [Uint8Array.from(data), Uint8Array.from(signature)]
    const name = `${algorithm} ${toBase64url(publicKey)}`
    const known = this.#keys.get(name)
    const key = known ?? (await this.#import(algorithm, jwkOf(algorithm, publicKey)))
    if (key === undefined) return false
    const scheme = algorithm === 8 ? rsa : ecdsa
    const holds = await this.#subtle.verify(scheme, key, signatureCopy, dataCopy)
    // Only a signature that held earns its key a place: junk cannot push out the keys in use.
    if (holds || known !== undefined) this.#keep(name, key)
    return holds
  }

  async digest(algorithm: 'sha1' | 'sha256' | 'sha384', data: Uint8Array): Promise<Uint8Array> {
    return new Uint8Array(await this.#subtle.digest(digests[algorithm], Uint8Array.from(data)))
  }

  async #import(algorithm: 8 | 13, jwk: PublicJwk | undefined): Promise<CryptoKey | undefined> {
    if (jwk === undefined) return undefined
    const scheme = algorithm === 8 ? rsa : ecdsa
    try {
      return await this.#subtle.importKey('jwk', jwk, scheme, false, ['verify'])
    } catch (cause) {
      // Not a point of the curve, so no signature holds under it.
      if (cause instanceof DOMException && cause.name === 'DataError') return undefined
      throw cause
    }
  }

  #keep(name: string, key: CryptoKey): void {
    this.#keys.delete(name)
    this.#keys.set(name, key)
    if (this.#keys.size <= this.#keysMax) return
    for (const oldest of this.#keys.keys()) {
      this.#keys.delete(oldest)
      break
    }
  }
}
