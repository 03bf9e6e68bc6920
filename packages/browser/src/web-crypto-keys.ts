import { type Signer, strictPrecheck, toBase64url, TrustError, type Verifier } from '@ixj/trust'

const ALGORITHM = 'Ed25519'

/**
 * Imported public keys that a verifier keeps, so that a message costs one call instead of two.
 * A page talks with fewer senders than a node.
 */
export const VERIFIER_KEYS_MAX = 1_024

/**
 * Checks signatures with WebCrypto. Rejects only where the runtime has no Ed25519
 * (`NotSupportedError`): that is no answer about a signature.
 */
export function webCryptoVerifier(
  subtle: SubtleCrypto,
  options: { readonly keysMax?: number } = {},
): Verifier {
  return new WebCryptoVerifier(subtle, options.keysMax ?? VERIFIER_KEYS_MAX)
}

class WebCryptoVerifier implements Verifier {
  // In the order of their last use, the oldest first.
  readonly #keys = new Map<string, CryptoKey>()
  readonly #subtle: SubtleCrypto
  readonly #keysMax: number

  constructor(subtle: SubtleCrypto, keysMax: number) {
    this.#subtle = subtle
    this.#keysMax = keysMax
  }

  async verify(publicKey: Uint8Array, data: Uint8Array, signature: Uint8Array): Promise<boolean> {
    if (!strictPrecheck(publicKey, signature)) return false
    // Copies, since the caller may use its buffers again while the key is being imported.
    const [dataCopy, signatureCopy] = [Uint8Array.from(data), Uint8Array.from(signature)]
    const id = toBase64url(publicKey)
    const known = this.#keys.get(id)
    const key = known ?? (await this.#import(Uint8Array.from(publicKey)))
    if (key === undefined) return false
    const holds = await this.#subtle.verify(ALGORITHM, key, signatureCopy, dataCopy)
    // Only a signature that held earns its key a place: junk cannot push out the keys in use.
    if (holds || known !== undefined) this.#keep(id, key)
    return holds
  }

  async #import(publicKey: Uint8Array<ArrayBuffer>): Promise<CryptoKey | undefined> {
    try {
      return await this.#subtle.importKey('raw', publicKey, ALGORITHM, false, ['verify'])
    } catch (cause) {
      // Some browsers refuse at import what is not a point of the curve; others at the check.
      if (cause instanceof DOMException && cause.name === 'DataError') return undefined
      throw cause
    }
  }

  #keep(id: string, key: CryptoKey): void {
    this.#keys.delete(id)
    this.#keys.set(id, key)
    if (this.#keys.size <= this.#keysMax) return
    for (const oldest of this.#keys.keys()) {
      this.#keys.delete(oldest)
      break
    }
  }
}

/**
 * A new key pair whose private key cannot be exported, not even by the page itself. IndexedDB can
 * keep it as it is.
 */
export async function generateWebCryptoKeyPair(subtle: SubtleCrypto): Promise<CryptoKeyPair> {
  return subtle.generateKey(ALGORITHM, false, ['sign', 'verify'])
}

/** A new key that signs, not extractable and not kept: it ends with the page. */
export async function generateWebCryptoKey(subtle: SubtleCrypto): Promise<Signer> {
  return webCryptoSigner(subtle, await generateWebCryptoKeyPair(subtle))
}

/**
 * Signs with a key pair of WebCrypto.
 * @throws TrustError `bad-key` if it is not an Ed25519 pair, or if its private key is extractable
 */
export async function webCryptoSigner(
  subtle: SubtleCrypto,
  keyPair: CryptoKeyPair,
): Promise<Signer> {
  const { name } = keyPair.privateKey.algorithm
  if (name !== ALGORITHM || keyPair.publicKey.algorithm.name !== ALGORITHM) {
    throw new TrustError('bad-key', `Cannot sign with key of algorithm ${name}: not ${ALGORITHM}`)
  }
  // Any script of the page could export such a key, and take the name with it.
  if (keyPair.privateKey.extractable) {
    throw new TrustError('bad-key', 'Cannot sign with private key: it is extractable')
  }
  const publicKey = new Uint8Array(await subtle.exportKey('raw', keyPair.publicKey))
  return new WebCryptoSigner(subtle, keyPair.privateKey, publicKey)
}

class WebCryptoSigner implements Signer {
  readonly publicKey: Uint8Array
  readonly #subtle: SubtleCrypto
  readonly #privateKey: CryptoKey

  constructor(subtle: SubtleCrypto, privateKey: CryptoKey, publicKey: Uint8Array) {
    this.#subtle = subtle
    this.#privateKey = privateKey
    this.publicKey = publicKey
  }

  async sign(data: Uint8Array): Promise<Uint8Array> {
    const signature = await this.#subtle.sign(ALGORITHM, this.#privateKey, Uint8Array.from(data))
    return new Uint8Array(signature)
  }

  toJSON(): { readonly publicKey: string } {
    return { publicKey: toBase64url(this.publicKey) }
  }
}
