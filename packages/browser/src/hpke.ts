import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256, HpkeError } from '@hpke/core'
import { AgentError } from '@ixj/agent'
import { concatBytes } from '@ixj/trust'

const ENCAPSULATED_BYTES = 32

/** X25519, HKDF-SHA256, AES-256-GCM (RFC 9180 section 7). */
const suite = new CipherSuite({
  kem: new DhkemX25519HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Aes256Gcm(),
})

/** Seals to an encryption key, 32 bytes. @throws AgentError `argument` for bytes that are none */
export async function sealTo(
  recipient: Uint8Array,
  plain: Uint8Array,
  info: Uint8Array,
): Promise<Uint8Array> {
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
}

/** What was sealed to the public half of a key pair of WebCrypto; undefined: it does not open. */
export async function openWith(
  pair: CryptoKeyPair,
  sealed: Uint8Array,
  info: Uint8Array,
): Promise<Uint8Array | undefined> {
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
}
