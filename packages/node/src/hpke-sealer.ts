import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256, HpkeError } from '@hpke/core'
import { AgentError, type OpeningKey, type Sealer, type SharedKey } from '@ixj/agent'
import { concatBytes, SEED_BYTES, TrustError } from '@ixj/trust'
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto'

/** X25519, HKDF-SHA256, AES-256-GCM (RFC 9180 section 7). */
const suite = new CipherSuite({
  kem: new DhkemX25519HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Aes256Gcm(),
})

type KeyPair = Awaited<ReturnType<typeof suite.kem.generateKeyPair>>

const ENCAPSULATED_BYTES = 32
const SEED_INFO = 'ixj/1/encryption-key'

/** Seals with WebCrypto: about a millisecond of CPU for a short body, and as much to open it. */
export const nodeSealer: Sealer = {
  async seal(recipient, plain, info) {
    try {
      const recipientPublicKey = await suite.kem.deserializePublicKey(recipient)
      const { enc, ct } = await suite.seal({ recipientPublicKey, info }, plain)
      return concatBytes(new Uint8Array(enc), new Uint8Array(ct))
    } catch (cause) {
      if (!(cause instanceof HpkeError)) throw cause
      throw new AgentError('argument', 'Cannot seal: the encryption key is no X25519 key', {
        cause,
      })
    }
  },
  async generateKey() {
    return await openingKey(await suite.kem.generateKeyPair())
  },
  async sealShared(key, plain, { nonce, associated }) {
    const cipher = createCipheriv(SHARED_CIPHER, derivedKey(key), nonce)
    cipher.setAAD(associated)
    return concatBytes(cipher.update(plain), cipher.final(), cipher.getAuthTag())
  },
  async openShared(key, sealed, { nonce, associated }) {
    if (sealed.length < TAG_BYTES) return undefined
    const cipher = createDecipheriv(SHARED_CIPHER, derivedKey(key), nonce, {
      authTagLength: TAG_BYTES,
    })
    cipher.setAAD(associated)
    cipher.setAuthTag(sealed.subarray(-TAG_BYTES))
    const plain = cipher.update(sealed.subarray(0, -TAG_BYTES))
    try {
      return concatBytes(plain, cipher.final())
    } catch {
      // The one failure that there is here: the tag does not fit. It is an answer, not a fault.
      return undefined
    }
  },
}

const SHARED_CIPHER = 'aes-256-gcm'
const TAG_BYTES = 16

/** HKDF-SHA256 (RFC 5869) without salt. */
function derivedKey({ secret, info }: SharedKey): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(), info, 32))
}

/**
 * The encryption key of a name whose 32-byte seed is at hand: it is derived from the seed, so a home
 * keeps one secret for a name, and neither key tells the other.
 * @throws TrustError `bad-key` for a seed of another length
 */
export async function openingKeyOf(seed: Uint8Array): Promise<OpeningKey> {
  if (seed.length !== SEED_BYTES) {
    const size = `${seed.length} bytes, must be ${SEED_BYTES}`
    throw new TrustError('bad-key', `Cannot make an encryption key from seed: ${size}`)
  }
  const material = hkdfSync('sha256', seed, new Uint8Array(), SEED_INFO, 32)
  return await openingKey(await suite.kem.deriveKeyPair(material))
}

async function openingKey(pair: KeyPair): Promise<OpeningKey> {
  const publicKey = new Uint8Array(await suite.kem.serializePublicKey(pair.publicKey))
  return {
    publicKey,
    async open(sealed, info) {
      if (sealed.length < ENCAPSULATED_BYTES) return undefined
      const enc = sealed.slice(0, ENCAPSULATED_BYTES)
      try {
        const context = { recipientKey: pair, enc, info }
        return new Uint8Array(await suite.open(context, sealed.slice(ENCAPSULATED_BYTES)))
      } catch (cause) {
        // What does not open is an answer, not a fault: changed bytes, or another key's.
        if (cause instanceof HpkeError) return undefined
        throw cause
      }
    },
  }
}
