import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256, HpkeError } from '@hpke/core'
import { AgentError, type OpeningKey, type Sealer, type SharedKey } from '@ixj/agent'
import { concatBytes } from '@ixj/trust'

const ALGORITHM = 'X25519'
const ENCAPSULATED_BYTES = 32

/** X25519, HKDF-SHA256, AES-256-GCM (RFC 9180 section 7). */
const suite = new CipherSuite({
  kem: new DhkemX25519HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Aes256Gcm(),
})

/** Seals with WebCrypto; the keys that it makes cannot be exported. */
export function webCryptoSealer(subtle: SubtleCrypto): Sealer {
  return {
    async seal(recipient, plain, info) {
      try {
        const recipientPublicKey = await suite.kem.deserializePublicKey(Uint8Array.from(recipient))
        const given = { recipientPublicKey, info: Uint8Array.from(info) }
        const { enc, ct } = await suite.seal(given, Uint8Array.from(plain))
        return concatBytes(new Uint8Array(enc), new Uint8Array(ct))
      } catch (cause) {
        if (!(cause instanceof HpkeError)) throw cause
        const reason = 'the encryption key is no X25519 key'
        throw new AgentError('argument', `Cannot seal: ${reason}`, { cause })
      }
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
      if (sealed.length < ENCAPSULATED_BYTES) return undefined
      const enc = sealed.slice(0, ENCAPSULATED_BYTES)
      try {
        const context = { recipientKey: pair, enc, info: Uint8Array.from(info) }
        return new Uint8Array(await suite.open(context, sealed.slice(ENCAPSULATED_BYTES)))
      } catch (cause) {
        // What does not open is an answer, not a fault: changed bytes, or another key's.
        if (cause instanceof HpkeError) return undefined
        throw cause
      }
    },
  }
}
