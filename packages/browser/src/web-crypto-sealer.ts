import type { OpeningKey, Sealer, SharedKey } from '@ixj/agent'
import { loadAbility } from './load-ability.ts'

const ALGORITHM = 'X25519'

/**
 * Seals with WebCrypto; the keys that it makes cannot be exported. HPKE itself is downloaded when the
 * first body is sealed or opened.
 */
export function webCryptoSealer(subtle: SubtleCrypto): Sealer {
  return {
    async seal(recipient, plain, info) {
      // Copies, since the caller may use its buffers again while the code is on its way.
      const copies = [recipient, plain, info].map((bytes) => Uint8Array.from(bytes))
      const { sealTo } = await loadHpke()
      return await sealTo(copies[0]!, copies[1]!, copies[2]!)
    },
    async generateKey() {
      return await webCryptoOpeningKey(subtle, await generateOpeningKeyPair(subtle))
    },
    async sealShared(key, plain, beside) {
      const derived = await derivedKey(subtle, key, 'encrypt')
      return new Uint8Array(await subtle.encrypt(cipherOf(beside), derived, Uint8Array.from(plain)))
    },
    async openShared(key, sealed, beside) {
      const derived = await derivedKey(subtle, key, 'decrypt')
      try {
        const plain = await subtle.decrypt(cipherOf(beside), derived, Uint8Array.from(sealed))
        return new Uint8Array(plain)
      } catch (cause) {
        // What does not open is an answer, not a fault: the tag does not fit, or is not there.
        if (cause instanceof DOMException && cause.name === 'OperationError') return undefined
        throw cause
      }
    },
  }
}

const loadHpke = () => loadAbility('sealed bodies', () => import('./hpke.ts'))

function cipherOf({ nonce, associated }: Parameters<Sealer['sealShared']>[2]): AesGcmParams {
  return {
    name: 'AES-GCM',
    iv: Uint8Array.from(nonce),
    additionalData: Uint8Array.from(associated),
  }
}

/** HKDF-SHA256 (RFC 5869) without salt. */
async function derivedKey(
  subtle: SubtleCrypto,
  { secret, info }: SharedKey,
  use: 'encrypt' | 'decrypt',
): Promise<CryptoKey> {
  const secretKey = await subtle.importKey('raw', Uint8Array.from(secret), 'HKDF', false, [
    'deriveKey',
  ])
  const derivation = {
    name: 'HKDF',
    hash: 'SHA-256',
    salt: new Uint8Array(),
    info: Uint8Array.from(info),
  }
  const cipher = { name: 'AES-GCM', length: 256 }
  return await subtle.deriveKey(derivation, secretKey, cipher, false, [use])
}

/** A new encryption key pair whose private key cannot be exported. IndexedDB can keep it as it is. */
export async function generateOpeningKeyPair(subtle: SubtleCrypto): Promise<CryptoKeyPair> {
  return await subtle.generateKey(ALGORITHM, false, ['deriveBits'])
}

/** Opens what was sealed to the public half of a key pair of WebCrypto. */
export async function webCryptoOpeningKey(
  subtle: SubtleCrypto,
  pair: CryptoKeyPair,
): Promise<OpeningKey> {
  const publicKey = new Uint8Array(await subtle.exportKey('raw', pair.publicKey))
  return {
    publicKey,
    async open(sealed, info) {
      const [sealedCopy, infoCopy] = [Uint8Array.from(sealed), Uint8Array.from(info)]
      const { openWith } = await loadHpke()
      return await openWith(pair, sealedCopy, infoCopy)
    },
  }
}
